"""Progress: bars where a person looks on, silence elsewhere, never on standard output."""

from __future__ import annotations

import sys

import pytest

from reticent.progress import Bars, Quiet, default_progress


@pytest.mark.parametrize("progress", [Quiet(), Bars()])
@pytest.mark.parametrize("total", [0, 3])
def test_stages_take_steps_and_write_nothing_to_standard_output(progress, total, capsys):
    with progress.stage("training", total) as advance:
        for _ in range(total):
            advance(1)
    assert capsys.readouterr().out == ""


def test_errors_pass_through():
    for progress in (Quiet(), Bars()):
        with pytest.raises(KeyError), progress.stage("training", 2):
            raise KeyError


@pytest.mark.parametrize(("looked_on", "kind"), [(True, Bars), (False, Quiet)])
def test_bars_are_for_people(monkeypatch, looked_on, kind):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: looked_on, raising=False)
    assert type(default_progress()) is kind
