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
    """One client's shared gradient.

    Attributes:
        module: as it was when the gradient was taken.
        gradients: of the mean cross-entropy over the batch, one a parameter of the module, in their order.
        shape: of one record.
        batch: records behind the gradient.
    """

    module: nn.Module
    gradients: tuple[Tensor, ...]
    shape: tuple[int, ...]
    batch: int

    def __post_init__(self) -> None:
        import torch

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


def observe(module: nn.Module, x: FloatArray, y: IntArray) -> Observation:
    """What a client shares who takes one step on a batch of records.

    Args:
        x: (batch, ...) records as the module takes them.
        y: (batch,) positions of their classes.
    """
    import torch

    kind = next(module.parameters()).dtype
    scores = module(torch.as_tensor(np.asarray(x), dtype=kind))
    loss = torch.nn.functional.cross_entropy(scores, torch.as_tensor(np.asarray(y, dtype=np.int64)))
    gradients = torch.autograd.grad(loss, list(module.parameters()))
    return Observation(module, tuple(g.detach() for g in gradients), tuple(np.shape(x)[1:]), len(x))
