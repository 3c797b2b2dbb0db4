"""What models say about the same records: the one array that serves every attack that compares models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from reticent.access import BoolArray, FloatArray, IntArray

Statistic = Callable[[FloatArray, IntArray], FloatArray]
"""Of log-probabilities (..., records, variants, classes) and labels (records,): (..., records, variants)."""

BLOCK = 1 << 18
"""Elements handled at a time: a memory-mapped array never enters memory whole, and what is worked on stays
in the processor's cache, which is several times faster than working on all of it."""

TINY = 1e-30
"""Sums of probabilities below this are taken again with the largest as the unit, since they underflow."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What one or more models answer to the same question about the same records.

    Attributes:
        values: (models, records, variants, channels) float32; for `question.Scores` the channels are
            log-probabilities in nats. May be memory-mapped.
        labels: (records,) the records' true classes, as positions.
    """

    values: FloatArray
    labels: IntArray

    def __post_init__(self) -> None:
        if self.values.ndim != 4 or self.values.shape[1] != len(self.labels):
            raise ValueError(
                f"answers of shape {self.values.shape} for {len(self.labels)} records; "
                "expected (models, records, variants, channels)"
            )

    @property
    def models(self) -> int:
        """How many models answered."""
        return int(self.values.shape[0])

    @property
    def records(self) -> int:
        """How many records they were asked about."""
        return int(self.values.shape[1])

    def part(self, records: slice | IntArray) -> Answers:
        """The answers about some of the records; a slice copies nothing."""
        return Answers(self.values[:, records], self.labels[records])

    def blocks(self) -> Iterator[slice]:
        """Runs of records, `BLOCK` elements of all models together in each."""
        models, records, variants, channels = self.values.shape
        step = max(1, BLOCK // max(1, models * variants * channels))
        return (slice(start, start + step) for start in range(0, records, step))

    def margin(self) -> FloatArray:
        """(models, records, variants) log p_y − log Σ_{y'≠y} p_{y'}, the logit-scaled confidence of LiRA.

        Stable: never log(1 − p_y). In blocks of records, so that memory holds the result alone.
        """
        return self.by_block(margin)

    def log_confidence(self) -> FloatArray:
        """(models, records, variants) log p_y in nats: minus the cross-entropy loss."""
        return self.by_block(log_confidence)

    def by_block(self, statistic: Statistic) -> FloatArray:
        """(models, records, variants) of a statistic of the answers, taken a block at a time."""
        out = np.empty(self.values.shape[:3], dtype=np.float32)
        for block in self.blocks():
            out[:, block] = statistic(self.values[:, block], self.labels[block])
        return out


@dataclass(frozen=True, eq=False)
class Signals(Answers):
    """Answers of models of which it is known who trained on what.

    Attributes:
        members: (models, records) True where the model trained on the record.
    """

    members: BoolArray

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.members.shape != self.values.shape[:2]:
            raise ValueError(
                f"members of shape {self.members.shape} for answers of shape {self.values.shape}"
            )

    def part(self, records: slice | IntArray) -> Signals:
        """The answers about some of the records; a slice copies nothing."""
        return Signals(self.values[:, records], self.labels[records], self.members[:, records])

    def leave_one_out(self, model: int) -> tuple[Answers, Signals]:
        """Take one model as the target and the rest as its shadows."""
        rest = np.arange(self.models) != model
        return (
            Answers(self.values[model : model + 1], self.labels),
            Signals(self.values[rest], self.labels, self.members[rest]),
        )

    def first(self, models: int) -> Signals:
        """The first so many models: a plan's prefix for studies of the number of models."""
        return replace(self, values=self.values[:models], members=self.members[:models])


def margin(log_scores: FloatArray, labels: IntArray) -> FloatArray:
    """(..., records, variants) log p_y − log Σ_{y'≠y} p_{y'}.

    Args:
        log_scores: (..., records, variants, classes) log-probabilities in nats.
        labels: (records,) true classes.
    """
    log_scores = np.ascontiguousarray(log_scores)  # one pass from disk or memory, the rest in the cache
    if log_scores.shape[-1] == 2:  # one other class: its log-probability is the sum
        difference: FloatArray = log_scores[..., 0] - log_scores[..., 1]
        difference *= (1 - 2 * labels).astype(difference.dtype)[:, None]
        return difference
    others = np.exp(log_scores)
    _flat(others)[..., _places(log_scores, labels)] = 0
    rest: FloatArray = np.einsum("...c->...", others)
    small = rest < TINY
    rest = np.log(np.maximum(rest, TINY, out=rest), out=rest)
    if small.any():
        rest[small] = _log_rest(log_scores[small], np.broadcast_to(labels[:, None], small.shape)[small])
    return np.subtract(log_confidence(log_scores, labels), rest, out=rest)


def hinge(log_scores: FloatArray, labels: IntArray) -> FloatArray:
    """(..., records, variants) log p_y − max_{y'≠y} log p_{y'} of log-probabilities, the hinge loss's
    margin."""
    others = np.array(log_scores)
    _flat(others)[..., _places(others, labels)] = -np.inf
    ahead: FloatArray = log_confidence(log_scores, labels) - others.max(axis=-1)
    return ahead


def log_confidence(log_scores: FloatArray, labels: IntArray) -> FloatArray:
    """(..., records, variants) log p_y of log-probabilities (..., records, variants, classes)."""
    log_scores = np.ascontiguousarray(log_scores)
    own = _flat(log_scores).take(_places(log_scores, labels), axis=-1)
    return own.reshape(log_scores.shape[:-1])


def _flat(log_scores: FloatArray) -> FloatArray:
    """(..., records × variants × classes) of a contiguous array (..., records, variants, classes)."""
    return log_scores.reshape(*log_scores.shape[:-3], -1)


def _places(log_scores: FloatArray, labels: IntArray) -> IntArray:
    """(records × variants) where in one model's flattened answers the true classes' entries stand."""
    _, variants, classes = log_scores.shape[-3:]
    places: IntArray = np.arange(len(labels) * variants) * classes + np.repeat(labels, variants)
    return places


def _log_rest(log_scores: FloatArray, labels: IntArray) -> FloatArray:
    """(rows,) log Σ_{y'≠y} p_{y'}, however small, of log-probabilities (rows, classes)."""
    others = log_scores.copy()
    others[np.arange(len(labels)), labels] = -np.inf
    top = others.max(axis=-1)
    rest: FloatArray = top + np.log(np.exp(others - top[:, None]).sum(axis=-1))
    return rest
