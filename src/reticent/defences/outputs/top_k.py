"""Top-k: the likeliest classes' probabilities; the rest is not told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Outputs
from reticent.defences.outputs.answering import Stateless, answered, scores_of
from reticent.errors import PlanError


@dataclass(frozen=True)
class TopK(Stateless):
    """Answer the k highest probabilities (Shokri et al. 2017, arXiv:1610.05820, section VIII).

    What is left is shared evenly among the other classes, as whoever sees k of them would.

    Attributes:
        k: classes whose probability is told.
    """

    word: ClassVar[str] = "top_k"
    source: ClassVar[str] = "Shokri et al. 2017, arXiv:1610.05820, section VIII"
    caveat: ClassVar[str] = "the highest probability says most of what there is to say"
    k: int = 3

    def __post_init__(self) -> None:
        if self.k < 1:
            raise PlanError(f"top_k was given k={self.k}; give a number of classes from 1 on")

    def answer(self, outputs: Outputs) -> Outputs:
        """Return the k highest, the rest evened out."""
        scores = scores_of(outputs, self.word)
        classes = scores.shape[1]
        if self.k >= classes:
            return answered(outputs.labels, scores)
        order = np.argpartition(-scores, self.k - 1, axis=1)[:, : self.k]
        told = np.take_along_axis(scores, order, axis=1)
        rest = np.maximum(1 - told.sum(axis=1, keepdims=True), 0) / (classes - self.k)
        even = np.broadcast_to(rest, scores.shape).copy()
        np.put_along_axis(even, order, told, axis=1)
        return answered(outputs.labels, even)
