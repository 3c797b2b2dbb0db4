"""MAP: the value most probable beforehand, weighed by how often the model errs as it does.

Fredrikson, Lantz, Jha, Lin, Page & Ristenpart, "Privacy in Pharmacogenetics", USENIX Security 2014; the
confusion matrix in place of a Gaussian error, for classifiers, is Fredrikson, Jha & Ristenpart 2015, CCS,
section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import AttributeAttack
from reticent.attacks.attribute.each_value import EachValueLabel
from reticent.question import Question
from reticent.scene import SecretScene
from reticent.secret import Secret


@dataclass(frozen=True, kw_only=True)
class MaximumPosterior(AttributeAttack):
    """Prior of the value, times how often the model answers so for the label (Fredrikson et al. 2014)."""

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Fredrikson et al. 2014, USENIX Security; Fredrikson et al. 2015, CCS, section 3"
    caveat: ClassVar[str] = "knows of each column how it is spread by itself, not how columns go together"

    def asks(self, secret: Secret) -> tuple[Question, ...]:
        """The label with each value."""
        return (EachValueLabel(secret),)

    def guess(self, scene: SecretScene) -> FloatArray:
        """Return the log prior plus the log of the model's confusion matrix, read off the known records."""
        named = scene.answers[EachValueLabel(scene.secret)].values[0, :, :, 0].astype(np.int64)
        aside, labels = np.flatnonzero(scene.auxiliary), scene.records.labels
        classes = len(scene.records.classes)
        confusion = np.full((classes, classes), 0.5)
        np.add.at(confusion, (labels[aside], named[aside, scene.known[aside]]), 1)
        confusion /= confusion.sum(axis=1, keepdims=True)
        return np.asarray(scene.log_prior() + np.log(confusion[labels[:, None], named]))
