"""BASE: the target's log-probability of a record, less the log of the mean probability under shadow models.

Lassila, Östman, Ngo & Graell i Amat, "Practical Bayes-Optimal Membership Inference Attacks", NeurIPS 2025,
arXiv:2505.24089. The Bayes-optimal rule with the expectation over training sets taken over shadow models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from reticent.access import Access, BoolArray, FloatArray
from reticent.attacks.attack import SignalsAttack
from reticent.attacks.options import among
from reticent.attacks.sides import OUT, filled, log_mean_probabilities
from reticent.shadows.signals import Answers, Signals, log_confidence


@dataclass(frozen=True, kw_only=True)
class Base(SignalsAttack):
    """Bayes-approximate membership score (Lassila et al. 2025, arXiv:2505.24089).

    Attributes:
        mode: "online" averages over all shadow models, whoever trained on what; "offline" over those that
            did not train on the record.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Lassila et al. 2025, arXiv:2505.24089"
    shadows: ClassVar[bool] = True
    caveat: ClassVar[str] = "takes every record's scores to vary alike; gains little from many shadow models"

    mode: Literal["online", "offline"] = "online"

    def __post_init__(self) -> None:
        among("mode", self.mode, ("online", "offline"))

    def score(self, target: Answers, shadows: Signals, known: BoolArray) -> FloatArray:
        """Return log p_target − log mean p_shadow in nats, mean over variants."""
        counts, logs = log_mean_probabilities(shadows, log_confidence)
        if self.mode == "online":
            with np.errstate(divide="ignore"):  # a side without models weighs nothing
                weights = np.log(counts[..., None] / shadows.models)
            mean = np.logaddexp.reduce(np.nan_to_num(logs) + weights, axis=0)
        else:
            mean = np.minimum(filled(logs, (OUT,), self.name)[OUT], 0)
        own = target.log_confidence()[0].astype(np.float64)
        return np.asarray((own - mean).mean(axis=-1))
