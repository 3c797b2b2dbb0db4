"""Signals on disk: one array file a question, one row a model, written by many processes.

A row counts only once its marker exists, and the marker is made after the row is synced; a process
that is killed in between leaves a row that is trained again. Rows are written through the file, not
through a memory map, since a full disk under a map ends the process without a word.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.errors import ModelError
from reticent.fingerprint import fingerprint
from reticent.question import Question
from reticent.shadows.signals import Signals
from reticent.store import private_folder, storage_errors, write_text


class Rows:
    """What the models of one plan answered."""

    def __init__(self, folder: Path, models: int) -> None:
        self.folder = folder
        self.models = models

    def missing(self, questions: Sequence[Question]) -> list[int]:
        """Models whose answer to some question is not kept."""
        for question in questions:
            if not self._path(question).exists():  # taken away from outside: its markers vouch for nothing
                for stray in self.folder.glob(f"{fingerprint(question)}.*.done"):
                    stray.unlink(missing_ok=True)
        return [m for m in range(self.models) if not all(self._marker(q, m).exists() for q in questions)]

    def write(self, question: Question, model: int, values: FloatArray) -> None:
        """Keep one model's answers (records, variants, channels).

        Raises:
            StorageError: the disk is full or can't be written.
            ModelError: the shape differs from what other models answered.
        """
        values = np.ascontiguousarray(values, dtype=np.float32)
        private_folder(self.folder)
        path = self._path(question)
        with storage_errors(path):
            if not path.exists():
                self._create(path, values.shape)
            with path.open("r+b") as file:
                shape, start = _header(file)
                if shape[1:] != values.shape:
                    raise ModelError(
                        f"shadow model {model} answered in shape {values.shape} where another answered "
                        f"in {shape[1:]}; the recipe must train models of the same classes"
                    )
                file.seek(start + model * values.nbytes)
                file.write(values.data)
                file.flush()
                os.fsync(file.fileno())
            self._marker(question, model).touch()

    def read(self, question: Question, labels: IntArray, members: BoolArray) -> Signals:
        """All models' answers, memory-mapped."""
        values: Any = np.load(self._path(question), mmap_mode="r")
        return Signals(values, labels, members)

    def took(self, models: Sequence[int], seconds: float) -> None:
        """Keep how long each of these models took to train."""
        for model in models:
            write_text(self.folder / f"{model:05d}.seconds", repr(seconds))

    def seconds(self) -> float:
        """The mean of what was kept; NaN where nothing was."""
        kept = [float(path.read_text()) for path in sorted(self.folder.glob("*.seconds"))]
        return float(np.mean(kept)) if kept else float("nan")

    def _create(self, path: Path, row: tuple[int, ...]) -> None:
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with aside.open("wb") as file:
                shape = (self.models, *row)
                np.lib.format.write_array_header_1_0(
                    file, {"descr": "<f4", "fortran_order": False, "shape": shape}
                )
                file.truncate(file.tell() + 4 * int(np.prod(shape)))
            os.link(aside, path)  # the first process makes the file; the others find it
        except FileExistsError:
            pass
        finally:
            aside.unlink(missing_ok=True)

    def _path(self, question: Question) -> Path:
        return self.folder / f"{fingerprint(question)}.npy"

    def _marker(self, question: Question, model: int) -> Path:
        return self.folder / f"{fingerprint(question)}.{model:05d}.done"


def _header(file: Any) -> tuple[tuple[int, ...], int]:
    """The array's shape and where its bytes start."""
    np.lib.format.read_magic(file)
    shape, _, _ = np.lib.format.read_array_header_1_0(file)
    return shape, file.tell()
