"""Poison that makes a model tell who is in its training data.

Tramèr, Shokri, San Joaquin, Le, Jagielski, Hong & Carlini 2022, "Truth Serum" (CCS, arXiv:2204.00032),
section 4: copies of a person's record with a wrong label make the model's answer hang on whether the right
one is there too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from reticent.access import Access
from reticent.attacks.attack import PoisonAttack
from reticent.data import Records
from reticent.errors import DataError


@dataclass(frozen=True, kw_only=True)
class TruthSerum(PoisonAttack):
    """Slips in copies of each person's record under one wrong label.

    Attributes:
        copies: of each record.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Tramèr et al. 2022, section 4 (CCS, arXiv:2204.00032)"
    caveat: ClassVar[str] = (
        "The worst case: somebody who can put records into the training data, and knows the person's "
        "own. What removes copies with contradicting labels removes it."
    )
    copies: int = 8

    def poison(self, victims: Records, seed: int) -> Records:
        """The copies, person by person, the wrong label of each drawn by chance.

        Raises:
            DataError: there is one class alone.
        """
        if len(victims.classes) < 2:
            raise DataError(
                "the records know one class, and poison needs a wrong one; give records of two or more"
            )
        shift = np.random.default_rng([seed, 12]).integers(1, len(victims.classes), len(victims))
        wrong = replace(victims, labels=(victims.labels + shift) % len(victims.classes))
        return wrong.take(np.repeat(np.arange(len(victims)), self.copies))
