"""What a federated server is shown: an update, which can't be asked questions.

An attack on gradients is handed this and nothing else: the module as it was sent out, what came back, and how
large the records and the batch are. No record, no label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Observation:
    """One client's shared gradient, or what it shares after several steps of its own.

    Attributes:
        module: as it was sent out.
        gradients: of the mean cross-entropy over the batch, one a parameter of the module, in their order;
            after several steps their mean: how far the parameters went, over `steps` times `step_size`.
        shape: of one record.
        batch: records behind the gradient.
        steps: of gradient descent that the client took, each on the whole batch.
        step_size: of each; of no account where there was one.
    """

    module: nn.Module
    gradients: tuple[Tensor, ...]
    shape: tuple[int, ...]
    batch: int
    steps: int = 1
    step_size: float = 0.0

    def __post_init__(self) -> None:
        import torch

        if self.steps < 1 or (self.steps > 1 and self.step_size <= 0):
            raise DataError(
                f"{self.steps} steps of size {self.step_size:g} were given; give at least one step, and of "
                "several their size above 0"
            )
        shapes = [tuple(p.shape) for p in self.module.parameters()]
        if [tuple(g.shape) for g in self.gradients] != shapes:
            raise DataError(
                f"{len(self.gradients)} gradients were given that are not of the module's {len(shapes)} "
                "parameters; give one of each, in their order"
            )
        if not all(bool(torch.isfinite(g).all()) for g in self.gradients):
            raise DataError(
                "the gradients hold values that are not finite; give what the client really shared"
            )
        try:
            with torch.no_grad():
                self.module(torch.zeros(1, *self.shape, dtype=next(self.module.parameters()).dtype))
        except RuntimeError as error:
            raise DataError(
                f"the module does not take records of shape {self.shape}; give the shape of one record"
            ) from error


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What an attack made of an observation.

    Attributes:
        records: (batch, ...) in the range of the records.
        labels: (batch,) positions of the classes.
        loss: how far the gradient of these lies from the one observed; attacks without one say 0.
    """

    records: FloatArray
    labels: IntArray
    loss: float


def observe(
    module: nn.Module, x: FloatArray, y: IntArray, *, steps: int = 1, step_size: float = 0.0
) -> Observation:
    """What a client shares who takes one step, or several, on a batch of records.

    Args:
        x: (batch, ...) records as the module takes them.
        y: (batch,) positions of their classes.
        steps, step_size: of gradient descent, as in `Observation`.
    """
    import torch

    kind = next(module.parameters()).dtype
    given = torch.as_tensor(np.asarray(x), dtype=kind)
    shares = torch.nn.functional.one_hot(
        torch.as_tensor(np.asarray(y, dtype=np.int64)), module(given[:1]).shape[1]
    )
    gradients = descend(module, given, shares.to(kind), steps, step_size)
    shape = tuple(np.shape(x)[1:])
    return Observation(module, tuple(g.detach() for g in gradients), shape, len(x), steps, step_size)


def descend(
    module: nn.Module, x: Tensor, y: Tensor, steps: int, step_size: float, *, traced: bool = False
) -> tuple[Tensor, ...]:
    """Mean gradient over steps of gradient descent on the mean cross-entropy, one a parameter.

    Args:
        x: (batch, ...) records.
        y: (batch, classes) label shares.
        traced: keep the graph, so that it can be differentiated by x and y.
    """
    import torch
    from torch.func import functional_call

    names = [name for name, _ in module.named_parameters()]
    at: list[Tensor] = list(module.parameters())
    total = [torch.zeros_like(p) for p in at]
    for step in range(steps):
        scores = functional_call(module, dict(zip(names, at, strict=True)), (x,))
        loss = torch.nn.functional.cross_entropy(scores, y)
        gradients = torch.autograd.grad(loss, at, create_graph=traced)
        total = [t + g for t, g in zip(total, gradients, strict=True)]
        if step < steps - 1:
            at = [p - step_size * g for p, g in zip(at, gradients, strict=True)]
            at = at if traced else [p.detach().requires_grad_() for p in at]
    return tuple(t / steps for t in total)
