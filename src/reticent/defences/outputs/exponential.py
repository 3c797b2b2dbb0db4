"""Exponential mechanism: a class drawn at random, the likelier the higher its probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, Outputs
from reticent.defences.defence import Fitted, OutputDefence
from reticent.defences.outputs.answering import scores_of
from reticent.defences.outputs.noise import Spending
from reticent.errors import PlanError


@dataclass(frozen=True)
class ExponentialMechanism(OutputDefence):
    """Draw the label with probability ∝ exp(ε p / 2) (McSherry & Talwar 2007, doi:10.1109/FOCS.2007.66).

    One record more or less in training may change a probability by 1 at most, so each answer is ε-private;
    answers add up.

    Attributes:
        each: ε of one answer.
        epsilon: the budget of all answers together; None to count nothing and never stop.
    """

    word: ClassVar[str] = "exponential_mechanism"
    source: ClassVar[str] = "McSherry & Talwar 2007, doi:10.1109/FOCS.2007.66"
    caveat: ClassVar[str] = (
        "useful answers need an ε of ten and more each; asked again, the label averages out"
    )
    leaves: ClassVar[Access] = Access.LABELS
    keeps_label: ClassVar[bool] = False
    same_again: ClassVar[bool] = False
    each: float = 10.0
    epsilon: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.each < float("inf"):
            raise PlanError(f"{self.word} was given each={self.each}; give an epsilon above 0 for one answer")
        if self.epsilon is not None and self.epsilon < self.each:
            raise PlanError(
                f"{self.word} was given epsilon={self.epsilon:g} for all answers and each={self.each:g} "
                "for one; give a budget that pays for one answer at least"
            )

    def spent(self, answers: int) -> float:
        """Epsilon that so many answers cost."""
        return answers * self.each

    def begin(self, fitted: Fitted, seed: int) -> Spending:
        """Set to work, with the whole budget left."""

        def change(rng: np.random.Generator, outputs: Outputs) -> Outputs:
            scores = scores_of(outputs, self.word)
            drawn = self.each * scores / 2 + rng.gumbel(
                size=scores.shape
            )  # the Gumbel trick: no sums to take
            return Outputs.from_labels(drawn.argmax(axis=1))

        return Spending(change, None if self.epsilon is None else int(self.epsilon / self.each), seed)
