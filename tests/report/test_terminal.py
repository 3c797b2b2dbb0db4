"""The terminal's panel: whole on eighty columns, and no name may steer the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from reticent.report.terminal import audit_panel


def printed(audit, width=80):
    text = io.StringIO()
    Console(file=text, width=width, force_terminal=True, color_system=None).print(audit_panel(audit))
    return text.getvalue()


@pytest.mark.parametrize("width", [80, 100])
def test_figures_are_whole(worlds, width):
    long = worlds.finding("per-class(metric=modified-entropy)", 2.0)
    text = printed(worlds.audit(long, worlds.finding("lira", 3.0)), width)
    assert max(len(line) for line in text.splitlines()) <= width
    for name in ("auc", "tpr@1%", "tpr@0.1%"):
        of = long.figure(name).value
        assert (f"{of:.3f}" if name == "auc" else f"{100 * of:.0f} %") in text


def test_every_limit_is_told(worlds):
    audit = worlds.silent()
    text = " ".join(printed(audit, 200).split())
    assert all(v.sentence in text for v in audit.verdicts)


def test_a_name_can_not_steer_the_terminal(worlds):
    name = worlds.HOSTILE + "[red]\x07\x9b31m"
    text = printed(worlds.audit(worlds.finding(name, 1.0), model=name), 200)
    assert "\x1b[31m" not in text and "\x07" not in text and "\x9b" not in text
    assert "[red]" in text and text.encode()


def test_nothing_measured_still_prints(worlds):
    text = printed(worlds.audit(worlds.unmeasured("lira", "refused", "needs a recipe")))
    assert "No verdict" in text and "1 not run" in text


def test_sensitive_columns_have_a_row_each(worlds):
    audit = worlds.audit(worlds.finding("loss"), worlds.guessed(), worlds.guessed("lomia", inside=0.7))
    told = printed(audit)
    assert "csmia on smokes" in told
    assert "lomia on smokes" not in told  # the leakiest alone
