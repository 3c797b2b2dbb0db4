"""Who trains on what: half of the models each, twins together, test records in none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.data import Records
from reticent.frontier_trial.layout import FrontierPlan, Layout, halves


@given(
    st.integers(1, 6).map(lambda half: 2 * half),
    st.integers(0, 30),
    st.integers(0, 20),
    st.integers(1, 2),
    st.integers(0, 5),
)
@settings(max_examples=50, deadline=None)
def test_everyone_is_in_half_of_the_models_and_twins_together(models, ordinary, canaries, copies, rest):
    plan = FrontierPlan(models=models, ordinary=ordinary, canaries=canaries, copies=copies, seed=3)
    last = ordinary + canaries * copies
    masks = plan.masks(last + rest)
    assert (masks[:, :last].sum(axis=0) == models // 2).all()
    assert not masks[:, last:].any()
    assert plan.last == last and (plan.one_of_each.start, plan.one_of_each.step) == (ordinary, copies)
    made = masks[:, ordinary:last].reshape(models, canaries, copies)
    assert (made == made[:, :, :1]).all()
    twin = replace(plan, copies=1)
    assert np.array_equal(twin.masks(ordinary + canaries)[:, :ordinary], masks[:, :ordinary])


def test_halves_are_apart_and_whole():
    data = Records(np.random.default_rng(0).normal(size=(101, 6)), np.arange(101) % 3, np.arange(3))
    one, other = halves(data, 0)
    rows = [{row.tobytes() for row in half.features} for half in (one, other)]
    assert not rows[0] & rows[1]
    assert len(rows[0] | rows[1]) == 101


def test_canaries_are_one_in_twenty_and_five_hundred_at_most():
    many = Records(np.arange(30_000.0)[:, None], np.zeros(30_000, int), np.arange(2))
    few = many.take(np.arange(1000))
    assert Layout.of(many, None, canaries=None, models=8, seed=0).canaries == 500
    assert Layout.of(few, None, canaries=None, models=8, seed=0).canaries == 30
    assert Layout.of(many, None, canaries=7, models=8, seed=0).canaries == 7
