"""What is under attack, and how much of it the attacker sees.

`Access` is a ladder; an attack names the lowest rung that it needs and runs against whatever grants
it. `Outputs` is what a target answers. `Target` is anything that answers. `Metered` is what an attack
is given: a target behind a cap and a meter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from reticent.errors import ModelError, QueryLimit
from reticent.fingerprint import fingerprint
from reticent.store import Cells

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    Features = pd.DataFrame | npt.NDArray[np.generic]

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.integer]
BoolArray = npt.NDArray[np.bool_]

FLOOR = 1e-7
"""Smallest probability told apart from zero: forests and rounded scores answer exact zeros."""


class Access(IntEnum):
    """Rungs of the ladder, lowest first; gradients come with the weights."""

    LABELS = 1
    SCORES = 2
    LOGITS = 3
    WEIGHTS = 4

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a target answers to some records.

    Attributes:
        labels: (records,) positions of the answered class in the target's `classes`.
        log_scores: (records, classes) log-probabilities in nats, or None where only labels are given.
        logits: (records, classes) before the softmax, or None where the target keeps them.
    """

    labels: IntArray
    log_scores: FloatArray | None = None
    logits: FloatArray | None = None

    @classmethod
    def from_labels(cls, labels: IntArray) -> Outputs:
        """Answers of a target that names a class and nothing else."""
        return cls(np.asarray(labels, dtype=np.int64))

    @classmethod
    def from_scores(cls, scores: FloatArray) -> Outputs:
        """Answers of a target that gives probabilities (records, classes).

        Raises:
            ModelError: scores that are not probabilities (negative, not finite, not summing to one).
        """
        scores = np.asarray(scores, dtype=np.float64)
        if scores.ndim != 2:
            raise ModelError(
                f"the model answered an array of shape {scores.shape}; expected (records, classes)"
            )
        finite = np.isfinite(scores).all()
        if not finite or scores.min(initial=0.0) < -1e-6 or np.any(_off(scores) > 0.05 + 1e-9):
            raise ModelError(
                "the model's answers are not probabilities (each row must be non-negative and sum to one); "
                "give a model that answers predict_proba, or declare that it answers logits"
            )
        return cls(scores.argmax(axis=1), np.log(np.maximum(scores, FLOOR)))

    @classmethod
    def from_logits(cls, logits: FloatArray) -> Outputs:
        """Answers of a target that gives what stands before the softmax (records, classes)."""
        logits = np.asarray(logits)
        if logits.ndim != 2 or not np.all(np.isfinite(logits)):
            raise ModelError(
                f"the model answered logits of shape {logits.shape} that are not finite rows of classes; "
                "check the model on these records"
            )
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_scores = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return cls(logits.argmax(axis=1), log_scores, logits)

    def capped(self, access: Access) -> Outputs:
        """The same answers with everything above `access` taken away."""
        return Outputs(
            self.labels,
            self.log_scores if access >= Access.SCORES else None,
            self.logits if access >= Access.LOGITS else None,
        )


class Target(Protocol):
    """A classifier that answers questions.

    Attributes:
        access: the highest rung that it grants.
        classes: (classes,) the labels behind the columns of its scores, in their order.
    """

    @property
    def access(self) -> Access: ...

    @property
    def classes(self) -> npt.NDArray[np.generic]: ...

    def predict(self, x: Features) -> Outputs:
        """Answer each of the records `x`."""

    def fingerprint(self) -> str:
        """A hash of the model's content, never of its name."""


@runtime_checkable
class WhiteBox(Protocol):
    """A target whose weights are at hand."""

    def gradient_norms(self, x: Features, y: IntArray) -> FloatArray:
        """Return (records, parameters) L2 norms of each record's loss gradient, one column a tensor."""


@runtime_checkable
class Inside(Protocol):
    """A target whose inner answers can be read."""

    def activations(self, x: Features) -> FloatArray:
        """Return (records, neurons) what stands before the last layer."""


