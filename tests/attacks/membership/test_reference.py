"""Attack-R: the share of reference models with a higher loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import norm

from reticent.attacks.membership.reference import Reference
from reticent.shadows.signals import Signals


def test_agrees_with_a_plain_loop(small_world: Any) -> None:
    own, theirs = (s.log_confidence() for s in (small_world.target, small_world.shadows))
    expected = []
    for r in range(small_world.target.records):
        outside = theirs[~small_world.shadows.members[:, r], r]
        expected.append(((outside < own[0, r]) + 0.5 * (outside == own[0, r])).mean())
    found = Reference().score(small_world.target, small_world.shadows, small_world.nobody)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_equal_losses_count_one_half(world: Callable[..., Any]) -> None:
    found = world(0, records=20, models=4)
    same = Signals(np.repeat(found.target.values, 4, axis=0), found.target.labels, found.shadows.members)
    np.testing.assert_array_equal(Reference().score(found.target, same, found.nobody), 0.5)


def test_without_a_model_to_compare_with_it_says_one_half(world: Callable[..., Any]) -> None:
    found = world(0, records=20, masks=np.ones((4, 20), dtype=bool))
    np.testing.assert_array_equal(Reference().score(found.target, found.shadows, found.nobody), 0.5)


def test_tends_to_the_optimum_of_a_shift(mean_auc: Callable[..., tuple[float, float]]) -> None:
    """The share tends to the quantile, which orders N(d, 1) against N(0, 1) as their likelihood does."""
    mean, error = mean_auc(Reference(), range(5), gap=1.0, models=256, records=1500)
    assert norm.cdf(1 / np.sqrt(2)) - 0.015 < mean < norm.cdf(1 / np.sqrt(2)) + 3.5 * error
