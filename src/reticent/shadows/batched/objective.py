"""What a model is trained to make small: a loss of each record's logits, which defences may replace or wrap.

Written with tensors' own methods, so that defences can state theirs where torch is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Heard(NamedTuple):
    """What models answer about records that none of them is trained on.

    Attributes:
        logits: (models, records, classes), no gradient behind them.
        targets: (models, records, classes) the records' labels, one-hot.
    """

    logits: Tensor
    targets: Tensor


class Moment(NamedTuple):
    """When a loss is asked for, and of what.

    Attributes:
        epoch: from 0.
        models: which of the stack.
        held: (models, records) 1.0 where a row holds a record, 0.0 where it pads.
        heard: about the reference, where the objective asks for it.
    """

    epoch: int
    models: slice
    held: Tensor
    heard: Heard | None = None

    def mean(self, values: Tensor) -> Tensor:
        """(models, 1) mean of (models, records) over the rows that hold a record."""
        total = (values * self.held).sum(1, keepdim=True)
        return total / self.held.sum(1, keepdim=True).clamp(min=1)


class Loss(Protocol):
    """A loss at work, which may learn on the way."""

    def __call__(self, logits: Tensor, targets: Tensor, moment: Moment) -> Tensor:
        """Return (models, records) losses of logits and targets, both (models, records, classes).

        Their mean over the rows that hold a record is what each model descends.
        """


class Objective(Protocol):
    """A frozen dataclass that says what is made small.

    Attributes:
        alone: each record's loss depends on its own logits alone, so that its gradient can be clipped.
        reference: records of the reference that are asked about at each step; 0 where none is needed.
    """

    @property
    def alone(self) -> bool: ...

    @property
    def reference(self) -> int: ...

    def begin(self, seeds: Sequence[int], classes: int) -> Loss:
        """Set to work for models of these seeds."""


@dataclass(frozen=True)
class CrossEntropy:
    """−Σ_c t_c log p_c, the targets t being labels or probabilities."""

    alone = True
    reference = 0

    def begin(self, seeds: Sequence[int], classes: int) -> Loss:
        """Set to work: nothing to prepare."""
        return cross_entropy


def cross_entropy(logits: Tensor, targets: Tensor, moment: Moment | None = None) -> Tensor:
    """(models, records) −Σ_c t_c log p_c of logits and targets (models, records, classes)."""
    return -(targets * logits.log_softmax(-1)).sum(-1)
