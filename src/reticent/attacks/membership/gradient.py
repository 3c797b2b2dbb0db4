"""Gradient norm: what a model has learnt no longer pulls at its weights.

The norm of the loss's gradient at a record is among the features of Nasr, Shokri & Houmansadr 2019
(arXiv:1812.00910); Rezaei & Liu 2021 (arXiv:2005.13702) measure it as an attack of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray, Metered
from reticent.attacks.attack import MembershipAttack
from reticent.data import Records
from reticent.question import Question
from reticent.scene import Scene


@dataclass(frozen=True)
class GradientNorms:
    """The norm of each record's loss gradient, tensor by tensor of the model's weights."""

    needs: ClassVar[Access] = Access.WEIGHTS

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, 1, tensors) L2 norms."""
        norms = target.white_box.gradient_norms(records.features, records.labels)
        return np.asarray(norms, dtype=np.float32)[:, None, :]

    def queries(self, records: int) -> int:
        """None: who holds the weights asks nobody."""
        return 0


@dataclass(frozen=True, kw_only=True)
class GradientNorm(MembershipAttack):
    """How little the record's loss pulls at the model's weights."""

    needs = Access.WEIGHTS
    source = "Nasr et al. 2019, arXiv:1812.00910; Rezaei & Liu 2021, arXiv:2005.13702"
    caveat = "records that are easy for any model look like members"

    @property
    def questions(self) -> tuple[Question, ...]:
        """The gradient's norms."""
        return (GradientNorms(),)

    def guess(self, scene: Scene) -> FloatArray:
        """Return minus the logarithm of the whole gradient's norm, (records,)."""
        return -log_norm(scene.target_answers(GradientNorms()).values[0, :, 0])


@dataclass(frozen=True, kw_only=True)
class CalibratedGradientNorm(MembershipAttack):
    """How much less the record pulls at this model's weights than at those of models that never saw it."""

    needs = Access.WEIGHTS
    source = "the gradient norm, calibrated as losses are in Watson et al. 2022, arXiv:2111.08440"
    shadows = True

    @property
    def questions(self) -> tuple[Question, ...]:
        """The gradient's norms."""
        return (GradientNorms(),)

    def guess(self, scene: Scene) -> FloatArray:
        """Return the mean of log norms over the OUT models, less that of the target, (records,)."""
        shadows = scene.shadow_signals(GradientNorms())
        out = ~shadows.members
        total = np.zeros(shadows.records)
        for model, outside in enumerate(out):
            total += np.where(outside, log_norm(shadows.values[model, :, 0]), 0)
        usual: FloatArray = total / np.maximum(out.sum(axis=0), 1)
        return usual - log_norm(scene.target_answers(GradientNorms()).values[0, :, 0])


def log_norm(norms: FloatArray) -> FloatArray:
    """(records,) logarithm of the whole gradient's norm, of the norms tensor by tensor (records, tensors).

    On a logarithmic scale records differ from model to model by a factor, and can be compared.
    """
    whole: FloatArray = np.log(np.sqrt((norms * norms).sum(axis=1)) + 1e-12)
    return whole
