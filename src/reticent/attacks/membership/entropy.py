"""Entropy of the answer, plain and modified by the true label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import MembershipAttack
from reticent.attacks.metrics import Metric
from reticent.scene import Scene


@dataclass(frozen=True, kw_only=True)
class Entropy(MembershipAttack):
    """Threshold on the entropy of the answer (Salem et al. 2019; Song & Mittal 2021, arXiv:2003.10595)."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Song & Mittal 2021, arXiv:2003.10595, section 3.1"
    caveat: ClassVar[str] = "does not look at the true label, so a sure mistake looks like a member"

    def guess(self, scene: Scene) -> FloatArray:
        """Minus the entropy, in nats."""
        answers = scene.target_answers()
        return Metric.ENTROPY.of(np.asarray(answers.values[0, :, 0]), answers.labels)


@dataclass(frozen=True, kw_only=True)
class ModifiedEntropy(MembershipAttack):
    """Threshold on the entropy modified by the true label (Song & Mittal 2021, arXiv:2003.10595, eq. 7)."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Song & Mittal 2021, arXiv:2003.10595, equation 7"
    caveat: ClassVar[str] = "one threshold for all records: easy records look like members"

    def guess(self, scene: Scene) -> FloatArray:
        """Minus the modified entropy, in nats."""
        answers = scene.target_answers()
        return Metric.MODIFIED_ENTROPY.of(np.asarray(answers.values[0, :, 0]), answers.labels)
