"""Tries attacks on shared gradients: records are read back, beside what is guessed without the gradient."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.attacks.attack import GradientAttack
from reticent.errors import DataError, ReticentError
from reticent.finding import Cost
from reticent.measure.estimate import Figure, Withheld, clopper_pearson
from reticent.observation import observe

if TYPE_CHECKING:
    from torch import nn

CLOSE = 1e-4
"""Mean squared error, of values from 0 to 1, below which a record counts as recovered."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GradientFinding:
    """What one attack read back.

    Attributes:
        attack: its name in the catalogue.
        reason: why it could not be run; empty where it was.
        records: (trials, batch, ...) what it made of each batch, in the order of the truth it is nearest to.
        errors: (trials, batch) mean squared error of each record.
        control: (trials, batch) that of the mean public record, which never sees the gradient.
        labels_right: (trials,) whether all labels of the batch were told.
        cost: its seconds, of all trials together.
    """

    attack: str
    reason: str = ""
    records: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    errors: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    control: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    labels_right: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    cost: Cost = field(default_factory=Cost)

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name, with its interval over trials.

        Args:
            name: "recovered", the share of batches of which every record's error is under 1e-4; "recovered
                control", that of the mean public record; "labels", the share whose labels were all told.

        Raises:
            ValueError: no figure has that name.
        """
        if self.reason:
            return Withheld(self.reason)
        hits: dict[str, BoolArray] = {
            "recovered": np.asarray((self.errors < CLOSE).all(axis=1)),
            "recovered control": np.asarray((self.control < CLOSE).all(axis=1)),
            "labels": self.labels_right,
        }
        if name not in hits:
            raise ValueError(f"no figure is called {name!r}")
        return clopper_pearson(int(hits[name].sum()), len(hits[name]), level)


def leak_gradients(
    module: Callable[[int], nn.Module],
    x: FloatArray,
    y: IntArray,
    attacks: Sequence[GradientAttack],
    *,
    public: FloatArray,
    batch: int = 1,
    seed: int = 0,
    advance: Callable[[int], None] = lambda trials: None,
) -> tuple[GradientFinding, ...]:
    """Share gradients of records, a batch at a time, and have attacks read them back.

    Args:
        module: makes the module of a trial, by its number: initialised anew, or always the same trained one.
        x: (records, ...) as the module takes them, from 0 to 1.
        y: (records,) positions of their classes.
        public: (records, ...) of the same kind, which the attacker has; their mean is the control.
        batch: records behind each gradient; what is left over is not used.
        advance: told how many more trials are done, of each attack.

    Returns:
        A finding an attack; one that can't be run says why.

    Raises:
        DataError: no whole batch, or public records of another shape.
    """
    x, public = np.asarray(x, dtype=np.float64), np.asarray(public, dtype=np.float64)
    if len(x) < batch or len(x) != len(y) or public.shape[1:] != x.shape[1:]:
        raise DataError(
            f"{len(x)} records with {len(y)} labels, in batches of {batch}, and public ones of shape "
            f"{public.shape[1:]} were given; give at least a batch, a label each, and public ones alike"
        )
    trials = [(t, slice(t * batch, (t + 1) * batch)) for t in range(len(x) // batch)]
    mean = np.repeat(public.mean(axis=0)[None], batch, axis=0)
    found = []
    for attack in attacks:
        records, errors, control, told, start = [], [], [], [], time.perf_counter()
        try:
            for trial, part in trials:
                observation = observe(module(trial), x[part], y[part])
                made = attack.reconstruct(observation, seed + trial)
                order = matched(made.records, x[part])
                records.append(made.records[order])
                errors.append(error(made.records[order], x[part]))
                control.append(error(mean, x[part]))
                told.append(sorted(made.labels.tolist()) == sorted(np.asarray(y[part]).tolist()))
                advance(1)
        except ReticentError as problem:
            found.append(GradientFinding(attack=attack.name, reason=str(problem)))
            continue
        found.append(
            GradientFinding(
                attack=attack.name,
                records=np.stack(records),
                errors=np.stack(errors),
                control=np.stack(control),
                labels_right=np.array(told),
                cost=Cost(seconds=time.perf_counter() - start),
            )
        )
    return tuple(found)


def error(ours: FloatArray, theirs: FloatArray) -> FloatArray:
    """(batch,) mean squared error of each record."""
    return np.asarray(np.square(ours - theirs).reshape(len(ours), -1).mean(axis=1))


def matched(ours: FloatArray, theirs: FloatArray) -> IntArray:
    """(batch,) which of ours stands for each of theirs, by the least error in all: a batch has no order."""
    from scipy.optimize import linear_sum_assignment

    flat, truth = ours.reshape(len(ours), -1), theirs.reshape(len(theirs), -1)
    apart = np.square(truth[:, None] - flat[None]).mean(axis=2)
    order: IntArray = linear_sum_assignment(np.nan_to_num(apart, nan=1e9, posinf=1e9))[1]
    return order
