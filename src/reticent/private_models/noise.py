"""Noise that hides what one record does to a vector of reals.

It is floating-point noise, whose low bits might tell of what it was added to: see `linear`. It is drawn by
NumPy's generator, which is no cryptographic one: a guarantee is for whoever does not know its state. Counts,
and sums of numbers on a grid, are integers and get exact noise (`reticent.noise`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from reticent.measure.gaussian import gaussian_mu

Floats = npt.NDArray[np.float64]


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
