"""How figures and limits are put into words."""

from __future__ import annotations

import pytest

from reticent.report.words import copies, leakiest, percent, plainly, points, readable, seconds, title
from reticent.threshold import Threshold, judge


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (0.0004, "0.04 %"),
        (0.00123, "0.12 %"),
        (0.0123, "1.2 %"),
        (0.5, "50 %"),
        (float("nan"), "not asked"),
    ],
)
def test_percent(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(("taken", "text"), [(9e-5, "under 1 ms"), (0.0123, "12 ms"), (3.14159, "3.14 s")])
def test_seconds(taken, text):
    assert seconds(taken) == text


def test_readable_keeps_words_and_drops_what_steers():
    assert readable("naïve\tmodel\n模型 🌲") == "naïve\tmodel\n模型 🌲"
    assert readable("a\x1b[31m\x9b\ud800\ufffe\x00b") == "a�[31m����b"


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("auc>0.6", "guessing would be right 50 % of the time, the limit is 60 %"),
        ("tpr@0.1%>0.01", "guessing would name 0.1 % of both, the limit is 1.0 %"),
        ("advantage>0.2", "reaches advantage"),
        ("tpr@0.01%>0.01", "Nothing can be said"),
    ],
)
def test_a_verdict_in_plain_words(worlds, limit, said):
    assert said in plainly(judge([worlds.finding(shift=1.0)], Threshold.parse(limit), spoilt=False))


def test_no_copies_no_words(worlds):
    assert copies(worlds.silent()) == ""
    assert copies(worlds.silent(repeated=3)) == "3 members repeat another member."


@pytest.mark.parametrize(
    ("difference", "text"),
    [(0.0123, "+1.2"), (-0.2, "\N{MINUS SIGN}20.0"), (0.0001, "0.0"), (-0.0001, "0.0")],
)
def test_points_have_their_sign(difference, text):
    assert points(difference) == text


def test_the_leakiest_is_the_one_whose_members_gain_most(worlds):
    found = [
        worlds.guessed("a", inside=0.7),
        worlds.guessed("b", inside=0.9),
        worlds.guessed("c", outside=0.9),
    ]
    assert leakiest(found).attack == "b"


def test_a_leak_is_put_plainly(worlds):
    audit = worlds.audit(worlds.finding("loss"), worlds.guessed(), limits="leak>0.05")
    assert audit.verdict.failed
    assert "by +" in plainly(audit.verdict)
    assert "csmia on smokes" in audit.verdict.sentence
    assert title("gain outside") == "others' gain"
