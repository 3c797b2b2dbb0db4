"""Perturbed copies: every type comes back as it was, and each kind of column moves as it should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.access import Access, Metered, Outputs
from reticent.attacks.perturb import Kind, Sheet, margins, mirrored, picture_axes, shifted
from reticent.data import Records
from reticent.errors import ModelError

N = 4000


def table(records: int = 60) -> pd.DataFrame:
    """One column of every type a user may hand over."""
    rng = np.random.default_rng(0)
    holes = rng.random(records) < 0.3
    days = pd.to_timedelta(rng.integers(0, 9, records), "D")
    text = rng.choice(np.array(["a", "b", None], dtype=object), records)
    return pd.DataFrame(
        {
            "int": rng.integers(0, 90, records),
            "uint8": rng.integers(0, 255, records).astype(np.uint8),
            "float": rng.random(records),
            "float32": rng.random(records).astype(np.float32),
            "holes": np.where(holes, np.nan, rng.random(records)),
            "bit": rng.integers(0, 2, records),
            "float bit": rng.integers(0, 2, records).astype(float),
            "bool": rng.random(records) < 0.5,
            "str": pd.Series(np.where(holes, "x", "y"), dtype="str"),
            "object": pd.Series(text, dtype=object),
            "mixed": pd.Series([1, "x", None, 2.5] * (records // 4), dtype=object),
            "category": pd.Categorical(rng.choice(["p", "q"], records), categories=["q", "p", "unseen"]),
            "ordered": pd.Categorical(rng.choice([1, 2], records), ordered=True),
            "date": pd.Timestamp("2020-01-01") + days,
            "Int64": pd.array(np.where(holes, None, 7), dtype="Int64").astype("Int64"),
            "Float32": pd.array(np.where(holes, None, rng.random(records)), dtype="Float32"),
            "boolean": pd.array(np.where(holes, None, True), dtype="boolean"),
            "arrow": pd.Series(rng.integers(0, 9, records)).astype("int64[pyarrow]"),
            "nothing": np.nan,
            "constant": 3,
        }
    )


def test_a_table_comes_back_as_it_was() -> None:
    frame = table()
    sheet = Sheet.of(frame)
    pd.testing.assert_frame_equal(sheet.rebuilt(sheet.values), frame)
    pd.testing.assert_frame_equal(sheet.noisy(0.0, np.random.default_rng(0)), frame)
    pd.testing.assert_frame_equal(sheet.scaled(1.0, np.random.default_rng(0)), frame)


def test_copies_of_a_table_keep_every_type_and_what_is_missing_in_numbers() -> None:
    frame = table()
    sheet = Sheet.of(frame)
    for copy in (sheet.noisy(1.0, np.random.default_rng(0)), sheet.scaled(0.3, np.random.default_rng(0))):
        assert isinstance(copy, pd.DataFrame)
        pd.testing.assert_series_equal(copy.dtypes, frame.dtypes)
        for name in ("holes", "Float32", "Int64", "nothing"):
            np.testing.assert_array_equal(copy[name].isna(), frame[name].isna())
        for name in ("str", "object", "category", "date", "bool", "mixed"):
            assert set(copy[name].astype(str)) <= set(frame[name].astype(str))
        assert not copy["float"].equals(frame["float"])
        assert not copy["object"].equals(frame["object"])
        assert copy["constant"].eq(3).all()


def test_columns_of_one_name_are_told_apart() -> None:
    frame = table()[["int", "str", "float"]].set_axis(["x", "x", "x"], axis=1)
    sheet = Sheet.of(frame)
    pd.testing.assert_frame_equal(sheet.rebuilt(sheet.values), frame)


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i2", "u1", "?", "O", "U3"])
@pytest.mark.parametrize("shape", [(30, 5), (30, 4, 3), (30, 4, 4, 3)])
def test_an_array_comes_back_as_it_was(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 2 if dtype == "?" else 9, shape).astype(dtype)
    sheet = Sheet.of(array)
    for copy in (sheet.rebuilt(sheet.values), sheet.noisy(0.0, np.random.default_rng(0))):
        assert isinstance(copy, np.ndarray)
        assert copy.dtype == array.dtype
        np.testing.assert_array_equal(copy, array)
    assert sheet.noisy(0.7, np.random.default_rng(0)).shape == shape


def test_an_array_of_mixed_objects_is_read_column_by_column() -> None:
    array = np.array([[1, "a", True], [2, "b", False], [3, "a", True]] * 10, dtype=object)
    sheet = Sheet.of(array)
    assert sheet.kinds.tolist() == [Kind.NUMBER, Kind.CATEGORY, Kind.CATEGORY]
    copy: Any = sheet.noisy(1.0, np.random.default_rng(0))
    assert {type(v) for v in copy[:, 0]} == {int}


def test_kinds_are_told_by_what_a_column_holds() -> None:
    frame = table().drop(columns="nothing")
    kinds = dict(zip(frame.columns, Sheet.of(frame).kinds, strict=True))
    assert {n for n, k in kinds.items() if k == Kind.BIT} == {"bit", "float bit"}
    numbers = {"int", "uint8", "float", "float32", "holes", "Int64", "Float32", "arrow", "constant"}
    assert {n for n, k in kinds.items() if k == Kind.NUMBER} == numbers


@given(radius=st.floats(0, 1), seed=st.integers(0, 99))
@settings(derandomize=True, max_examples=20, deadline=None)
def test_noise_on_numbers_agrees_with_a_slow_reference(radius: float, seed: int) -> None:
    array = np.random.default_rng(1).normal(size=(20, 3)) * [1, 10, 0.1]
    array[:, 1] = np.rint(array[:, 1])
    copy = Sheet.of(array).noisy(radius, np.random.default_rng(seed))
    draws = np.random.default_rng(seed).standard_normal((20, 3), dtype=np.float32)
    for row in range(20):
        for column in range(3):
            spread = np.std(array[:, column])
            moved = array[row, column] + radius * spread * draws[row, column]
            expected = min(max(moved, array[:, column].min()), array[:, column].max())
            assert copy[row, column] == pytest.approx(expected, abs=1e-12)


def test_noise_spreads_as_its_radius_says() -> None:
    rng = np.random.default_rng(0)
    array = rng.normal(size=(N, 2)) * [5.0, 0.2]
    moved = Sheet.of(array).noisy(0.1, rng) - array
    np.testing.assert_allclose(moved.std(axis=0) / array.std(axis=0), 0.1, rtol=0.05)
    np.testing.assert_allclose(moved.mean(axis=0) / array.std(axis=0), 0, atol=0.01)


def test_bits_flip_as_often_as_radius_times_spread() -> None:
    rng = np.random.default_rng(0)
    share = np.array([0.5, 0.1, 0.01])
    bits = (rng.random((N, 3)) < share).astype(np.float32)
    flipped = Sheet.of(bits).noisy(0.6, rng) != bits
    expected = 0.6 * bits.std(axis=0)
    assert np.all(np.abs(flipped.mean(axis=0) - expected) < 4 * np.sqrt(expected / N))


def test_categories_are_drawn_from_their_own_column() -> None:
    rng = np.random.default_rng(0)
    values = rng.choice(["a", "b", "c"], N, p=[0.7, 0.2, 0.1])
    frame = pd.DataFrame({"x": values})
    copy: Any = Sheet.of(frame).noisy(0.5, rng)
    same = 0.7**2 + 0.2**2 + 0.1**2
    assert (copy["x"] != frame["x"]).mean() == pytest.approx(0.5 * (1 - same), abs=0.03)
    share = copy["x"].value_counts(normalize=True)
    assert share["a"] == pytest.approx(0.7, abs=0.03)


def test_whole_numbers_stay_whole_and_none_leaves_the_range_seen() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.integers(18, 90, N), "gain": rng.exponential(1000, N)})
    copy: Any = Sheet.of(frame).noisy(1.0, rng)
    assert copy["age"].dtype == frame["age"].dtype
    assert copy["age"].between(frame["age"].min(), frame["age"].max()).all()
    assert copy["gain"].min() >= frame["gain"].min()


def test_a_larger_radius_goes_further_the_same_way() -> None:
    rng = np.random.default_rng(0)
    array = rng.normal(size=(N, 2))
    near, far = (Sheet.of(array).noisy(r, np.random.default_rng(5)) - array for r in (0.1, 0.2))
    inside = np.abs(array) < 1
    np.testing.assert_allclose(far[inside], 2 * near[inside], atol=1e-6)
    bits = (rng.random((N, 2)) < 0.4).astype(float)
    few, many = (Sheet.of(bits).noisy(r, np.random.default_rng(5)) != bits for r in (0.1, 0.8))
    assert np.all(many[few])
    assert many.sum() > few.sum()


def test_only_the_columns_asked_for_move() -> None:
    frame = table()
    sheet = Sheet.of(frame)
    chosen = np.array([frame.columns.get_loc(n) for n in ("float", "str", "constant")])
    for copy in (sheet.noisy(1.0, np.random.default_rng(0), chosen),
                 sheet.scaled(0.0, np.random.default_rng(0), chosen)):  # fmt: skip
        changed = {name for name in frame if not copy[name].equals(frame[name])}
        assert changed == {"float", "str"}


@pytest.mark.parametrize("scale", [0.0, 0.4, 1.5])
def test_scaling_meets_its_closed_form(scale: float) -> None:
    array = np.random.default_rng(0).normal(3, 2, size=(50, 4))
    copy = Sheet.of(array).scaled(scale, np.random.default_rng(0))
    mean = array.mean(axis=0)
    expected = np.clip(mean + scale * (array - mean), array.min(axis=0), array.max(axis=0))
    np.testing.assert_allclose(copy, expected, rtol=1e-12)


def test_bits_of_real_numbers_slide_and_bits_of_whole_numbers_are_drawn_anew() -> None:
    rng = np.random.default_rng(0)
    bits = (rng.random((N, 3)) < 0.3).astype(np.int64)
    slid = Sheet.of(bits.astype(float)).scaled(0.5, rng)
    np.testing.assert_allclose(slid, bits.mean(axis=0) + 0.5 * (bits - bits.mean(axis=0)))
    drawn = Sheet.of(bits).scaled(0.5, rng)
    assert set(np.unique(drawn)) == {0, 1}
    assert (drawn != bits).mean() == pytest.approx(0.5 * 2 * 0.3 * 0.7, abs=0.02)


def test_a_smaller_scale_changes_the_same_values_and_more() -> None:
    frame = pd.DataFrame({"x": np.random.default_rng(0).choice(list("abcd"), N)})
    sheet = Sheet.of(frame)
    changed = [(sheet.scaled(s, np.random.default_rng(3))["x"] != frame["x"]).to_numpy() for s in (0.8, 0.2)]
    assert np.all(changed[1][changed[0]])
    assert changed[1].sum() > changed[0].sum()
    pd.testing.assert_frame_equal(sheet.scaled(1.7, np.random.default_rng(3)), frame)


def test_the_same_draws_give_the_same_copy() -> None:
    sheet = Sheet.of(table())
    first, again, other = (sheet.noisy(0.3, np.random.default_rng(s)) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((9, 8, 6), (1, 2)),
        ((9, 8, 6, 3), (1, 2)),
        ((9, 3, 8, 6), (2, 3)),
        ((9, 1, 8, 6), (2, 3)),
        ((9, 5), None),
    ],
)
def test_the_axes_of_a_picture_are_found(shape: tuple[int, ...], axes: tuple[int, int] | None) -> None:
    assert picture_axes(np.zeros(shape)) == axes


@pytest.mark.parametrize(("axis", "pixels"), [(1, 2), (2, -1), (2, 3)])
def test_shifting_agrees_with_a_slow_reference(axis: int, pixels: int) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (4, 6, 7, 3)).astype(np.uint8)
    moved = shifted(pictures, axis, pixels)
    for row in range(6):
        for column in range(7):
            came_from = [row, column]
            came_from[axis - 1] = min(max(came_from[axis - 1] - pixels, 0), (6, 7)[axis - 1] - 1)
            np.testing.assert_array_equal(moved[:, row, column], pictures[:, came_from[0], came_from[1]])


def test_tables_and_texts_are_no_pictures() -> None:
    assert picture_axes(table()) is None
    assert picture_axes(np.full((3, 4, 5), "x")) is None


def test_mirroring_turns_left_for_right() -> None:
    pictures = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(mirrored(pictures, 2)[:, :, 0], pictures[:, :, 3])


def test_margins_need_scores() -> None:
    class Named:
        access = Access.SCORES
        classes = np.array([0, 1])

        def predict(self, x: Any) -> Outputs:
            return Outputs.from_labels(np.zeros(len(x), dtype=np.int64))

        def fingerprint(self) -> str:
            return "named"

    records = Records(np.zeros((3, 2)), np.zeros(3, dtype=np.int64), np.array([0, 1]))
    with pytest.raises(ModelError, match="labels only"):
        margins(Metered(Named()), records, [records.features])


def test_scattered_records_lie_evenly_over_what_columns_hold():
    table = pd.DataFrame(
        {
            "number": [0.0, 10.0, np.nan, 5.0],
            "whole": [1, 2, 4, 4],
            "bit": [0, 1, 1, 1],
            "word": ["a", "b", None, "a"],
            "constant": [7.0] * 4,
        }
    )
    made = Sheet.of(table).scattered(40_000, np.random.default_rng(0))
    assert list(made.columns) == list(table.columns)
    assert made.dtypes["whole"] == table.dtypes["whole"]
    assert made["number"].between(0, 10).all()
    assert made["number"].mean() == pytest.approx(5, abs=0.1)
    shares = made["whole"].value_counts(normalize=True)
    assert sorted(shares.index) == [1, 2, 3, 4]
    assert shares.to_numpy() == pytest.approx([0.25] * 4, abs=0.015)
    assert made["bit"].mean() == pytest.approx(0.5, abs=0.015)
    words = made["word"].value_counts(normalize=True, dropna=False)
    assert len(words) == 3
    assert words.to_numpy() == pytest.approx([1 / 3] * 3, abs=0.015)
    assert (made["constant"] == 7).all()


def test_scattered_pictures_keep_their_shape_and_type():
    made = Sheet.of(np.array([[[0, 255]], [[255, 0]]], dtype=np.uint8)).scattered(9, np.random.default_rng(0))
    assert made.shape == (9, 1, 2)
    assert made.dtype == np.uint8
