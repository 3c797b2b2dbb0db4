"""Learnt prior: what the rest of the record says, times what the model says.

Fredrikson et al.'s MAP (2014) with a prior learnt from the other columns in place of the marginal one, and
the model's own probabilities in place of a confusion matrix: Bayes' rule for p(v | record, label).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import AttributeAttack
from reticent.attacks.attribute.each_value import EachValue
from reticent.attacks.attribute.imputation import impute
from reticent.question import Question
from reticent.scene import SecretScene
from reticent.secret import Secret


@dataclass(frozen=True, kw_only=True)
class LearntPrior(AttributeAttack):
    """The model's probability of the label with each value, times imputation (after Fredrikson 2014)."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Fredrikson et al. 2014, USENIX Security, with a learnt prior"
    caveat: ClassVar[str] = "as good as its imputation where the model hardly uses the column"

    def asks(self, secret: Secret) -> tuple[Question, ...]:
        """Scores with each value."""
        return (EachValue(secret),)

    def guess(self, scene: SecretScene) -> FloatArray:
        """Return log p(label | record with the value) + log p(value | the rest of the record)."""
        told = scene.answers[EachValue(scene.secret)].log_confidence()[0].astype(np.float64)
        prior = impute(scene.records, scene.known, told.shape[1], with_label=False, seed=scene.seed)
        return np.asarray(told + prior)
