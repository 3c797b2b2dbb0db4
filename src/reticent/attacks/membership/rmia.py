"""RMIA: does the target favour this record, more than others, over what shadow models say of it?

Zarifzadeh, Liu & Shokri, "Low-Cost High-Power Membership Inference Attacks", ICML 2024, arXiv:2312.03262;
the offline mode's stand-in for models that trained on the record is theirs too.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import ClassVar, Literal

import numpy as np

from reticent.access import Access, BoolArray, FloatArray, IntArray
from reticent.attacks.attack import SignalsAttack
from reticent.attacks.held_out import best_way
from reticent.attacks.options import among, number
from reticent.attacks.sides import IN, OUT, filled, log_mean_probabilities
from reticent.errors import PlanError
from reticent.shadows.signals import Answers, Signals, Statistic, log_confidence

TEMPERATURES = (2.0, 1.0, 1.5, 3.0, 4.0)
"""What "tuned" tries; the first, which the authors use on CIFAR-10, where nothing can be tried."""

OFFLINE_AS = (0.3, 0.0, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""What "tuned" tries; the first, which the authors use on CIFAR-10, where nothing can be tried."""


@dataclass(frozen=True, kw_only=True)
class Rmia(SignalsAttack):
    """Robust membership inference, by pairwise likelihood ratios (Zarifzadeh et al. 2024, arXiv:2312.03262).

    A record's ratio R is its probability under the target over its mean probability under shadow models; the
    score is the share of records z with R_x ≥ γ R_z. The ratios are sorted once: no matrix of pairs is made.

    Attributes:
        mode: "online" averages probabilities over shadow models that trained on the record and over those
            that did not, one half each. "offline" has the latter alone, and puts a p + 1 − a for the former.
        gamma: γ. Within one target it does not change the order of the scores, but for ties.
        temperature: what logits are divided by before the softmax, or "tuned" on shadow models held out.
        offline_a: a of the offline mode, from 0 to 1, or "tuned" on shadow models held out.
        z: the records compared with: "all", or those "known" to be non-members, so that one minus the score
            estimates the false positive rate, though no finer than one over their number.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Zarifzadeh et al. 2024, arXiv:2312.03262"
    shadows: ClassVar[bool] = True
    caveat: ClassVar[str] = "gains little from shadow models beyond the first few"

    mode: Literal["online", "offline"] = "online"
    gamma: float = 1.0
    temperature: float | Literal["tuned"] = "tuned"
    offline_a: float | Literal["tuned"] = "tuned"
    z: Literal["all", "known"] = "all"

    def __post_init__(self) -> None:
        among("mode", self.mode, ("online", "offline"))
        among("z", self.z, ("all", "known"))
        number("gamma", self.gamma, low=1e-6)
        number("temperature", self.temperature, low=1e-3, or_else="tuned")
        number("offline_a", self.offline_a, low=0, high=1, or_else="tuned")

    def score(self, target: Answers, shadows: Signals, known: BoolArray) -> FloatArray:
        """Return the share of records z that each record's ratio beats, mean over variants.

        Raises:
            PlanError: z="known" and no record is known to be a non-member; or a side without shadow models.
        """
        if self.z == "known" and not known.any():
            raise PlanError(
                "rmia with z='known' was given no known non-members; set some aside or take z='all'"
            )
        temperature, a = self.tuned(shadows)
        ratios = self._log_ratios(target, shadows, temperature, [a])[0]
        compared = ratios[known] if self.z == "known" else ratios
        shares = [
            _share_below(x, z) for x, z in zip((ratios - np.log(self.gamma)).T, compared.T, strict=True)
        ]
        return np.asarray(np.mean(shares, axis=0))

    def tuned(self, shadows: Signals) -> tuple[float, float]:
        """The temperature and offline a, the best on shadow models held out where they are to be tuned."""
        temperatures = TEMPERATURES if self.temperature == "tuned" else (self.temperature,)
        offline_as = OFFLINE_AS if self.offline_a == "tuned" else (self.offline_a,)
        ways = list(product(temperatures, offline_as if self.mode == "offline" else offline_as[:1]))
        if len(ways) == 1:
            return ways[0]
        best = best_way(
            shadows,
            lambda target, others: (
                ratios.mean(axis=-1)
                for t in temperatures
                for ratios in self._log_ratios(target, others, t, [a for s, a in ways if s == t])
            ),
        )
        return ways[best]

    def _log_ratios(
        self, target: Answers, shadows: Signals, temperature: float, offline_as: list[float]
    ) -> list[FloatArray]:
        """For each a, (records, variants) log of the probability under the target over that at large."""
        statistic = tempered(temperature)
        own = target.by_block(statistic)[0].astype(np.float64)
        _, logs = log_mean_probabilities(shadows, statistic)
        if self.mode == "online":
            logs = np.minimum(filled(logs, (OUT, IN), self.name), 0)
            return [own - np.logaddexp(logs[OUT], logs[IN]) + np.log(2)]
        outside = np.exp(np.minimum(filled(logs, (OUT,), self.name)[OUT], 0))
        return [own - np.log(((1 + a) * outside + (1 - a)) / 2) for a in offline_as]


def tempered(temperature: float) -> Statistic:
    """The statistic log p_y, where p is the softmax of the log-probabilities divided by a temperature."""

    def statistic(log_scores: FloatArray, labels: IntArray) -> FloatArray:
        # The largest log-probability is between −log(classes) and 0: the sum neither overflows nor vanishes
        scaled = log_scores * np.float32(1 / temperature)
        own = log_confidence(scaled, labels)
        own -= np.log(np.einsum("...c->...", np.exp(scaled, out=scaled)))
        return own

    return log_confidence if temperature == 1 else statistic


def _share_below(x: FloatArray, z: FloatArray) -> FloatArray:
    """(records,) share of the z that are at most x."""
    order = np.argsort(x)  # in order, the searches walk through memory instead of jumping about
    share = np.empty(len(x))
    share[order] = np.searchsorted(np.sort(z), x[order], side="right") / len(z)
    return share
