"""What a notebook shows: verdict and table, with no page around them."""

from __future__ import annotations

from reticent.report.fragments import audit_fragment


def test_verdict_and_table_without_a_page(worlds):
    audit = worlds.memorising(model=worlds.HOSTILE)
    text = audit_fragment(audit)
    assert "<html" not in text and "<style" not in text and "<script" not in text
    assert "<table>" in text and "lira" in text
    assert audit._repr_html_() == text
