"""SNAP: poison that weighs more the fewer records have the property.

Chaudhari, Abascal, Oprea, Jagielski, Tramèr & Ullman, "SNAP: Efficient Extraction of Private Properties with
Poisoning", IEEE S&P 2023, arXiv:2208.12348
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import PropertyAttack
from reticent.attacks.options import number
from reticent.errors import DataError
from reticent.question import Question, Scores
from reticent.shadows.signals import Answers
from reticent.worlds import PropertyScene


@dataclass(frozen=True, kw_only=True)
class Snap(PropertyAttack):
    """Poison records with the property; how sure is the model of the wrong label? (Chaudhari et al. 2023).

    A few models of each world say how sure models are there; the threshold lies where two Gaussians fitted
    to their logits err equally, and the victim's median over records with the property is set against it.

    Attributes:
        poison_share: of everyone's training data, that the attacker slips in; 0 to slip in none.
        models: of the attacker's models in each world, how many are looked at.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Chaudhari et al. 2023, arXiv:2208.12348"
    caveat: ClassVar[str] = "assumes an attacker who can add records to the training data"

    poison_share: float = 0.006
    models: int = 4

    def __post_init__(self) -> None:
        number("poison_share", self.poison_share, low=0, high=0.5)
        number("models", self.models, low=1)

    @property
    def poison(self) -> float:
        """Share of everyone's training data that it slips in."""
        return self.poison_share

    @property
    def questions(self) -> tuple[Question, ...]:
        """Scores."""
        return (Scores(),)

    def guess(self, scene: PropertyScene) -> FloatArray:
        """Return how far the victim's median logit of the poison's label lies on the second world's side.

        Raises:
            DataError: no probe has the property and another label.
        """
        asked = np.flatnonzero(scene.has & (scene.probes.labels != scene.rare))
        if not len(asked):
            raise DataError("no probe has the property and another label than the poison's; give more probes")

        def logits(answers: Answers) -> FloatArray:
            few = answers.part(asked)
            wrong = Answers(few.values, np.full(len(asked), scene.rare))
            return wrong.margin()[:, :, 0].astype(np.float64)

        own = logits(scene.answers[Scores()])
        first, second = (
            own[np.flatnonzero(side)[: self.models]] for side in (scene.world == 0, scene.world > 0)
        )
        spread = max(first.std() + second.std(), 1e-12)
        threshold = (first.mean() * second.std() + second.mean() * first.std()) / spread
        median = np.median(logits(scene.victims[Scores()]), axis=1)
        return np.asarray(np.sign(second.mean() - first.mean()) * (median - threshold))
