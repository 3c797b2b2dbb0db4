"""Tables as attacks see them: one code for one value in all of them, and every bad table its sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reticent.errors import DataError
from reticent.release import Condition, ReleaseScene, read_tables

ONE = pd.DataFrame(
    {
        "age": [30, 41, 41],
        "town": ["Graz", None, "Linz"],
        "member": [True, False, True],
        "since": pd.to_datetime(["1970-01-02", None, "1970-01-01"]),
    }
)
OTHER = pd.DataFrame(
    {
        "since": pd.to_datetime(["1970-01-01"]),
        "town": ["Linz"],
        "member": [False],
        "age": [np.nan],
    }
)


def test_numbers_stay_and_categories_get_codes_that_all_tables_share():
    one, other = read_tables({"release": ONE, "original": OTHER})
    assert one.names == other.names == ("age", "town", "member", "since")
    assert one.numbers.tolist() == [True, False, False, True]
    assert one.column("age").tolist() == [30, 41, 41]
    assert np.isnan(one.column("town")[1])
    assert one.column("town")[0] != one.column("town")[2] == other.column("town")[0]
    assert one.column("member")[1] == other.column("member")[0] != one.column("member")[0]
    np.testing.assert_array_equal(one.column("since"), [86_400, np.nan, 0])
    assert np.isnan(other.column("age")).all()


def test_a_categorical_column_reads_as_its_words():
    one, other = read_tables({"a": ONE[["town"]], "b": ONE[["town"]].astype("category")})
    np.testing.assert_array_equal(one.values, other.values)


def test_a_column_that_one_table_lacks_all_values_of_is_read_as_the_others_are():
    lacks = OTHER.assign(town=[np.nan], since=[None])
    one, other = read_tables({"release": ONE, "original": lacks})
    assert one.numbers.tolist() == [True, False, False, True]
    assert np.isnan(other.only(["town", "since"]).values).all()


def test_rows_and_columns_are_taken_in_the_order_asked_for():
    (one,) = read_tables({"release": ONE})
    assert one.take(np.array([2, 0])).column("age").tolist() == [41, 30]
    assert one.take(one.column("age") > 40).column("age").tolist() == [41, 41]
    part = one.only(["member", "age"])
    assert (part.names, part.numbers.tolist(), len(part)) == (("member", "age"), [False, True], 3)


@pytest.mark.parametrize(
    ("column", "sign", "value", "rows"),
    [
        (0, "==", 41, [1, 2]),
        (0, "<=", 40, [0]),
        (0, ">=", 30, [0, 1, 2]),
        (1, "missing", np.nan, [1]),
        (3, "<=", 1e9, [0, 2]),
    ],
)
def test_a_condition_holds_where_it_says(column, sign, value, rows):
    (one,) = read_tables({"release": ONE})
    assert one.where((Condition(column, sign, value),)).tolist() == rows


def test_conditions_hold_together():
    (one,) = read_tables({"release": ONE})
    assert one.where((Condition(0, "==", 41), Condition(1, "missing"))).tolist() == [1]
    assert one.where((Condition(1, "missing"), Condition(0, "==", 30))).tolist() == []


def test_equal_rows_have_equal_keys_and_others_do_not():
    table = pd.DataFrame({"a": [0.0, -0.0, 1.0, np.nan, np.nan], "b": list("xxxxy")})
    (read,) = read_tables({"release": table})
    keys = read.keys().tolist()
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4


def test_a_scene_draws_the_same_again():
    (one,) = read_tables({"release": ONE})
    scene = ReleaseScene(one, seed=3)
    assert scene.rng().random() == scene.rng().random() != ReleaseScene(one, seed=4).rng().random()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (ONE[:0], "the control has 0 rows"),
        (ONE[[]], "0 columns"),
        (ONE.drop(columns="town"), r"do not have the same columns \(town\)"),
        (ONE.assign(town=1), "'town' holds numbers in one table and something else in another"),
        (ONE.assign(age=[1.0, np.inf, 2.0]), "'age' holds infinite numbers"),
        (pd.concat([ONE, ONE[["age"]]], axis=1), "the control has more than one column 'age'"),
    ],
    ids=["no rows", "no columns", "other columns", "other kind", "infinite", "twice"],
)
def test_bad_tables_are_a_sentence(wrong, said):
    with pytest.raises(DataError, match=said):
        read_tables({"original": ONE, "control": wrong})
