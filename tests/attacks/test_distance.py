"""Distances to the decision boundary, against models whose boundary is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.attacks.distance import FEWEST, _rounds, cost, fewest_changes, hop_skip_jump, nearest_foes
from reticent.attacks.perturb import Sheet


class Asked:
    """Whether points lie on the other side than each record, and how many were asked."""

    def __init__(self, sheet: Sheet, side: object) -> None:
        self.sheet, self.side, self.queries = sheet, side, 0
        self.own: BoolArray = self._side(sheet.values)

    def _side(self, values: FloatArray) -> BoolArray:
        sides: BoolArray = self.side(self.sheet.rebuilt(values))  # type: ignore[operator]
        return sides

    def away(self, points: FloatArray) -> BoolArray:
        self.queries += len(points)
        return self._side(points) != self.own


def start_of(asked: Asked) -> FloatArray:
    labels = asked.own.astype(np.int64)
    start, found = nearest_foes(asked.sheet, labels, labels, np.random.default_rng(0))
    assert found.all()
    return start


@pytest.mark.parametrize(("columns", "queries", "off"), [(2, 100, 0.02), (10, 100, 0.25), (10, 600, 0.03)])
def test_distance_to_a_hyperplane(columns: int, queries: int, off: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, columns)) * np.exp(rng.normal(size=columns))
    weights = rng.normal(size=columns)
    sheet = Sheet.of(x)
    asked = Asked(sheet, lambda points: points @ weights > 0)
    found = hop_skip_jump(sheet, start_of(asked), asked.away, queries, np.random.default_rng(1))
    true = np.abs(x @ weights) / np.linalg.norm(weights * sheet.spread)
    ratio = found / true
    assert asked.queries == 300 * queries
    assert ratio.min() > 1 - 1e-6  # a point found away is never nearer than the boundary
    assert np.median(ratio) < 1 + off
    assert np.corrcoef(found.argsort().argsort(), true.argsort().argsort())[0, 1] > 0.98


def test_more_queries_come_nearer() -> None:
    x = np.random.default_rng(0).normal(size=(200, 8))
    sheet = Sheet.of(x)
    asked = Asked(sheet, lambda points: (points**2).sum(axis=1) > 8)
    medians = [
        np.median(hop_skip_jump(sheet, start_of(asked), asked.away, q, np.random.default_rng(1)))
        for q in (FEWEST - 1, 100, 400)
    ]
    assert medians[0] > medians[1] > medians[2]


def test_missing_numbers_stay_missing_and_do_not_count() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    x[rng.random(200) < 0.3, 2] = np.nan

    def side(points: FloatArray) -> BoolArray:
        assert np.isnan(points[:, 2]).sum() == np.isnan(x[:, 2]).sum()
        return np.asarray(points[:, 0] > 0)

    sheet = Sheet.of(x)
    asked = Asked(sheet, side)
    found = hop_skip_jump(sheet, start_of(asked), asked.away, 200, np.random.default_rng(0))
    true = np.abs(x[:, 0]) / sheet.spread[0]
    assert np.median(found / true) < 1.05


@given(queries=st.integers(FEWEST - 13, 3000))
def test_rounds_use_every_query_and_grow(queries: int) -> None:
    probes = _rounds(queries)
    assert sum(probes) + 10 * len(probes) == queries
    assert min(probes) >= 10
    assert np.all(np.diff(probes) >= -1)


@pytest.mark.parametrize("dtype", [np.int64, np.float32, bool])
def test_fewest_flips_of_a_count_of_bits(dtype: type) -> None:
    bits = np.random.default_rng(0).random((200, 30)) < 0.5
    sheet = Sheet.of(bits.astype(dtype))
    asked = Asked(sheet, lambda points: points.astype(float).sum(axis=1) > 15)
    found = fewest_changes(sheet, start_of(asked), asked.away, 120, np.random.default_rng(1))
    count = bits.sum(axis=1)
    np.testing.assert_array_equal(found, np.where(count > 15, count - 15, 16 - count))
    assert asked.queries == 200 * 120


def test_one_category_that_decides() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"c{i}": rng.choice(list("abcd"), 200) for i in range(8)})
    frame["n"] = rng.normal(size=200)
    sheet = Sheet.of(frame)
    asked = Asked(sheet, lambda points: (points["c3"] == "a").to_numpy())
    found = fewest_changes(sheet, start_of(asked), asked.away, 60, np.random.default_rng(1))
    np.testing.assert_array_equal(found, 1.0)


def test_costs_count_spreads_of_numbers_and_changes_of_all_else() -> None:
    frame = pd.DataFrame({"n": [0.0, 10.0, 20.0, np.nan], "b": [0, 1, 1, 0], "c": list("xyzx")})
    sheet = Sheet.of(frame)
    spread = np.std([0, 10, 20])
    columns = np.arange(3)
    assert cost(sheet, columns, sheet.values[0], sheet.values[1]).tolist() == [1.0, 1.0, 1.0]
    near = sheet.values[0] + [0.1 * spread, 0, 0]
    np.testing.assert_allclose(cost(sheet, columns, sheet.values[0], near), [0.1, 0, 0])
    np.testing.assert_array_equal(cost(sheet, columns, sheet.values[0], sheet.values[3]), [1, 0, 0])
    np.testing.assert_array_equal(cost(sheet, columns, sheet.values[3], sheet.values[3]), [0, 0, 0])


def test_the_nearest_foe_agrees_with_a_slow_reference() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    answered: IntArray = rng.integers(0, 3, 40)
    labels: IntArray = rng.integers(0, 3, 40)
    start, found = nearest_foes(Sheet.of(x), answered, labels, rng)
    scaled = x / x.std(axis=0)
    for record in range(40):
        foes = [r for r in range(40) if answered[r] != labels[record]]
        nearest = min(foes, key=lambda r: float(((scaled[r] - scaled[record]) ** 2).sum()))
        np.testing.assert_array_equal(start[record], x[nearest])
    assert found.all()


def test_a_model_of_one_answer_leaves_no_foe() -> None:
    x = np.random.default_rng(0).normal(size=(10, 2))
    answered = np.zeros(10, dtype=np.int64)
    labels = np.arange(10) % 2
    start, found = nearest_foes(Sheet.of(x), answered, labels, np.random.default_rng(0))
    np.testing.assert_array_equal(found, labels == 1)
    np.testing.assert_array_equal(start[~found], x[~found])
