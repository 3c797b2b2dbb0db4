"""Columns as codes: what is said covers the values, what is drawn lies in it, what is refused."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.anonymity.columns import Nominal, Ordered, column_of, columns_of
from reticent.anonymity.generalise import generalise
from reticent.anonymity.hierarchy import Hierarchy
from reticent.anonymity.privacy import Rule
from reticent.errors import DataError, PlanError

sys.path.insert(0, str(Path(__file__).parent))
from tables import JOBS, QUASI, people


@settings(max_examples=30, deadline=None)
@given(people(), st.integers(2, 4), st.integers(0, 99))
def test_drawn_values_lie_in_their_cells_and_keep_their_type_and_penalties_are_shares(table, k, seed):
    columns = columns_of(table, QUASI, {"job": JOBS})
    cells = generalise(columns, Rule(k))
    for column, (name, drawn) in zip(columns, cells.values(seed).items(), strict=True):
        assert drawn.dtype == table[name].dtype
        again = cells.values(seed)[name]
        pd.testing.assert_series_equal(drawn, again)
        j = QUASI.index(name)
        width = column.width(cells.low[:, j], cells.high[:, j])
        assert ((width >= 0) & (width <= 1)).all()
        assert (width[cells.low[:, j] == cells.high[:, j]] == 0).all()
        low, high = cells.low[cells.cell, j], cells.high[cells.cell, j]
        if isinstance(column, Ordered):
            known = high < len(column.values)
            assert (drawn[known] >= column.values[low[known]]).all()
            assert (drawn[known] <= column.values[high[known]]).all()
        else:
            assert isinstance(column, Nominal)
            leaf = [column.originals.index(None if pd.isna(v) else v) for v in drawn]
            assert ((leaf >= low) & (leaf <= high)).all()


def test_days_are_ordered_and_read_as_days():
    table = pd.DataFrame({"born": ["1980-01-01", "1980-01-03", "1990-05-05", None]})
    column = column_of(table, "born", None)
    assert isinstance(column, Ordered)
    assert column.text(np.array([0, 0, 0, 3]), np.array([0, 1, 3, 3])) == [
        "1980-01-01",
        "[1980-01-01, 1980-01-03]",
        "*",
        None,
    ]
    drawn = column.draw(np.array([0]), np.array([1]), np.array([0]), np.random.default_rng(0))
    assert str(drawn[0])[:10] == "1980-01-02"


def test_times_of_day_and_date_objects_are_days_too():
    days = ["1980-01-01", "1980-01-03", "1990-05-05"]
    told = [days, [f"{d} 08:30:00" for d in days], [f"{d}T08:30" for d in days]]
    told.append([*map(date.fromisoformat, days)])
    for values in told:
        column = column_of(pd.DataFrame({"seen": [*values, None]}), "seen", None)
        assert column.text(np.array([0, 0]), np.array([0, 1])) == ["1980-01-01", "[1980-01-01, 1980-01-03]"]


@pytest.mark.parametrize(("other", "drawn"), [("5", {3, 5}), ("other", {3, "other"})])
def test_a_leaf_that_nobody_has_is_drawn_among_codes(other, drawn):
    column = column_of(pd.DataFrame({"c": [3, 3]}), "c", Hierarchy.from_tree({"x": ["3", other]}))
    found = column.draw(np.array([0]), np.array([1]), np.zeros(50, int), np.random.default_rng(0))
    assert set(found) == drawn


def test_a_missing_value_among_others_hides_all_and_alone_stays_missing():
    table = pd.DataFrame({"age": [20.0, 20, np.nan, np.nan], "town": ["a", "a", None, None]})
    for name, value in (("age", 20), ("town", "a")):
        column = column_of(table, name, None)
        top = column.codes.max()
        assert column.text(np.array([0, 0, top]), np.array([0, top, top])) == [value, "*", None]
        assert column.width(np.array([0]), np.array([top])).tolist() == [1.0]


def test_categories_that_no_one_has_are_leaves():
    table = pd.DataFrame({"c": pd.Categorical(["a", "b"], categories=["a", "b", "z"])})
    column = column_of(table, "c", None)
    assert column.tree.leaves == ("a", "b", "z")
    drawn = column.draw(np.array([0]), np.array([2]), np.zeros(50, int), np.random.default_rng(0))
    assert set(drawn) == {"a", "b", "z"} and drawn.dtype == table["c"].dtype


LONG = [f"Patient number {i} was seen on the ward and felt much better than before" for i in range(30)]


@pytest.mark.parametrize(
    ("values", "tree", "sentence"),
    [
        ([None, None], None, "is empty; leave it out"),
        ([f"id{i}" for i in range(150)], None, "so it is an identifier; drop it or pseudonymise it"),
        (list(range(1000, 1150)), None, "so it is an identifier"),
        (LONG, None, "holds free text"),
        ([1.0, np.inf], None, "infinite numbers"),
        ([" ", "", None], None, "is empty; leave it out"),
        (["03/17/1954", "1/2/1960"], None, "day and month may be either; write them as 2024-12-31"),
        (["a", "q"], Hierarchy.flat(["a", "b"]), "lacks the value 'q'"),
        ([1, "1"], None, "two values that both read '1'"),
    ],
)
def test_what_is_no_quasi_identifier_is_refused(values, tree, sentence):
    with pytest.raises(DataError, match=sentence):
        column_of(pd.DataFrame({"c": values}), "c", tree)


def test_lists_of_columns_that_make_no_sense_are_refused():
    table = pd.DataFrame({"a": [1, 2]})
    with pytest.raises(PlanError, match="no quasi-identifiers were named"):
        columns_of(table, [], {})
    with pytest.raises(PlanError, match="named twice"):
        columns_of(table, ["a", "a"], {})
    with pytest.raises(PlanError, match="a hierarchy of 'b', which is no quasi-identifier"):
        columns_of(table, ["a"], {"b": Hierarchy.flat("x")})
    with pytest.raises(DataError, match="no column 'z'"):
        columns_of(table, ["z"], {})
    with pytest.raises(DataError, match="no rows"):
        columns_of(table[:0], ["a"], {})
