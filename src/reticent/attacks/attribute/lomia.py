"""LOMIA: labels alone tell the value of some records, and those tell that of the rest.

Mehnaz, Dibbo, Kabir, Li & Bertino, USENIX Security 2022, arXiv:2201.09370, section 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import AttributeAttack
from reticent.attacks.attribute.each_value import EachValueLabel
from reticent.attacks.attribute.imputation import classify
from reticent.attacks.encode import encode
from reticent.question import Question
from reticent.scene import SecretScene
from reticent.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Lomia(AttributeAttack):
    """Records that one value alone puts right teach a classifier the others, by labels (Mehnaz et al. 2022).

    The classifier learns from the candidates' other columns and label; the value of those it learns from is
    the attack's own guess, never the truth.
    """

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Mehnaz et al. 2022, arXiv:2201.09370, section 4.3"
    caveat: ClassVar[str] = "guesses well only where the model's label hangs on the value of many records"

    def asks(self, secret: Secret) -> tuple[Question, ...]:
        """The label with each value."""
        return (EachValueLabel(secret),)

    def guess(self, scene: SecretScene) -> FloatArray:
        """Return the classifier's log-probabilities; where one value alone is right, 1 for it."""
        named = scene.answers[EachValueLabel(scene.secret)].values[0, :, :, 0]
        right = named == scene.records.labels[:, None]
        told = right.sum(axis=1) == 1
        value, values = np.where(told, right.argmax(axis=1), -1), right.shape[1]
        scores = classify(
            encode(scene.records), np.flatnonzero(told & ~scene.auxiliary), value, values, scene.seed
        )
        scores[told, value[told]] = 1
        return scores
