"""CSMIA: which value makes the model right, and sure of it?

Mehnaz, Dibbo, Kabir, Li & Bertino, "Are Your Sensitive Attributes Private? Novel Model Inversion Attribute
Inference Attacks on Classification Models", USENIX Security 2022, arXiv:2201.09370, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import AttributeAttack
from reticent.attacks.attribute.each_value import EachValue
from reticent.question import Question
from reticent.scene import SecretScene
from reticent.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Csmia(AttributeAttack):
    """Confidence-score attack: the value with which the model is right, and surest (Mehnaz et al. 2022).

    One value with which the model names the true label: that one. Several: the one with which it is surest.
    None: the one with which it is least sure of being right.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Mehnaz et al. 2022, arXiv:2201.09370, section 4.2"
    caveat: ClassVar[str] = "looks at no other column, so imputation mostly guesses better"

    def asks(self, secret: Secret) -> tuple[Question, ...]:
        """Scores with each value."""
        return (EachValue(secret),)

    def guess(self, scene: SecretScene) -> FloatArray:
        """Return 1 + confidence where the model is right, 1 − confidence where it never is, else 0."""
        log_scores = scene.answers[EachValue(scene.secret)].values[0]
        sure = np.exp(log_scores.max(axis=-1)).astype(np.float64)
        right = log_scores.argmax(axis=-1) == scene.records.labels[:, None]
        never = ~right.any(axis=1, keepdims=True)
        return np.where(right, 1 + sure, np.where(never, 1 - sure, 0))
