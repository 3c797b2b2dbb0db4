"""Attack-R: of the models that did not train on the record, how many have a higher loss on it?

Ye, Maddi, Murakonda, Bindschaedler & Shokri, "Enhanced Membership Inference Attacks against Machine Learning
Models", CCS 2022, arXiv:2111.09679, attack R: a threshold for each record, over models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, BoolArray, FloatArray
from reticent.attacks.attack import SignalsAttack
from reticent.attacks.sides import each_block
from reticent.shadows.signals import Answers, Signals


@dataclass(frozen=True, kw_only=True)
class Reference(SignalsAttack):
    """Attack-R: share of reference models with a higher loss (Ye et al. 2022, arXiv:2111.09679)."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Ye et al. 2022, arXiv:2111.09679, attack R"
    shadows: ClassVar[bool] = True
    caveat: ClassVar[str] = "its false positive rate is no finer than one over the number of models"

    def score(self, target: Answers, shadows: Signals, known: BoolArray) -> FloatArray:
        """Return the share, equal losses counting one half, mean over variants; ½ where no model is left."""
        own = target.margin()[0]  # falls as the loss rises, and is not squeezed where models are certain
        share = np.empty(own.shape)

        def count(block: slice) -> None:
            part = shadows.part(block)
            outside = ~part.members[..., None]
            margin = part.margin()
            worse = ((margin < own[block]) & outside).sum(axis=0)
            worse_or_equal = ((margin <= own[block]) & outside).sum(axis=0)
            models = outside.sum(axis=0)
            share[block] = np.where(models > 0, (worse + worse_or_equal) / 2 / np.maximum(models, 1), 0.5)

        each_block(shadows, count)
        return np.asarray(share.mean(axis=-1))
