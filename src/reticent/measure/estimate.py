"""An estimate that carries its interval, and the two ways of finding one that every figure may use.

Exact binomial bounds: Clopper & Pearson, Biometrika 26 (1934), through the Beta law.
Two-way bootstrap: Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007),
arXiv:0712.1111; the widening of its percentiles for few models: Hesterberg, American Statistician 69
(2015), arXiv:1411.5279.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, log10
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reticent.measure._checked import Bools, Floats, checked_level


@dataclass(frozen=True)
class Estimate:
    """A figure, and the interval that holds its true value with probability ``level``."""

    value: float
    low: float
    high: float
    level: float = 0.95
    method: str = ""
    n: int = 0  # observations behind the figure

    def __str__(self) -> str:
        width = self.high - self.low
        places = 3 if not 0 < width < np.inf else max(0, 1 - floor(log10(width)))
        return f"{self.value:.{places}f} [{self.low:.{places}f}, {self.high:.{places}f}]"


@dataclass(frozen=True)
class Withheld:
    """A figure that the sample is too small for, and why."""

    reason: str

    def __str__(self) -> str:
        return f"withheld: {self.reason}"


Figure = Estimate | Withheld


def clopper_pearson_bounds(
    successes: ArrayLike, trials: ArrayLike, alpha: ArrayLike
) -> tuple[Floats, Floats]:
    """Return exact lower and upper bounds on a probability; *each* fails with probability ≤ alpha.

    Arguments broadcast. With k successes in n trials the lower bound is the alpha-quantile of
    Beta(k, n−k+1), the upper the (1−alpha)-quantile of Beta(k+1, n−k). Successes may be fractional
    (an effective sample size).
    """
    from scipy.special import betaincinv  # here, for it takes longer to load than the rest of the core

    k, n, a = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (successes, trials, alpha)))
    some, missing = np.maximum(k, 1e-300), np.maximum(n - k, 1e-300)
    low = np.where(k <= 0, 0.0, betaincinv(some, n - k + 1, a))
    high = np.where(k >= n, 1.0, betaincinv(k + 1, missing, 1 - a))
    return low, high


def clopper_pearson(successes: int, trials: int, level: float = 0.95) -> Estimate:
    """Return the exact two-sided interval of a share. Raises ValueError unless 0 ≤ successes ≤ trials ≥ 1."""
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(
            f"{successes} successes in {trials} trials: expected 0 ≤ successes ≤ trials, trials ≥ 1."
        )
    low, high = clopper_pearson_bounds(successes, trials, checked_level(level) / 2)
    return Estimate(successes / trials, float(low), float(high), level, "Clopper-Pearson", int(trials))


def median(values: NDArray[np.floating[Any]], level: float = 0.95) -> Figure:
    """Return the median of independent values, between two of them.

    As many values as heads of a fair coin lie below the true median (Conover 1999, section 3.2), whatever
    their law; with too few of them for the level the figure is withheld.
    """
    from scipy.stats import binom

    ordered, n = np.sort(values), len(values)
    rank = int(binom.ppf(checked_level(level) / 2, n, 0.5)) if n else 0
    if rank < 1:
        return Withheld(f"{n} values are too few for a median with its interval")
    low, high = float(ordered[rank - 1]), float(ordered[n - rank])
    return Estimate(float(np.median(ordered)), low, high, level, "order statistics", n)


def order_statistic_bounds(rank: ArrayLike, sample: int, alpha: ArrayLike) -> tuple[Floats, Floats]:
    """Return bounds on the population's share above the rank-th highest of a sample.

    Each fails with probability ≤ alpha. The share above it follows Beta(rank, sample − rank + 1) for
    a continuous law; with ties, the share strictly above is no larger, the share at or above no
    smaller, so the upper bound holds for the one and the lower bound for the other.
    """
    from scipy.special import betaincinv

    k = np.asarray(rank, dtype=np.float64)
    low, high = (betaincinv(k, sample - k + 1, a) for a in (np.asarray(alpha), 1 - np.asarray(alpha)))
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def bootstrap_models_and_records(
    statistic: Callable[[Floats, Bools], float],
    scores: Floats,
    members: Bools,
    *,
    rounds: int = 400,
    level: float = 0.95,
    seed: int = 0,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """Return the interval of a figure in which both the models and the records are a sample.

    ``scores`` and ``members`` have shape (models, records); ``statistic`` maps two such arrays to a
    number within ``bounds``. Each round draws models and, independently, records, both with
    replacement, and measures the sub-array where they cross. Resampling records alone would treat the
    models at hand as the only ones, and give an interval that is far too narrow. The crossed
    bootstrap does not underestimate the variance of a mean to first order; the distances from the
    value to its percentiles are stretched as Student's t is wider than the normal law, because few
    models vary less among themselves than their population does.

    Raises ValueError with fewer than two models or records, or where the statistic is not finite.
    """
    from scipy.special import ndtri, stdtrit

    if scores.ndim != 2 or scores.shape != members.shape or min(scores.shape) < 2:
        raise ValueError(
            f"scores have shape {scores.shape} and members {members.shape}: "
            "both must be (models, records), with at least two of each."
        )
    alpha, few = checked_level(level) / 2, min(scores.shape)
    stretch = stdtrit(few - 1, alpha) / ndtri(alpha) * np.sqrt(few / (few - 1))
    rng = np.random.default_rng(seed)
    value = float(statistic(scores, members))
    draws = np.empty(rounds)
    for i in range(rounds):
        drawn = np.ix_(*(rng.integers(size, size=size) for size in scores.shape))
        draws[i] = statistic(scores[drawn], members[drawn])
    if not np.isfinite([value, *draws]).all():
        raise ValueError("the statistic is not finite on every resample: give more models or records.")
    low, high = value + stretch * (np.quantile(draws, [alpha, 1 - alpha]) - value)
    method = "two-way bootstrap over models and records"
    low, high = max(min(float(low), value), bounds[0]), min(max(float(high), value), bounds[1])
    return Estimate(value, low, high, level, method, scores.size)
