"""A sensitive column: its values, its quarters, and records without it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reticent.data import Records
from reticent.errors import DataError
from reticent.secret import Secret


def people(**columns):
    table = pd.DataFrame(columns)
    return Records(table, np.arange(len(table)) % 2, np.array(["no", "yes"]))


def test_words_stand_for_themselves():
    records = people(age=[1, 2, 3, 4], sex=["f", "m", None, "f"])
    secret = Secret.of(records, "sex")
    assert secret.values == ("f", "m")
    assert secret.positions(records).tolist() == [0, 1, -1, 0]
    assert list(secret.without(records).features.columns) == ["age"]
    assert secret.put(records, 1)["sex"].tolist() == ["m"] * 4
    assert records.features["sex"].tolist()[0] == "f"  # nobody's record was changed


@pytest.mark.parametrize("kind", ["category", "boolean", "int64", "float32"])
def test_a_column_keeps_its_type(kind):
    values = {"category": ["a", "b"], "boolean": [True, False]}.get(kind, [0, 1])
    records = people(x=pd.Series(values * 5, dtype=kind))
    secret = Secret.of(records, "x")
    assert secret.put(records, 0)["x"].dtype == records.features["x"].dtype
    assert sorted(set(secret.positions(records).tolist())) == [0, 1]


def test_many_numbers_are_cut_into_quarters():
    records = people(pay=np.arange(100.0))
    secret = Secret.of(records, "pay")
    assert len(secret.values) == 4
    assert np.bincount(secret.positions(records)).tolist() == [25] * 4
    assert all(secret.positions(people(pay=[v]))[0] == i for i, v in enumerate(secret.values))
    assert secret.positions(people(pay=[-1e9, 1e9, np.nan])).tolist() == [0, 3, -1]
    assert secret.names[0].startswith("up to")
    assert secret.names[-1].startswith("over")


def test_numbers_piled_on_one_value_still_have_parts():
    secret = Secret.of(people(gain=np.concatenate([np.zeros(90), np.arange(1.0, 11)])), "gain")
    assert len(secret.values) >= 2
    assert secret.positions(people(gain=[0.0, 10.0])).tolist() == [0, len(secret.values) - 1]


def test_a_value_never_seen_is_none_of_them():
    secret = Secret.of(people(town=["a", "b"]), "town")
    assert secret.positions(people(town=["c"])).tolist() == [-1]


@pytest.mark.parametrize(
    ("records", "column", "said"),
    [
        (people(a=[1, 2]), "b", "no column 'b'"),
        (people(a=["x", "x", None]), "a", "one value in all records"),
        (people(a=[f"name {i}" for i in range(51)]), "a", "51 values"),
        (Records(np.zeros((4, 2)), np.arange(4) % 2, np.array([0, 1])), "a", "no column 'a'"),
    ],
)
def test_mistakes_are_one_sentence(records, column, said):
    with pytest.raises(DataError, match=said):
        Secret.of(records, column)
