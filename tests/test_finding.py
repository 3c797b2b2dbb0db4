"""Findings: figures are derived from the evidence, never more sure than it allows."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.access import Access
from reticent.finding import Evidence, Finding, Threat
from reticent.measure.estimate import Withheld
from reticent.measure.roc import Roc

RNG = np.random.default_rng(0)
MEMBERS = np.arange(400) < 200
SCORES = RNG.normal(size=400) + MEMBERS


def finding(**fields):
    fields = {"outcome": "measured", "evidence": Evidence(SCORES, MEMBERS)} | fields
    return Finding(attack="loss", threat=Threat.MEMBERSHIP, access=Access.SCORES, **fields)


def test_figures_are_those_of_the_curve():
    found, roc = finding(), Roc.of(SCORES, MEMBERS)
    assert found.figure("auc") == roc.auc()
    assert found.figure("advantage") == roc.advantage()
    assert found.figure("balanced accuracy") == roc.balanced_accuracy()
    assert found.figure("tpr@1%") == roc.tpr_at(0.01)
    assert found.figure("tpr@2.5%") == roc.tpr_at(0.025)
    assert isinstance(found.figure("tpr@0.1%"), Withheld)
    assert found.roc is found.roc


def test_picking_the_worst_of_several_is_paid_for():
    assert finding().figure("auc", attacks=10) == Roc.of(SCORES, MEMBERS).auc(level=0.995)


def test_unknown_figures_are_refused():
    with pytest.raises(ValueError, match="no figure is called 'f1'"):
        finding().figure("f1")


def test_ranks_are_shares_of_the_nonmembers_below():
    slow = [(SCORES[~MEMBERS] < s).mean() for s in SCORES]
    assert finding().ranks() == pytest.approx(slow)
    ties = finding(evidence=Evidence(np.array([1.0, 1, 1, 2]), np.array([True, False, False, True])))
    assert ties.ranks().tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("outcome", ["refused", "failed"])
def test_what_was_not_measured_has_no_figures(outcome):
    found = finding(outcome=outcome, evidence=None, reason="no recipe")
    for ask in (lambda: found.roc, lambda: found.figure("auc"), found.ranks):
        with pytest.raises(LookupError, match=f"{outcome}: no recipe"):
            ask()
