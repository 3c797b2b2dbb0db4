"""What users hand over: read as it is, checked on the way in, copies found."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent import data
from reticent.data import (
    Records,
    Roles,
    concat,
    overlap,
    positions,
    read_arrays,
    read_table,
    records,
    split_target,
)
from reticent.errors import DataError

SECRET = "Ada-Lovelace"


def of(x, labels=None, classes=(0, 1)):
    labels = np.zeros(len(x), np.int64) if labels is None else np.asarray(labels)
    return Records(x, labels, np.asarray(classes))


def column(values, **options):
    return of(pd.DataFrame({"a": pd.Series(values, **options)}))


# Labels


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([3, 1, 3], [1, 2, 3]),
        ([3.0, 1.0, 3.0], [1, 2, 3]),
        (["c", "a", "c"], ["a", "b", "c"]),
        (np.array(["c", "a", "c"], object), np.array(["a", "b", "c"])),
        (["c", "a", "c"], np.array(["a", "b", "c"], object)),
        ([3, 1, 3], ["1", "2", "3"]),
        (["3", "1", "3"], [1, 2, 3]),
    ],
)
def test_labels_become_positions(labels, classes):
    assert positions(np.asarray(labels), np.asarray(classes)).tolist() == [2, 0, 2]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [([True, False], [False, True]), ([True, False], [0, 1]), ([True, False], ["False", "True"])],
)
def test_truth_values_are_labels_too(labels, classes):
    assert positions(np.asarray(labels), np.asarray(classes)).tolist() == [1, 0]


@given(st.permutations(range(5)), st.lists(st.integers(0, 4), max_size=20))
@settings(derandomize=True, max_examples=50, deadline=None)
def test_positions_name_the_labels_in_whatever_order_the_classes_stand(classes, labels):
    classes, labels = np.array(classes), np.array(labels, np.int64)
    assert (classes[positions(labels, classes)] == labels).all()


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["a", SECRET], ["a", "b"]),
        (["a", None], ["a", "b"]),
        ([1.0, np.nan], [0, 1]),
        ([1, 987654], [0, 1]),
    ],
)
def test_unknown_labels_are_refused_without_showing_them(labels, classes):
    labels = np.asarray(labels, object if isinstance(labels[0], str) else None)
    with pytest.raises(DataError, match=r"1 label value\(s\) of the members .* 2 classes") as caught:
        positions(labels, np.asarray(classes), what="members")
    assert SECRET not in str(caught.value)
    assert "987654" not in str(caught.value)


def test_many_classes_are_not_all_listed():
    with pytest.raises(DataError) as caught:
        positions(np.array([1000]), np.arange(100))
    assert "…" in str(caught.value)
    assert "57" not in str(caught.value)


# What is handed over

TABLE = pd.DataFrame({"id": [7, 7, 8], "x": [1.5, np.nan, 3.0], "c": pd.Categorical(["u", "v", "u"])})


@pytest.mark.parametrize(
    "y", [[0, 1, 1], np.array([0, 1, 1]), pd.Series([0, 1, 1], index=[9, 8, 7]), pl.Series([0, 1, 1])]
)
@pytest.mark.parametrize(
    "x",
    [[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.arange(1.0, 7).reshape(3, 2), pl.DataFrame({"a": [1.0, 3, 5]})],
    ids=["list", "numpy", "polars"],
)
def test_features_and_labels_of_any_form_are_read(x, y):
    read = records(x, y, np.array([0, 1]))
    assert len(read) == 3
    assert read.labels.tolist() == [0, 1, 1]
    assert np.asarray(read.features)[:, 0].tolist() == [1, 3, 5]


def test_tables_keep_their_types_and_forget_their_index():
    read = records(TABLE.set_index(pd.Index([5, 5, 9])), [0, 1, 0], np.array([0, 1]))
    pd.testing.assert_frame_equal(read.features, TABLE)


def test_the_persons_key_is_no_feature():
    read = records(
        TABLE, [0, 1, 0], np.array([0, 1]), roles=Roles(person="id", sensitive=("c",), quasi=("x",))
    )
    assert list(read.features.columns) == ["x", "c"]
    assert read.people.tolist() == [7, 7, 8]
    assert read.take(np.array([2, 0])).people.tolist() == [8, 7]
    assert concat([read, read]).people.tolist() == [7, 7, 8, 7, 7, 8]


@pytest.mark.parametrize(
    ("x", "y", "roles", "said"),
    [
        (TABLE, [0, 1], None, "3 rows of features and 2 labels"),
        (TABLE[:0], [], None, "hold no records"),
        ([1, 2, 3], [0, 1, 1], None, r"shape \(3,\)"),
        (pd.Series([1, 2, 3]), [0, 1, 1], None, r"shape \(3,\)"),
        ([[1], [2, 3], [4]], [0, 1, 1], None, "rows of one length"),
        (pd.concat([TABLE, TABLE[["x"]]], axis=1), [0, 1, 1], None, "more than one column 'x'"),
        (TABLE, [0, 1, 1], Roles(person="who"), "no column 'who'"),
        (TABLE, [0, 1, 1], Roles(sensitive=("who",)), "no column 'who'"),
        (np.zeros((3, 2)), [0, 1, 1], Roles(quasi=("who",)), "no column 'who'"),
    ],
)
def test_mistakes_are_one_sentence(x, y, roles, said):
    with pytest.raises(DataError, match=said):
        records(x, y, np.array([0, 1]), roles=roles, what="members")


def test_taking_by_position_and_by_mask():
    for features in (TABLE, np.arange(24).reshape(3, 2, 4)):
        all_three = of(features, [0, 1, 0])
        by_mask, by_position = all_three.take(np.array([True, False, True])), all_three.take(np.array([0, 2]))
        assert by_mask.fingerprint() == by_position.fingerprint()
        assert by_mask.labels.tolist() == [0, 0]
        assert (
            concat([by_mask, all_three.take(np.array([1]))]).take(np.array([0, 2, 1])).fingerprint()
            == all_three.fingerprint()
        )


def test_joined_tables_keep_categories():
    one = column(["u", "v"], dtype=pd.CategoricalDtype(["u", "v"]))
    two = column(["w", "u"], dtype=pd.CategoricalDtype(["w", "u"]))
    joined = concat([one, two]).features["a"]
    assert joined.tolist() == ["u", "v", "w", "u"]
    assert joined.cat.categories.tolist() == ["u", "v", "w"]


def test_records_fingerprint_by_all_content():
    base = of(np.zeros((3, 2)), [0, 1, 0])
    others = [
        of(np.ones((3, 2)), [0, 1, 0]),
        of(np.zeros((3, 2)), [0, 1, 1]),
        of(np.zeros((3, 2)), [0, 1, 0], (0, 2)),
        Records(base.features, base.labels, base.classes, np.array([1, 1, 2])),
    ]
    assert len({r.fingerprint() for r in [base, *others]}) == 5
    assert base.fingerprint() == of(np.zeros((3, 2)), [0, 1, 0]).fingerprint()


# Copies


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (column([1, 2]), column([1.0, 2.0])),
        (column([1, -2], dtype="int8"), column([1, -2], dtype="int64")),
        (column([1.5, 2], dtype="float32"), column([1.5, 2], dtype="float64")),
        (column([1, None], dtype="Int64"), column([1.0, np.nan])),
        (column([0, 1]), column([False, True])),
        (column([0.0]), column([-0.0])),
        (column(["u", "v"]), column(["u", "v"], dtype="category")),
        (column(["u", "v"]), column(["u", "v"], dtype=object)),
        (
            column(["u", "v"], dtype=pd.CategoricalDtype(["u", "v"])),
            column(["u", "v"], dtype=pd.CategoricalDtype(["w", "v", "u"])),
        ),
        (column(["u", None]), column(["u", np.nan], dtype=object)),
        (of(np.ones((2, 3), np.int64)), of(np.ones((2, 3), np.float32))),
        (of(np.ones((2, 3, 2), np.uint8)), of(np.ones((2, 3, 2)))),
    ],
)
def test_equal_records_have_equal_keys_whatever_type_holds_them(one, two):
    assert (one.row_keys() == two.row_keys()).all()
    assert overlap(one, two).shared.all()


def test_keys_are_of_features_and_label():
    x = pd.DataFrame({"a": [1, 1, 1, 2], "b": ["u", "u", "v", "u"]})
    assert len(set(of(x, [0, 1, 0, 0]).row_keys())) == 4
    assert len(set(of(x, [0, 0, 0, 0]).row_keys())) == 3
    assert len(set(of(np.array([[1, 2], [2, 1]])).row_keys())) == 2


def test_keys_do_not_depend_on_how_much_is_keyed_at_a_time(monkeypatch):
    x = pd.DataFrame({"n": np.arange(7.0), "t": list("aabbccd"), "c": pd.Categorical(list("xyxyxyz"))})
    whole = of(x).row_keys()
    monkeypatch.setattr(data, "KEYED", 6)
    assert (of(x).row_keys() == whole).all()


def test_copies_between_and_within_sides_are_found():
    members = of(np.array([[1, 2], [3, 4], [1, 2], [1, 2]]), [0, 1, 0, 1])
    nonmembers = of(np.array([[3.0, 4.0], [3, 4], [5, 6]]), [1, 0, 1])
    found = overlap(members, nonmembers)
    assert found.shared.tolist() == [True, False, False]
    assert found.repeated_members == 1


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.integers(0, 1)), min_size=2, max_size=20)
)
@settings(derandomize=True, max_examples=50, deadline=None)
def test_copies_are_those_that_a_plain_comparison_finds(rows):
    half = len(rows) // 2
    sides = [
        of(pd.DataFrame({"a": [r[0] for r in part], "b": [r[1] for r in part]}), [r[2] for r in part])
        for part in (rows[:half], rows[half:])
    ]
    found = overlap(*sides)
    assert found.shared.tolist() == [r in rows[:half] for r in rows[half:]]
    assert found.repeated_members == half - len(set(rows[:half]))


def test_groups_are_labels_categories_and_quarters():
    x = pd.DataFrame({"n": np.arange(100.0), "sex": list("fm") * 50, "name": [f"p{i}" for i in range(100)]})
    groups = of(x, np.arange(100) % 2, ("no", "yes")).groups()
    assert list(groups.columns) == ["label", "n", "sex"]
    assert groups["label"].value_counts().to_dict() == {"no": 50, "yes": 50}
    assert groups["n"].value_counts().tolist() == [25] * 4
    assert list(of(np.zeros((3, 2)), [0, 1, 0]).groups().columns) == ["label"]


def test_a_feature_called_label_does_not_stand_in_for_the_label():
    groups = of(pd.DataFrame({"label": list("ab") * 50}), np.arange(100) // 50, ("no", "yes")).groups()
    assert groups["label"].tolist() == ["no"] * 50 + ["yes"] * 50
    assert groups["label (feature)"].tolist() == list("ab") * 50


# Files


def test_tables_are_read_from_csv_gzip_and_parquet(tmp_path):
    table = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_csv(tmp_path / "my.t.csv.gz", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "my.t.csv.gz", "t.parquet"):
        pd.testing.assert_frame_equal(read_table(tmp_path / name), table)


def damaged_gzip():
    content = bytearray(gzip.compress(b"a,b\n" + b"1,2\n" * 1000, mtime=0))
    content[15:25] = bytes(10)
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.txt", b"a\n1\n", "neither Parquet"),
        ("t.gz", b"", "neither Parquet"),
        ("t.csv", b"", "does not read"),
        ("t.csv", b"a,b\n1,2,3\n1,2,3,4\n", "does not read"),
        ("t.csv", b"a\n\xff\xfe\n", "does not read"),
        ("t.csv.gz", b"a,b\n", "does not read"),
        ("t.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)[:-12], "does not read"),
        ("t.csv.gz", damaged_gzip(), "does not read"),
        ("t.parquet", b"PAR1", "does not read"),
        ("t.parquet", b"", "does not read"),
    ],
)
def test_files_that_do_not_read_are_one_sentence(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        read_table(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_truncated_parquet_file_is_one_sentence(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": np.arange(1000)}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="does not read"):
        read_table(path)


def test_no_file_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(DataError, match=r"absent\.npz"):
        read_arrays(tmp_path / "absent.npz")


def test_arrays_are_read_without_pickles(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.arange(6).reshape(3, 2), y=np.array(["a", "b", "a"]))
    x, y = read_arrays(path)
    assert x.shape == (3, 2)
    assert y.tolist() == ["a", "b", "a"]
    for i in range(0, path.stat().st_size - 30, 7):
        whole = path.read_bytes()
        (tmp_path / "cut.npz").write_bytes(whole[:i])
        with pytest.raises(DataError):
            read_arrays(tmp_path / "cut.npz")
    np.savez(path, x=np.array([{"a": 1}], object), y=np.zeros(1))
    with pytest.raises(DataError, match="without objects"):
        read_arrays(path)
    np.savez(path, x=np.zeros(1))
    with pytest.raises(DataError, match="no array 'y'"):
        read_arrays(path)
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DataError, match="does not read"):
        read_arrays(path)


def test_the_label_column_is_split_off():
    x, y = split_target(TABLE, "c", what="members")
    assert list(x.columns) == ["id", "x"]
    assert y.tolist() == ["u", "v", "u"]
    with pytest.raises(DataError, match="no column 'income'"):
        split_target(TABLE, "income", what="members")
