"""Rounding: probabilities to so many decimal places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import FLOOR, Outputs
from reticent.defences.outputs.answering import Stateless, scores_of
from reticent.errors import PlanError


@dataclass(frozen=True)
class Rounding(Stateless):
    """Round probabilities (Shokri et al. 2017, arXiv:1610.05820, section VIII).

    The label stays the model's own; the probabilities are not scaled to sum to one again, which would undo
    the rounding.

    Attributes:
        places: decimal places kept.
    """

    word: ClassVar[str] = "round_scores"
    source: ClassVar[str] = "Shokri et al. 2017, arXiv:1610.05820, section VIII"
    caveat: ClassVar[str] = "members and others mostly differ by more than two places hide"
    places: int = 2

    def __post_init__(self) -> None:
        if not 0 <= self.places <= 12:
            raise PlanError(f"round_scores was given places={self.places}; give a whole number from 0 to 12")

    def answer(self, outputs: Outputs) -> Outputs:
        """Return the rounded probabilities."""
        scores = np.round(scores_of(outputs, self.word), self.places)
        return Outputs(outputs.labels, np.log(np.maximum(scores, FLOOR)))
