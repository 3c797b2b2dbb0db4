"""Probe classifier: a classifier that reads a model's answers to many probes.

The meta-classifier of Ateniese et al. 2015 (arXiv:1306.4447) on what anyone can ask, as Zhang, Tople &
Ohrimenko, "Leakage of Dataset Properties in Multi-Party Machine Learning", USENIX Security 2021,
arXiv:2006.07267
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import PropertyAttack
from reticent.attacks.options import number
from reticent.question import Question, Scores
from reticent.shadows.signals import Answers
from reticent.worlds import PropertyScene

PENALTIES = tuple(10.0**k for k in range(-2, 7))
"""Ridge penalties tried, for answers of unit spread."""


@dataclass(frozen=True, kw_only=True)
class ProbeClassifier(PropertyAttack):
    """A linear classifier over log-odds of the probes, learnt from the attacker's models (Zhang et al. 2021).

    Attributes:
        probes: how many probes are read, evenly through those at hand.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Zhang, Tople & Ohrimenko 2021, arXiv:2006.07267"
    caveat: ClassVar[str] = "learns from as many examples as the attacker trained models"

    probes: int = 2_000

    def __post_init__(self) -> None:
        number("probes", self.probes, low=1)

    @property
    def questions(self) -> tuple[Question, ...]:
        """Scores."""
        return (Scores(),)

    def guess(self, scene: PropertyScene) -> FloatArray:
        """Return the classifier's score, above 0 for the second world."""
        return read(scene, np.where(scene.world > 0, 1.0, -1.0), self.probes)


def read(scene: PropertyScene, of: FloatArray, probes: int) -> FloatArray:
    """(victims,) what a ridge regression, learnt from the attacker's models, makes of their answers.

    Args:
        of: (models,) what it learns to tell of each of the attacker's models.
        probes: how many answers it reads.
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    few = np.unique(np.linspace(0, len(scene.has) - 1, min(probes, len(scene.has))).astype(int))

    def odds(answers: Answers) -> FloatArray:
        return answers.part(few).margin()[:, :, 0].astype(np.float64)

    model = make_pipeline(StandardScaler(), RidgeCV(PENALTIES))
    model.fit(odds(scene.answers[Scores()]), of)
    return np.asarray(model.predict(odds(scene.victims[Scores()])), dtype=np.float64)
