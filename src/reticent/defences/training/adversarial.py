"""Adversarial training: the model sees each record moved to where it is most mistaken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.kinds import torch_training
from reticent.errors import PlanError
from reticent.recipe import Recipe

if TYPE_CHECKING:
    from reticent.shadows.batched.training import Training


@dataclass(frozen=True)
class AdversarialTraining(TrainingDefence):
    """Train on records moved by projected gradient ascent (Madry et al. 2018, arXiv:1706.06083, eq. 2.1).

    Each number that the module takes is moved by at most the radius, columns of a table each by itself: the
    radius is in the units in which the module takes them (spreads, where they are standardised). Made for
    robustness; beside private training each record's ascent is its own, so that its gradient can be
    clipped.

    Attributes:
        radius: how far each number may be moved.
        steps: of the ascent, each 2.5 radii over their number long, from a random start.
        low, high: what no number may leave, such as 0 and 1 of pixels; None without bounds.
    """

    word: ClassVar[str] = "adversarial_training"
    source: ClassVar[str] = "Madry et al. 2018, arXiv:1706.06083, eq. 2.1"
    caveat: ClassVar[str] = (
        "made against disturbed inputs; alone it tends to raise leakage (Song et al. 2019)"
    )
    radius: float = 0.1
    steps: int = 5
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if not (0 < self.radius < float("inf") and self.steps >= 1):
            raise PlanError(
                f"adversarial_training was given radius={self.radius} and steps={self.steps}; give a "
                "radius above 0 and at least one step"
            )
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise PlanError(
                f"adversarial_training was given low={self.low} and high={self.high}; give low below high"
            )

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe that trains on moved records."""
        return torch_training(recipe, self.word, self._moved)

    def _moved(self, training: Training) -> Training:
        from reticent.shadows.batched.training import Adversary

        return replace(training, adversary=Adversary(self.radius, self.steps, self.low, self.high))
