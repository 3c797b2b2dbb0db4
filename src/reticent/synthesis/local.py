"""Noise on each record by itself, before anybody collects it: local differential privacy.

Warner 1965 (JASA 60) for randomised response; Kairouz, Bonawitz & Ramage 2016 (arXiv:1602.07387) for more
than two answers. Noise on numbers is discrete Laplace or, with a delta, discrete Gaussian on a grid (`noise`;
Canonne, Kamath & Steinke 2020, arXiv:2004.00010).
"""

from __future__ import annotations

import math

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.errors import PlanError
from reticent.measure.estimate import Estimate
from reticent.measure.gaussian import discrete_gaussian_sigma, gaussian_mu
from reticent.noise import (
    Dice,
    DiscreteGaussian,
    bernoulli_exp,
    discrete_laplace,
    laplace_scale,
)

UNITS = 1 << 30
"""Parts of an epsilon that are told apart; what is left of it is not spent."""

GRID = 1 << 12
"""Steps between the bounds of a number."""

WIDEST = 256
"""The widest Gaussian noise, over the bounds of a number."""


def randomised_response(cells: IntArray, values: int, epsilon: float, dice: Dice) -> IntArray:
    """(rows,) answers: the truth e^ε times as likely as each of the other values, exactly.

    One value is proposed uniformly and kept if it is the truth, else with probability exp(−ε), until one is.
    """
    top = math.floor(epsilon * UNITS)
    answers, open_ = np.empty_like(cells), np.arange(len(cells))
    while len(open_):
        proposed = dice.below(values, len(open_))
        wrong = proposed != cells[open_]
        kept = ~wrong
        kept[wrong] = bernoulli_exp(np.full(int(wrong.sum()), top), UNITS, dice)
        answers[open_[kept]] = proposed[kept]
        open_ = open_[~kept]
    return answers


def frequencies(
    answers: IntArray, values: int, epsilon: float, *, level: float = 0.95
) -> tuple[Estimate, ...]:
    """The share of the people behind randomised answers who truly have each value, without bias.

    The answers are a mixture: share·p + (1 − share)·q, with p = e^ε/(e^ε + values − 1) and q = p/e^ε.

    Args:
        answers: (people,) as `randomised_response` gives them.
        level: of each interval, by the normal law of a mean; it holds the drawing of the people too.
    """
    from scipy.stats import norm

    people, lift = len(answers), math.exp(min(epsilon, 700.0))
    p, q = lift / (lift + values - 1), 1 / (lift + values - 1)
    seen = np.bincount(answers, minlength=values) / people
    share = (seen - q) / (p - q)
    half = float(norm.isf((1 - level) / 2)) * np.sqrt(seen * (1 - seen) / people) / (p - q)
    return tuple(
        Estimate(float(s), float(s - h), float(s + h), level, "randomised response", people)
        for s, h in zip(share, half, strict=True)
    )


def noisy_numbers(
    values: FloatArray,
    low: float,
    high: float,
    epsilon: float,
    dice: Dice,
    *,
    delta: float = 0.0,
    columns: int = 1,
) -> FloatArray:
    """(rows,) numbers between the bounds: clipped, put on a grid, moved by exact noise, and clipped again.

    Args:
        epsilon, delta: of all the numbers of a row together. With delta 0 noise is discrete Laplace, else
            discrete Gaussian.
        columns: how many numbers a row has, each treated so.

    Raises:
        PlanError: more noise than drowns everything.
    """
    steps = np.rint((np.clip(values, low, high) - low) / (high - low) * GRID).astype(np.int64)
    if delta:
        noise = _gaussian(epsilon, delta, columns).draw(len(steps), dice)
    else:
        noise = discrete_laplace(laplace_scale(epsilon, columns * GRID), len(steps), dice)
    numbers: FloatArray = low + np.clip(steps + noise, 0, GRID) * ((high - low) / GRID)
    return numbers


def _gaussian(epsilon: float, delta: float, columns: int) -> DiscreteGaussian:
    """The least noise, in steps of the grid, that is (ε, δ)-DP for so many numbers together."""
    wide = math.sqrt(columns) / gaussian_mu(epsilon, delta)
    if wide > WIDEST:
        raise PlanError(
            f"epsilon={epsilon:g} at delta={delta:g} for {columns} numbers calls for noise {wide:,.0f} times "
            "as wide as their bounds, which drowns everything; give a larger epsilon"
        )
    return DiscreteGaussian(discrete_gaussian_sigma(epsilon, delta, GRID, columns))
