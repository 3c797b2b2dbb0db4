"""LiRA: is the target's margin on a record likelier if it trained on it, or if it did not?

Carlini, Chien, Nasr, Song, Terzis & Tramèr, "Membership Inference Attacks From First Principles",
IEEE S&P 2022, arXiv:2112.03570, algorithm 1 and its offline variant. A Gaussian is fitted to each record's
margins over the shadow models that trained on it, another over those that did not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from reticent.access import Access, BoolArray, FloatArray
from reticent.attacks.attack import SignalsAttack
from reticent.attacks.held_out import best_way
from reticent.attacks.options import among
from reticent.attacks.sides import IN, OUT, filled, moments
from reticent.shadows.signals import Answers, Signals, hinge, margin

PER_RECORD_FROM = 64
"""Models from which Carlini et al. trust a variance of each record's own."""


@dataclass(frozen=True, kw_only=True)
class Lira(SignalsAttack):
    """Likelihood-ratio attack on the margin (Carlini et al. 2022, arXiv:2112.03570).

    Attributes:
        mode: "online" compares the models that trained on a record with those that did not: the log ratio of
            two normal densities at the target's margin. "offline" has the latter alone: minus the log
            probability that a model which did not train on the record has a margin as high (one-sided).
        variance: each record's own, or one for all, pooled around each record's own mean. "auto" takes each
            record's own from 64 models on, as Carlini et al. do, and below that whichever serves better
            on shadow models held out.
        location: of the Gaussians; Carlini et al.'s released code takes medians.
        statistic: what of the answers is compared: the "logit" of p_y, or the "hinge" log p_y − max log p_y'.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Carlini et al. 2022, arXiv:2112.03570, algorithm 1"
    shadows: ClassVar[bool] = True
    caveat: ClassVar[str] = "needs many shadow models for its variances; with few, BaVarIA and RMIA see more"

    mode: Literal["online", "offline"] = "online"
    variance: Literal["auto", "per-record", "global"] = "auto"
    location: Literal["mean", "median"] = "mean"
    statistic: Literal["logit", "hinge"] = "logit"

    def __post_init__(self) -> None:
        among("mode", self.mode, ("online", "offline"))
        among("variance", self.variance, ("auto", "per-record", "global"))
        among("location", self.location, ("mean", "median"))
        among("statistic", self.statistic, ("logit", "hinge"))

    def score(self, target: Answers, shadows: Signals, known: BoolArray) -> FloatArray:
        """Return each record's log likelihood ratio, or log significance offline; mean over variants.

        Raises:
            PlanError: no shadow model trained on any record, or, where one is needed, none left one out.
        """
        if self.variance != "auto":
            return self._score(target, shadows, own=self.variance == "per-record")
        if shadows.models >= PER_RECORD_FROM:
            return self._score(target, shadows, own=True)
        own = best_way(shadows, lambda t, s: (self._score(t, s, own=own) for own in (False, True)))
        return self._score(target, shadows, own=bool(own))

    def _score(self, target: Answers, shadows: Signals, *, own: bool) -> FloatArray:
        statistic = hinge if self.statistic == "hinge" else margin
        found = moments(shadows, statistic, self.location)
        centres = filled(found.centres, (OUT,) if self.mode == "offline" else (OUT, IN), self.name)
        variance = found.variances() if own else found.pooled_variance()
        away = target.by_block(statistic)[0] - centres
        if self.mode == "offline":
            from scipy.special import log_ndtr

            scores = -log_ndtr(-away[OUT] / np.sqrt(variance[OUT]))
        else:
            surprise = np.log(variance) + np.square(away) / variance
            scores = (surprise[OUT] - surprise[IN]) / 2
        return np.asarray(scores.mean(axis=-1))
