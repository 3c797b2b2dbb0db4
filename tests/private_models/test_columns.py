"""Columns read by what was told of them: every record by itself, and nothing in a cell is an error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.domain import Categories, Domain, Numbers
from reticent.errors import DataError, PlanError
from reticent.private_models.columns import check_bounds, frozen, read_columns

TABLE = pd.DataFrame({"age": [20, 60, 200], "town": ["Ulm", "Bern", None], "weight": ["70", "heavy", "50"]})
TOLD = {"age": (20, 60), "town": ("Bern", "Ulm"), "weight": (50, 90)}

cells = st.one_of(st.none(), st.floats(), st.integers(-(10**9), 10**9), st.text(max_size=3))


def test_numbers_are_scaled_and_words_one_hot():
    encoded = read_columns(TOLD, TABLE).encode(TABLE)
    expected = [[-1, 0, 1, 0], [1, 1, 0, 0], [1, 0, 0, -1]]
    np.testing.assert_allclose(encoded, expected)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=5))
def test_whatever_stands_in_a_cell_is_read_and_within_the_norm(rows):
    table = pd.DataFrame(rows, columns=["age", "town", "weight"], dtype=object)
    columns = read_columns(TOLD, table)
    encoded = columns.encode(table)
    assert np.isfinite(encoded).all()
    assert (np.linalg.norm(encoded, axis=1) <= columns.norm + 1e-12).all()
    for i in range(len(table)):  # alone as among others: no record changes how another is read
        np.testing.assert_array_equal(columns.encode(table.iloc[[i]]), encoded[[i]])


@pytest.mark.parametrize("told", [TOLD, frozen(TOLD), dict(reversed(TOLD.items()))])
def test_a_mapping_and_pairs_in_any_order_say_the_same(told):
    np.testing.assert_array_equal(
        read_columns(told, TABLE).encode(TABLE), read_columns(TOLD, TABLE).encode(TABLE)
    )


@pytest.mark.parametrize(
    "told",
    [
        (("age", 20, 60), ("town", ("Bern", "Ulm", None)), ("weight", 50, 90, 8, True)),
        Domain.of(
            {"age": Numbers(20, 60), "town": Categories(("Bern", "Ulm"), True), "weight": Numbers(50, 90)}
        ),
        {"age": Numbers(20, 60, whole=True), "town": Categories(("Bern", "Ulm")), "weight": (50, 90)},
        [("age", (20, 60)), ("town", ["Bern", "Ulm"]), ("weight", Numbers(50, 90))],
    ],
)
def test_a_domain_stated_for_a_synthetic_table_says_the_same(told):
    check_bounds(told)
    np.testing.assert_array_equal(
        read_columns(told, TABLE).encode(TABLE), read_columns(TOLD, TABLE).encode(TABLE)
    )
    assert hash(frozen(told)) is not None
    np.testing.assert_array_equal(
        read_columns(frozen(told), TABLE).encode(TABLE), read_columns(TOLD, TABLE).encode(TABLE)
    )


def test_categories_that_are_no_texts_are_told_apart_by_their_text():
    told = Domain.of({"stage": Categories((1, 2, 3)), "ill": Categories((False, True))})
    table = pd.DataFrame({"stage": [3, 1, 9], "ill": [True, False, True]})
    expected = [[0, 0, 1, 0, 1], [1, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    for bounds in (told, frozen(told)):
        np.testing.assert_array_equal(read_columns(bounds, table).encode(table), expected)
    with pytest.raises(PlanError, match="not told apart as text; give each once"):
        check_bounds({"stage": Categories((1, "1"))})


def test_one_range_is_for_every_column_and_entries_are_in_order():
    x = np.array([[0.0, 5.0], [10.0, 20.0]])
    np.testing.assert_allclose(read_columns((0, 10), x).encode(x), [[-1, 0], [1, 1]])
    np.testing.assert_allclose(read_columns([(0, 10), (0, 20)], x).encode(x), [[-1, -0.5], [1, 1]])
    named = pd.DataFrame(x, columns=["a", "b"])
    np.testing.assert_allclose(read_columns((0, 10), named).encode(named), [[-1, 0], [1, 1]])


def test_whole_numbers_are_the_same_words_whatever_holds_them():
    told = [("1", "2")]
    for x in (np.array([[1], [2]]), np.array([[1.0], [2.0]]), np.array([["1"], ["2"]])):
        np.testing.assert_array_equal(read_columns(told, x).encode(x), np.eye(2))


def test_a_table_whose_columns_come_in_another_order_is_read_by_name():
    turned = TABLE[["weight", "age", "town"]]
    columns = read_columns(TOLD, TABLE)
    np.testing.assert_array_equal(columns.encode(turned), columns.encode(TABLE))


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "(0, 1)",
        (),
        5,
        (1, 0),
        (0, 0),
        (0, float("inf")),
        [(0, 1), (2, 1)],
        [("a", "a")],
        [("a", 1)],
        [(0, 100, 24)],
        [()],
        {"age": (5, 5)},
        {"age": "Bern"},
        (("age", 0, 1), ("town", 3)),
        (("age", 0, 1, "many"),),
    ],
)
def test_bounds_that_do_not_read_are_told(wrong):
    with pytest.raises(PlanError, match=r"; give"):
        read_columns(wrong, TABLE)


def test_columns_and_bounds_that_do_not_match_are_told():
    with pytest.raises(DataError, match="bounds were given for the column 'height'"):
        read_columns({**TOLD, "height": (0, 1)}, TABLE)
    with pytest.raises(DataError, match="there are none for the column 'weight'"):
        read_columns({k: TOLD[k] for k in ("age", "town")}, TABLE)
    with pytest.raises(DataError, match="2 bounds were given for 3 columns"):
        read_columns([(0, 1), (0, 1)], TABLE)
    with pytest.raises(DataError, match="an array was given where bounds name columns"):
        read_columns(TOLD, TABLE.to_numpy())
    with pytest.raises(DataError, match="no column 'town'"):
        read_columns(TOLD, TABLE).encode(TABLE.drop(columns="town"))
    with pytest.raises(DataError, match=r"features of shape \(3,\)"):
        read_columns((0, 1), np.zeros(3))
    with pytest.raises(DataError, match="tell of 3 columns"):
        read_columns((0, 1), TABLE).encode(TABLE.to_numpy()[:, :2])


def test_values_are_not_looked_at_to_read_bounds():
    empty = TABLE.iloc[:0]
    assert read_columns(TOLD, empty) == read_columns(TOLD, TABLE)
    assert read_columns(TOLD, empty).encode(empty).shape == (0, 4)
    check_bounds(TOLD)
