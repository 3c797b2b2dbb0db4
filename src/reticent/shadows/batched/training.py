"""How one model is trained, and which records it sees when."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from reticent.access import IntArray
from reticent.errors import PlanError
from reticent.shadows.batched.objective import CrossEntropy, Objective
from reticent.shadows.batched.privacy import Privacy


@dataclass(frozen=True)
class Mixing:
    """Each step's records and targets blended with another's: λ of the one, 1 − λ of the other.

    Attributes:
        alpha: λ is drawn from Beta(alpha, alpha), one a step.
    """

    alpha: float


@dataclass(frozen=True)
class Adversary:
    """Each step's records moved to where the loss is high (projected gradient ascent).

    Attributes:
        radius: how far each of a record's numbers may be moved, in the units in which the module takes them.
        steps: of the ascent.
        low, high: what no number may leave; None without bounds.
    """

    radius: float
    steps: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Stopping:
    """The weights of the epoch with the least loss on records that are not trained on.

    Attributes:
        patience: epochs without a lesser loss after which training stops.
        share: of the model's own records, set aside for it where there is no reference.
    """

    patience: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Training:
    """How one model is trained on its records: cross-entropy over shuffled minibatches.

    Attributes:
        epochs: passes over the model's own records.
        batch_size: records a step; the last batch of an epoch holds what is left.
        learning_rate: of the first epoch.
        momentum: heavy-ball momentum of SGD; Adam has its own (0.9, 0.999).
        weight_decay: factor of the L2 penalty's gradient, biases included, as `torch.optim` has it.
        optimiser: plain or heavy-ball SGD, or Adam (Kingma & Ba 2015, arXiv:1412.6980).
        schedule: the learning rate stays, or falls to zero along half a cosine, epoch by epoch.
        objective: what is made small.
        mixing, adversary: what becomes of each step's records.
        privacy: how gradients are clipped and made noisy; None for not at all.
        stopping: when to stop before the last epoch; None for never.

    Raises:
        PlanError: numbers out of range, or defences that can't go together.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    optimiser: Literal["sgd", "adam"] = "sgd"
    schedule: Literal["constant", "cosine"] = "constant"
    objective: Objective = field(default_factory=CrossEntropy)
    mixing: Mixing | None = None
    adversary: Adversary | None = None
    privacy: Privacy | None = None
    stopping: Stopping | None = None

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise PlanError(
                f"training for {self.epochs} epochs in batches of {self.batch_size} was asked for; "
                "give at least one of each"
            )
        if not (self.learning_rate > 0 and 0 <= self.momentum < 1 and self.weight_decay >= 0):
            raise PlanError(
                f"learning rate {self.learning_rate}, momentum {self.momentum} and weight decay "
                f"{self.weight_decay} were given; give a rate above 0, a momentum in [0, 1), a decay from 0"
            )
        if self.optimiser not in ("sgd", "adam") or self.schedule not in ("constant", "cosine"):
            raise PlanError(
                f"optimiser {self.optimiser!r} with schedule {self.schedule!r} was asked for; "
                "give 'sgd' or 'adam', and 'constant' or 'cosine'"
            )

        if self.privacy is not None:
            self._clippable()

    @property
    def plain(self) -> bool:
        """Whether it is cross-entropy over the records as they are, and nothing else."""
        changed = (self.mixing, self.adversary, self.privacy, self.stopping)
        return isinstance(self.objective, CrossEntropy) and not any(changed)

    def _clippable(self) -> None:
        """Refuse what lets one record reach further than its own clipped gradient."""
        if not self.objective.alone:
            raise PlanError(
                "private training clips each record's gradient, and this loss draws on several records "
                "at once; leave one of the two out"
            )
        if self.mixing is not None:
            raise PlanError(
                "private training clips each record's gradient, and mixup blends two records into one; "
                "leave one of the two out"
            )
        if self.stopping is not None:
            raise PlanError(
                "private training counts every look at the records, and early stopping looks at their "
                "losses; give fewer epochs instead"
            )

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))


def orders(records: IntArray, seed: int) -> Iterator[IntArray]:
    """One model's records in the order of each epoch, without end: a fresh shuffle every time.

    Depends on the model's own records and seed alone.
    """
    rng = np.random.default_rng([seed, 1])
    while True:
        yield rng.permutation(records)


class Round(NamedTuple):
    """One step that a run of models takes together.

    Attributes:
        models: which of the stack.
        span: which positions of the epoch's orders.
        counts: (models,) how many of those positions hold a record; None where all do.
    """

    models: slice
    span: slice
    counts: IntArray | None


def rounds(sizes: Sequence[int], batch_size: int, *, pad: bool, least: int = 1) -> Iterator[Round]:
    """Cut one epoch of several models, the one with most records first, into steps.

    Each model takes ceil(size / batch_size) steps, the last one with what is left. As the models' sizes
    differ, so do their last batches: with `pad` they share a step in which some positions hold no record,
    without it models share a step only if they have equally many records left. Fewer than `least` records
    left join the batch before them, if there is one.
    """
    size = np.asarray(sizes)
    for start in range(0, int(size[0]), batch_size):
        left = size[(size - start >= least) | (start == 0)] - start
        if not len(left):
            return
        joins = (left > batch_size) & (left < batch_size + least)
        take = np.where(joins, left, np.minimum(left, batch_size))
        edges = [0, *(np.flatnonzero(np.diff(take)) + 1).tolist(), len(take)]
        if pad:
            span = slice(start, start + int(take.max()))
            yield Round(slice(0, len(take)), span, None if len(edges) == 2 else take)
            continue
        for first, last in pairwise(edges):
            yield Round(slice(first, last), slice(start, start + int(take[first])), None)
