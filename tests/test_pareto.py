"""The frontier's arithmetic: figures by slow references, the line, the choice, and what hides only."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.defences import l2, labels_only, memguard, round_scores
from reticent.defences.defence import none
from reticent.errors import PlanError
from reticent.measure.estimate import Estimate, Withheld
from reticent.pareto import Frontier, Row, read_limit
from reticent.recipe import Guarantee
from reticent.told import Told

RNG = np.random.default_rng(0)
MEMBERS = np.stack([RNG.permutation(np.repeat([True, False], 200)) for _ in range(8)])


def told(attack="lira", lead=0.0, seed=0):
    """Scores of eight models on four hundred records, members ahead by so much."""
    noise = np.random.default_rng(seed).normal(size=MEMBERS.shape)
    return Told(attack, noise + lead * MEMBERS, MEMBERS)


def row(defence, right=0.7, lead=0.0, *, role="asked", naive=None, seed=0, **more):
    """A defence whose models name `right` of 300 records rightly, and whose canaries lead by so much."""
    drawn = np.random.default_rng(seed).permutation(np.arange(300) < right * 300)
    clean = (told("loss", lead if naive is None else naive, seed + 50), told("lira", lead, seed + 60))
    return Row(
        defence=defence,
        role=role,
        right=np.repeat(drawn[None], 8, axis=0),
        canaries=(told("lira", lead, seed), told("rmia", lead / 2, seed + 1)),
        clean=clean,
        seconds=2.0,
        **more,
    )


def frontier(*rows):
    return Frontier(rows=rows, models=8, records=(380, 20, 300, 300), classes=3)


@pytest.fixture(scope="module")
def front():
    return frontier(
        row(none(), 0.7, 3.0, role="baseline"),
        row(l2(1e-3), 0.8, 1.0, guarantee=Guarantee(3.0, 1e-5, "somebody")),
        row(round_scores(1), 0.7, 3.0, naive=0.0),
        row(labels_only(), 0.6, 0.5),
        Row(defence=memguard(), reason="it can't be put on this one"),
    )


def test_the_strongest_attack_is_taken_and_its_interval_widened():
    one = row(l2(), lead=2.0)
    attack, leak = one.leak("auc")
    assert attack == "lira"
    alone = one.canaries[0].figure("auc")
    assert leak.value == alone.value
    assert leak.low < alone.low and alone.high < leak.high
    assert one.on_clean("auc")[0] in ("lira", "loss")


def test_a_row_that_was_not_measured_withholds_its_figures(front):
    last = front.rows[-1]
    assert last.leak() == ("", Withheld("it can't be put on this one"))
    assert isinstance(last.accuracy, Withheld)
    assert last not in front.measured


def test_the_line_is_what_nothing_beats(front):
    beaten = {r.name: front.dominated(r) for r in front.measured}
    assert beaten == {
        "none()": True,
        str(l2(1e-3)): False,
        str(round_scores(1)): True,
        "labels_only()": False,
    }


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6))
@settings(max_examples=15, deadline=None)
def test_what_is_on_the_line_is_what_a_plain_reference_says(places):
    rows = [row(l2(i + 1), 0.2 + 0.2 * a, float(b), role="asked") for i, (a, b) in enumerate(places)]
    found = frontier(row(none(), 0.1, 4.0, role="baseline"), *rows)
    at = [(r.accuracy.value, r.leak("auc")[1].value) for r in rows]
    for i, (useful, leaks) in enumerate(at):
        beaten = any(u >= useful and k <= leaks and (u, k) != (useful, leaks) for u, k in at)
        assert found.dominated(rows[i], "auc") == beaten


def test_what_falls_only_by_attacks_that_do_not_adapt_is_marked(front):
    assert [r.name for r in front.measured if front.hides(r)] == [str(round_scores(1))]
    base = row(none(), 0.7, 3.0, role="baseline")
    both = row(l2(1), 0.7, 1.0, naive=0.0)  # canaries are found less often too
    neither = row(l2(2), 0.7, 3.0, naive=3.0, seed=4)
    silent = replace(row(labels_only(), 0.7, 3.0), clean=())  # no scores to look at, and found all the same
    found = frontier(base, both, neither, silent)
    assert [r.name for r in found.measured if found.hides(r)] == ["labels_only()"]


def test_the_most_useful_within_the_limit_is_chosen(front):
    assert front.best("auc < 0.9").row is front[l2(1e-3)]
    assert front.best("auc < 0.7").row is front["labels_only()"]
    nothing = front.best("auc < 0.51")
    assert nothing.row is None
    assert nothing.sentence.startswith("None of 5 defences leaks as little as auc < 0.51; the least is")
    assert nothing.sentence.endswith("by labels_only().")


def test_the_upper_end_may_be_asked_to_be_within_the_limit(front):
    leak = front["labels_only()"].leak("auc")[1]
    between = (leak.value + leak.high) / 2
    likely = front.best(f"auc < {between}")
    assert likely.row is front["labels_only()"] and "(probably" in likely.sentence
    assert front.best(f"auc high < {between}").row is None


def test_of_equally_useful_ones_the_one_that_leaks_less_is_chosen():
    found = frontier(row(none(), 0.5, 3.0, role="baseline"), row(l2(1), 0.7, 1.0), row(l2(2), 0.7, 0.2))
    assert found.best("auc < 0.9").row is found[l2(2)]


@pytest.mark.parametrize(
    "text", ["", "auc", "auc > 0.6", "auc < much", "tpr < 0.1", "high < 0.1", "auc < 1.5"]
)
def test_a_limit_that_does_not_read_is_told(front, text):
    with pytest.raises(PlanError, match=r"the limit .* does not read; write a figure"):
        front.best(text)


def test_a_limit_reads():
    limit, surely = read_limit("tpr@0.1% high < 0.005")
    assert (limit.figure, limit.limit, surely) == ("tpr@0.1%", 0.005, True)


def test_a_row_is_found_by_name_and_others_are_told(front):
    assert front["labels_only()"].name == "labels_only()"
    with pytest.raises(PlanError, match=r"no defence 'l2\(1\)' is on this frontier; those that are: none"):
        front["l2(1)"]


def test_the_lowest_rate_that_canaries_resolve_is_shown(front):
    assert front.figure == "tpr@0.1%"
    few = Told("lira", RNG.normal(size=(2, 40)), np.tile([True, False], (2, 20)))
    small = frontier(Row(defence=none(), role="baseline", right=np.ones((2, 9), bool), canaries=(few,)))
    assert small.figure == "auc"


def test_the_table_says_everything(front):
    table = front.table.set_index("defence")
    assert table.loc[str(l2(1e-3)), "epsilon"] == 3.0
    assert np.isnan(table.loc["memguard()", "leak"])
    assert table.loc["memguard()", "reason"] == "it can't be put on this one"
    assert (table["leak low"].dropna() <= table["leak"].dropna()).all()
    kept = json.loads(front.json())
    assert [r["defence"] for r in kept["rows"]] == [r.name for r in front.rows]
    assert kept["guarantees"] == {str(l2(1e-3)): "somebody"}


def test_accuracy_has_an_interval(front):
    right = front.undefended.accuracy
    assert isinstance(right, Estimate)
    assert right.value == pytest.approx(0.7) and right.low < 0.7 < right.high
