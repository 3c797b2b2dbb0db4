"""Shadow-model classifier: a model of how models answer about their own records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, BoolArray, FloatArray, IntArray
from reticent.attacks.attack import SignalsAttack
from reticent.attacks.learned import train_on_shadows
from reticent.attacks.options import number
from reticent.shadows.signals import Answers, Signals, margin


@dataclass(frozen=True, kw_only=True)
class Shokri(SignalsAttack):
    """Attack classifier trained on shadow models' answers (Shokri et al. 2017, arXiv:1610.05820).

    It sees the sorted scores, the margin of the true class and which class that is; one classifier with
    the class as a feature serves where the original trains one a class.

    Attributes:
        top: how many of the sorted scores it sees.
        seed: of the rows drawn and of the classifier.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Shokri et al. 2017, arXiv:1610.05820, section V"
    shadows: ClassVar[bool] = True
    caveat: ClassVar[str] = (
        "judges all records of a class alike, so it does poorly at low false-positive rates"
    )

    top: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        number("top", self.top, low=1)

    def score(self, target: Answers, shadows: Signals, known: BoolArray) -> FloatArray:
        """Return log-odds of membership, shape (records,)."""
        theirs = np.stack([self._features(v[:, 0], shadows.labels) for v in shadows.values])
        judge = train_on_shadows(theirs, shadows.members, seed=self.seed, compare=False)
        return judge(self._features(target.values[0, :, 0], target.labels)).astype(np.float64)

    def _features(self, log_scores: FloatArray, labels: IntArray) -> FloatArray:
        """(records, top + 2) of log-probabilities (records, classes)."""
        log_scores = np.asarray(log_scores)
        best = -np.sort(-log_scores, axis=1)[:, : self.top]
        own = margin(log_scores[:, None, :], labels)
        return np.concatenate([best, own, labels[:, None].astype(np.float32)], axis=1)
