"""Risk and utility: closed forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reticent.anonymity.columns import columns_of
from reticent.anonymity.generalise import generalise
from reticent.anonymity.hierarchy import Hierarchy
from reticent.anonymity.privacy import Rule
from reticent.anonymity.risk import Risk, after, before
from reticent.anonymity.utility import utility
from reticent.errors import DataError

TABLE = pd.DataFrame({"age": [20, 20, 30, 40, 40, 40], "sex": ["f", "f", "f", "m", "m", "m"]})


def test_risk_is_one_over_those_alike():
    risk = before(columns_of(TABLE, ["age", "sex"], {}))
    assert risk.sizes.tolist() == [2, 2, 1, 3, 3, 3]
    assert (risk.prosecutor, risk.unique) == (1.0, 1 / 6)
    assert risk.marketer == pytest.approx(3 / 6)  # classes over rows
    assert risk.above(0.4) == 0.5 and risk.above(0.5) == 1 / 6


def test_a_population_hides_better():
    cells = generalise(columns_of(TABLE, ["age", "sex"], {}), Rule(3))
    people = pd.concat([TABLE, TABLE, pd.DataFrame({"age": [25, 25, np.nan], "sex": ["f", "x", "f"]})])
    risk = after(cells, people)
    assert risk.population.tolist() == [7, 7, 7, 6, 6, 6]  # 25 lies in [20, 30], "x" and missing nowhere
    assert risk.journalist == 1 / 6
    with pytest.raises(DataError, match="fewer people"):
        after(cells, TABLE[:4])
    with pytest.raises(DataError, match="no column 'sex'"):
        after(cells, TABLE[["age"]])


def test_a_star_covers_what_the_column_does_not_know():
    cells = generalise(columns_of(TABLE[["sex"]], ["sex"], {}), Rule(6))
    assert after(cells, pd.DataFrame({"sex": [*"ffffmmm", "x", None]})).population.tolist() == [9] * 6


def test_a_sample_estimates_its_population():
    assert Risk(np.array([2, 5])).sampled(0.1).population.tolist() == [20, 50]
    with pytest.raises(DataError, match="sampling share"):
        Risk(np.array([2])).sampled(0)


def test_the_penalty_is_the_share_of_range_and_leaves():
    tree = Hierarchy.from_tree({"near": ["a", "b"], "*": ["c", "d"]})
    table = pd.DataFrame({"age": [0, 10, 90, 100], "town": ["a", "b", "c", "c"]})
    lost = utility(generalise(columns_of(table, ["age", "town"], {"town": tree}), Rule(2)), 2)
    assert dict(lost.columns) == pytest.approx({"age": 0.1, "town": 0.25})  # [0,10],[90,100]; near is 2 of 4
    assert lost.penalty == pytest.approx(0.175)
    assert (lost.discernibility, lost.average_class, lost.suppressed) == (8, 1.0, 0)


def test_suppressed_rows_lost_all_and_the_others_less():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": [*rng.integers(20, 25, 95), 30, 50, 70, 90, 99]})
    columns = columns_of(table, ["age"], {})
    whole, cut = (generalise(columns, Rule(5), suppress=share) for share in (0.0, 0.05))
    assert (len(whole.rows), len(cut.rows)) == (100, 95)
    lost = utility(cut, 5)
    assert lost.suppressed == 5 and lost.penalty == pytest.approx(0.05)
    assert cut.sizes.min() >= 5
