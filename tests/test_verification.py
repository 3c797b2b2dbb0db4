"""What a trial says: what refutes counts, silence is no pass, and the sentence says which it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.claim import Claim, Sight
from reticent.measure.epsilon import EpsilonBound
from reticent.verification import SLACK, Outcome, RecordTried, Verification

BOUND = EpsilonBound(1.0, 0.98, 1e-5, "Clopper-Pearson", "", 70)
PLAIN = Verification(
    claim=Claim(3, 1e-5),
    bound=BOUND,
    many_runs=BOUND,
    one_run=replace(BOUND, value=0.5, n=1000),
    gaussian=replace(BOUND, value=1.5),
    accounted=2.99,
    recorded="40 Gaussian steps",
    record=RecordTried(0.4, 0.02, "sum of the steps"),
    sight=Sight.STEPS,
    reading="sum of the steps",
    strength=1.0,
    trainings=153,
    reach=2.0,
    silence=None,
    scores=np.zeros(70),
    included=np.zeros(70, bool),
)
HIGH = replace(BOUND, value=3.5)
REFUTED = RecordTried(0.001, 0.02, "sum of the steps")


@pytest.mark.parametrize(
    ("found", "outcome", "said"),
    [
        (PLAIN, Outcome.NOT_REFUTED, "not refuted: epsilon is at least 1.00"),
        (replace(PLAIN, bound=HIGH), Outcome.VIOLATED, "with 95 % confidence: epsilon is at least 3.50"),
        (replace(PLAIN, record=REFUTED), Outcome.VIOLATED, "no training of those steps"),
        (replace(PLAIN, accounted=3.2), Outcome.VIOLATED, "own record: 40 Gaussian steps cost epsilon 3.20"),
        (
            replace(PLAIN, record=REFUTED, accounted=9.0),
            Outcome.VIOLATED,
            "say so too: they cost epsilon 9.00",
        ),
        (replace(PLAIN, silence="it is cut"), Outcome.NO_POWER, "No power: it is cut. Nothing is said for"),
        (replace(PLAIN, silence="it is cut", bound=HIGH), Outcome.VIOLATED, "at least 3.50"),
        (replace(PLAIN, record=None, accounted=None), Outcome.NOT_REFUTED, "it may be larger"),
    ],
)
def test_outcomes_and_their_sentences(found, outcome, said):
    assert found.outcome is outcome
    assert said in found.sentence


def test_accountants_that_differ_a_little_do_not_accuse():
    assert not replace(PLAIN, accounted=3 * SLACK - 0.001).reckoned
    assert replace(PLAIN, accounted=3 * SLACK + 0.001).reckoned


@given(st.floats(0, 9), st.floats(0, 1), st.floats(0, 9), st.booleans())
@settings(max_examples=50, deadline=None)
def test_a_trial_ends_violated_exactly_where_something_refutes(value, chance, accounted, silent):
    found = replace(
        PLAIN,
        bound=replace(BOUND, value=value),
        record=RecordTried(chance, 0.02, "sum"),
        accounted=accounted,
        silence="it is cut" if silent else None,
    )
    refuted = value > 3 or chance <= 0.02 or accounted > 3 * SLACK
    assert (found.outcome is Outcome.VIOLATED) == refuted
    assert (found.outcome is Outcome.NO_POWER) == (silent and not refuted)


def test_every_part_that_was_held_has_a_line():
    lines = replace(PLAIN, remarks=("One more thing.",)).details
    assert lines[0] == "153 trainings, of which was seen: steps."
    assert "told by the sum of the steps" in lines[1] and "at most 2.00" in lines[1]
    assert "1,000 outliers" in lines[2] and "epsilon 2.99" in lines[3] and "at most 0.4" in lines[4]
    assert lines[-1] == "One more thing."
    bare = replace(PLAIN, many_runs=None, one_run=None, record=None, accounted=None)
    assert len(bare.details) == 1
