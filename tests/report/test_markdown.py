"""summary.md: figures with intervals, and names that stay names."""

from __future__ import annotations

import re

from reticent.report.markdown import summary


def test_every_model_and_attack_strongest_first(worlds):
    text = summary([worlds.memorising(model="one"), worlds.silent(model="two")])
    assert text.index("# one") < text.index("# two")
    assert text.index("| lira |") < text.index("| loss |") < text.index("| blind |")
    auc = worlds.memorising()["lira"].figure("auc")
    assert f"{auc.value:.3f} ({auc.low:.3f} – {auc.high:.3f})" in text


def test_every_limit_is_told(worlds):
    audit = worlds.silent()
    text = summary([audit]).replace("\\", "")
    assert all(v.sentence in text for v in audit.verdicts)


def test_a_name_starts_no_markup_row_or_link(worlds):
    name = worlds.HOSTILE + "\n# not a heading"
    text = summary(
        [worlds.audit(worlds.finding(name, 1.0), worlds.unmeasured(name, "failed", name), model=name)]
    )
    assert "<script" not in text and not re.search(r"(?<!\\)\]\(", text) and "http://" not in text
    assert "\x1b" not in text and text.encode()
    assert [line for line in text.splitlines() if line.startswith("#")] == [text.splitlines()[0]]
    rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1


def test_what_was_not_run_is_told(worlds):
    text = summary([worlds.audit(worlds.unmeasured("boundary", "refused", "asks 100 queries"))])
    assert "- boundary was refused: asks 100 queries" in text


def test_sensitive_columns_have_a_table(worlds):
    told = summary([worlds.audit(worlds.finding("loss"), worlds.guessed())])
    assert "| csmia on smokes |" in told
    assert "leak |" in told
