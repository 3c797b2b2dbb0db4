"""Records of any form as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from reticent.attacks.encode import WIDEST, encode
from reticent.data import Records


def records(features: Any) -> Records:
    return Records(features, np.arange(len(features)) % 2, np.arange(2))


def test_numbers_stay_and_the_label_is_the_last_column() -> None:
    x = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    found = encode(records(x))
    np.testing.assert_array_equal(found[:, :3], x)
    np.testing.assert_array_equal(found[:, 3], [0, 1, 0, 1, 0, 1])
    assert found.dtype == np.float64
    np.testing.assert_array_equal(encode(records(x), with_label=False), x)
    np.testing.assert_array_equal(encode(records(pd.DataFrame(x)), with_label=False), x)


def test_pictures_are_laid_flat() -> None:
    x = np.arange(48).reshape(4, 3, 4)
    np.testing.assert_array_equal(encode(records(x), with_label=False), x.reshape(4, 12))


@pytest.mark.parametrize("kind", ["object", "category", "string"])
def test_categories_are_numbered_by_how_frequent_they_are(kind: str) -> None:
    words = pd.Series(["rare", "often", "some", "often", None, "some", "often"], dtype=kind)
    (found,) = encode(records(pd.DataFrame({"word": words})), with_label=False).T
    np.testing.assert_array_equal(found, [2, 0, 1, 0, np.nan, 1, 0])


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series([1, None, 3], dtype="Int64"), [1, np.nan, 3]),
        (pd.Series([0.5, np.nan, 2.0]), [0.5, np.nan, 2.0]),
        (pd.Series([True, False, True]), [0, 1, 0]),  # by frequency, as other categories
        (pd.Series([True, None, True], dtype="boolean"), [0, np.nan, 0]),
        (pd.Series([None, None, None], dtype="object"), [np.nan] * 3),
        (pd.Series([None, None, None], dtype="category"), [np.nan] * 3),
        (pd.Series([7, 7, 7], dtype="category"), [0, 0, 0]),
        (pd.to_datetime(pd.Series(["2020-01-01", "2021-01-01", "2021-01-01"])), [1, 0, 0]),
    ],
    ids=lambda part: str(part.dtype) if isinstance(part, pd.Series) else "",
)
def test_every_sort_of_column_has_its_numbers(column: Any, expected: list[float]) -> None:
    found = encode(records(pd.DataFrame({"a": column})), with_label=False)
    np.testing.assert_array_equal(found[:, 0], expected)


def test_two_columns_of_one_name_are_both_kept() -> None:
    table = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    np.testing.assert_array_equal(encode(records(table), with_label=False), [[1, 2], [3, 4]])


def test_a_table_without_columns_is_the_label_alone() -> None:
    assert encode(records(pd.DataFrame(index=range(4)))).shape == (4, 1)


@pytest.mark.parametrize("table", [False, True])
def test_wide_records_keep_their_principal_components(table: bool) -> None:
    """Records on a plane keep all distances: two components hold everything."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2)) @ rng.normal(size=(2, WIDEST + 1)) + 50
    found = encode(records(pd.DataFrame(x) if table else x), with_label=False)
    assert found.shape == (80, WIDEST // 2)
    np.testing.assert_allclose(
        np.linalg.norm(found - found[0], axis=1), np.linalg.norm(x - x[0], axis=1), rtol=1e-6
    )
    np.testing.assert_array_equal(found, encode(records(x), with_label=False))


def test_wide_records_with_holes_are_finite_even_where_a_column_is_empty() -> None:
    x = np.random.default_rng(0).normal(size=(70, WIDEST + 1))
    x[3, 4], x[:, 7] = np.nan, np.nan
    assert np.isfinite(encode(records(x))).all()


def test_few_wide_records_have_no_more_components_than_they_are() -> None:
    x = np.random.default_rng(0).normal(size=(20, 300))
    found = encode(records(x), with_label=False)
    assert len(found) == 20
    assert found.shape[1] <= WIDEST // 2
    np.testing.assert_allclose(np.linalg.norm(found - found[0], axis=1), np.linalg.norm(x - x[0], axis=1))
