"""Gains and their differences: plain counting, and intervals that hold on mechanisms of known gain."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.measure.guesses import gain, gain_difference, leak_by_group


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


def test_the_group_whose_secret_leaks_comes_first():
    rng = np.random.default_rng(3)
    town, members = rng.choice(["a", "b", "few"], 2000, p=[0.49, 0.49, 0.02]), np.arange(2000) < 1000
    ours = rng.random(2000) < np.where(members & (town == "b"), 0.9, 0.6)
    theirs = rng.random(2000) < 0.6
    found = leak_by_group(ours, theirs, members, {"town": town, "side": np.arange(2000) % 2})
    assert (found[0].column, found[0].group) == ("town", "b")
    assert found[0].leak.low > 0.1
    assert {g.group for g in found} == {"a", "b", "0", "1"}  # and nothing is said of a few
    narrow = gain(ours[members & (town == "b")], theirs[members & (town == "b")])
    assert found[0].gain.low < narrow.low  # wider, for as many groups were looked at


def test_over_all_groups_together_a_leak_is_seldom_claimed_where_there_is_none():
    claimed = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        groups = {f"column {i}": rng.integers(0, 3, 600) for i in range(4)}
        ours, theirs = rng.random((2, 600)) < 0.7
        claimed += leak_by_group(ours, theirs, rng.random(600) < 0.5, groups)[0].leak.low > 0
    assert claimed <= 10


def test_groups_of_other_records_are_refused():
    with pytest.raises(ValueError, match="3 groups for 4 records"):
        leak_by_group(*np.ones((3, 4), bool), {"a": np.arange(3)})
