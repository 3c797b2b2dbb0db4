"""Highest score: a model is surer of its own records, whatever it says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import MembershipAttack
from reticent.scene import Scene


@dataclass(frozen=True, kw_only=True)
class Confidence(MembershipAttack):
    """Highest score of any class (Salem et al. 2019, arXiv:1806.01246, adversary 3); needs no label."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Salem et al. 2019, arXiv:1806.01246, adversary 3"
    caveat: ClassVar[str] = "does not look at the true label, so a sure mistake looks like a member"

    def guess(self, scene: Scene) -> FloatArray:
        """The largest log-probability, in nats."""
        return np.asarray(scene.target_answers().values[0, :, 0].max(axis=-1), dtype=np.float64)
