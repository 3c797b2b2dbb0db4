"""Gap attack: what the model gets right it has seen, all else it has not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import MembershipAttack
from reticent.question import Labels, Question
from reticent.scene import Scene


@dataclass(frozen=True, kw_only=True)
class Gap(MembershipAttack):
    """Right or wrong (Yeom et al. 2018, arXiv:1709.01604): the baseline of every label-only attack."""

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Yeom et al. 2018, arXiv:1709.01604, adversary 2"
    caveat: ClassVar[str] = "two scores only, so it has nothing to say at low false-positive rates"

    @property
    def questions(self) -> tuple[Question, ...]:
        """The label."""
        return (Labels(),)

    def guess(self, scene: Scene) -> FloatArray:
        """1.0 where the model names the right class, else 0.0."""
        return scene.target_answers(Labels()).values[0, :, 0, 0].astype(np.float64)
