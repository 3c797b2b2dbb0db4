"""What is asked of every model, target and shadows alike.

An attack that compares models names its questions; each is put to the target and to every shadow model
while it is at hand, and the answers of all models make one array (models, records, variants, channels).
Plain confidence scores are one question, scores over perturbed copies another, gradient norms a third.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from reticent.access import Access, FloatArray, Metered
from reticent.data import Records
from reticent.errors import ModelError


class Question(Protocol):
    """A frozen dataclass; its fields and source are part of every cache key."""

    needs: ClassVar[Access]

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """Return the target's answers, (records, variants, channels) float32.

        Must depend on nothing but the target, the records and the fields: the same perturbed copies
        for every model, whichever is asked first.
        """

    def queries(self, records: int) -> int:
        """How many records the target will be asked."""


@dataclass(frozen=True)
class Scores:
    """The log-probabilities of the records as they are: one variant, a channel a class."""

    needs: ClassVar[Access] = Access.SCORES

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, 1, classes) log-probabilities in nats."""
        scores = target.predict(records.features).log_scores
        if scores is None:
            raise ModelError(
                "the model gives labels only where scores were expected; declare access='labels'"
            )
        return scores[:, None, :].astype(np.float32)

    def queries(self, records: int) -> int:
        """One a record."""
        return records


@dataclass(frozen=True)
class Labels:
    """Whether the model names the right class: one variant, one channel, 1.0 where it does."""

    needs: ClassVar[Access] = Access.LABELS

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, 1, 1): 1.0 where the label is right, else 0.0."""
        right = target.predict(records.features).labels == records.labels
        return np.asarray(right, dtype=np.float32)[:, None, None]

    def queries(self, records: int) -> int:
        """One a record."""
        return records
