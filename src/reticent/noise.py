"""Noise whose law is met exactly: integers in, integers out, no rounding on the way.

Noise of floating point betrays what it was added to in its last bits (Mironov 2012, "On significance of the
least significant bits for differential privacy"). Here every draw is decided by comparing uniform integers
with fractions of integers, as in Canonne, Kamath & Steinke 2020 (arXiv:2004.00010, algorithms 1 to 3), many
at once.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.errors import PlanError

LARGEST = 2.0**24
"""The largest standard deviation: beyond, 64 bits would not hold the fractions."""

WIDEST = 1 << 50
"""The largest scale, for the same reason."""

FINE = 20
"""Bits to which a variance or a scale is told."""

WHOLE = 4096
"""From here on a standard deviation is a whole number."""

Words = npt.NDArray[np.uint64]


class Dice:
    """Uniform integers: the same ones from the same seed, or from the operating system's secure source.

    A guarantee holds for whoever can't foresee the noise: give no seed where a table is published, or one
    that nobody keeps.

    Args:
        seed: any integers that name a stream of draws, or a generator to draw from; None for the secure
            source.
    """

    def __init__(self, seed: int | tuple[int, ...] | np.random.Generator | None = None) -> None:
        self._rng = None if seed is None else np.random.default_rng(seed)

    def below(self, bounds: npt.ArrayLike, size: int | None = None) -> IntArray:
        """(size,) integers, each uniform from 0 to its bound less one; bounds up to 2⁶²."""
        limit: Any = np.asarray(bounds, dtype=np.uint64)
        # The largest multiple of the bound that 64 bits hold: words from there on would favour low numbers
        fair = np.uint64(2**64 - 1) - np.uint64(2**64 - 1) % limit
        shape = limit.shape if size is None else (size,)
        words = self._words(math.prod(shape)).reshape(shape)
        while (late := words >= fair).any():
            words[late] = self._words(int(late.sum()))
        words %= limit
        return words.view(np.int64)

    def shuffled(self, values: IntArray) -> IntArray:
        """The values in an order drawn at random."""
        return values[np.argsort(self._words(len(values)), kind="stable")]

    def uniform(self, size: int) -> FloatArray:
        """(size,) numbers from 0 to below 1, for what needs no exactness."""
        drawn: FloatArray = (self._words(size) >> np.uint64(11)) * 2.0**-53
        return drawn

    def _words(self, size: int) -> Words:
        if self._rng is None:
            return np.frombuffer(os.urandom(8 * size), dtype=np.uint64).copy()
        return self._rng.integers(0, 2**64, size, dtype=np.uint64)


@dataclass(frozen=True)
class DiscreteGaussian:
    """Integers with probability ∝ exp(−x²/2σ²) (Canonne, Kamath & Steinke 2020, definition 1).

    Added to integer counts of L2 sensitivity 1 it is (1/2σ²)-zCDP (theorem 4), as continuous noise is.

    Attributes:
        sigma: as asked for; the variance is rounded up, by under a millionth where σ ≥ 1, and to that of a
            whole σ from 4,096 on.

    Raises:
        PlanError: σ not above 0, or above 2²⁴.
    """

    sigma: float

    def __post_init__(self) -> None:
        _checked(self.sigma)

    @property
    def variance(self) -> Fraction:
        """σ² as the fraction that is drawn with."""
        if self.sigma > WHOLE:
            return Fraction(math.ceil(self.sigma) ** 2)
        square = Fraction(self.sigma) ** 2
        bits = min(FINE, max(0, FINE - math.floor(2 * math.log2(self.sigma))))
        return Fraction(math.ceil(square * 2**bits), 2**bits)

    @property
    def rho(self) -> float:
        """What one draw costs in zero-concentrated differential privacy, of a count of sensitivity 1."""
        return float(1 / (2 * self.variance))

    def draw(self, size: int, dice: Dice) -> IntArray:
        """(size,) independent integers."""
        top, bottom = self.variance.numerator, self.variance.denominator
        t = math.isqrt(math.ceil(self.variance) - 1) + 1  # any will do, σ rounded up is fast
        # Fractions in their lowest terms: of a whole σ, t itself cancels
        common = math.gcd(t * bottom, top)
        step, mean = t * bottom // common, top // common
        whole = 2 * top * bottom * t * t // common**2
        drawn, open_ = np.zeros(size, np.int64), np.arange(size)
        while len(open_):
            proposed = discrete_laplace(t, len(open_), dice)
            off = np.abs(proposed) * step - mean
            # Beyond 3·10⁹ its square leaves 64 bits; such draws are kept with a chance below 10⁻⁷⁸
            kept = (np.abs(off) < 3_000_000_000) & bernoulli_exp(
                np.minimum(np.abs(off), 3 * 10**9) ** 2, whole, dice
            )
            drawn[open_[kept]] = proposed[kept]
            open_ = open_[~kept]
        return drawn


def laplace_noised(counts: IntArray, sensitivity: int, epsilon: float, dice: Dice) -> npt.NDArray[np.int64]:
    """Integers with discrete Laplace noise, ε-DP released all at once (Ghosh, Roughgarden & Sundararajan
    2009, arXiv:0811.2841).

    Args:
        counts: integers of any shape.
        sensitivity: the most that one record moves them, in absolute value, summed over all.

    Raises:
        PlanError: more noise than 64 bits hold.
    """
    noise = discrete_laplace(laplace_scale(epsilon, sensitivity), counts.size, dice)
    noisy: npt.NDArray[np.int64] = counts.astype(np.int64) + noise.reshape(counts.shape)
    return noisy


def discrete_laplace(scale: Fraction | int, size: int, dice: Dice) -> IntArray:
    """(size,) integers with probability ∝ exp(−|x|/scale) (algorithm 2): ε-DP for sensitivity ε·scale."""
    top, bottom = scale.numerator, scale.denominator
    drawn, open_ = np.zeros(size, np.int64), np.arange(size)
    while len(open_):
        within = dice.below(top, len(open_))
        kept = np.flatnonzero(bernoulli_exp(within, top, dice))
        value = (within[kept] + top * geometric(len(kept), dice)) // bottom
        negative = dice.below(2, len(kept)) == 1
        once = ~(negative & (value == 0))  # else nought would be drawn twice as often
        drawn[open_[kept[once]]] = np.where(negative, -value, value)[once]
        left = np.ones(len(open_), dtype=bool)
        left[kept[once]] = False
        open_ = open_[left]
    return drawn


def laplace_scale(epsilon: float, sensitivity: int) -> Fraction:
    """The scale of Laplace noise that is ε-DP for counts that one record moves so far, rounded up by a
    millionth at most.

    Raises:
        PlanError: it is above 2⁵⁰.
    """
    exact = sensitivity / Fraction(epsilon)
    if exact > WIDEST:
        raise PlanError(f"epsilon={epsilon:g} calls for noise that drowns everything; give a larger one")
    # A millionth of a millionth at least: less noise than that is none
    bits = min(2 * FINE, max(0, FINE - math.floor(math.log2(max(exact, Fraction(1, 4**FINE))))))
    return Fraction(math.ceil(exact * 2**bits), 2**bits)


def bernoulli_exp(top: npt.ArrayLike, bottom: int, dice: Dice) -> BoolArray:
    """True with probability exp(−top/bottom), each by itself (algorithm 1); top ≥ 0, 0 < bottom ≤ 2⁵⁶."""
    counts = np.asarray(top, dtype=np.int64)
    passed, rest = np.ones(counts.shape, dtype=bool), counts % bottom
    whole = counts // bottom
    alive = np.flatnonzero(whole > 0)
    while len(alive):  # exp(−1) once for each whole unit, until one fails
        one = _below_one(np.ones(len(alive), np.int64), 1, dice)
        passed[alive[~one]] = False
        alive = alive[one]
        whole[alive] -= 1
        alive = alive[whole[alive] > 0]
    open_ = np.flatnonzero(passed)
    passed[open_] = _below_one(rest[open_], bottom, dice)
    return passed


def bernoulli_exp_one(exponent: Fraction, dice: Dice) -> bool:
    """True with probability exp(−exponent), of one fraction of any size ≥ 0."""
    while exponent > 1:
        if not _below_one(np.ones(1, np.int64), 1, dice)[0]:
            return False
        exponent -= 1
    k = 1
    while _fraction(exponent / k, dice):
        k += 1
    return k % 2 == 1


def _fraction(chance: Fraction, dice: Dice) -> bool:
    """True with a chance that is a fraction, told apart bit by bit as far as is needed."""
    top, bottom = chance.numerator, chance.denominator
    while True:
        bits = int(dice.below(2**32, 1)[0])
        scaled = top << 32
        digit, top = divmod(scaled, bottom)
        if bits != digit:
            return bits < digit
        if top == 0:
            return False


def _below_one(top: IntArray, bottom: int, dice: Dice) -> BoolArray:
    """True with probability exp(−top/bottom) for 0 ≤ top ≤ bottom."""
    tries = np.ones(len(top), np.int64)
    open_ = np.arange(len(top))
    while len(open_):
        going = dice.below(bottom * tries[open_]) < top[open_]
        open_ = open_[going]
        tries[open_] += 1
    odd: BoolArray = tries % 2 == 1
    return odd


def geometric(size: int, dice: Dice) -> IntArray:
    """(size,) how often exp(−1) succeeds before it fails: at least k times with probability exp(−k)."""
    counts, open_ = np.zeros(size, np.int64), np.arange(size)
    while len(open_):
        open_ = open_[_below_one(np.ones(len(open_), np.int64), 1, dice)]
        counts[open_] += 1
    return counts


def _checked(sigma: float) -> None:
    if not 0 < sigma <= LARGEST:
        raise PlanError(
            f"noise of standard deviation {sigma:g} was called for, and it has to be above 0 and at most "
            f"{LARGEST:,.0f}; give a larger epsilon or fewer columns"
        )
