"""Noise that hides one record, and how much of it a guarantee takes.

Counts, and sums of numbers on a grid, are integers and get integer noise, so that what is released has no low
bits to read the truth from (Mironov 2012). Vectors of reals get floating-point noise, whose low bits might:
see `linear`. Everything is drawn by NumPy's generator, which is no cryptographic one: a guarantee is for
whoever does not know its state.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def geometric(truth: Ints, sensitivity: int, epsilon: float, rng: np.random.Generator) -> Ints:
    """Integers with two-sided geometric noise: epsilon-differentially private, released all at once.

    P(noise = k) ∝ exp(-|k| ε / sensitivity) (Ghosh, Roughgarden & Sundararajan 2009, arXiv:0811.2841): the
    difference of two geometric draws. NumPy makes these of floating-point exponentials, so its probabilities
    are right to rounding and no better.

    Args:
        truth: integers of any shape.
        sensitivity: the most that one record adds to them, in absolute value, summed over all.
    """
    stop = -np.expm1(-epsilon / sensitivity)
    one, other = (rng.geometric(stop, truth.shape) for _ in range(2))
    return truth + one - other


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


def spherical(
    shape: tuple[int, ...], sensitivity: float, epsilon: float, delta: float, rng: np.random.Generator
) -> Floats:
    """Noise for an array whose L2 norm one record changes by `sensitivity`.

    With delta 0 its density is ∝ exp(−‖b‖ ε / sensitivity): a direction at random, a length from a gamma
    distribution (Chaudhuri, Monteleoni & Sarwate 2011, section 3). Else it is Gaussian.
    """
    drawn = rng.normal(size=shape)
    if delta:
        return drawn * (sensitivity / gaussian_mu(epsilon, delta))
    length = rng.gamma(drawn.size, sensitivity / epsilon)
    return drawn * (length / np.linalg.norm(drawn))
