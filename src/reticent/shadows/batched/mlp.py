"""Many multilayer perceptrons as one: a batched matrix product per layer, the gradient by hand.

Layouts are chosen for the matrix products, which are nearly all of the work. Hidden activations are
(models, records, units) and hidden weights (models, inputs, units): both passes then multiply at the
library's full speed. The head stays as `nn.Linear` has it, (models, classes, units), and its logits are
(models, classes, records): with few classes that is several times faster to multiply by and to take a
softmax over. The first layer's bias is one row more of its weights, as the data carry a column of ones: it
costs no pass of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from reticent.access import IntArray
from reticent.shadows.batched.optimisers import Slot, optimiser
from reticent.shadows.batched.reading import ACTIVATIONS, Activation, Layer
from reticent.shadows.batched.sparse import SparseBatch, compressed, worth_gathering
from reticent.shadows.batched.training import Training


class Scratch:
    """Memory that every step uses again: fresh memory costs a page fault every 4 KiB."""

    def __init__(self, device: torch.device) -> None:
        self._flat = torch.empty(0, device=device)

    def shaped(self, *shape: int) -> Tensor:
        """A tensor of that shape, with whatever stands there."""
        size = math.prod(shape)
        if size > len(self._flat):
            self._flat = self._flat.new_empty(size)
        return self._flat[:size].view(shape)


class Hidden:
    """y = f(x W + b), a record a row: x (models, records, inputs), W (models, inputs, units).

    Args:
        weight, bias: (models, inputs, units) and (models, 1, units); no bias where x holds a one for it.
        activation: f, or None for the identity.
    """

    def __init__(self, weight: Slot, bias: Slot | None, activation: Activation | None) -> None:
        self._weight, self._bias, self._activation = weight, bias, activation
        self._output, self._x_gradient = Scratch(weight.value.device), Scratch(weight.value.device)
        self._x: Tensor | SparseBatch
        self._y: Tensor
        self._mask: Tensor | None = None

    @property
    def has_bias(self) -> bool:
        """Whether it has a bias of its own."""
        return self._bias is not None

    @property
    def units(self) -> int:
        """How many numbers it puts out."""
        return self._weight.value.shape[2]

    @property
    def x(self) -> Tensor | SparseBatch:
        """What came in last."""
        return self._x

    def forward(self, x: Tensor | SparseBatch, models: slice, mask: Tensor | None = None) -> Tensor:
        """y (models, records, units), times `mask` of the same shape where one is given."""
        weight, _ = self._weight.of(models)
        if isinstance(x, SparseBatch):
            y = x.times(weight)
        else:
            y = self._output.shaped(*x.shape[:2], weight.shape[2])
            _affine(x, weight, self._bias.of(models)[0] if self._bias else None, y)
        if self._activation:
            self._activation.forward(y)
        self._x, self._y, self._mask = x, y, mask
        return y if mask is None else y * mask

    def backward(self, gradient: Tensor, models: slice, keep: float) -> None:
        """Add the gradient by W and b to their slots; `gradient` by y becomes that by x W + b."""
        self.through(gradient)
        self.gather(gradient, models, keep)

    def through(self, gradient: Tensor) -> Tensor:
        """Turn the gradient by y into that by x W + b, in place."""
        if self._mask is not None:
            gradient.mul_(self._mask)
        if self._activation:
            self._activation.backward(gradient, self._y)
        return gradient

    def gather(self, gradient: Tensor, models: slice, keep: float) -> None:
        """Add the gradient by W and b to their slots, from that by x W + b."""
        _, into = self._weight.of(models)
        if isinstance(self._x, SparseBatch):
            torch.add(self._x.outer(gradient), into, alpha=keep, out=into)
        else:
            into.baddbmm_(self._x.mT, gradient, beta=keep)
        if self._bias:
            self._bias.of(models)[1].mul_(keep).add_(gradient.sum(1, keepdim=True))

    def down(self, gradient: Tensor, models: slice) -> Tensor:
        """The gradient by x, of that by x W + b."""
        weight, _ = self._weight.of(models)
        x_gradient = self._x_gradient.shaped(*gradient.shape[:2], weight.shape[1])
        return torch.bmm(gradient, weight.mT, out=x_gradient)


class Head:
    """z = W x + b, a record a column: z (models, classes, records), W (models, classes, inputs).

    Args:
        weight, bias: (models, classes, inputs) and (models, classes, 1); no bias where x holds a one for it.
    """

    def __init__(self, weight: Slot, bias: Slot | None) -> None:
        self._weight, self._bias = weight, bias
        self._output, self._x_gradient = Scratch(weight.value.device), Scratch(weight.value.device)
        self._x: Tensor

    @property
    def has_bias(self) -> bool:
        """Whether it has a bias of its own."""
        return self._bias is not None

    @property
    def x(self) -> Tensor:
        """What came in last."""
        return self._x

    def forward(self, x: Tensor, models: slice) -> Tensor:
        """z (models, classes, records) of x (models, records, inputs)."""
        weight, _ = self._weight.of(models)
        self._x = x
        z = self._output.shaped(*weight.shape[:2], x.shape[1])
        return _affine(weight, x.mT, self._bias.of(models)[0] if self._bias else None, z)

    def gather(self, gradient: Tensor, models: slice, keep: float) -> None:
        """Add the gradient by W and b to their slots, from that by z."""
        self._weight.of(models)[1].baddbmm_(gradient, self._x, beta=keep)
        if self._bias:
            self._bias.of(models)[1].mul_(keep).add_(gradient.sum(2, keepdim=True))

    def down(self, gradient: Tensor, models: slice) -> Tensor:
        """The gradient by x (models, records, inputs), of that by z."""
        weight, _ = self._weight.of(models)
        x_gradient = self._x_gradient.shaped(len(gradient), gradient.shape[2], weight.shape[2])
        return torch.bmm(gradient.mT, weight, out=x_gradient)


class Mlp:
    """The steps of stacked multilayer perceptrons.

    Args:
        layers: what `reading.read` found.
        state: each parameter by name, stacked (models, ...).
        x: (records, ...) float32, on the device.
        y: (records,) int64, on the device.
        training: how they are trained.
    """

    pad = True
    least = 1

    def __init__(
        self, layers: list[Layer], state: Mapping[str, Tensor], x: Tensor, y: Tensor, training: Training
    ) -> None:
        flat = x.flatten(1)
        self._x = torch.cat([flat, flat.new_ones(len(flat), 1)], 1) if layers[0].bias else flat
        self._y = y
        self._layers = layers
        self._batch = Scratch(x.device)
        self._places = [
            _place(state, layer, first=layer is layers[0], last=layer is layers[-1]) for layer in layers
        ]
        self._hidden = [
            Hidden(weight, bias, ACTIVATIONS[layer.activation] if layer.activation else None)
            for (weight, bias), layer in zip(self._places[:-1], layers[:-1], strict=True)
        ]
        self._head = Head(*self._places[-1])
        units = self._places[0][0].value.shape[2]
        gathers = self._hidden and worth_gathering(flat, min(training.batch_size, len(flat)), units)
        self._sparse = compressed(self._x) if gathers else None
        self._optimiser = optimiser([slot for place in self._places for slot in place if slot], training)

    def step(self, models: slice, rows: Tensor, counts: IntArray | None, rate: float, epoch: int = 0) -> None:
        """One step of `models`.

        Args:
            models: a run of the stack.
            rows: (models, batch) which records each takes.
            counts: (models,) how many of a model's rows hold a record; None where all do.
            rate: the learning rate.
            epoch: from 0.
        """
        x = self._taken(rows)
        for layer in self._hidden:
            x = layer.forward(x, models)
        assert isinstance(x, Tensor)  # records are gathered for hidden layers alone
        y = self._y.index_select(0, rows.flatten()).view(rows.shape)
        gradient = loss_gradient(self._head.forward(x, models), y, counts)
        self._head.gather(gradient, models, self._optimiser.keep)
        above: Head | Hidden = self._head
        for layer in reversed(self._hidden):
            gradient = above.down(gradient, models)
            layer.backward(gradient, models, self._optimiser.keep)
            above = layer
        self._optimiser.step(models, rate)

    def answers(self, models: slice, x: Tensor) -> Tensor:
        """(models, records, classes) logits of each model's records (models, records, ...), dropout
        left out."""
        at = x.flatten(2)
        if self._layers[0].bias:
            at = torch.cat([at, at.new_ones(*at.shape[:2], 1)], 2)
        for layer in self._hidden:
            at = layer.forward(at, models)
        return self._head.forward(at, models).mT.clone()

    def _taken(self, rows: Tensor) -> Tensor | SparseBatch:
        """The records of a step, (models, batch, inputs)."""
        if self._sparse is not None:
            return SparseBatch(self._sparse, rows)
        flat = self._batch.shaped(rows.numel(), self._x.shape[1])
        return torch.index_select(self._x, 0, rows.flatten(), out=flat).view(*rows.shape, -1)

    def state(self) -> dict[str, Tensor]:
        """Each parameter by name, stacked (models, ...), laid out as in the module."""
        found: dict[str, Tensor] = {}
        for layer, (weight, bias) in zip(self._layers, self._places, strict=True):
            parts = [weight.value] if bias is None else [weight.value, bias.value]
            if layer is not self._layers[-1]:
                parts = [part.mT for part in parts]
            if layer.bias and bias is None:
                parts = [parts[0][..., :-1], parts[0][..., -1:]]
            found[f"{layer.name}.weight"] = parts[0]
            if layer.bias:
                found[f"{layer.name}.bias"] = parts[1][..., 0]
        return found


def _affine(left: Tensor, right: Tensor, bias: Tensor | None, out: Tensor) -> Tensor:
    if bias is None:
        return torch.bmm(left, right, out=out)
    return torch.baddbmm(bias, left, right, out=out)


def _place(state: Mapping[str, Tensor], layer: Layer, *, first: bool, last: bool) -> tuple[Slot, Slot | None]:
    """A layer's weights as the steps want them; the first layer's bias is one more row of them."""
    parts = [state[f"{layer.name}.weight"]]
    if layer.bias:
        parts.append(state[f"{layer.name}.bias"][..., None])
    if first:
        parts = [torch.cat(parts, -1)]
    if not last:
        parts = [part.mT for part in parts]
    slots = [Slot(part.clone(memory_format=torch.contiguous_format)) for part in parts]
    return slots[0], slots[1] if len(slots) == 2 else None


def loss_gradient(logits: Tensor, y: Tensor, counts: IntArray | None) -> Tensor:
    """The gradient of each model's mean cross-entropy by its logits (models, classes, records).

    Args:
        logits: (models, classes, records).
        y: (models, records) true classes.
        counts: (models,) how many of the records count; None where all do.
    """
    gradient = logits.softmax(1)
    gradient.scatter_add_(1, y[:, None], gradient.new_full((), -1.0).expand(y[:, None].shape))
    if counts is None:
        return gradient.mul_(1 / y.shape[1])
    held = torch.arange(y.shape[1]) < torch.from_numpy(counts)[:, None]
    share = held / torch.from_numpy(counts)[:, None]
    return gradient.mul_(share[:, None].to(gradient))
