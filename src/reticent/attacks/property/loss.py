"""Loss test: on which world's records is the model right more often?

Suri & Evans, "Formalizing and Estimating Distribution Inference Risks", PETS 2022, arXiv:2109.06024.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import PropertyAttack
from reticent.question import Labels, Question
from reticent.shadows.signals import Answers
from reticent.worlds import PropertyScene


@dataclass(frozen=True, kw_only=True)
class LossTest(PropertyAttack):
    """The world on whose records the model is right more often (Suri & Evans 2022)."""

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Suri & Evans 2022, arXiv:2109.06024"
    price: ClassVar[str] = "an answer a probe, and no model of the attacker's own"
    shadows: ClassVar[bool] = False
    caveat: ClassVar[str] = (
        "says the same of every model where records with the property are easier or harder"
    )

    @property
    def questions(self) -> tuple[Question, ...]:
        """Labels."""
        return (Labels(),)

    def guess(self, scene: PropertyScene) -> FloatArray:
        """Return accuracy on the last world's mixture of records less that on the first's."""
        right = accuracies(scene, scene.victims[Labels()])
        return np.asarray(right[:, -1] - right[:, 0])


def accuracies(scene: PropertyScene, answers: Answers) -> FloatArray:
    """(models, shares) how often each model is right on a sample of each world."""
    right: FloatArray = answers.values[:, :, 0, 0].astype(np.float64) @ scene.mixtures().T
    return right
