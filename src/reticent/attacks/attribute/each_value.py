"""The questions of attribute attacks: the same record with each value of the secret in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray, Metered
from reticent.data import Records
from reticent.errors import ModelError
from reticent.secret import Secret


@dataclass(frozen=True)
class EachValue:
    """The log-probabilities with each value put into the record: a variant a value, a channel a class."""

    needs: ClassVar[Access] = Access.SCORES

    secret: Secret

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, values, classes) log-probabilities in nats."""
        answers = [target.predict(self.secret.put(records, v)).log_scores for v in range(self._values)]
        known = [a for a in answers if a is not None]
        if len(known) < len(answers):
            raise ModelError(
                "the model gives labels only where scores were expected; declare access='labels'"
            )
        return np.stack(known, axis=1).astype(np.float32)

    def queries(self, records: int) -> int:
        """One for each value of each record."""
        return self._values * records

    @property
    def _values(self) -> int:
        return len(self.secret.values)


@dataclass(frozen=True)
class EachValueLabel:
    """The class named with each value put into the record: a variant a value, one channel."""

    needs: ClassVar[Access] = Access.LABELS

    secret: Secret

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, values, 1) positions of the classes named."""
        values = range(len(self.secret.values))
        named = [target.predict(self.secret.put(records, v)).labels for v in values]
        return np.stack(named, axis=1).astype(np.float32)[..., None]

    def queries(self, records: int) -> int:
        """One for each value of each record."""
        return len(self.secret.values) * records
