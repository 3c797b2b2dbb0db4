"""Counts, sums, means, variances, histograms and quantiles, each with the interval that its noise leaves.

Everything is turned into integers first, since noise on floating point betrays its last bits (Mironov 2012);
OpenDP adds discrete Laplace noise (Ghosh, Roughgarden & Sundararajan 2012, arXiv:0811.2841) from the
operating system's secure source, so that there is no seed, and its own reckoning of the cost is checked
against what the budget was charged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from reticent.access import FloatArray, IntArray
from reticent.errors import DataError, MissingExtra, PlanError
from reticent.measure.estimate import Estimate
from reticent.statistics.budget import Budget

LEVEL = 0.95
"""Of every interval."""

UNITS = 1 << 24
"""Steps between the bounds of a number: sums are of whole steps."""

Told = tuple[float, float, float]
"""A figure, and the ends of its interval."""


def count(budget: Budget, rows: Sequence[Any] | npt.NDArray[Any], *, epsilon: float) -> Estimate:
    """How many rows there are.

    Raises:
        PlanError: more than is left of the budget.
        MissingExtra: OpenDP is not installed.
    """
    (noisy,), half = _noisy(budget, np.array([len(rows)]), 1, epsilon, "count")
    return _estimate(float(noisy), half, "count")


def histogram(
    budget: Budget, values: npt.ArrayLike, *, categories: Sequence[Any], epsilon: float
) -> tuple[Estimate, ...]:
    """How many rows have each category; each interval holds by itself.

    Args:
        values: (rows,); those that are none of the categories are not counted.

    Raises:
        PlanError: no categories, or more than is left of the budget.
    """
    if not categories or len(set(categories)) < len(categories):
        raise PlanError(f"the categories {list(categories)!r} were given; give each once")
    place = {category: i for i, category in enumerate(categories)}
    found = [place[v] for v in np.asarray(values, dtype=object).tolist() if v in place]
    counts = np.bincount(np.array(found, dtype=np.int64), minlength=len(categories))
    noisy, half = _noisy(budget, counts, 1, epsilon, f"histogram of {len(categories)} categories")
    return tuple(_estimate(float(n), half, "histogram") for n in noisy)


def total(budget: Budget, values: npt.ArrayLike, *, low: float, high: float, epsilon: float) -> Estimate:
    """The sum of numbers clipped to their bounds.

    Raises:
        DataError: a value that is missing.
        PlanError: bounds that are none, or more than is left of the budget.
    """
    steps, unit = _steps(values, low, high, 0.0)
    # One row adds its steps: as many as the bound that is further from nought
    furthest = max(abs(round(low / unit)), abs(round(high / unit)), 1)
    (noisy,), half = _noisy(budget, np.array([steps.sum()]), furthest, epsilon, "sum")
    return _estimate(float(noisy) * unit, half * unit, "sum")


def mean(budget: Budget, values: npt.ArrayLike, *, low: float, high: float, epsilon: float) -> Estimate:
    """The mean of numbers clipped to their bounds: half of epsilon for their sum, half for their number.

    Raises:
        DataError, PlanError: as `total`.
    """
    budget.spend(epsilon, "mean")
    (first,), rows = _moments(values, low, high, epsilon, powers=1)
    middle = (low + high) / 2
    return _within([middle + end for end in _ratio(first, rows)], low, high, "mean")


def variance(budget: Budget, values: npt.ArrayLike, *, low: float, high: float, epsilon: float) -> Estimate:
    """The mean squared distance from the mean of numbers clipped to their bounds: a third of epsilon each for
    their sum, the sum of their squares and their number.

    Raises:
        DataError, PlanError: as `total`.
    """
    budget.spend(epsilon, "variance")
    (first, second), rows = _moments(values, low, high, epsilon, powers=2)
    off, square = _ratio(first, rows), _ratio(second, rows)  # both about the middle of the bounds
    largest = max(off[1] ** 2, off[2] ** 2)
    least = 0.0 if off[1] <= 0 <= off[2] else min(off[1] ** 2, off[2] ** 2)
    ends = [square[0] - off[0] ** 2, square[1] - largest, square[2] - least]
    return _within(ends, 0.0, ((high - low) / 2) ** 2, "variance")


def quantiles(
    budget: Budget,
    values: npt.ArrayLike,
    *,
    at: Sequence[float],
    low: float,
    high: float,
    epsilon: float,
    bins: int = 128,
) -> tuple[Estimate, ...]:
    """Quantiles of numbers clipped to their bounds, all from one noisy histogram, whose bins are the finest
    that is told.

    The intervals hold together: with the level's probability every running count is within its noise.

    Args:
        at: shares between 0 and 1; 0.5 for the median.

    Raises:
        DataError, PlanError: as `total`; a share outside (0, 1), fewer than two bins.
    """
    if not at or not all(0 < q < 1 for q in at) or bins < 2:
        raise PlanError(
            f"at={tuple(at)} and bins={bins} were given; give shares between 0 and 1, and two bins"
        )
    steps, _ = _steps(values, low, high, low)
    cells = np.minimum(steps * bins // UNITS, bins - 1)
    counts = np.bincount(cells, minlength=bins)
    budget.spend(epsilon, f"quantiles from {bins} bins")
    noisy, _ = _drawn(counts, 1, epsilon)
    running = np.cumsum(noisy).astype(np.float64)
    half = _running_half(bins, epsilon)
    edges = np.linspace(low, high, bins + 1)
    return tuple(_quantile(q, running, half, edges) for q in at)


def _quantile(q: float, running: FloatArray, half: float, edges: FloatArray) -> Estimate:
    """Where the running count passes q of all; its interval, where it may pass."""
    bins = len(running)
    climbed = np.maximum.accumulate(running)
    wanted = q * running[-1]
    slack = half * (1 + q)  # of the running count and of the whole
    above = np.flatnonzero(climbed >= wanted)
    first = int(above[0]) if len(above) else bins - 1
    sure = np.flatnonzero(running + slack >= wanted)
    begin = int(sure[0]) if len(sure) else 0
    surely = np.flatnonzero(running - slack >= wanted)
    end = int(surely[0]) if len(surely) else bins - 1
    begin, end = min(begin, first), max(end, first)
    value = float((edges[first] + edges[first + 1]) / 2)
    return Estimate(value, float(edges[begin]), float(edges[end + 1]), LEVEL, "noise of quantile")


def _running_half(bins: int, epsilon: float) -> float:
    """What all running sums of so many noises stay below with the level's probability.

    Doob's inequality for exp(λS), a submartingale: P(max |S| ≥ t) ≤ 2·exp(−λt)·M(λ)^bins for every λ below
    epsilon, with M the noise's moment-generating function.
    """
    z = math.exp(-epsilon)
    best = math.inf
    for share in np.linspace(0.01, 0.99, 99):
        lam = share * epsilon
        moment = (1 - z) ** 2 / ((1 - z * math.exp(lam)) * (1 - z * math.exp(-lam)))
        best = min(best, (bins * math.log(moment) + math.log(2 / (1 - LEVEL))) / lam)
    return best


def _moments(
    values: npt.ArrayLike, low: float, high: float, epsilon: float, *, powers: int
) -> tuple[list[Told], Told]:
    """Noisy sums of powers about the middle of the bounds, and the noisy number of rows, with intervals that
    hold together; the budget was charged already."""
    steps, unit = _steps(values, low, high, (low + high) / 2)
    share, level = epsilon / (powers + 1), 1 - (1 - LEVEL) / (powers + 1)
    (rows,), half = _drawn(np.array([len(steps)]), 1, share, level)
    number = max(float(rows), 1.0)
    sums: list[Told] = []
    for power in range(1, powers + 1):
        # Squares are told in steps of the same number, so that they stay within 64 bits
        scaled = steps if power == 1 else np.rint(steps.astype(np.float64) ** 2 / UNITS).astype(np.int64)
        unit_ = unit if power == 1 else unit * unit * UNITS
        furthest = UNITS // 2 if power == 1 else UNITS // 4
        (noisy,), off = _drawn(np.array([scaled.sum()]), furthest, share, level)
        sums.append((float(noisy) * unit_, float(noisy - off) * unit_, float(noisy + off) * unit_))
    return sums, (number, max(number - half, 1.0), number + half)


def _ratio(top: Told, bottom: Told) -> Told:
    """A quotient and what it may be where both parts may be anything in their intervals."""
    ends = [t / b for t in top[1:] for b in bottom[1:]]
    return top[0] / bottom[0], min(ends), max(ends)


def _within(ends: Sequence[float], low: float, high: float, what: str) -> Estimate:
    value, least, most = (min(max(e, low), high) for e in ends)
    return Estimate(value, least, most, LEVEL, f"noise of {what}")


def _steps(values: npt.ArrayLike, low: float, high: float, origin: float) -> tuple[IntArray, float]:
    """(rows,) numbers clipped and counted in steps from an origin, and how long a step is."""
    if not -math.inf < low < high < math.inf:
        raise PlanError(f"the bounds low={low} and high={high} were given; give two numbers, the lower first")
    try:
        given = np.asarray(values, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise DataError("values that are no numbers were given; give numbers, or use histogram") from error
    if np.isnan(given).any():
        raise DataError(
            f"{int(np.isnan(given).sum()):,} values are missing; leave those rows out, or fill them in"
        )
    unit = (high - low) / UNITS
    return np.rint((np.clip(given, low, high) - origin) / unit).astype(np.int64), unit


def _noisy(
    budget: Budget, counts: IntArray, sensitivity: int, epsilon: float, what: str
) -> tuple[IntArray, float]:
    budget.spend(epsilon, what)
    return _drawn(counts, sensitivity, epsilon)


def _drawn(
    counts: IntArray, sensitivity: int, epsilon: float, level: float = LEVEL
) -> tuple[IntArray, float]:
    """(counts,) with discrete Laplace noise by OpenDP, and half of each one's interval.

    Args:
        sensitivity: L1, of all together.
    """
    try:
        import opendp.prelude as dp
    except ImportError as error:
        raise MissingExtra("OpenDP", "statistics") from error
    dp.enable_features("contrib")
    scale = sensitivity / epsilon
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")
    measurement = dp.m.make_laplace(*space, scale=scale)
    cost = float(measurement.map(d_in=sensitivity))
    if cost > epsilon:  # its own reckoning rounds up: take as much more noise
        scale *= cost / epsilon * (1 + 1e-12)
        measurement = dp.m.make_laplace(*space, scale=scale)
        assert float(measurement.map(d_in=sensitivity)) <= epsilon
    noisy = np.array(measurement(counts.astype(np.int64).tolist()), dtype=np.int64)
    # P(|noise| > t) = 2 z^(t+1) / (1 + z) with z = exp(−1/scale), for whole t
    z_log = -1 / scale
    half = math.ceil((math.log((1 - level) / 2) + math.log1p(math.exp(z_log))) / z_log - 1)
    return noisy, float(max(0, half))


def _estimate(value: float, half: float, what: str) -> Estimate:
    return Estimate(value, value - half, value + half, LEVEL, f"noise of {what}")
