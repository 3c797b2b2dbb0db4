"""What somebody asks who knows of a defence: disturbed copies, the same again, labels only.

Aerni, Zhang & Tramèr, "Evaluations of Machine Learning Privacy Defenses are Misleading", CCS 2024,
arXiv:2404.17399, section 4: whatever hides in one record's scores may show in another question's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import FLOOR, Access, FloatArray, Metered
from reticent.attacks.options import number
from reticent.attacks.perturb import RADII, copies_of
from reticent.data import Records
from reticent.errors import ModelError


@dataclass(frozen=True, kw_only=True)
class CopiesScores:
    """The log-probabilities of disturbed copies of the records, a variant each.

    Attributes:
        copies: how many.
        seed: of the noise.
    """

    needs: ClassVar[Access] = Access.SCORES
    copies: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        number("copies", self.copies, low=1)

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, copies, classes) log-probabilities in nats."""
        copies = copies_of(records.features, self.copies, RADII, self.seed)
        return np.stack([_log_scores(target, copy) for copy in copies], axis=1).astype(np.float32)

    def queries(self, records: int) -> int:
        """One a record and copy."""
        return records * self.copies


@dataclass(frozen=True, kw_only=True)
class CopiesLabels:
    """How many of a record's disturbed copies, itself among them, are named rightly.

    The count k of n stands as a probability (k + ½) / (n + 1), so that what reads scores can read it.

    Attributes:
        copies: how many besides the record.
        seed: of the noise.
    """

    needs: ClassVar[Access] = Access.LABELS
    copies: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        number("copies", self.copies, low=1)

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, 1, classes): the logarithm of that probability of the true class, the rest even."""
        right = np.asarray(target.predict(records.features).labels == records.labels, dtype=np.float64)
        for copy in copies_of(records.features, self.copies, RADII, self.seed):
            right += target.predict(copy).labels == records.labels
        return as_scores(right, 1 + self.copies, records)

    def queries(self, records: int) -> int:
        """One a record and copy."""
        return records * (1 + self.copies)


@dataclass(frozen=True, kw_only=True)
class Again:
    """The same records asked several times, answers averaged: noise that is drawn afresh wears off.

    Attributes:
        times: how often.
    """

    needs: ClassVar[Access] = Access.LABELS
    times: int = 16

    def __post_init__(self) -> None:
        number("times", self.times, low=2)

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, 1, classes) log of the mean probabilities, or of how often the label was right."""
        if target.access < Access.SCORES:
            right = np.zeros(len(records))
            for _ in range(self.times):
                right += target.predict(records.features).labels == records.labels
            return as_scores(right, self.times, records)
        total = np.zeros((len(records), len(records.classes)))
        for _ in range(self.times):
            total += np.exp(_log_scores(target, records.features))
        mean = np.log(np.maximum(total / self.times, FLOOR))
        return mean[:, None].astype(np.float32)

    def queries(self, records: int) -> int:
        """So many a record."""
        return records * self.times


def as_scores(right: FloatArray, of: int, records: Records) -> FloatArray:
    """(records, 1, classes) log of (k + ½) / (n + 1) for the true class, the rest even, of k right
    answers in n."""
    own = (right + 0.5) / (of + 1)
    rest = (1 - own) / max(1, len(records.classes) - 1)
    scores = np.repeat(rest[:, None], len(records.classes), axis=1)
    scores[np.arange(len(records)), records.labels] = own
    return np.log(scores)[:, None].astype(np.float32)


def _log_scores(target: Metered, features: object) -> FloatArray:
    scores = target.predict(features).log_scores  # type: ignore[arg-type]
    if scores is None:
        raise ModelError("the model gives labels only where scores were expected; ask for labels")
    return scores
