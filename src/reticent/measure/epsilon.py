"""Lower bounds on epsilon from many independent trials: a score for each, and whether it was a member.

An (ε, δ)-differentially private mechanism allows no test with TPR > e^ε FPR + δ (Kairouz, Oh &
Viswanath 2015, arXiv:1311.0776). Exact bounds on a test's two error rates therefore bound ε from
below: ε ≥ ln((TPR_low − δ) / FPR_high), and likewise with the two sides exchanged (Jagielski, Ullman &
Oprea 2020, arXiv:2006.07709). If the mechanism is known to be Gaussian, the same two bounds give more:
μ ≥ Φ⁻¹(1 − FPR_high) − Φ⁻¹(FNR_high) (Dong, Roth & Su, arXiv:1905.02383; Nasr et al. 2023,
arXiv:2302.07956).

A bound is only as honest as its threshold. The best over many thresholds, uncorrected, finds ε > 0
in random scores; so a threshold is fixed beforehand, found on other records, or paid for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from reticent.measure._checked import Bools, Floats, checked, checked_level
from reticent.measure.estimate import clopper_pearson_bounds, order_statistic_bounds


@dataclass(frozen=True)
class EpsilonBound:
    """Epsilon is at least ``value``, with probability ``level``, at the stated delta."""

    value: float  # nats; 0 where nothing is shown
    level: float
    delta: float
    method: str
    operating_point: str  # the counts that the bound rests on
    n: int  # trials, or canaries

    def __str__(self) -> str:
        return f"ε ≥ {self.value:.2f} at δ = {self.delta:g} ({self.level:.0%}, {self.method})"


@dataclass(frozen=True)
class Fixed:
    """A threshold stated before the scores were seen: a score at or above it means member."""

    threshold: float


@dataclass(frozen=True)
class Split:
    """The best threshold and direction on a share of the records; the bound is taken on the others."""

    share: float = 0.5
    seed: int = 0


@dataclass(frozen=True)
class Bonferroni:
    """The best of all thresholds considered, each paid for: no choice of one needed beforehand.

    For both directions, ``thresholds`` ranks in geometric progression set thresholds at non-members'
    scores (bounding the FPR) and as many at members' scores (bounding the FNR).
    """

    thresholds: int = 16


Strategy = Fixed | Split | Bonferroni


@dataclass(frozen=True, eq=False)
class _Tests:
    """Tests with upper bounds on their error rates; every array has one entry a test."""

    fpr: Floats
    fnr: Floats
    threshold: Floats
    sign: Floats  # +1: member at or above the threshold; −1: at or below

    def describe(self, i: int) -> str:
        side = "≥" if self.sign[i] > 0 else "≤"
        rates = f"FPR ≤ {self.fpr[i]:.4g}, FNR ≤ {self.fnr[i]:.4g}"
        return f"member if score {side} {self.threshold[i]:.6g}: {rates}"


def epsilon_lower_bound(
    scores: ArrayLike,
    members: ArrayLike,
    *,
    delta: float = 0.0,
    level: float = 0.95,
    strategy: Strategy | None = None,
) -> EpsilonBound:
    """Return a lower bound on ε of any (ε, δ)-differentially private mechanism behind these trials.

    Scores (trials,) and members (trials,) bool; trials must be independent of one another. Without
    a strategy, ``Bonferroni()``. Raises ValueError for impossible arrays, delta outside [0, 1) or
    level outside [0.5, 1).
    """
    if not 0 <= delta < 1:
        raise ValueError(f"delta is {delta}: a probability in [0, 1) was expected.")

    def epsilon(fpr: Floats, fnr: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            seen = np.log(np.maximum([1 - fnr - delta, 1 - fpr - delta], 0)) - np.log([fpr, fnr])
        best: Floats = np.maximum(seen.max(axis=0), 0)
        return best

    return _bound(scores, members, strategy or Bonferroni(), epsilon, level, delta, "Clopper-Pearson")


def gaussian_epsilon_lower_bound(
    scores: ArrayLike,
    members: ArrayLike,
    *,
    delta: float,
    level: float = 0.95,
    strategy: Strategy | None = None,
) -> EpsilonBound:
    """Return a lower bound on ε(δ) of a *Gaussian* mechanism behind these trials.

    As ``epsilon_lower_bound``, and larger; but it says nothing of mechanisms whose trade-off curve
    is not Gaussian. Raises ValueError likewise, and for delta = 0, at which no Gaussian has an ε.
    """
    gaussian_epsilon(0.0, delta=delta)  # checks delta

    def mu(fpr: Floats, fnr: Floats) -> Floats:
        from scipy.special import ndtri

        return np.maximum(-np.asarray(ndtri(fpr)) - np.asarray(ndtri(fnr)), 0)

    bound = _bound(scores, members, strategy or Bonferroni(), mu, level, delta, "Gaussian, Clopper-Pearson")
    return replace(bound, value=gaussian_epsilon(bound.value, delta=delta))


def gaussian_epsilon(mu: float, *, delta: float) -> float:
    """Return ε at which μ-Gaussian differential privacy is (ε, δ): arXiv:1905.02383, corollary 2.13.

    Solves δ = Φ(−ε/μ + μ/2) − e^ε Φ(−ε/μ − μ/2). The Gaussian mechanism of sensitivity 1 and noise σ
    has μ = 1/σ. Raises ValueError unless 0 < delta < 1 and mu ≥ 0.
    """
    from scipy.optimize import brentq
    from scipy.special import log_ndtr

    if not 0 < delta < 1 or mu < 0:
        raise ValueError(f"delta is {delta} and mu {mu}: expected 0 < delta < 1 and mu ≥ 0.")

    def excess(epsilon: float) -> float:
        above = log_ndtr(-epsilon / mu + mu / 2)
        below = epsilon + log_ndtr(-epsilon / mu - mu / 2)
        return float(np.exp(above) * -np.expm1(below - above)) - delta

    if mu < 1e-9 or excess(0.0) <= 0:
        return 0.0
    high = 1.0
    while excess(high) > 0:
        high *= 2
    return float(brentq(excess, 0.0, high, xtol=1e-12))


def _bound(
    scores: ArrayLike,
    members: ArrayLike,
    strategy: Strategy,
    convert: Callable[[Floats, Floats], Floats],
    level: float,
    delta: float,
    method: str,
) -> EpsilonBound:
    """Return the best of a strategy's tests, by what ``convert`` makes of their (FPR, FNR) bounds."""
    s, truth = checked(scores, members)
    alpha = checked_level(level)
    if isinstance(strategy, Fixed):
        tests = _fixed(s, truth, np.array([strategy.threshold]), np.ones(1), alpha)
    elif isinstance(strategy, Split):
        tests = _split(s, truth, strategy, convert, alpha)
    else:
        tests = _bonferroni(s, truth, strategy.thresholds, alpha)
    values = convert(tests.fpr, tests.fnr)
    best = int(np.argmax(values))
    name = f"{method}, {type(strategy).__name__.lower()} threshold"
    return EpsilonBound(float(values[best]), level, delta, name, tests.describe(best), s.size)


