"""Counts of records: sums exact, odds ratios kept, and the impossible refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.errors import DataError
from reticent.shares import balanced_overall, balanced_within

tables = st.lists(st.tuples(st.integers(1, 900), st.integers(1, 900)), min_size=2, max_size=5).map(
    lambda columns: np.array(columns, dtype=float).T
)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(tables, st.floats(0.02, 0.98), st.integers(50, 5_000))
def test_shares_and_sums_are_exact(table: np.ndarray, share: float, size: int) -> None:
    for counts in (balanced_overall(table, share, size), balanced_within(table, share, size)):
        assert counts.sum() == size and counts[1].sum() == round(share * size)
        assert (counts >= 0).all()


@settings(derandomize=True, max_examples=60, deadline=None)
@given(tables, st.floats(0.02, 0.48), st.floats(0.52, 0.98), st.integers(50, 5_000))
def test_labels_are_as_often_in_every_world(table: np.ndarray, low: float, high: float, size: int) -> None:
    first, second = (balanced_overall(table, share, size).sum(axis=0) for share in (low, high))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - table.sum(axis=0) * size / table.sum()).max() <= 1


def test_odds_ratios_are_those_of_the_table() -> None:
    table = np.array([[22_732.0, 9_918.0], [14_423.0, 1_769.0]])

    def odds(counts: np.ndarray) -> float:
        return float(counts[0, 0] * counts[1, 1] / (counts[0, 1] * counts[1, 0]))

    for share in (0.1, 0.5, 0.8):
        assert odds(balanced_overall(table, share, 10_000_000)) == pytest.approx(odds(table), rel=1e-4)


def test_within_each_row_labels_are_as_often_as_in_the_table() -> None:
    counts = balanced_within(np.array([[60.0, 40.0], [90.0, 10.0]]), 0.8, 1_000)
    np.testing.assert_array_equal(counts, [[120, 80], [720, 80]])


def test_a_label_that_comes_with_the_property_alone_is_refused() -> None:
    with pytest.raises(DataError, match=r"a share of 0.2 can't be had with every label as often"):
        balanced_overall(np.array([[0.0, 50.0], [50.0, 0.0]]), 0.2, 100)
