"""SGD and Adam for stacked parameters (models, ...), in place, with `torch.optim`'s arithmetic.

Whoever computes a gradient adds it to its slot, of which a share `keep` is kept: so heavy-ball momentum
costs no pass of its own, since a matrix product can scale what it adds to.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from reticent.shadows.batched.training import Training


class Slot:
    """A stacked parameter and the place for its gradient.

    Attributes:
        value: (models, ...) the parameter.
        gradient: (models, ...) where its gradient is added to `keep` times what stands there.
    """

    def __init__(self, value: Tensor) -> None:
        self.value = value
        self.gradient = torch.zeros_like(value)
        self._views: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    def of(self, models: slice) -> tuple[Tensor, Tensor]:
        """Value and gradient of a run of the models, as views: cut once, since cutting takes time."""
        key = models.start, models.stop
        if key not in self._views:
            self._views[key] = self.value[models], self.gradient[models]
        return self._views[key]


class Sgd:
    """v ← μ v + g + λ w;  w ← w − η v, where v is what the slots' gradients add up to."""

    def __init__(self, slots: Sequence[Slot], training: Training) -> None:
        self.keep = training.momentum
        self._slots = slots
        self._decay = training.weight_decay

    def step(self, models: slice, rate: float) -> None:
        """Move the parameters of `models`."""
        for slot in self._slots:
            value, velocity = slot.of(models)
            if self._decay:
                velocity.add_(value, alpha=self._decay)
            value.add_(velocity, alpha=-rate)


class Adam:
    """m ← β₁ m + (1−β₁) g;  v ← β₂ v + (1−β₂) g²;  w ← w − η m̂ / (√v̂ + ε), hats for bias-corrected.

    Each model counts its own steps, since models with fewer records take fewer.
    """

    keep = 0.0
    betas = (0.9, 0.999)
    epsilon = 1e-8

    def __init__(self, slots: Sequence[Slot], training: Training) -> None:
        self._slots = slots
        self._decay = training.weight_decay
        self._means = [torch.zeros_like(slot.value) for slot in slots]
        self._squares = [torch.zeros_like(slot.value) for slot in slots]
        first = slots[0].value
        self._steps = torch.zeros(len(first), dtype=torch.float64, device=first.device)

    def step(self, models: slice, rate: float) -> None:
        """Move the parameters of `models`."""
        self._steps[models] += 1
        corrections = [1 - beta ** self._steps[models] for beta in self.betas]
        for slot, means, squares in zip(self._slots, self._means, self._squares, strict=True):
            (w, g), m, v = slot.of(models), means[models], squares[models]
            first, second = (c.to(w.dtype).view(-1, *[1] * (w.ndim - 1)) for c in corrections)
            if self._decay:
                g.add_(w, alpha=self._decay)
            m.lerp_(g, 1 - self.betas[0])
            v.mul_(self.betas[1]).addcmul_(g, g, value=1 - self.betas[1])
            w.sub_((m / first).div_((v / second).sqrt_().add_(self.epsilon)), alpha=rate)


def optimiser(slots: Sequence[Slot], training: Training) -> Sgd | Adam:
    """The optimiser that `training` names."""
    return Adam(slots, training) if training.optimiser == "adam" else Sgd(slots, training)
