"""`reticent attacks` lists what there is and explains one."""

from __future__ import annotations

import pytest

from reticent.attacks.catalogue import catalogue
from reticent.cli.attacks import attacks
from reticent.errors import PlanError


def test_every_attack_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    attacks()
    listed = capsys.readouterr().out
    assert all(f"\n{kind.title()} " in listed for kind in catalogue())


@pytest.mark.parametrize("kind", catalogue(), ids=lambda kind: kind.title())
def test_each_is_explained(kind: type, capsys: pytest.CaptureFixture[str]) -> None:
    attacks(kind.title())  # type: ignore[attr-defined]
    told = capsys.readouterr().out
    assert f"Threat: {kind.threat.value}" in told
    assert "Source: " in told


def test_an_unknown_one_names_those_there_are() -> None:
    with pytest.raises(PlanError, match="lira"):
        attacks("nonsense")
