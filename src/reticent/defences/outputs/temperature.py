"""Temperature: probabilities evened out, or sharpened, in the logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Outputs
from reticent.defences.outputs.answering import Stateless, answered, scores_of
from reticent.errors import PlanError


@dataclass(frozen=True)
class Temperature(Stateless):
    """Divide the logits by a temperature (Shokri et al. 2017, arXiv:1610.05820, section VIII).

    Attributes:
        t: above 1 probabilities come closer to each other, below 1 further apart.
    """

    word: ClassVar[str] = "temperature"
    source: ClassVar[str] = "Shokri et al. 2017, arXiv:1610.05820, section VIII"
    caveat: ClassVar[str] = "can be undone: log-probabilities times the temperature are what they were"
    t: float = 4.0

    def __post_init__(self) -> None:
        if not 0 < self.t < float("inf"):
            raise PlanError(f"temperature was given t={self.t}; give one above 0, such as 4")

    def answer(self, outputs: Outputs) -> Outputs:
        """Return the tempered probabilities."""
        scores_of(outputs, self.word)
        assert outputs.log_scores is not None
        logits = outputs.log_scores / self.t
        return answered(outputs.labels, np.exp(logits - logits.max(axis=1, keepdims=True)))
