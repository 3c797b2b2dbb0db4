"""Kullback-Leibler: whose models does the victim answer like?

Suri & Evans, "Formalizing and Estimating Distribution Inference Risks", PETS 2022, arXiv:2109.06024; the KL
attack: Suri, Lu, Chen & Evans, "Dissecting Distribution Inference", SaTML 2023, arXiv:2212.07591
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import PropertyAttack
from reticent.question import Question, Scores
from reticent.worlds import PropertyScene


@dataclass(frozen=True, kw_only=True)
class KullbackLeibler(PropertyAttack):
    """How many pairs of models, one of each world, say that the victim is nearer the second's (Suri 2023).

    Nearer is the smaller Kullback-Leibler divergence of the answers, over a sample of either world; the
    shares of both samples are averaged.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Suri, Lu, Chen & Evans 2023, arXiv:2212.07591"
    caveat: ClassVar[str] = "needs many models: a victim's distance to single ones is mostly chance"

    @property
    def questions(self) -> tuple[Question, ...]:
        """Scores."""
        return (Scores(),)

    def guess(self, scene: PropertyScene) -> FloatArray:
        """Return the share of pairs that say so, less one half."""
        own, theirs = (a[Scores()].values[:, :, 0].astype(np.float64) for a in (scene.answers, scene.victims))
        votes = np.zeros(len(theirs))
        samples = scene.mixtures()[[0, -1]]
        for weights in samples:
            apart = divergences(own, theirs, weights)
            first, second = apart[scene.world == 0], apart[scene.world > 0]
            votes += (first[:, None] > second[None]).mean(axis=(0, 1)) / len(samples)
        return votes - 0.5


def divergences(ours: FloatArray, theirs: FloatArray, weights: FloatArray) -> FloatArray:
    """(ours, theirs) mean Kullback-Leibler divergence KL(ours ‖ theirs) in nats.

    Args:
        ours, theirs: (models, records, classes) log-probabilities.
        weights: (records,) that sum to 1.
    """
    likely = np.exp(ours) * weights[:, None]
    entropy = (likely * ours).sum(axis=(1, 2))
    cross: FloatArray = likely.reshape(len(ours), -1) @ theirs.reshape(len(theirs), -1).T
    return np.asarray(entropy[:, None] - cross)
