"""Who trains on what: each record in exactly half of the models, drawn anew by the seed alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.errors import PlanError
from reticent.shadows.plan import Plan


@given(st.integers(1, 12), st.integers(0, 60), st.integers(0, 2**40))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_each_record_is_in_exactly_half_and_the_draw_repeats(pairs, records, seed):
    plan = Plan(models=2 * pairs, seed=seed)
    masks = plan.masks(records)
    assert masks.shape == (2 * pairs, records)
    assert masks.dtype == bool
    assert (masks.sum(axis=0) == pairs).all()
    assert (masks == Plan(models=2 * pairs, seed=seed).masks(records)).all()
    assert plan.seeds() == Plan(models=2 * pairs, seed=seed).seeds()
    assert len(plan.seeds()) == plan.trainings == 2 * pairs


def test_models_are_near_half_of_the_records_and_pairs_of_records_are_independent():
    masks = Plan(models=64, seed=3).masks(4000).astype(float)
    sizes = masks.sum(axis=1)
    assert np.abs(sizes - 2000).max() < 5 * np.sqrt(1000)  # five standard deviations of a fair draw
    assert sizes.std() == pytest.approx(np.sqrt(1000), rel=0.4)
    together = (masks[:, :2000] * masks[:, 2000:]).mean()
    assert together == pytest.approx(0.25, abs=0.003)


def test_every_half_is_as_likely_as_every_other():
    masks = Plan(models=4, seed=1).masks(6000)
    _, counts = np.unique(masks.T, axis=0, return_counts=True)
    assert len(counts) == 6
    assert ((counts - 1000) ** 2 / 1000).sum() < 20.5  # chi-square with 5 degrees at 0.1 %


def test_another_seed_is_another_draw():
    a, b = Plan(models=8, seed=0), Plan(models=8, seed=1)
    assert (a.masks(100) != b.masks(100)).any()
    assert a.seeds() != b.seeds()
    assert len(set(a.seeds())) == 8


@pytest.mark.parametrize("models", [-2, 0, 1, 3, 15])
def test_odd_or_no_models_are_refused(models):
    with pytest.raises(PlanError, match="even number"):
        Plan(models=models)
