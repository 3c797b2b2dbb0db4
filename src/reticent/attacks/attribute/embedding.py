"""Embedding: what the model makes of a record holds more than its task needs.

Song & Shmatikov, "Overlearning Reveals Sensitive Attributes", ICLR 2020, arXiv:1905.11742: a classifier of
the secret from a record's representation, as who receives representations (split inference) could train.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray, Metered
from reticent.attacks.attack import AttributeAttack
from reticent.attacks.attribute.neurons import read_off
from reticent.data import Records
from reticent.question import Question
from reticent.scene import SecretScene
from reticent.secret import Secret


@dataclass(frozen=True)
class Representation:
    """What stands before the model's last layer, of the record as it is, its secret included."""

    needs: ClassVar[Access] = Access.WEIGHTS

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, 1, neurons)."""
        return target.inside.activations(records.features).astype(np.float32)[:, None]

    def queries(self, records: int) -> int:
        """None: the representations are overheard."""
        return 0


@dataclass(frozen=True, kw_only=True)
class Embedding(AttributeAttack):
    """A classifier of the value from the record's own representation, overheard (Song & Shmatikov 2020)."""

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "Song & Shmatikov 2020, arXiv:1905.11742"
    caveat: ClassVar[str] = (
        "assumes that the record's representation is overheard, so it says what a representation holds, of "
        "members and others alike, not what training left behind"
    )

    def asks(self, secret: Secret) -> tuple[Question, ...]:
        """The record's representation."""
        return (Representation(),)

    def guess(self, scene: SecretScene) -> FloatArray:
        """Return the classifier's log-odds of each value, (records, values)."""
        inside = scene.answers[Representation()].values[0, :, 0].astype(np.float64)
        aside = np.flatnonzero(scene.auxiliary)
        return read_off(inside, aside, scene.known[aside], len(scene.secret.values))
