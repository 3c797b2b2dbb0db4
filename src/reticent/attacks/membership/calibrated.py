"""Calibrated difficulty: a low loss tells only where models that never saw the record have a high one.

Watson, Guo, Cormode & Sablayrolles, "On the Importance of Difficulty Calibration in Membership Inference
Attacks", ICLR 2022, arXiv:2111.08440.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from reticent.access import Access, BoolArray, FloatArray
from reticent.attacks.attack import SignalsAttack
from reticent.attacks.options import among
from reticent.attacks.sides import OUT, filled, moments
from reticent.shadows.signals import Answers, Signals, log_confidence, margin


@dataclass(frozen=True, kw_only=True)
class Calibrated(SignalsAttack):
    """Loss less its mean over models that did not train on the record (Watson et al. 2022, arXiv:2111.08440).

    Attributes:
        of: what is calibrated: the "loss", or the "margin", which is not squeezed where models are certain.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Watson et al. 2022, arXiv:2111.08440"
    shadows: ClassVar[bool] = True
    caveat: ClassVar[str] = "knows how hard a record is, not how much models differ on it"

    of: Literal["loss", "margin"] = "loss"

    def __post_init__(self) -> None:
        among("of", self.of, ("loss", "margin"))

    def score(self, target: Answers, shadows: Signals, known: BoolArray) -> FloatArray:
        """Return how far the loss is below (the margin above) that without the record, mean over variants."""
        statistic = log_confidence if self.of == "loss" else margin
        usual = filled(moments(shadows, statistic).centres, (OUT,), self.name)[OUT]
        own = target.by_block(statistic)[0].astype(np.float64)
        return np.asarray((own - usual).mean(axis=-1))
