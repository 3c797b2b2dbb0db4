"""What defences of the answers share: probabilities in and out, and draws that belong to a record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reticent.access import FLOOR, FloatArray, IntArray, Outputs
from reticent.data import flat, is_table
from reticent.defences.defence import Fitted, OutputDefence
from reticent.errors import ModelError

if TYPE_CHECKING:
    from reticent.access import Features

STEP = np.uint64(0x9E3779B97F4A7C15)


class Stateless(OutputDefence):
    """A defence of the answers that is a function of the answers alone."""

    def begin(self, fitted: Fitted, seed: int) -> Callable[[Outputs, Features], Outputs]:
        """Set to work: nothing to prepare."""
        return lambda outputs, x: self.answer(outputs)

    def answer(self, outputs: Outputs) -> Outputs:
        """Return what is answered in place of `outputs`."""
        raise NotImplementedError


def scores_of(outputs: Outputs, word: str) -> FloatArray:
    """(records, classes) probabilities.

    Raises:
        ModelError: the answers are labels.
    """
    if outputs.log_scores is None:
        raise ModelError(f"{word} changes scores and was given labels; leave it out, or put it before")
    scores: FloatArray = np.exp(outputs.log_scores)
    return scores


def answered(labels: IntArray, scores: FloatArray) -> Outputs:
    """Answers of these labels and probabilities (records, classes), which need not sum to one yet."""
    scores = np.maximum(scores, 0)
    total = scores.sum(axis=1, keepdims=True)
    scores = np.where(total > 0, scores / np.where(total > 0, total, 1), 1 / scores.shape[1])
    return Outputs(labels, np.log(np.maximum(scores, FLOOR)))


@dataclass(frozen=True)
class OwnDraws:
    """Random numbers that belong to a record: the same each time, and foreseen by nobody without the key.

    Attributes:
        key: up to 64 bytes, secret.
    """

    key: bytes

    @classmethod
    def of(cls, seed: int, what: str) -> OwnDraws:
        """Draws under a seed, apart from those for another purpose."""
        return cls(hashlib.blake2b(f"{what}:{seed}".encode()).digest())

    def uniform(self, x: Features, draws: int = 1) -> FloatArray:
        """(records, draws) in [0, 1).

        A keyed hash of each record (BLAKE2b) starts a stream of SplitMix64 (Steele et al. 2014): whoever sees
        some records' draws learns nothing of the key.
        """
        start = digests(x, self.key)
        state = start[:, None] + np.arange(1, draws + 1, dtype=np.uint64) * STEP
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
        uniform: FloatArray = (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return uniform


def digests(x: Any, key: bytes) -> npt.NDArray[np.uint64]:
    """(records,) keyed hashes of records: equal records, equal hashes, whatever type holds their numbers."""
    rows = row_bytes(x)
    found = [hashlib.blake2b(row, digest_size=8, key=key).digest() for row in rows]
    return np.frombuffer(b"".join(found), dtype=np.uint64)


def row_bytes(x: Any) -> list[bytes]:
    """Each record as bytes: numbers as float64, words as they are written."""
    if not is_table(x):
        array = flat(np.asarray(x))
        if array.dtype.kind in "biuf":
            block = np.ascontiguousarray(array.astype(np.float64) + 0.0)
            return [row.tobytes() for row in block]
        return [repr(row).encode() for row in array.tolist()]
    from pandas.api.types import is_numeric_dtype

    numbers = [c for c, kind in enumerate(x.dtypes) if is_numeric_dtype(kind)]
    words = [c for c in range(x.shape[1]) if c not in set(numbers)]
    block = np.ascontiguousarray(x.iloc[:, numbers].to_numpy(np.float64, na_value=np.nan) + 0.0)
    found = [row.tobytes() for row in block]
    if not words:
        return found
    written = x.iloc[:, words].astype(str).to_numpy().tolist()
    return [row + "\x1f".join(values).encode() for row, values in zip(found, written, strict=True)]
