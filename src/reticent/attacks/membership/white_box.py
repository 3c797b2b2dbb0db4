"""White-box features: everything the weights tell about a record, judged together.

Nasr, Shokri & Houmansadr 2019 (arXiv:1812.00910) feed a network with a record's loss, the model's answer
and its gradients layer by layer. Of the gradients we keep the norm of each tensor, and the judge is a
classifier trained on shadow models, which compares each record with itself in the others' eyes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reticent.access import Access, FloatArray, IntArray
from reticent.attacks.attack import MembershipAttack
from reticent.attacks.learned import train_on_shadows
from reticent.attacks.membership.gradient import GradientNorms
from reticent.question import Question, Scores
from reticent.scene import Scene
from reticent.shadows.signals import margin

TOP = 3
"""Classes beside the true one whose scores are looked at, the likeliest first."""


@dataclass(frozen=True, kw_only=True)
class WhiteBoxFeatures(MembershipAttack):
    """Loss, scores and gradient norms of every layer, read by a classifier trained on shadow models."""

    needs = Access.WEIGHTS
    source = "Nasr et al. 2019, arXiv:1812.00910; the comparison by record is ours"
    shadows = True

    @property
    def questions(self) -> tuple[Question, ...]:
        """The scores and the gradient's norms."""
        return Scores(), GradientNorms()

    def guess(self, scene: Scene) -> FloatArray:
        """Return log-odds of membership, (records,)."""
        scores, norms = (scene.shadow_signals(q).values[:, :, 0] for q in self.questions)
        labels = scene.records.labels
        shadows = np.stack([white_box_features(s, n, labels) for s, n in zip(scores, norms, strict=True)])
        judge = train_on_shadows(shadows, scene.shadow_signals(Scores()).members, seed=scene.seed)
        own, pull = (scene.target_answers(q).values[0, :, 0] for q in self.questions)
        return judge(white_box_features(own, pull, labels))


def white_box_features(log_scores: FloatArray, norms: FloatArray, labels: IntArray) -> FloatArray:
    """(records, features): loss, margin, entropy, the likeliest other classes' log scores, log norms.

    Args:
        log_scores: (records, classes) in nats.
        norms: (records, tensors).
    """
    rows = np.arange(len(labels))
    others = log_scores.copy()
    others[rows, labels] = -np.inf
    top = -np.sort(-others, axis=1)[:, : min(TOP, others.shape[1] - 1)]
    entropy = -(np.exp(log_scores) * log_scores).sum(axis=1)
    return np.column_stack(
        [
            -log_scores[rows, labels],
            margin(log_scores[:, None], labels)[:, 0],
            entropy,
            top,
            np.log(norms + 1e-12),
        ]
    )
