"""What a step of training with measures needs beyond which records: targets, blends, the reference, reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from reticent.access import IntArray
from reticent.shadows.batched.objective import Heard, Loss, Moment
from reticent.shadows.batched.training import Adversary, Training

Reference = tuple[Tensor, Tensor]
"""Records (records, ...) and labels (records,) that no model is trained on."""


class Asked:
    """The targets of many models, their blends, and what each is asked about the reference.

    Args:
        y: (records,) labels, or (models, records, classes) what each model is to answer.
        seeds: one a model.
        classes: how many.
        reference: records that no model is trained on, or None.
        training: how models are trained.
    """

    def __init__(
        self, y: Tensor, seeds: Sequence[int], classes: int, reference: Reference | None, training: Training
    ) -> None:
        self.loss: Loss = training.objective.begin(seeds, classes)
        self._y, self._classes, self._reference, self._training = y, classes, reference, training
        self._rngs = [np.random.default_rng([seed, 7]) for seed in seeds]

    def targets(self, models: slice, rows: Tensor) -> Tensor:
        """(models, batch, classes) what is to be answered to these rows."""
        if self._y.ndim == 1:
            return one_hot(self._y[rows], self._classes).float()
        return torch.gather(self._y[models], 1, rows[..., None].expand(*rows.shape, self._classes))

    def partners(self, models: slice, held: Tensor) -> tuple[Tensor, Tensor]:
        """(models, batch) with which row of the batch each is blended, and (models, 1, 1) its own share."""
        assert self._training.mixing is not None
        alpha = self._training.mixing.alpha
        counts = counted(held)
        partner = np.tile(np.arange(held.shape[1]), (len(counts), 1))
        shares = np.empty(len(counts), np.float32)
        for place, (rng, count) in enumerate(zip(self._rngs[models], counts, strict=True)):
            partner[place, :count] = rng.permutation(count)
            shares[place] = rng.beta(alpha, alpha)
        device = held.device
        return torch.from_numpy(partner).to(device), torch.from_numpy(shares).to(device)[:, None, None]

    def heard(self, models: slice, answers: Callable[[slice, Tensor], Tensor]) -> Heard | None:
        """What the models say of some records of the reference, where the objective wants to know."""
        many = self._training.objective.reference
        if not many or self._reference is None:
            return None
        x, y = self._reference
        rows = np.stack([rng.choice(len(x), min(many, len(x)), replace=False) for rng in self._rngs[models]])
        where = torch.from_numpy(rows).to(x.device)
        return Heard(answers(models, x[where]), one_hot(y[where], self._classes).float())

    def gradient(self, logits: Tensor, targets: Tensor, moment: Moment, weights: Tensor) -> Tensor:
        """The gradient by logits (models, batch, classes) of the losses, weighed by `weights` (models,
        batch)."""
        leaf = logits.detach().clone().requires_grad_()
        with torch.enable_grad():
            total = (self.loss(leaf, targets, moment) * weights).sum()
        (gradient,) = torch.autograd.grad(total, leaf)
        return gradient


def holding(rows: Tensor, counts: IntArray | None) -> Tensor:
    """(models, batch) 1.0 where a row holds a record."""
    if counts is None:
        return torch.ones(rows.shape, device=rows.device)
    held = torch.arange(rows.shape[1]) < torch.from_numpy(np.asarray(counts))[:, None]
    return held.to(rows.device, torch.float32)


def counted(held: Tensor) -> list[int]:
    """(models,) how many rows hold a record; they come first."""
    counts: list[int] = held.sum(1).int().tolist()
    return counts


def within(moved: Tensor, middle: Tensor, adversary: Adversary) -> Tensor:
    """Bring numbers back within the adversary's radius around `middle` and within the bounds, in place."""
    torch.minimum(moved, middle + adversary.radius, out=moved)
    torch.maximum(moved, middle - adversary.radius, out=moved)
    if adversary.low is not None or adversary.high is not None:
        moved.clamp_(adversary.low, adversary.high)
    return moved
