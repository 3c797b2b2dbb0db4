"""Signals on disk: many writers, one file, and only what is marked counts."""

from __future__ import annotations

import multiprocessing
import os

import numpy as np
import pytest

from reticent.errors import ModelError, StorageError
from reticent.question import Labels, Scores
from reticent.shadows.rows import Rows

LABELS = np.array([0, 1, 0, 1])


def answer(model, classes=2):
    return np.full((4, 1, classes), model + 0.5, np.float32)


def write_some(folder, models, mine, barrier):
    rows = Rows(folder, models)
    barrier.wait()
    for model in mine:
        rows.write(Scores(), model, answer(model))


def test_what_is_written_is_read(tmp_path):
    rows = Rows(tmp_path / "r", 3)
    assert rows.missing([Scores()]) == [0, 1, 2]
    for model in (2, 0, 1):
        rows.write(Scores(), model, answer(model))
    assert rows.missing([Scores()]) == []
    members = np.zeros((3, 4), bool)
    signals = Rows(tmp_path / "r", 3).read(Scores(), LABELS, members)
    assert signals.values.dtype == np.float32
    assert signals.values[:, 0, 0, 0].tolist() == [0.5, 1.5, 2.5]
    assert (signals.members == members).all()
    assert not signals.values.flags.writeable


def test_a_model_is_missing_until_every_question_is_answered(tmp_path):
    rows = Rows(tmp_path / "r", 2)
    rows.write(Scores(), 0, answer(0))
    assert rows.missing([Scores()]) == [1]
    assert rows.missing([Scores(), Labels()]) == [0, 1]
    rows.write(Labels(), 0, answer(0, classes=1))
    assert rows.missing([Scores(), Labels()]) == [1]


def test_a_row_without_its_marker_is_missing(tmp_path):
    rows = Rows(tmp_path / "r", 2)
    rows.write(Scores(), 0, answer(0))
    rows.write(Scores(), 1, answer(1))
    (marker,) = (tmp_path / "r").glob("*.00001.done")
    marker.unlink()
    assert rows.missing([Scores()]) == [1]
    rows.write(Scores(), 1, answer(7))
    assert rows.read(Scores(), LABELS, np.zeros((2, 4), bool)).values[:, 0, 0, 0].tolist() == [0.5, 7.5]


def test_markers_of_a_file_that_is_gone_vouch_for_nothing(tmp_path):
    rows = Rows(tmp_path / "r", 2)
    for model in range(2):
        rows.write(Scores(), model, answer(model))
        rows.write(Labels(), model, answer(model, classes=1))
    rows._path(Scores()).unlink()
    assert rows.missing([Labels()]) == []
    assert rows.missing([Scores(), Labels()]) == [0, 1]
    rows.write(Scores(), 0, answer(0))
    assert rows.missing([Scores()]) == [1]  # else an empty row would pass for an answer


def test_a_crash_before_the_row_is_synced_leaves_no_marker(tmp_path, monkeypatch):
    rows = Rows(tmp_path / "r", 2)
    rows.write(Scores(), 0, answer(0))

    def crash(_):
        raise OSError(28, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", crash)
        with pytest.raises(StorageError, match="no space is left"):
            rows.write(Scores(), 1, answer(1))
    assert rows.missing([Scores()]) == [1]


def test_another_shape_is_refused_and_harms_nothing(tmp_path):
    rows = Rows(tmp_path / "r", 2)
    rows.write(Scores(), 0, answer(0))
    with pytest.raises(ModelError, match=r"shadow model 1 answered in shape \(4, 1, 3\)"):
        rows.write(Scores(), 1, answer(1, classes=3))
    assert rows.missing([Scores()]) == [1]
    assert (rows.read(Scores(), LABELS, np.zeros((2, 4), bool)).values[0] == answer(0)).all()


def test_many_processes_make_one_file(tmp_path):
    spawn = multiprocessing.get_context("fork")
    for attempt in range(5):
        folder, models = tmp_path / str(attempt), 12
        barrier = spawn.Barrier(4)
        writers = [
            spawn.Process(target=write_some, args=(folder, models, range(i, models, 4), barrier))
            for i in range(4)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert [writer.exitcode for writer in writers] == [0] * 4
        rows = Rows(folder, models)
        assert rows.missing([Scores()]) == []
        values = rows.read(Scores(), LABELS, np.zeros((models, 4), bool)).values
        assert values[:, 0, 0, 0].tolist() == [m + 0.5 for m in range(models)]
        assert len(list(folder.iterdir())) == models + 1  # nothing is left aside
