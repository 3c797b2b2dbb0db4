"""Models of any architecture: a gradient mapped over stacked parameters, or one model alone.

Batches are never padded here, as a padded record would enter the statistics of a BatchNorm: models with
equally many records left take their last step together.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from reticent.access import IntArray
from reticent.shadows.batched.optimisers import Slot, optimiser
from reticent.shadows.batched.stacked import Stream, tensors
from reticent.shadows.batched.training import Training


class Mapped:
    """The steps of stacked modules, by `torch.func`: running statistics are carried along, one set a model.

    Args:
        module: the architecture; its own weights are of no account.
        state: each parameter and buffer by name, stacked (models, ...).
        x: (records, ...) on the device.
        y: (records,) int64, on the device.
        training: how they are trained.
    """

    pad = False

    def __init__(
        self, module: nn.Module, state: Mapping[str, Tensor], x: Tensor, y: Tensor, training: Training
    ) -> None:
        trained = {name for name, p in module.named_parameters() if p.requires_grad}
        self.least = least(module)
        self._trained = {name: Slot(t.clone()) for name, t in state.items() if name in trained}
        self._rest = {name: t.clone() for name, t in state.items() if name not in trained}
        self._x, self._y = x, y
        self._gradient = mapped_gradient(module)
        self._optimiser = optimiser(list(self._trained.values()), training)

    def step(self, models: slice, rows: Tensor, counts: IntArray | None, rate: float, epoch: int = 0) -> None:
        """One step of `models`.

        Args:
            models: a run of the stack.
            rows: (models, batch) which records each takes.
            counts: None: every row holds a record.
            rate: the learning rate.
            epoch: from 0.
        """
        assert counts is None
        trained = {name: slot.of(models)[0] for name, slot in self._trained.items()}
        rest = {name: t[models] for name, t in self._rest.items()}
        gradients, moved = self._gradient(trained, rest, self._x[rows], self._y[rows])
        for name, slot in self._trained.items():
            slot.of(models)[1].mul_(self._optimiser.keep).add_(gradients[name])
        for name, value in moved.items():
            rest[name].copy_(value)
        self._optimiser.step(models, rate)

    def state(self) -> dict[str, Tensor]:
        """Each parameter and buffer by name, stacked (models, ...)."""
        return {name: slot.value for name, slot in self._trained.items()} | self._rest


class Alone:
    """The steps of one module, as anyone would write them: for what can't be mapped, or is faster so.

    Args:
        build: makes the module.
        seed: of its initial weights, and of what its forward pass draws.
        x: (records, ...) on the device.
        y: (records,) int64, on the device.
        training: how it is trained.
    """

    pad = False

    def __init__(
        self, build: Callable[[], nn.Module], seed: int, x: Tensor, y: Tensor, training: Training
    ) -> None:
        self._stream = Stream(seed, x.device)
        with self._stream.drawn():
            self._module = build().to(x.device).train()
        self.least = least(self._module)
        self._x, self._y = x, y
        trained = [p for p in self._module.parameters() if p.requires_grad]
        self._optimiser = (
            torch.optim.Adam(trained, weight_decay=training.weight_decay)
            if training.optimiser == "adam"
            else torch.optim.SGD(trained, momentum=training.momentum, weight_decay=training.weight_decay)
        )

    def step(self, models: slice, rows: Tensor, counts: IntArray | None, rate: float, epoch: int = 0) -> None:
        """One step of the one model; arguments as in `Mapped.step`."""
        assert counts is None and models == slice(0, 1)
        self._optimiser.param_groups[0]["lr"] = rate
        self._optimiser.zero_grad()
        with torch.enable_grad(), self._stream.drawn():
            loss = cross_entropy(self._module(self._x[rows[0]]), self._y[rows[0]])
        torch.autograd.backward(loss)
        self._optimiser.step()

    def state(self) -> dict[str, Tensor]:
        """Each parameter and buffer by name, (1, ...)."""
        return {name: t.detach()[None] for name, t in tensors(self._module)}


def mapped_gradient(module: nn.Module) -> Callable[..., tuple[dict[str, Tensor], dict[str, Tensor]]]:
    """A function of stacked parameters, all else, x and y: stacked gradients, and all else as it came out."""
    module.train()

    def loss(
        trained: dict[str, Tensor], rest: dict[str, Tensor], x: Tensor, y: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        rest = {name: t.clone() for name, t in rest.items()}  # BatchNorm writes its statistics into them
        return cross_entropy(functional_call(module, (trained, rest), (x,)), y), rest

    return vmap(grad(loss, has_aux=True), randomness="error")


def mappable(module: nn.Module, x: Tensor, y: Tensor) -> bool:
    """Whether models of this architecture train faster together than one after another.

    They can't train together if the forward pass draws random numbers (each model should have its own),
    looks at values to decide what to do, or does what can't be mapped: a step on a few records shows it.
    Convolutions can, but on a processor stacked ones are slower than single ones.
    """
    if x.device.type == "cpu" and convolves(module):
        return False
    state = {name: torch.stack([t.detach(), t.detach()]) for name, t in tensors(module)}
    rows = torch.zeros(2, 2, dtype=torch.int64, device=x.device)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an operation that would be mapped by a loop says so in a warning
            probe = Mapped(module, state, x, y, Training(epochs=1, batch_size=2, learning_rate=1.0))
            probe.step(slice(0, 2), rows, None, 0.0)
    except (RuntimeError, UserWarning):
        return False
    return True


def least(module: nn.Module) -> int:
    """How many records the smallest batch must hold: BatchNorm takes no statistics of one."""
    return 2 if any(isinstance(part, _BatchNorm) for part in module.modules()) else 1


def convolves(module: nn.Module) -> bool:
    """Whether a module holds convolutions."""
    return any(isinstance(part, _ConvNd) for part in module.modules())
