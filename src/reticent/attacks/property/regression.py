"""Share regression: not which of two worlds, but how large the share is.

Suri & Evans, PETS 2022, arXiv:2109.06024.4, which regresses the share on weights; here on the
answers to probes, so that scores are enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import PropertyAttack
from reticent.attacks.options import number
from reticent.attacks.property.probe import read
from reticent.question import Question, Scores
from reticent.worlds import PropertyScene


@dataclass(frozen=True, kw_only=True)
class ShareRegression(PropertyAttack):
    """The share itself, by linear regression over log-odds of the probes (after Suri & Evans 2022).

    Attributes:
        probes: how many probes are read, evenly through those at hand.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "after Suri & Evans 2022, arXiv:2109.06024"
    estimates: ClassVar[bool] = True
    caveat: ClassVar[str] = "draws towards the middle of the shares that it learnt from"

    probes: int = 2_000

    def __post_init__(self) -> None:
        number("probes", self.probes, low=1)

    @property
    def questions(self) -> tuple[Question, ...]:
        """Scores."""
        return (Scores(),)

    def guess(self, scene: PropertyScene) -> FloatArray:
        """Return the share, within those that the attacker's models were trained on."""
        shares = np.asarray(scene.shares)
        found = read(scene, shares[scene.world], self.probes)
        return np.clip(found, shares[0], shares[-1])
