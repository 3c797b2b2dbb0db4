"""Confidence penalty: sure answers are penalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.kinds import torch_training
from reticent.errors import PlanError
from reticent.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from reticent.shadows.batched.objective import Loss, Moment, Objective


@dataclass(frozen=True)
class ConfidencePenalty(TrainingDefence):
    """Subtract α times the answer's entropy from the loss (Pereyra et al. 2017, arXiv:1701.06548).

    Attributes:
        alpha: weight of the entropy, in nats.
    """

    word: ClassVar[str] = "confidence_penalty"
    source: ClassVar[str] = "Pereyra et al. 2017, arXiv:1701.06548, eq. 2"
    caveat: ClassVar[str] = "evens answers out without forgetting: the order of members and others stays"
    alpha: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.alpha < float("inf"):
            raise PlanError(
                f"confidence_penalty was given alpha={self.alpha}; give a weight above 0, such as 0.1"
            )

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe with the penalty."""
        return torch_training(
            recipe,
            self.word,
            lambda t: replace(t, objective=Unsure(t.objective, self.alpha)),
            "label_smoothing",
        )


@dataclass(frozen=True)
class Unsure:
    """A loss less α times the entropy of the answer."""

    inner: Objective
    alpha: float

    @property
    def alone(self) -> bool:
        """As the inner loss."""
        return self.inner.alone

    @property
    def reference(self) -> int:
        """As the inner loss."""
        return self.inner.reference

    def begin(self, seeds: Sequence[int], classes: int) -> Loss:
        """Set to work."""
        inner = self.inner.begin(seeds, classes)

        def loss(logits: Tensor, targets: Tensor, moment: Moment) -> Tensor:
            logs = logits.log_softmax(-1)
            entropy = -(logs.exp() * logs).sum(-1)
            return inner(logits, targets, moment) - self.alpha * entropy

        return loss
