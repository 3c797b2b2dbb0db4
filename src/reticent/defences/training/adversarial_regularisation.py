"""Adversarial regularisation: the model learns to leave a membership classifier undecided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.kinds import torch_training, with_reference
from reticent.errors import PlanError
from reticent.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from reticent.shadows.batched.objective import Loss, Moment, Objective

RATE = 1e-3
"""Learning rate of the membership classifier, by Adam."""


@dataclass(frozen=True)
class AdversarialRegularisation(TrainingDefence):
    """Add α (h − ½), h a classifier's probability that the record is a member (Nasr et al. 2018,
    arXiv:1807.05852).

    At each step the classifier learns to tell the batch from as many reference records by sorted
    probabilities and label; then the model descends its loss and the classifier's success on the batch.

    Attributes:
        alpha: weight of the classifier's success.
        units: of the classifier's first hidden layer; its second has 64.
        records: of the reference, asked about at each step.
    """

    word: ClassVar[str] = "adversarial_regularisation"
    source: ClassVar[str] = "Nasr, Shokri & Houmansadr 2018, arXiv:1807.05852, algorithm 1"
    caveat: ClassVar[str] = "undecided is the one classifier it was trained beside; labels still tell"
    alpha: float = 3.0
    units: int = 128
    records: int = 128

    def __post_init__(self) -> None:
        if not (0 < self.alpha < float("inf") and min(self.units, self.records) >= 1):
            raise PlanError(
                f"adversarial_regularisation was given alpha={self.alpha}, units={self.units} and "
                f"records={self.records}; give numbers above 0"
            )

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe with the classifier beside it."""
        hardened = torch_training(
            recipe,
            self.word,
            lambda t: replace(t, objective=Watched(t.objective, self.alpha, self.units, self.records)),
        )
        return with_reference(hardened, reference, self.word)


@dataclass(frozen=True)
class Watched:
    """A loss with a membership classifier's success added."""

    inner: Objective
    alpha: float
    units: int
    records: int
    alone = False

    @property
    def reference(self) -> int:
        """Records asked about at each step."""
        return max(self.records, self.inner.reference)

    def begin(self, seeds: Sequence[int], classes: int) -> Loss:
        """Set to work, with a fresh classifier for each model."""
        inner, watchers = self.inner.begin(seeds, classes), Watchers(seeds, classes, self.units)

        def loss(logits: Tensor, targets: Tensor, moment: Moment) -> Tensor:
            assert moment.heard is not None
            p = logits.softmax(-1)
            others = moment.heard.logits.softmax(-1)
            watchers.learn(p.detach(), targets, moment.held, others, moment.heard.targets, moment.models)
            success = watchers.logits(p, targets, moment.models).sigmoid() - 0.5
            return inner(logits, targets, moment) + self.alpha * success

        return loss


class Watchers:
    """A membership classifier for each of several models: sorted probabilities beside the label, two layers.

    Args:
        seeds: one a model.
        classes: of the models.
        units: of the first hidden layer.
    """

    def __init__(self, seeds: Sequence[int], classes: int, units: int) -> None:
        import torch

        from reticent.shadows.batched.optimisers import Adam, Slot
        from reticent.shadows.batched.privacy import generator
        from reticent.shadows.batched.training import Training

        shapes = [(classes, units), (1, units), (units, 64), (1, 64), (classes, 64), (64, 1), (1, 1)]
        drawn = [generator(seed, "watcher", torch.device("cpu")) for seed in seeds]
        self._slots = []
        for inputs, outputs in shapes:
            weights = torch.stack([torch.randn(inputs, outputs, generator=g) for g in drawn])
            self._slots.append(Slot(weights * (0.0 if inputs == 1 else inputs**-0.5)))
        self._adam = Adam(self._slots, Training(epochs=1, batch_size=1, learning_rate=RATE, optimiser="adam"))

    def logits(self, p: Tensor, targets: Tensor, models: slice) -> Tensor:
        """(models, records) of membership, of probabilities and labels (models, records, classes)."""
        return self._forward([slot.of(models)[0] for slot in self._slots], p, targets)

    def learn(
        self, p: Tensor, targets: Tensor, held: Tensor, others: Tensor, theirs: Tensor, models: slice
    ) -> None:
        """One step towards telling p, of members, from others' answers."""
        import torch
        from torch.nn.functional import softplus

        weights = [slot.of(models)[0].detach().clone().requires_grad_() for slot in self._slots]
        with torch.enable_grad():
            inside = (softplus(-self._forward(weights, p, targets)) * held).sum(1) / held.sum(1).clamp(min=1)
            outside = softplus(self._forward(weights, others, theirs)).mean(1)
            total = (inside + outside).sum()
        for slot, gradient in zip(self._slots, torch.autograd.grad(total, weights), strict=True):
            slot.of(models)[1].copy_(gradient)
        with torch.no_grad():
            self._adam.step(models, RATE)

    @staticmethod
    def _forward(weights: Sequence[Tensor], p: Tensor, targets: Tensor) -> Tensor:
        first, first_bias, second, second_bias, label, last, last_bias = weights
        ordered = p.sort(-1, descending=True).values
        at = (ordered @ first + first_bias).relu()
        at = (at @ second + second_bias + targets @ label).relu()
        return (at @ last + last_bias)[..., 0]
