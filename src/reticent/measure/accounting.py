"""What differential privacy costs, by dp-accounting's PLD accountant: composed events in, epsilon out.

Koskela, Jälkö & Honkela 2020 (arXiv:1906.03049) and Doroshenko et al. 2022 (arXiv:2207.04380): the privacy
loss of the composition itself is followed, which is tighter than Rényi bounds. Neighbours differ by one
record added or removed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from reticent.errors import MissingExtra, PlanError
from reticent.measure._checked import Floats

NOISIEST = 1e4
"""The largest noise multiplier tried for a wanted epsilon."""


@cache
def sampled_gaussian_epsilon(noise: float, rate: float, steps: int, delta: float) -> float:
    """Epsilon of `steps` Gaussian mechanisms, each on a Poisson sample of `rate` of the records.

    Args:
        noise: standard deviation of the noise over what one record may add.
    """
    event = _event()
    sampled = event.PoissonSampledDpEvent(rate, event.GaussianDpEvent(noise))
    return _epsilon(event.SelfComposedDpEvent(sampled, steps), delta, noise)


@cache
def sampled_gaussian_noise(epsilon: float, rate: float, steps: int, delta: float) -> float:
    """The least noise, to a thousandth, by which `sampled_gaussian_epsilon` is at most `epsilon`.

    Raises:
        PlanError: no noise is enough.
    """
    return _least_noise(epsilon, lambda noise: sampled_gaussian_epsilon(noise, rate, steps, delta))


@cache
def gaussian_epsilon(noise: float, times: int, delta: float) -> float:
    """Epsilon of `times` Gaussian mechanisms on all records: as one of noise / √times."""
    return _epsilon(_event().GaussianDpEvent(noise / math.sqrt(times)), delta, noise / math.sqrt(times))


@cache
def gaussian_noise(epsilon: float, times: int, delta: float) -> float:
    """The least noise, to a thousandth, by which `gaussian_epsilon` is at most `epsilon`.

    Raises:
        PlanError: no noise is enough.
    """
    return _least_noise(epsilon, lambda noise: gaussian_epsilon(noise, times, delta))


@cache
def laplace_epsilon(noise: float, times: int, delta: float) -> float:
    """Epsilon of `times` Laplace mechanisms of scale `noise` over what one record may change."""
    event = _event()
    return _epsilon(event.SelfComposedDpEvent(event.LaplaceDpEvent(noise), times), delta, noise)


class Sampled(NamedTuple):
    """Equal Gaussian mechanisms, one after another.

    Attributes:
        noise: standard deviation of the noise over what one record may add.
        rate: the Poisson sample's share of the records; 1 for all of them.
        times: how many.
    """

    noise: float
    rate: float
    times: int


def composed_epsilon(parts: tuple[Sampled, ...], delta: float) -> float:
    """Epsilon of the parts together."""
    return float(_composed(parts).get_epsilon(delta))


def composed_delta(parts: tuple[Sampled, ...], epsilons: Floats) -> Floats:
    """(epsilons,) the delta of the parts together at each."""
    return np.asarray(_composed(parts).get_delta(epsilons.tolist()), dtype=np.float64)


@cache
def _composed(parts: tuple[Sampled, ...]) -> Any:
    event = _event()
    accountant = _accountant(min(part.noise for part in parts))
    for noise, rate, times in parts:
        gaussian = event.GaussianDpEvent(noise)
        sampled = gaussian if rate == 1 else event.PoissonSampledDpEvent(rate, gaussian)
        accountant.compose(event.SelfComposedDpEvent(sampled, times))
    return accountant


def _epsilon(event: Any, delta: float, noise: float) -> float:
    accountant = _accountant(noise)
    accountant.compose(event)
    return float(accountant.get_epsilon(delta))


def _accountant(noise: float) -> Any:
    return _pld().PLDAccountant(value_discretization_interval=_interval(noise))


def _least_noise(epsilon: float, spent: Callable[[float], float]) -> float:
    low, high = 0.1, 1.0
    while spent(high) > epsilon:
        low, high = high, 2 * high
        if high > NOISIEST:
            raise PlanError(
                f"no noise gives epsilon={epsilon} with so many steps; give a larger epsilon, fewer epochs "
                "or smaller batches"
            )
    if spent(low) <= epsilon:
        return low
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if spent(middle) <= epsilon else (middle, high)
    return high


def _interval(noise: float) -> float:
    """How finely privacy losses are told apart. Little noise makes losses of hundreds: at dp-accounting's own
    1e-4 each accounting would take most of a minute. Coarser is still a bound from above, by under 0.2 %."""
    if noise >= 1:
        return 1e-4
    return 1e-3 if noise >= 0.5 else 1e-2


def _event() -> Any:
    try:
        from dp_accounting import dp_event
    except ImportError as error:
        raise MissingExtra("dp-accounting", "dp") from error
    return dp_event


def _pld() -> Any:
    try:
        from dp_accounting import pld
    except ImportError as error:
        raise MissingExtra("dp-accounting", "dp") from error
    return pld
