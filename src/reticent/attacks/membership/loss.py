"""Loss threshold: the model's loss on its own records is lower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import MembershipAttack
from reticent.scene import Scene


@dataclass(frozen=True, kw_only=True)
class Loss(MembershipAttack):
    """Global loss threshold (Yeom, Giacomelli, Fredrikson & Jha 2018, arXiv:1709.01604)."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Yeom et al. 2018, arXiv:1709.01604, adversary 1"
    caveat: ClassVar[str] = "one threshold for all records: easy records look like members"

    def guess(self, scene: Scene) -> FloatArray:
        """Minus the cross-entropy loss, in nats."""
        return np.asarray(scene.target_answers().log_confidence()[0].mean(axis=-1), dtype=np.float64)
