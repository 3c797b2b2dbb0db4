"""What columns may hold: there and back again stays in the same cell, and what does not fit is a sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.domain import Categories, Domain, Numbers
from reticent.errors import DataError, PlanError
from reticent.noise import Dice

numbers = st.builds(
    Numbers,
    low=st.integers(-50, 0),
    high=st.integers(1, 300),
    bins=st.integers(1, 40),
    whole=st.booleans(),
    missing=st.booleans(),
)
categories = st.builds(
    Categories,
    values=st.lists(st.sampled_from(["a", "b", 3, 4.5, "ä"]), min_size=1, unique=True).map(tuple),
    missing=st.booleans(),
)


@settings(deadline=None)
@given(st.one_of(numbers, categories), st.integers(0, 1000))
def test_every_cell_decodes_to_a_value_of_that_cell(column, seed):
    cells = np.repeat(np.arange(column.cells), 5)
    values = column.decode(cells, Dice(seed))
    assert np.array_equal(column.encode(values), cells)
    assert column.encode(values).max() < column.cells


@settings(deadline=None)
@given(numbers)
def test_bounds_are_in_and_what_is_beyond_is_out(column):
    low, high = column.encode(pd.Series([column.low, column.high], dtype=float))
    assert low == 0 and high == len(column.edges) - 2
    assert (column.encode(pd.Series([column.low - 1, column.high + 1, np.inf])) == -1).all()
    halves = column.encode(pd.Series([column.low + 0.5]))
    assert (halves == -1) == column.whole


def test_a_file_reads_as_it_is_written(tmp_path):
    text = (
        '[sex]\ncategories = ["f", "m"]\n[age]\nlow = 0\nhigh = 99\nbins = 10\nwhole = true\nmissing = true\n'
    )
    (tmp_path / "d.toml").write_text(text)
    domain = Domain.read(tmp_path / "d.toml")
    assert domain == Domain.of({"sex": Categories(("f", "m")), "age": Numbers(0, 99, 10, True, True)})
    assert domain.shape == (2, 11) and hash(domain)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[age]\nlow = 1\n", "gives no bounds; give categories, or low and high"),
        ("[age]\nlow = 2\nhigh = 1\n", "the lower one first"),
        ("[age]\nlow = 0\nhigh = 9\nbinns = 3\n", "has a key 'binns'; known: low, high"),
        ('[sex]\ncategories = "f"\n', "that are no list"),
        ('[sex]\ncategories = ["f", "f"]\n', "give each value once"),
        ("age = 3\n", "write a table of it"),
        ("[age\n", "does not read as TOML"),
        ("[age]\nlow = 'a'\nhigh = 9\n", "does not read"),
        ("[age]\nlow = 0\nhigh = 9.5\nwhole = true\n", "whole bounds to whole numbers"),
        ("", "give each column once"),
    ],
)
def test_a_file_that_does_not_read_is_a_sentence(tmp_path, text, sentence):
    (tmp_path / "d.toml").write_text(text)
    with pytest.raises(PlanError, match=sentence):
        Domain.read(tmp_path / "d.toml")
    with pytest.raises(PlanError, match="there is no domain file"):
        Domain.read(tmp_path / "other.toml")


DOMAIN = Domain.of({"age": Numbers(0, 99, 10), "sex": Categories(("f", "m"))})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"age": [1, 100, 3]}, r"'age' holds 1 values out of its domain; widen the bounds, or clip"),
        ({"sex": ["f", "m", "x"]}, "'sex' holds 1 values out of its domain; add the categories"),
        ({"sex": ["f", "m", None]}, "'sex' holds 1 empty cells; say missing = true"),
        ({"age": [np.nan] * 3}, "'age' holds no value at all"),
        ({"more": [1, 2, 3]}, "the domain lacks 'more'"),
        ({"age": pd.to_datetime(["2020-01-01"] * 3)}, "values out of its domain"),
    ],
)
def test_a_table_that_does_not_fit_is_a_sentence_that_quotes_nobody(change, sentence):
    table = pd.DataFrame({"age": [1, 2, 3], "sex": ["f", "m", "m"]}).assign(**change)
    with pytest.raises(DataError, match=sentence) as caught:
        DOMAIN.encode(table)
    assert "'x'" not in str(caught.value)
    with pytest.raises(DataError, match="the table lacks 'sex'"):
        DOMAIN.encode(table[["age"]])


def test_a_public_table_says_what_columns_hold():
    table = pd.DataFrame(
        {"n": [3, 1, 2], "x": [0.5, 2.5, np.nan], "c": ["b", "a", None], "t": [True, False, True], "one": 4}
    )
    assert Domain.public(table, bins=8) == Domain.of(
        {
            "n": Numbers(1, 3, 8, True),
            "x": Numbers(0.5, 2.5, 8, False, True),
            "c": Categories(("a", "b"), True),
            "t": Categories((False, True)),
            "one": Categories((4,)),
        }
    )
    assert (Domain.public(table).encode(table) >= 0).all()


def test_dates_and_free_text_are_told_apart():
    with pytest.raises(DataError, match="holds dates; turn them into numbers"):
        Domain.public(pd.DataFrame({"when": pd.to_datetime(["2020-01-01", "2021-01-01"])}))
    with pytest.raises(DataError, match="free text or a key; drop it"):
        Domain.public(pd.DataFrame({"name": [f"n{i}" for i in range(600)]}))
    with pytest.raises(DataError, match="no value in the public table"):
        Domain.public(pd.DataFrame({"name": [None, None]}))
