"""Zero-concentrated differential privacy: what adds up, and what it means in epsilon and delta.

Bun & Steinke 2016 (arXiv:1605.02065) for the notion; Canonne, Kamath & Steinke 2020 (arXiv:2004.00010,
corollary 13) for the conversion, which is the tightest that follows from a Rényi curve ρα.
"""

from __future__ import annotations

import math
from functools import cache


def zcdp_delta(rho: float, epsilon: float) -> float:
    """The least delta that a ρ-zCDP mechanism is known to have at epsilon.

    The infimum over α > 1 of exp((α−1)(αρ−ε)) / (α−1) · (1−1/α)^α. Any α gives a bound that holds, so that
    what the search misses makes it larger, never wrong.
    """
    if rho == 0:
        return 0.0

    def log_delta(alpha: float) -> float:
        return (alpha - 1) * (alpha * rho - epsilon) + alpha * math.log1p(-1 / alpha) - math.log(alpha - 1)

    # The first term alone is least at (ε + ρ)/2ρ; the others shift it by little. The logarithm is convex
    # near there, so a search by thirds over log(α − 1) closes in.
    low, high = math.log(1e-3), math.log(max(2.0, (epsilon + rho) / (2 * rho) + 10 / math.sqrt(rho)))
    for _ in range(120):
        one, other = low + (high - low) / 3, high - (high - low) / 3
        if log_delta(1 + math.exp(one)) < log_delta(1 + math.exp(other)):
            high = other
        else:
            low = one
    return min(1.0, math.exp(min(0.0, log_delta(1 + math.exp((low + high) / 2)))))


@cache
def zcdp_epsilon(rho: float, delta: float) -> float:
    """The least epsilon at delta that follows from ρ-zCDP, rounded up in its ninth digit."""
    low, high = 0.0, rho + 2 * math.sqrt(rho * math.log(1 / delta))  # Bun & Steinke 2016, proposition 1.3
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if zcdp_delta(rho, middle) <= delta else (middle, high)
    return high


@cache
def zcdp_rho(epsilon: float, delta: float) -> float:
    """The most ρ that stays within epsilon at delta."""
    low, high = 0.0, epsilon
    while zcdp_delta(high, epsilon) <= delta:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if zcdp_delta(middle, epsilon) <= delta else (low, middle)
    return low
