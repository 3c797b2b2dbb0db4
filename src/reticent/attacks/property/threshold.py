"""Threshold test: how accurate are models of either world, and which is the victim nearer to?

Suri & Evans, PETS 2022, arXiv:2109.06024
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, BoolArray, FloatArray
from reticent.attacks.attack import PropertyAttack
from reticent.attacks.property.loss import accuracies
from reticent.question import Labels, Question
from reticent.worlds import PropertyScene


@dataclass(frozen=True, kw_only=True)
class ThresholdTest(PropertyAttack):
    """A threshold on accuracy, set where it best parts the attacker's own models (Suri & Evans 2022).

    Accuracy is taken on a sample of each world; the sample that parts the attacker's models better is used.
    """

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Suri & Evans 2022, arXiv:2109.06024"
    caveat: ClassVar[str] = "sees nothing where models of either world are equally often right"

    @property
    def questions(self) -> tuple[Question, ...]:
        """Labels."""
        return (Labels(),)

    def guess(self, scene: PropertyScene) -> FloatArray:
        """Return how far the victim's accuracy lies beyond the threshold, on the second world's side."""
        own, theirs = (accuracies(scene, a[Labels()]) for a in (scene.answers, scene.victims))
        second = scene.world > 0
        cuts = [_cut(own[:, sample], second) for sample in range(own.shape[1])]
        best = int(np.argmax([share for share, _, _ in cuts]))
        _, threshold, sign = cuts[best]
        return np.asarray(sign * (theirs[:, best] - threshold))


def _cut(values: FloatArray, second: BoolArray) -> tuple[float, float, int]:
    """The share of models put right by the best threshold, that threshold, and the sign of its upper side."""
    order = np.sort(values)
    between = (order[1:] + order[:-1]) / 2
    above = ((values[:, None] > between) == second[:, None]).mean(axis=0)
    sign = 1 if above.max() >= (1 - above).max() else -1
    right = above if sign > 0 else 1 - above
    best = np.flatnonzero(right == right.max())
    return float(right.max()), float(between[best[len(best) // 2]]), sign
