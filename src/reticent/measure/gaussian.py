"""What Gaussian noise costs, exactly: in epsilon and delta, of real numbers and of integers.

Balle & Wang 2018 (arXiv:1805.06530, theorem 8) and Canonne, Kamath & Steinke 2020 (arXiv:2004.00010, theorem
7): of both the least delta that is true, not a bound on it.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

WIDE = 1 << 26
"""Variance from which on sums over integers are taken for integrals: less than 10⁻⁶ of delta apart."""


@cache
def gaussian_mu(epsilon: float, delta: float) -> float:
    """The largest sensitivity over σ with which the Gaussian mechanism is (epsilon, delta)-private.

    The mechanism is so exactly where Φ(μ/2 − ε/μ) − e^ε Φ(−μ/2 − ε/μ) ≤ δ (Balle & Wang 2018,
    arXiv:1805.06530, theorem 8); the left side grows with μ.
    """
    low, high = 0.0, 1.0
    while gaussian_delta(epsilon, high) <= delta:
        low, high = high, 2 * high
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if gaussian_delta(epsilon, middle) <= delta else (low, middle)
    return low


def gaussian_delta(epsilon: float, mu: float) -> float:
    """The least delta of the Gaussian mechanism of sensitivity over σ `mu` at `epsilon`."""
    from scipy.special import log_ndtr

    above = float(log_ndtr(mu / 2 - epsilon / mu))
    below = epsilon + float(log_ndtr(-mu / 2 - epsilon / mu))
    return float(np.exp(above) * -np.expm1(min(below - above, 0.0)))


def discrete_gaussian_delta(epsilon: float, variance: float, steps: int, columns: int = 1) -> float:
    """The least delta at `epsilon` of discrete Gaussian noise on integers that one record moves by `steps`.

    P[Y > εσ²/Δ − nΔ/2] − e^ε P[Y > εσ²/Δ + nΔ/2] for the sum Y of n draws: theorem 7 where n is 1. A move
    by less costs less: the law is log-concave, so that the likelihood ratio grows along each column, and the
    chance to be beyond a bound with the move. So the record that moves every column by all of Δ is the worst.

    The sum of several draws has the law of one of variance nσ², but for a share of about exp(−π²σ²) (Kairouz,
    Liu & Steinke 2021, arXiv:2102.06387): 10⁻⁶⁸ from σ 4 on.

    Args:
        variance: σ², of each draw.
        steps: Δ.
        columns: n integers, all of which one record may move so far.
    """
    middle, half = epsilon * variance / steps, columns * steps / 2
    inside = _beyond(middle - half, columns * variance)
    outside = _beyond(middle + half, columns * variance)
    # far out is nothing, which no factor makes more
    return max(0.0, inside - math.exp(epsilon + math.log(outside)) if outside else inside)


@cache
def discrete_gaussian_sigma(epsilon: float, delta: float, steps: int, columns: int = 1) -> float:
    """The least σ, to a thousandth of it, by which `discrete_gaussian_delta` is at most `delta`."""

    def private(sigma: float) -> bool:
        told = discrete_gaussian_delta(epsilon, sigma**2, steps, columns)
        return told <= (1 - 1e-6) * delta  # which is all that a sum taken for an integral can hide

    # On a fine grid it is what real numbers take, on a coarse one it may be less
    high = math.sqrt(columns) * steps / gaussian_mu(epsilon, delta)
    while not private(high):
        high *= 1.001
    low = 0.999 * high if not private(0.999 * high) else 0.0
    while high - low > 1.001e-3 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if private(middle) else (middle, high)
    return high


def _beyond(start: float, variance: float) -> float:
    """The chance that a discrete Gaussian draw is above `start`."""
    from scipy.special import ndtr

    first = math.floor(start) + 1
    if variance > WIDE:  # the sum from a number on is the integral from half a step before it
        return float(ndtr((0.5 - first) / math.sqrt(variance)))
    if first > 0:
        return _weight(first, variance) / _whole(variance)
    return 1.0 - _weight(1 - first, variance) / _whole(variance)  # what is not, is above −first


def _whole(variance: float) -> float:
    return 1.0 + 2.0 * _weight(1, variance)


@cache
def _weight(first: int, variance: float) -> float:
    """Σ exp(−k²/2σ²) over k ≥ first ≥ 1."""
    last = first + 40 * math.ceil(math.sqrt(variance))
    return float(np.exp(-(np.arange(first, last, dtype=np.float64) ** 2) / (2 * variance)).sum())
