"""BaVarIA: LiRA with a prior on every record's mean and variance, so that few shadow models suffice.

Brännvall, "Exponential-Family Membership Inference: From LiRA and RMIA to BaVarIA", 2026, arXiv:2603.11799.
A conjugate normal-inverse-gamma prior stands in place of LiRA's switch between a variance for all and a
variance each; the next margin then follows Student's t (BaVarIA-t), or is taken as normal (BaVarIA-n).

The prior is fitted here to the records at hand, each side apart. A record's variance is σ² ~ d₀ s₀²/χ²(d₀):
d₀ and s₀² are those that explain how much more the logarithms of the records' sample variances spread than
their own degrees of freedom do (Smyth, Statistical Applications in Genetics and Molecular Biology 3, 2004).
Its mean is μ ~ N(μ₀, σ²/κ₀): κ₀ explains how far the records' means lie apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from reticent.access import Access, BoolArray, FloatArray
from reticent.attacks.attack import SignalsAttack
from reticent.attacks.options import among
from reticent.attacks.sides import IN, OUT, Moments, filled, moments, spread_mean
from reticent.shadows.signals import Answers, Signals, margin

UNKNOWN_FREEDOM = 4.0
"""d₀ where no record has two models on a side: the least, as a whole number, whose predictive law has moments
that exist and does not trust its scale."""

LOG_FLOOR = 1e-6
"""Share of the pooled variance that stands for a sample variance of nought, which has no logarithm; two
models come so close by chance once in a thousand times."""

MOST_FREEDOM = 1000.0
"""d₀ where the records' variances differ no more than by chance."""


@dataclass(frozen=True, kw_only=True)
class Bavaria(SignalsAttack):
    """Likelihood-ratio attack with Bayesian means and variances (Brännvall 2026, arXiv:2603.11799).

    Attributes:
        mode: "online" compares the models that trained on a record with those that did not; "offline" has
            the latter alone: minus the log probability that such a model has a margin as high.
        predictive: the law of the target's margin given those of the shadow models.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Brännvall 2026, arXiv:2603.11799; prior fitted as in Smyth 2004"
    shadows: ClassVar[bool] = True
    caveat: ClassVar[str] = "takes the records to resemble each other in how much models differ on them"

    mode: Literal["online", "offline"] = "online"
    predictive: Literal["student-t", "gaussian"] = "student-t"

    def __post_init__(self) -> None:
        among("mode", self.mode, ("online", "offline"))
        among("predictive", self.predictive, ("student-t", "gaussian"))

    def score(self, target: Answers, shadows: Signals, known: BoolArray) -> FloatArray:
        """Return each record's log predictive ratio, or log significance offline; mean over variants.

        Raises:
            PlanError: no shadow model trained on any record, or, where one is needed, none left one out.
        """
        found = moments(shadows, margin)
        centres = filled(found.centres, (OUT,) if self.mode == "offline" else (OUT, IN), self.name)
        location, scale, freedom = Prior.of(found).predict(found, centres)
        z = (target.margin()[0].astype(np.float64) - location) / scale
        if self.mode == "offline":
            scores = -self._log_survival(z[OUT], freedom[OUT])
        else:
            log_density = self._log_density(z, freedom) - np.log(scale)
            scores = log_density[IN] - log_density[OUT]
        return np.asarray(scores.mean(axis=-1))

    def _log_density(self, z: FloatArray, freedom: FloatArray) -> FloatArray:
        if self.predictive == "gaussian":
            return np.asarray(-(z**2) / 2 - np.log(2 * np.pi) / 2)
        return log_student(z, freedom)

    def _log_survival(self, z: FloatArray, freedom: FloatArray) -> FloatArray:
        from scipy.special import log_ndtr

        if self.predictive == "gaussian":
            return np.asarray(log_ndtr(-z))
        return log_student_survival(z, freedom)


@dataclass(frozen=True, eq=False)
class Prior:
    """What the records have in common on each side; every field has shape (2, 1, variants).

    Attributes:
        freedom: d₀, how many models' worth of knowledge about a record's variance there is beforehand.
        variance: s₀², around which the records' variances lie.
        location: μ₀, around which their means lie.
        strength: κ₀, how many models' worth of knowledge about a record's mean; 0 where unknown.
    """

    freedom: FloatArray
    variance: FloatArray
    location: FloatArray
    strength: FloatArray

    @classmethod
    def of(cls, found: Moments) -> Prior:
        """Fit the prior to all records by the method of moments."""
        from scipy.special import digamma, polygamma

        own = found.freedom
        half = np.maximum(own, 1) / 2
        known = own > 0
        # log s² with ν degrees of freedom has mean log σ² + ψ(ν/2) − log(ν/2) and variance ψ'(ν/2) given σ²
        logs = np.log(found.variances(LOG_FLOOR)) - digamma(half) + np.log(half)
        centre = _mean(logs, known)
        excess = _mean((logs - centre) ** 2 - polygamma(1, half), known)
        d0 = np.clip(2 * inverse_trigamma(np.maximum(excess, 1e-6)), 0, MOST_FREEDOM)
        s0 = np.exp(centre + digamma(d0 / 2) - np.log(d0 / 2))
        fitted = known.any(axis=1, keepdims=True)
        freedom = np.where(fitted, d0, UNKNOWN_FREEDOM)
        variance = np.where(fitted, s0, found.pooled_variance())

        location = spread_mean(found.centres)
        seen = found.counts[..., None] > 0
        expected = (freedom * variance + found.squares) / np.maximum(freedom + own - 2, 0.5)  # σ² given s²
        distances = (np.where(seen, found.centres, location) - location) ** 2 / expected
        apart = _mean(distances - 1 / np.maximum(found.counts[..., None], 1), seen)
        strength = np.where(fitted, 1 / np.maximum(apart, 1e-6), 0)
        return cls(freedom, variance, location, strength)

    def predict(self, found: Moments, centres: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Location, scale and degrees of freedom, each (2, records, variants), of the next model's statistic.

        Args:
            found: of the shadow models.
            centres: their means, filled in where a record has no model on a side: counts as one model.
        """
        models = np.maximum(found.counts, 1)[..., None]
        total = self.strength + models
        location = (self.strength * self.location + models * centres) / total
        squares = self.freedom * self.variance + found.squares
        squares = squares + self.strength * models / total * (centres - self.location) ** 2
        freedom = self.freedom + found.freedom + (self.strength > 0)
        return location, np.sqrt(squares / freedom * (1 + 1 / total)), freedom