@runtime_checkable
class Descends(Protocol):
    """A target through which gradients can be followed back to its input."""

    def score_gradient(self, x: FloatArray, classes: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return (records,) p_c of each record's class c, and (records, ...) its gradient by the record."""


@runtime_checkable
class Learns(Protocol):
    """A target that others may go on training, and share gradients of."""

    def as_sent_out(self) -> nn.Module:
        """Return the module that takes the records as they are, in evaluation mode.

        Raises:
            ModelError: its records are prepared first, so that a gradient says nothing of them as they are.
        """


class Metered:
    """What an attack is given: a target capped at a rung, asked in batches, each record counted.

    Args:
        access: the cap; None for all that the target grants.
        batch: records asked at a time.
        limit: the most records that may be asked.
        memory: where answers are kept, so that nothing is asked twice: for targets that cost money or time.
    """

    def __init__(
        self,
        target: Target,
        access: Access | None = None,
        *,
        batch: int = 10_000,
        limit: int | None = None,
        memory: Cells | None = None,
    ) -> None:
        self._target = target
        self._batch = batch
        self._memory = memory
        self.access = target.access if access is None else min(access, target.access)
        self.classes = target.classes
        self.limit = limit
        self.queries = 0

    def predict(self, x: Features) -> Outputs:
        """Answer each of the records `x`, with what the rung grants.

        Raises:
            QueryLimit: a batch would need more than `limit` records in all; it is not asked then.
        """
        parts = [self._remembered(x[i : i + self._batch]) for i in range(0, len(x), self._batch)]
        return join(parts).capped(self.access)

    def _remembered(self, x: Features) -> Outputs:
        if self._memory is None:
            return self._asked(x)
        key = fingerprint("answer", self._target.fingerprint(), x)
        kept = self._memory.find(key)
        if kept is not None:
            arrays, _ = kept
            return Outputs(arrays["labels"], arrays.get("log_scores"), arrays.get("logits"))
        outputs = self._asked(x)
        given = (("labels", outputs.labels), ("log_scores", outputs.log_scores), ("logits", outputs.logits))
        self._memory.keep(key, {name: array for name, array in given if array is not None}, {})
        return outputs

    def _asked(self, x: Features) -> Outputs:
        if self.limit is not None and self.queries + len(x) > self.limit:
            raise QueryLimit(
                f"{len(x):,} more queries were needed and {self.limit - self.queries:,} of {self.limit:,} "
                "are left; raise the query limit or audit fewer records"
            )
        outputs = self._target.predict(x)
        self.queries += len(x)
        return outputs

    @property
    def white_box(self) -> WhiteBox:
        """The target itself.

        Raises:
            PermissionError: the rung does not reach the weights.
        """
        if self.access < Access.WEIGHTS or not isinstance(self._target, WhiteBox):
            raise PermissionError(f"weights are needed and {self.access} are granted")
        return self._target

    @property
    def inside(self) -> Inside:
        """The target itself, to read what stands before its last layer.

        Raises:
            PermissionError: the rung does not reach the weights.
            ModelError: a kind of model that has no layers.
        """
        if self.access < Access.WEIGHTS:
            raise PermissionError(f"weights are needed and {self.access} are granted")
        if not isinstance(self._target, Inside):
            raise ModelError("activations are needed, and this kind of model has none; give a torch module")
        return self._target

    @property
    def learns(self) -> Learns:
        """The target itself, to share gradients of.

        Raises:
            PermissionError: the rung does not reach the weights.
            ModelError: a kind of model that does not learn by gradients.
        """
        if self.access < Access.WEIGHTS:
            raise PermissionError(f"weights are needed and {self.access} are granted")
        if not isinstance(self._target, Learns):
            raise ModelError("a torch module to go on training is needed, and this kind of model is none")
        return self._target

    @property
    def descends(self) -> Descends:
        """The target itself, to follow gradients back to its input.

        Raises:
            PermissionError: the rung does not reach the weights.
            ModelError: a kind of model without gradients.
        """
        if self.access < Access.WEIGHTS:
            raise PermissionError(f"weights are needed and {self.access} are granted")
        if not isinstance(self._target, Descends):
            raise ModelError("gradients are needed, and this kind of model has none; give a torch module")
        return self._target


def join(parts: list[Outputs]) -> Outputs:
    """Answers of several batches as one."""
    if len(parts) == 1:
        return parts[0]

    def stack(arrays: list[FloatArray | None]) -> FloatArray | None:
        known = [a for a in arrays if a is not None]
        return np.concatenate(known) if known and len(known) == len(arrays) else None

    return Outputs(
        np.concatenate([p.labels for p in parts]) if parts else np.zeros(0, np.int64),
        stack([p.log_scores for p in parts]),
        stack([p.logits for p in parts]),
    )


def _off(scores: FloatArray) -> FloatArray:
    """(records,) by how much the scores of each miss one, beyond what rounding them to one place explains."""
    missed = np.abs(scores.sum(axis=1) - 1)
    if scores.shape[1] > 2 and np.abs(10 * scores - np.rint(10 * scores)).max(initial=0.0) < 1e-6:
        missed = np.maximum(missed - 0.05 * scores.shape[1], 0)
    return np.asarray(missed)
