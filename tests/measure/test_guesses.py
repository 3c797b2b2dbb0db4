"""Gains and their differences: plain counting, and intervals that hold on mechanisms of known gain."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.measure.guesses import gain, gain_difference


def drawn(rng, records, ours, theirs, both):
    """Two guessers who are right with these chances, and both of them with `both`."""
    u = rng.random(records)
    return u < ours, (u < both) | ((u >= ours) & (u < ours + theirs - both))


def test_the_gain_is_the_difference_of_the_shares():
    ours, theirs = np.array([1, 1, 1, 0, 0, 1], bool), np.array([1, 0, 0, 1, 0, 1], bool)
    assert gain(ours, theirs).value == pytest.approx(ours.mean() - theirs.mean())
    found = gain_difference((ours, theirs), (theirs, ours))
    assert found.value == pytest.approx(2 * (ours.mean() - theirs.mean()))
    assert found.n == 12


@pytest.mark.parametrize("records", [30, 300])
@pytest.mark.parametrize(("ours", "theirs", "both"), [(0.7, 0.7, 0.6), (0.9, 0.8, 0.8), (0.98, 0.96, 0.95)])
def test_intervals_of_a_gain_hold(records, ours, theirs, both):
    """Over 1,000 worlds the 95 % interval misses the true gain in no more than 7 %."""
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(1000):
        found = gain(*drawn(rng, records, ours, theirs, both))
        missed += not found.low <= ours - theirs <= found.high
    assert missed <= 70


def test_intervals_of_a_leak_hold_where_there_is_none():
    """The same gain on both sides: the lower bound lies above nought in no more than 3.5 % of worlds."""
    rng = np.random.default_rng(1)
    bounds = []
    for _ in range(1000):
        sides = [drawn(rng, records, 0.75, 0.8, 0.7) for records in (400, 120)]
        found = gain_difference(*sides)
        bounds.append((found.low > 0, found.high < 0))
    assert np.mean(bounds, axis=0).max() <= 0.035


def test_the_same_guesses_gain_nothing_but_not_for_certain():
    right = np.ones(50, bool)
    found = gain(right, right)
    assert found.value == 0
    assert found.low < 0 < found.high


def test_a_wider_level_is_wider():
    ours, theirs = drawn(np.random.default_rng(2), 200, 0.7, 0.6, 0.5)
    assert gain(ours, theirs, 0.99).low < gain(ours, theirs).low


@pytest.mark.parametrize("sizes", [(0, 0), (3, 4)])
def test_guesses_of_other_records_are_refused(sizes):
    with pytest.raises(ValueError, match="give both of the same records"):
        gain(np.ones(sizes[0], bool), np.ones(sizes[1], bool))
