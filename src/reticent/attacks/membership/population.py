"""Attack-P: where does the record's loss stand among those of records known to be non-members?

Ye, Maddi, Murakonda, Bindschaedler & Shokri, "Enhanced Membership Inference Attacks against Machine Learning
Models", CCS 2022, arXiv:2111.09679, attack P: one threshold for all records, over the population.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, BoolArray, FloatArray
from reticent.attacks.attack import MembershipAttack
from reticent.errors import PlanError
from reticent.scene import Scene
from reticent.shadows.signals import Answers


@dataclass(frozen=True, kw_only=True)
class Population(MembershipAttack):
    """Attack-P: quantile of the loss among known non-members (Ye et al. 2022, arXiv:2111.09679)."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Ye et al. 2022, arXiv:2111.09679, attack P"
    population: ClassVar[bool] = True
    caveat: ClassVar[str] = "one threshold for all records: easy records look like members"

    def guess(self, scene: Scene) -> FloatArray:
        """Return each record's share of known non-members with a higher loss."""
        (question,) = self.questions
        return self.score(scene.target_answers(question), scene.known)

    def score(self, target: Answers, known: BoolArray) -> FloatArray:
        """Return the share, equal losses counting one half, mean over variants.

        Args:
            target: (1, records, variants, classes).
            known: (records,) records known to be non-members of the target.

        Raises:
            PlanError: none is known.
        """
        if not known.any():
            raise PlanError("population was given no known non-members; set some of them aside")
        margin = target.margin()[0]  # falls as the loss rises, and is not squeezed where the model is certain
        shares = []
        for own in margin.T:
            ordered = np.sort(own[known])
            worse, worse_or_equal = (np.searchsorted(ordered, own, side=side) for side in ("left", "right"))
            shares.append((worse + worse_or_equal) / 2 / len(ordered))
        return np.asarray(np.mean(shares, axis=0))
