"""What a released model shows whoever reads its weights, and what was read back from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reticent.access import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenModel:
    """A model with its weights, and what the attacker has besides.

    Attributes:
        model: a torch module or a fitted scikit-learn classifier.
        shape: of one record, as the model takes it.
        low: the least value that a record holds.
        high: the greatest.
        known: (records, ...) training records that the attacker has.
        labels: (records,) their labels, as the model was given them.
    """

    model: Any
    shape: tuple[int, ...]
    low: float
    high: float
    known: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    labels: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Recovered:
    """Training records as the weights tell them.

    Attributes:
        records: (guesses, ...) of the records' shape.
        labels: (guesses,) of each.
        mismatch: how far the weights are from what these records would have made of them, as a share; for the
            attacker, who has no truth to look at.
    """

    records: FloatArray
    labels: IntArray
    mismatch: float
