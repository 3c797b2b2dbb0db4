"""Training many multilayer perceptrons at once with measures against leaking: another loss, other records,
dropout, private gradients.

The loss is differentiated by the logits alone, and the norm of each record's gradient follows from the
layers' inputs and errors without the gradient being formed (ghost clipping: Goodfellow 2015,
arXiv:1510.01799; Li et al. 2022, arXiv:2110.05679). `defended_alone` takes any architecture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor

from reticent.access import IntArray
from reticent.shadows.batched.asked import Asked, Reference, counted, holding, within
from reticent.shadows.batched.mlp import Head, Hidden, Mlp
from reticent.shadows.batched.objective import Moment
from reticent.shadows.batched.privacy import Noise, generator
from reticent.shadows.batched.reading import Layer
from reticent.shadows.batched.sparse import SparseBatch
from reticent.shadows.batched.training import Adversary, Training


class DefendedMlp(Mlp):
    """The steps of stacked multilayer perceptrons, with measures.

    Args:
        layers, state, x, training: as of `Mlp`.
        y: (records,) int64 labels, or (models, records, classes) what each model is to answer.
        seeds: one a model.
        sizes: how many records each model has.
        reference: records that no model is trained on, or None.
    """

    def __init__(
        self,
        layers: list[Layer],
        state: Mapping[str, Tensor],
        x: Tensor,
        y: Tensor,
        training: Training,
        *,
        seeds: Sequence[int],
        sizes: Sequence[int],
        reference: Reference | None,
    ) -> None:
        super().__init__(layers, state, x, y, training)
        self._training, device = training, x.device
        classes = self._places[-1][0].value.shape[1]
        self.asked = Asked(y, seeds, classes, reference, training)
        if training.mixing or training.adversary:
            self._sparse = None  # blended and moved records are dense
        self._dropping = [generator(seed, "dropout", device) for seed in seeds]
        self._moving = [generator(seed, "adversary", device) for seed in seeds]
        self._slots = [slot for place in self._places for slot in place if slot]
        self._noise: Noise | None = None
        if training.privacy:
            privacy = training.privacy
            numbers = sum(slot.value[0].numel() for slot in self._slots)
            self._noise = Noise(seeds, numbers, device, tree=privacy.order == "ordered")
            self._squares = self._x.square().sum(1)
            scales = [privacy.multiplier(n, training.batch_size, training.epochs) for n in sizes]
            self._scale = torch.tensor(scales, device=device)
            expected = [privacy.expected(n, training.batch_size) for n in sizes]
            self._expected = torch.tensor(expected, device=device, dtype=torch.float32)

    def step(self, models: slice, rows: Tensor, counts: IntArray | None, rate: float, epoch: int = 0) -> None:
        """One step of `models`; arguments as in `Mlp.step`."""
        held = holding(rows, counts)
        x, targets = self._prepared(models, rows, held)
        heard = self.asked.heard(models, self.answers)
        moment = Moment(epoch, models, held, heard)
        logits = self._forward(x, models, dropping=held).mT
        if self._noise is not None:
            gradient = self.asked.gradient(logits, targets, moment, held)
            self._private(x, gradient.mT.contiguous(), models, rows, held)
        else:
            weights = held / held.sum(1, keepdim=True).clamp(min=1)
            gradient = self.asked.gradient(logits, targets, moment, weights).mT.contiguous()
            self._backward(gradient, models)
        self._optimiser.step(models, rate)

    def new_epoch(self) -> None:
        """What begins anew with every epoch."""
        if self._noise is not None:
            self._noise.restart()

    def _prepared(self, models: slice, rows: Tensor, held: Tensor) -> tuple[Tensor | SparseBatch, Tensor]:
        x, targets = self._taken(rows), self.asked.targets(models, rows)
        if self._training.mixing:
            assert isinstance(x, Tensor)
            partner, share = self.asked.partners(models, held)
            x = torch.lerp(torch.gather(x, 1, partner[..., None].expand_as(x)), x, share)
            targets = torch.lerp(
                torch.gather(targets, 1, partner[..., None].expand_as(targets)), targets, share
            )
        if self._training.adversary:
            assert isinstance(x, Tensor)
            x = self._attacked(x, targets, models, held, self._training.adversary)
        return x, targets

    def _forward(self, x: Tensor | SparseBatch, models: slice, *, dropping: Tensor | None = None) -> Tensor:
        """(models, classes, batch) logits; with dropout where `dropping` says which rows hold a record."""
        for layer, read in zip(self._hidden, self._layers, strict=False):
            drops = dropping is not None and read.dropout > 0
            mask = self._mask(models, cast(Tensor, dropping), layer.units, read.dropout) if drops else None
            x = layer.forward(x, models, mask)
        assert isinstance(x, Tensor)
        return self._head.forward(x, models)

    def _mask(self, models: slice, held: Tensor, units: int, share: float) -> Tensor:
        mask = torch.ones(*held.shape, units, device=self._x.device)
        for part, drawn, count in zip(mask, self._dropping[models], counted(held), strict=True):
            part[:count].bernoulli_(1 - share, generator=drawn)  # padding must not use numbers up
        return mask.div_(1 - share)

    def _attacked(
        self, x: Tensor, targets: Tensor, models: slice, held: Tensor, adversary: Adversary
    ) -> Tensor:
        """The records moved to where cross-entropy is high, each number by at most the radius."""
        moved = x.clone()
        real = moved[
            ..., : x.shape[2] - int(self._layers[0].bias)
        ]  # without the ones that stand for the bias
        middle = real.clone()
        for part, drawn, count in zip(real, self._moving[models], counted(held), strict=True):
            away = torch.rand(part[:count].shape, generator=drawn, device=x.device) * 2 - 1
            part[:count].add_(away, alpha=adversary.radius)
        within(real, middle, adversary)
        for _ in range(adversary.steps):
            error = self._forward(moved, models).softmax(1).sub_(targets.mT)
            above: Head | Hidden = self._head
            for layer in reversed(self._hidden):
                error = layer.through(above.down(error, models))
                above = layer
            slope = above.down(error, models)[..., : real.shape[2]]
            real.add_(slope.sign(), alpha=2.5 * adversary.radius / adversary.steps)
            within(real, middle, adversary)
        return moved

    def _backward(self, gradient: Tensor, models: slice) -> None:
        self._head.gather(gradient, models, self._optimiser.keep)
        above: Head | Hidden = self._head
        for layer in reversed(self._hidden):
            gradient = above.down(gradient, models)
            layer.backward(gradient, models, self._optimiser.keep)
            above = layer

    def _private(
        self, x: Tensor | SparseBatch, gradient: Tensor, models: slice, rows: Tensor, held: Tensor
    ) -> None:
        """Add clipped gradients and noise to the slots, over the expected batch."""
        assert self._noise is not None and self._training.privacy is not None
        clip = self._training.privacy.clip
        # A record's gradient by a layer's weights is the outer product of its input and its error, so its
        # norm is the product of theirs; a bias of its own adds one to the square of the input's
        inputs = self._squares[rows] if isinstance(x, SparseBatch) else x.square().sum(2)
        errors: list[tuple[Head | Hidden, Tensor]] = [(self._head, gradient)]
        squares = gradient.square().sum(1) * _input_squares(self._head, inputs)
        above: Head | Hidden = self._head
        for place in range(len(self._hidden) - 1, -1, -1):
            layer = self._hidden[place]
            gradient = layer.through(above.down(gradient, models))
            squares += gradient.square().sum(2) * _input_squares(layer, inputs)
            errors.append((layer, gradient))
            above = layer
        expected = self._expected[models]
        factor = (clip / squares.sqrt().clamp(min=1e-12)).clamp(max=1) * held / expected[:, None]
        for place, (part, error) in enumerate(errors):
            error.mul_(
                factor[..., None] if place else factor[:, None]
            )  # the head's come first, classes in rows
            part.gather(error, models, self._optimiser.keep)
        noise = self._noise.next(models).mul(clip * (self._scale[models] / expected)[:, None])
        start = 0
        for slot in self._slots:
            _, into = slot.of(models)
            size = into[0].numel()
            into.add_(noise[:, start : start + size].reshape(into.shape))
            start += size


def _input_squares(layer: Head | Hidden, first: Tensor) -> Tensor:
    """(models, batch) squared norms of a layer's inputs, one more where it has a bias of its own."""
    x = layer.x
    squares = first if isinstance(x, SparseBatch) else x.square().sum(2)
    return squares + 1 if layer.has_bias else squares