def _fixed(s: Floats, truth: Bools, threshold: Floats, sign: Floats, alpha: float) -> _Tests:
    """Return the tests at given thresholds: two binomial counts each, alpha shared between them."""
    false_positives, false_negatives = np.empty(threshold.size), np.empty(threshold.size)
    for direction in (1.0, -1.0):
        of = sign == direction
        inside, outside = np.sort(direction * s[truth]), np.sort(direction * s[~truth])
        false_negatives[of] = np.searchsorted(inside, direction * threshold[of], side="left")
        false_positives[of] = outside.size - np.searchsorted(outside, direction * threshold[of], side="left")
    _, fpr = clopper_pearson_bounds(false_positives, int((~truth).sum()), alpha / 2)
    _, fnr = clopper_pearson_bounds(false_negatives, int(truth.sum()), alpha / 2)
    return _Tests(fpr, fnr, threshold, sign)


def _split(
    s: Floats, truth: Bools, strategy: Split, convert: Callable[[Floats, Floats], Floats], alpha: float
) -> _Tests:
    """Return the one test that does best on a random share of either side, measured on the rest."""
    rng = np.random.default_rng(strategy.seed)
    first = np.zeros(s.size, dtype=np.bool_)
    for side in (truth, ~truth):
        where = rng.permutation(np.flatnonzero(side))
        first[where[: round(strategy.share * where.size)]] = True
    for half in (first, ~first):
        if not (half & truth).any() or not (half & ~truth).any():
            raise ValueError(
                f"{s.size} trials split at {strategy.share} leave a part without members or non-members: "
                "give more trials or another share."
            )
    candidates = np.unique(s[first])
    if candidates.size > 200:
        candidates = candidates[np.linspace(0, candidates.size - 1, 200).astype(np.int64)]
    sign = np.repeat([1.0, -1.0], candidates.size)
    tried = _fixed(s[first], truth[first], np.tile(candidates, 2), sign, alpha)
    best = [int(np.argmax(convert(tried.fpr, tried.fnr)))]
    return _fixed(s[~first], truth[~first], tried.threshold[best], tried.sign[best], alpha)


def _bonferroni(s: Floats, truth: Bools, thresholds: int, alpha: float) -> _Tests:
    """Return every test considered, alpha shared among all their bounds.

    The k-th highest of n non-members is a threshold that at most a Beta(k, n−k+1) share of the
    population exceeds; given it, the members are still independent draws, so their count is binomial.
    Counting non-members above a quantile of the *pooled* scores would not be.
    """
    if thresholds < 1:
        raise ValueError(f"{thresholds} thresholds asked for: at least 1 is needed.")
    sides = {True: np.sort(s[truth]), False: np.sort(s[~truth])}
    ranks = {
        side: np.unique(np.geomspace(1, x.size, thresholds).astype(np.int64)) for side, x in sides.items()
    }
    share = alpha / (2 * 2 * sum(r.size for r in ranks.values()))  # two bounds, two directions
    found: list[_Tests] = []
    for sign in (1.0, -1.0):
        inside, outside = (np.sort(sign * sides[side]) for side in (True, False))
        n, m = outside.size, inside.size

        t = outside[n - ranks[False]]  # guess "member" strictly above: that is, from the next number on
        _, fpr = order_statistic_bounds(ranks[False], n, share)
        _, fnr = clopper_pearson_bounds(np.searchsorted(inside, t, side="right"), m, share)
        found.append(_Tests(fpr, fnr, sign * np.nextafter(t, np.inf), np.full(t.size, sign)))

        t = inside[ranks[True] - 1]  # guess "non-member" strictly below
        _, fpr = clopper_pearson_bounds(n - np.searchsorted(outside, t, side="left"), n, share)
        _, fnr = order_statistic_bounds(ranks[True], m, share)
        found.append(_Tests(fpr, fnr, sign * t, np.full(t.size, sign)))
    return _Tests(*(np.concatenate([getattr(f, name) for f in found]) for name in vars(found[0])))
