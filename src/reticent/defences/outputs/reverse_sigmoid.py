"""Reverse sigmoid: probabilities bent so that a substitute learns from them what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Outputs
from reticent.defences.outputs.answering import Stateless, answered, scores_of
from reticent.errors import PlanError


@dataclass(frozen=True)
class ReverseSigmoid(Stateless):
    """p − β (σ(γ logit p) − ½), scaled to sum to one (Lee, Edwards, Molloy & Su 2019, arXiv:1806.00054, eq.
    5).

    Against those who train a copy on the answers: equal probabilities may stand for very different ones. The
    label stays the model's own.

    Attributes:
        beta: how far probabilities are moved.
        gamma: how steeply.
    """

    word: ClassVar[str] = "reverse_sigmoid"
    source: ClassVar[str] = "Lee, Edwards, Molloy & Su 2019, arXiv:1806.00054, eq. 5"
    caveat: ClassVar[str] = (
        "the class with the highest probability need not be the label; made against copying"
    )
    beta: float = 0.4
    gamma: float = 0.2

    def __post_init__(self) -> None:
        if not (0 <= self.beta <= 1 and self.gamma > 0):
            raise PlanError(
                f"reverse_sigmoid was given beta={self.beta} and gamma={self.gamma}; give beta from 0 "
                "to 1 and gamma above 0"
            )

    def answer(self, outputs: Outputs) -> Outputs:
        """Return the bent probabilities."""
        scores = np.clip(scores_of(outputs, self.word), 1e-7, 1 - 1e-7)
        bent = 1 / (1 + np.exp(-self.gamma * np.log(scores / (1 - scores))))
        return answered(outputs.labels, scores - self.beta * (bent - 0.5))
