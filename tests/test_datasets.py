"""Data sets by name: from the folder, from OpenML, or a sentence that names the publisher."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets

from reticent import datasets
from reticent.data import records
from reticent.errors import DataError

# name: features' shape, records of each class as published
PUBLISHED = {
    "adult": ((48_842, 14), {"<=50K": 37_155, ">50K": 11_687}),
    "acs_income": ((295_243, 31), {0: 178_216, 1: 117_027}),
    "diabetes130": ((101_766, 48), {"NO": 54_864, ">30": 35_545, "<30": 11_357}),
    "heart_cleveland": ((303, 13), {0: 164, 1: 55, 2: 36, 3: 35, 4: 13}),
    "steak_survey": ((432, 13), None),
    "gss_happiness": ((24_455, 9), None),
    "location30": ((5_010, 446), None),
    "att_faces": ((390, 112, 92), dict.fromkeys(range(2, 41), 10)),
    "mnist": ((70_000, 28, 28), None),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_the_folder_holds_is_what_was_published(name, data_folder, monkeypatch):
    monkeypatch.setenv("RETICENT_DATA", str(data_folder))
    shape, counts = PUBLISHED[name]
    data = getattr(datasets, name)()
    assert data.features.shape == shape
    assert (data.name, len(data)) == (name, shape[0])
    if counts is not None:
        values, found = np.unique(data.labels, return_counts=True)
        assert dict(zip(values.tolist(), found.tolist(), strict=True)) == counts
    assert data.split is None or set(data.split) == {"train", "test"}
    read = records(data.features, data.labels, np.unique(data.labels), roles=data.roles)  # roles are columns
    assert (read.people is not None) == (name == "diabetes130")
    assert "records" in repr(data)
    assert len(repr(data)) < 60  # no values of anybody in it


def test_the_published_split_of_adult(data_folder, monkeypatch):
    monkeypatch.setenv("RETICENT_DATA", str(data_folder))
    split = datasets.adult().split
    assert ((split == "train").sum(), (split == "test").sum()) == (32_561, 16_281)


def test_the_published_predictions_of_location30(data_folder, monkeypatch):
    """The published attack by correctness: right on members, wrong on others, .687."""
    monkeypatch.setenv("RETICENT_DATA", str(data_folder))
    target, shadow = datasets.location30_published()
    assert (len(target.labels), len(shadow.labels)) == (2000, 1000)
    right = target.probabilities.argmax(axis=1) == target.labels
    assert (right == target.members).mean() == pytest.approx(0.687, abs=5e-4)
    labels = datasets.location30().labels
    assert np.unique(labels[target.index] - target.labels.astype(int)).size == 1  # the same people


def test_fair_comes_with_statsmodels(monkeypatch):
    monkeypatch.delenv("RETICENT_DATA", raising=False)
    data = datasets.fair()
    assert data.features.shape == (6_366, 8)
    assert "affairs" not in data.features
    assert dict(zip(*np.unique(data.labels, return_counts=True), strict=True)) == {0: 4_313, 1: 2_053}
    again = pd.concat([data.features, pd.Series(data.labels)], axis=1)
    assert len(again.drop_duplicates()) < len(again)  # many answered alike


@pytest.mark.parametrize(
    ("name", "publisher"),
    [
        ("acs_income", "US Census Bureau"),
        ("heart_cleveland", "UCI"),
        ("steak_survey", "FiveThirtyEight"),
        ("gss_happiness", "NORC"),
        ("location30", "Shokri"),
        ("location30_published", "Song"),
        ("att_faces", "AT&T"),
    ],
)
@pytest.mark.parametrize("folder", [None, "empty"])
def test_a_data_set_that_is_not_there_names_its_publisher(name, publisher, folder, tmp_path, monkeypatch):
    if folder is None:
        monkeypatch.delenv("RETICENT_DATA", raising=False)
    else:
        monkeypatch.setenv("RETICENT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=publisher):
        getattr(datasets, name)()


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("adult", "adult/adult.csv.gz"),
        ("heart_cleveland", "heart_cleveland/heart_cleveland.csv.gz"),
        ("location30", "location30/location30.npz"),
        ("mnist", "mnist/mnist.npz"),
    ],
)
@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08\x00 cut", b"PK\x03\x04 cut"])
def test_a_damaged_file_is_one_sentence(name, file, content, tmp_path, monkeypatch):
    monkeypatch.setenv("RETICENT_DATA", str(tmp_path))
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match="does not read"):
        getattr(datasets, name)()


@pytest.fixture
def openml(monkeypatch):
    """Stands in for OpenML; a test lays out what it has."""
    monkeypatch.delenv("RETICENT_DATA", raising=False)
    held: dict[tuple[str, int], object] = {}

    def fetch(name, *, version, as_frame, parser):
        return held[name, version]

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    return held


def test_adult_of_openml_reads_like_the_publishers(openml):
    frame = pd.DataFrame(
        {
            "age": [39, 50],
            "workclass": pd.Categorical(["Private", None]),
            "education-num": [13, 9],
            "race": pd.Categorical(["White", "Black"]),
            "sex": pd.Categorical(["Male", "Female"]),
            "class": pd.Categorical(["<=50K", ">50K"]),
        }
    )
    openml["adult", 2] = SimpleNamespace(frame=frame)
    data = datasets.adult()
    assert list(data.features.columns) == ["age", "workclass", "education_num", "race", "sex"]
    assert data.features["workclass"].tolist() == ["Private", "?"]
    assert data.features["age"].tolist() == [39, 50]
    assert data.labels.tolist() == ["<=50K", ">50K"]


def test_images_of_openml_take_their_shape(openml):
    openml["mnist_784", 1] = SimpleNamespace(
        data=np.broadcast_to((np.arange(784) % 256).astype(np.uint8), (70_000, 784)),
        target=np.full(70_000, "7", dtype=object),
    )
    data = datasets.mnist()
    assert data.features.shape == (70_000, 28, 28)
    assert data.features[0, 1, 0] == 28
    assert data.labels[0] == 7
    planes = np.concatenate([np.full(1024, c) for c in (10, 20, 30)])  # red, then green, then blue
    openml["CIFAR_10", 1] = SimpleNamespace(data=planes[None], target=np.array(["3"]))
    assert datasets.cifar10().features[0, 5, 5].tolist() == [10, 20, 30]


def test_openml_that_fails_is_one_sentence(openml):
    for name, publisher in (("adult", "UCI"), ("diabetes130", "Strack"), ("cifar10", "Krizhevsky")):
        with pytest.raises(DataError, match=rf"OpenML \(KeyError\).*{publisher}"):
            getattr(datasets, name)()


def test_cifar10_is_unpacked(tmp_path, monkeypatch):
    image = pytest.importorskip("PIL.Image")
    monkeypatch.setenv("RETICENT_DATA", str(tmp_path))
    (tmp_path / "cifar10").mkdir()
    arrays = {}
    for part, greys in (("train", [10, 200]), ("test", [90])):
        files = []
        for grey in greys:
            buffer = io.BytesIO()
            image.new("RGB", (32, 32), (grey, grey, grey)).save(buffer, "JPEG")
            files.append(buffer.getvalue())
        arrays[f"{part}_jpeg"] = np.frombuffer(b"".join(files), np.uint8)
        arrays[f"{part}_offset"] = np.cumsum([0, *map(len, files)])
        arrays[f"{part}_y"] = np.arange(len(greys), dtype=np.uint8)
    np.savez(tmp_path / "cifar10" / "cifar10_jpeg.npz", **arrays)
    data = datasets.cifar10()
    assert data.features[:, 0, 0, 0].tolist() == [10, 200, 90]
    assert data.labels.tolist() == [0, 1, 0]
    assert data.split.tolist() == ["train", "train", "test"]
