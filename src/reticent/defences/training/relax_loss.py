"""RelaxLoss: the training loss is held at a level that strangers have too."""

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
class RelaxLoss(TrainingDefence):
    """Hold the mean loss at α, and flatten the rest of the answer (Chen, Yu & Fritz 2022, arXiv:2207.05801).

    In even epochs |mean − α| is made small. In odd ones a batch above α descends as ever; one below
    flattens the answers of wrongly named records towards their other classes and ascends.

    Attributes:
        alpha: the loss to hold, in nats.
        upper: the most that a record's own class keeps in the flattened answer.
    """

    word: ClassVar[str] = "relax_loss"
    source: ClassVar[str] = "Chen, Yu & Fritz 2022, arXiv:2207.05801, algorithm 1"
    caveat: ClassVar[str] = "the mean over all hides who stands out: canaries keep being found"
    alpha: float = 0.5
    upper: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.alpha < float("inf") and 0 < self.upper <= 1):
            raise PlanError(
                f"relax_loss was given alpha={self.alpha} and upper={self.upper}; give alpha from 0 on "
                "and upper from 0 to 1"
            )

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe with the loss relaxed."""
        return torch_training(
            recipe, self.word, lambda t: replace(t, objective=Relaxed(t.objective, self.alpha, self.upper))
        )


@dataclass(frozen=True)
class Relaxed:
    """A loss held at a level."""

    inner: Objective
    alpha: float
    upper: float
    alone = False

    @property
    def reference(self) -> int:
        """As the inner loss."""
        return self.inner.reference

    def begin(self, seeds: Sequence[int], classes: int) -> Loss:
        """Set to work."""
        inner = self.inner.begin(seeds, classes)

        def loss(logits: Tensor, targets: Tensor, moment: Moment) -> Tensor:
            own = inner(logits, targets, moment)
            away = moment.mean(own.detach()) - self.alpha
            if moment.epoch % 2 == 0:
                return own * away.sign()  # whose mean has the gradient of |mean − α|
            p = logits.detach().softmax(-1)
            label = targets.argmax(-1, keepdim=True)
            kept = p.gather(-1, label).clamp(max=self.upper)
            rest = (1 - kept) / (classes - 1)
            flat = rest.expand_as(p).scatter(-1, label, kept)
            wrong = (p.argmax(-1, keepdim=True) != label)[..., 0].to(own.dtype)
            flattening = -(flat * logits.log_softmax(-1)).sum(-1)
            below = (away <= 0).to(own.dtype)
            return (1 - below) * own + below * (wrong * flattening - own)

        return loss
