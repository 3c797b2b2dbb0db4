"""junit.xml: what a gate reads must be valid, and fail when it should."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from reticent.report.junit import junit


def outcomes(audit):
    """(kind, name) -> the element that a case holds, or "passed"."""
    suite = ElementTree.fromstring(junit(audit).encode())
    assert int(suite.get("tests")) == len(suite)
    found = {
        (case.get("classname").split(".")[-1], case.get("name")): case[0].tag if len(case) else "passed"
        for case in suite
    }
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(suite.get(attribute)) == sum(case.find(tag) is not None for case in suite)
    return found


def test_refused_is_skipped_failed_is_an_error_measured_passes(worlds):
    found = outcomes(
        worlds.audit(
            worlds.finding("loss"),
            worlds.unmeasured("boundary", "refused", "asks 100 queries"),
            worlds.unmeasured("shokri", "failed", "MemoryError"),
        )
    )
    assert found["attack", "loss"] == "passed"
    assert found["attack", "boundary"] == "skipped"
    assert found["attack", "shokri"] == "error"


@pytest.mark.parametrize(("shift", "outcome"), [(3.0, "failure"), (0.0, "passed")])
def test_each_limit_is_a_case(worlds, shift, outcome):
    found = outcomes(worlds.audit(worlds.finding(shift=shift), limits="auc>0.6, tpr@1%>0.2"))
    assert found["limit", "auc>0.6"] == found["limit", "tpr@1%>0.2"] == outcome


def test_a_figure_withheld_does_not_pass_a_gate(worlds):
    found = outcomes(worlds.silent(limits="tpr@0.01%>0.01"))
    assert found["limit", "tpr@0.01%>0.01"] == "failure"


def test_a_spoilt_split_fails(worlds):
    assert outcomes(worlds.silent(blind=1.0))["split", "blind control"] == "failure"
    assert outcomes(worlds.silent())["split", "blind control"] == "passed"


def test_hostile_names_leave_valid_xml(worlds):
    name = worlds.HOSTILE + "\x00\ufffe"
    found = outcomes(worlds.audit(worlds.unmeasured(name, "failed", name), model=name))
    assert len(found) == 4