def log_student(z: FloatArray, freedom: FloatArray) -> FloatArray:
    """Log density of Student's t, unit scale."""
    from scipy.special import gammaln

    constant = gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - np.log(np.pi * freedom) / 2
    return np.asarray(constant - (freedom + 1) / 2 * np.log1p(z**2 / freedom))


def log_student_survival(z: FloatArray, freedom: FloatArray) -> FloatArray:
    """Log P[T > z] of Student's t, unit scale; the tail's leading term where the probability underflows."""
    from scipy.special import stdtr

    survival = stdtr(freedom, -z)
    far = survival < 1e-290
    beyond = np.where(far, z, 1.0)
    tail = log_student(beyond, freedom) + np.log((beyond**2 + freedom) / (beyond * freedom))
    return np.where(far, tail, np.log(np.where(far, 1.0, survival)))


def inverse_trigamma(y: FloatArray) -> FloatArray:
    """The x > 0 with ψ'(x) = y > 0, by Newton's method on 1/ψ', nearly linear (Smyth 2004, appendix)."""
    from scipy.special import polygamma

    x = 0.5 + 1 / y
    for _ in range(30):
        trigamma = polygamma(1, x)
        x = x + trigamma * (1 - trigamma / y) / polygamma(2, x)
    return np.asarray(x)


def _mean(x: FloatArray, among: BoolArray) -> FloatArray:
    """(2, 1, variants) mean over the records marked, (2, records, 1)."""
    total = np.where(among, x, 0).sum(axis=1, keepdims=True)
    return np.asarray(total / np.maximum(among.sum(axis=1, keepdims=True), 1))
