"""Thresholds: what is written is read back, and verdicts say no more than the figures do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.access import Access
from reticent.errors import PlanError
from reticent.finding import Evidence, Finding, Threat
from reticent.measure.estimate import Estimate, Withheld
from reticent.threshold import Threshold, default_threshold, judge

FIGURES = st.sampled_from(["auc", "advantage", "balanced accuracy"]) | st.builds(
    "tpr@{}%".format, st.sampled_from(["0.1", "1", "10", "0.001", "99.9"])
)


def finding(scores, members, name="lira"):
    return Finding(
        attack=name,
        threat=Threat.MEMBERSHIP,
        access=Access.SCORES,
        outcome="measured",
        evidence=Evidence(np.asarray(scores, float), np.asarray(members, bool)),
    )


def normal(shift, size=500, name="lira", seed=0):
    rng = np.random.default_rng(seed)
    members = np.arange(2 * size) < size
    return finding(rng.normal(size=2 * size) + shift * members, members, name)


def refused(name="rmia"):
    return Finding(
        attack=name, threat=Threat.MEMBERSHIP, access=Access.SCORES, outcome="refused", reason="no recipe"
    )


@given(FIGURES, st.floats(0, 1), st.sampled_from(["value", "low"]))
@settings(derandomize=True, max_examples=200, deadline=None)
def test_a_threshold_reads_back_as_it_was_written(figure, limit, edge):
    threshold = Threshold(figure, limit, edge)
    assert Threshold.parse(str(threshold)) == threshold


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("tpr@0.1%>0.01", Threshold("tpr@0.1%", 0.01)),
        (" TPR@0.1% low > .01 ", Threshold("tpr@0.1%", 0.01, "low")),
        ("auc>1", Threshold("auc", 1.0)),
        ("balanced accuracy low>0.5", Threshold("balanced accuracy", 0.5, "low")),
    ],
)
def test_thresholds_are_read(text, threshold):
    assert Threshold.parse(text) == threshold


@pytest.mark.parametrize(
    "text",
    [
        "",
        "auc",
        "auc<0.5",
        "auc>1.1",
        "auc>-0.1",
        "f1>0.5",
        "tpr@%>0.1",
        "tpr@0%>0.1",
        "tpr@100%>0.1",
        "auc>nan",
        "auc>0.5>0.6",
        "auc high>0.5",
    ],
)
def test_what_is_no_threshold_is_refused_with_an_example(text):
    with pytest.raises(PlanError, match=r"as in 'tpr@0\.1%>0\.01'"):
        Threshold.parse(text)


def test_every_default_can_be_measured_on_so_many_nonmembers():
    for nonmembers in (20, 99, 100, 999, 1000, 5000):
        threshold = default_threshold(nonmembers)
        members = np.arange(2 * nonmembers) < nonmembers
        figure = finding(np.arange(2.0 * nonmembers), members).figure(threshold.figure)
        assert isinstance(figure, Estimate)


def test_a_leak_exceeds_and_surely_so():
    verdict = judge([normal(0, name="loss"), normal(3)], Threshold("auc", 0.6), spoilt=False)
    assert (verdict.state, verdict.attack, verdict.sure, verdict.failed) == ("exceeded", "lira", True, True)
    assert "lira" in verdict.sentence
    assert "over the limit of 0.6" in verdict.sentence
    assert "probably" not in verdict.sentence


def test_a_model_that_gives_nothing_away_meets_and_surely_so():
    verdict = judge([normal(0), refused()], Threshold("auc", 0.7), spoilt=False)
    assert (verdict.state, verdict.sure, verdict.failed) == ("met", True, False)
    assert "within the limit of 0.7" in verdict.sentence


def test_near_the_limit_nothing_is_sure():
    auc = normal(0.5).figure("auc").value
    over = judge([normal(0.5)], Threshold("auc", auc - 0.001), spoilt=False)
    under = judge([normal(0.5)], Threshold("auc", auc + 0.001), spoilt=False)
    assert (over.state, over.sure) == ("exceeded", False)
    assert (under.state, under.sure) == ("met", False)
    assert "probably over" in over.sentence
    assert "probably within" in under.sentence
    at = judge([normal(0.5)], Threshold("auc", auc), spoilt=False)
    assert at.state == "met"  # "more than", not "as much as"


def test_the_lower_edge_fails_only_on_what_is_sure():
    figure = normal(0.5).figure("auc")
    between = (figure.low + figure.value) / 2
    assert judge([normal(0.5)], Threshold("auc", between), spoilt=False).state == "exceeded"
    assert judge([normal(0.5)], Threshold("auc", between, "low"), spoilt=False).state == "met"
    verdict = judge([normal(0.5)], Threshold("auc", figure.low - 0.01, "low"), spoilt=False)
    assert (verdict.state, verdict.sure) == ("exceeded", True)


@pytest.mark.parametrize("findings", [[], [refused()]])
def test_nothing_measured_is_no_all_clear(findings):
    verdict = judge(findings, Threshold("auc", 1.0), spoilt=False)
    assert (verdict.state, verdict.sure, verdict.failed) == ("unproven", False, True)
    assert verdict.sentence.startswith("No verdict")


def test_a_sample_too_small_is_no_all_clear():
    verdict = judge([normal(0, size=50)], Threshold("tpr@0.1%", 1.0), spoilt=False)
    assert verdict.state == "unproven"
    assert verdict.failed
    assert isinstance(verdict.figure, Withheld)
    assert "withheld" in verdict.sentence


def test_sides_that_differ_without_the_model_spoil_an_all_clear():
    verdict = judge([normal(0)], Threshold("auc", 0.9), spoilt=True)
    assert verdict.state == "met"
    assert verdict.failed
    assert "same source" in verdict.sentence


def test_the_more_attacks_the_wider_the_interval():
    threshold = Threshold("auc", 0.9)
    widths = []
    for attacks in (1, 4, 16):
        figure = judge([normal(0.5)] * attacks, threshold, spoilt=False).figure
        assert figure.level == pytest.approx(1 - 0.05 / attacks)
        widths.append(figure.high - figure.low)
    assert widths == sorted(widths)
    assert widths[0] < widths[2]
    with_refusals = judge([normal(0.5), refused()], threshold, spoilt=False).figure
    assert with_refusals.level == pytest.approx(0.95)  # what was not measured is not paid for


def test_the_worst_of_many_worthless_attacks_is_rarely_surely_over():
    """Sixteen guesses at random in each of 60 worlds: 3 expected at 95 %, many more without widening."""
    sure = 0
    for world in range(60):
        findings = [normal(0, size=100, name=str(i), seed=[world, i]) for i in range(16)]
        verdict = judge(findings, Threshold("auc", 0.5), spoilt=False)
        sure += verdict.state == "exceeded" and verdict.sure
    assert sure <= 8
