"""What a training claims of its privacy, and what it tells of itself while it runs.

A training function that is to be verified takes records, labels and a seed, and returns a model. One that
also takes `record` is handed a `Recorder` and calls `record.step(...)` once a step: with the update that it
is about to apply, which is what somebody who sees every step sees, and with the noise and the sampling,
from which the accountant reckons epsilon anew.

What is recorded is what the training believes. It is a claim like any other, and tried as one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from itertools import groupby
from math import ceil
from typing import Any

import numpy as np

from reticent.access import FloatArray
from reticent.errors import PlanError
from reticent.measure.accounting import Sampled, composed_delta, composed_epsilon


@dataclass(frozen=True)
class Claim:
    """(epsilon, delta)-differential privacy for adding or removing one record.

    Attributes:
        epsilon: in nats, above 0.
        delta: in (0, 1); below one over the records, or it promises nothing.

    Raises:
        PlanError: no such numbers.
    """

    epsilon: float
    delta: float

    def __post_init__(self) -> None:
        if not 0 < self.epsilon < float("inf"):
            raise PlanError(f"a claim of epsilon {self.epsilon} was given; state one above 0, such as 3")
        if not 0 < self.delta < 1:
            raise PlanError(f"a claim at delta {self.delta} was given; state a share in (0, 1), such as 1e-5")

    def __str__(self) -> str:
        return f"epsilon {self.epsilon:.3g} at delta {self.delta:g}"


class Sight(IntEnum):
    """How much of a training its judge sees, least first; each rung includes those below it."""

    SCORES = 1
    """What the model answers."""

    WEIGHTS = 2
    """The weights that the training ends with."""

    STEPS = 3
    """Every update that was recorded."""

    def __str__(self) -> str:
        return self.name.lower()


class Drawn(Enum):
    """How the records of a step were drawn."""

    POISSON = "Poisson"
    """Each record by a coin of its own: amplified by sampling."""

    SHUFFLED = "shuffled"
    """Batches of an epoch's order: each record once an epoch. No amplification is reckoned.

    It is reckoned as if a record that is not there left a blank: one that lets others move up changes two
    batches, and costs more."""

    WHOLE = "whole"
    """All records in every step."""


@dataclass(frozen=True)
class Step:
    """One step, as the training recorded it.

    Attributes:
        noise: standard deviation of the noise over what one record may add to the sum; None if unsaid.
        rate: share of the records that a step takes.
        drawn: how they were drawn.
    """

    noise: float | None
    rate: float = 1.0
    drawn: Drawn = Drawn.POISSON


class Recorder:
    """What a training tells of itself, step by step."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.updates: list[FloatArray] = []

    def step(
        self,
        update: Any = None,
        *,
        noise: float | None = None,
        rate: float = 1.0,
        drawn: Drawn = Drawn.POISSON,
    ) -> None:
        """Record one step.

        Args:
            update: the noisy gradient or the change of the parameters: an array, a tensor, or a sequence of
                them, always of the same sizes. None to show nothing.
            noise: standard deviation of the noise over the clipping norm (the sensitivity of the sum).
            rate: share of the records that the step takes.
            drawn: how they were drawn.

        Raises:
            PlanError: noise not above 0, a rate outside (0, 1], or updates at some steps alone.
        """
        if noise is not None and not 0 < noise < float("inf"):
            raise PlanError(
                f"a step of noise {noise} was recorded; give its standard deviation over the clipping norm"
            )
        if not 0 < rate <= 1:
            raise PlanError(f"a step of rate {rate} was recorded; give the share of the records in (0, 1]")
        if (update is None) != (len(self.updates) == 0) and self.steps:
            raise PlanError("some steps were recorded with their update and some without; give it at all")
        self.steps.append(Step(noise, rate, drawn))
        if update is not None:
            self.updates.append(flat(update))

    def attach(self, optimizer: Any, *, rate: float, drawn: Drawn = Drawn.POISSON) -> None:
        """Record every step of an Opacus `DPOptimizer`, after its noise is added.

        A hook that is there already, such as the accountant's, is called as before.
        """
        before = optimizer.step_hook

        def hook(optimizer: Any) -> None:
            if before is not None:
                before(optimizer)
            update = [p.grad for group in optimizer.param_groups for p in group["params"]]
            self.step(update, noise=optimizer.noise_multiplier, rate=rate, drawn=drawn)

        optimizer.attach_step_hook(hook)


@dataclass(frozen=True)
class Account:
    """What the recorded steps are worth together.

    Attributes:
        parts: sampled Gaussian mechanisms, in the order in which they were recorded.
    """

    parts: tuple[Sampled, ...]

    def epsilon(self, delta: float) -> float:
        """Epsilon at delta, by the PLD accountant.

        Raises:
            MissingExtra: dp-accounting is not installed.
        """
        return composed_epsilon(self.parts, delta)

    def delta(self, epsilons: FloatArray) -> FloatArray:
        """(epsilons,) the delta at each of them, by the PLD accountant; raises likewise."""
        return composed_delta(self.parts, np.asarray(epsilons, np.float64))

    @property
    def period(self) -> int | None:
        """Steps after which a fixed order of batches would begin anew; None where there is no such order."""
        rates = {part.rate for part in self.parts}
        return round(1 / rates.pop()) if len(rates) == 1 else None

    @property
    def sampled(self) -> bool:
        """Whether any step counts on its records being a sample."""
        return any(part.rate < 1 for part in self.parts)

    def __str__(self) -> str:
        def said(part: Sampled) -> str:
            whole = part.rate == 1
            on = "all records" if whole else f"Poisson samples of {part.rate:.3g}"
            return f"{part.times:,} Gaussian steps of noise {part.noise:.3g} on {on}"

        more = f" and {len(self.parts) - 3} more kinds of step" if len(self.parts) > 3 else ""
        return "; ".join(said(part) for part in self.parts[:3]) + more


def account(steps: Sequence[Step]) -> Account | None:
    """What was recorded, as mechanisms that an accountant composes; None where noise was not recorded.

    Batches of a shuffled epoch take a record once: an epoch counts as one Gaussian mechanism on all records.
    """
    if not steps or any(step.noise is None for step in steps):
        return None
    parts: list[Sampled] = []
    for step, alike in groupby(steps):
        times, noise = len(list(alike)), float(step.noise or 0)
        if step.drawn is Drawn.POISSON:
            parts.append(Sampled(noise, step.rate, times))
        elif step.drawn is Drawn.SHUFFLED:
            parts.append(Sampled(noise, 1.0, ceil(times * step.rate - 1e-9)))
        else:
            parts.append(Sampled(noise, 1.0, times))
    return Account(tuple(parts))


def flat(numbers: Any) -> FloatArray:
    """(numbers,) float64 of an array, a tensor or a sequence of them."""
    if isinstance(numbers, list | tuple):
        parts = [flat(n) for n in numbers if n is not None]
        return np.concatenate(parts) if parts else np.zeros(0)
    if callable(getattr(numbers, "detach", None)):
        numbers = numbers.detach().cpu().numpy()
    array: FloatArray = np.array(numbers, dtype=np.float64).reshape(-1)
    return array


TrainFunction = Callable[..., Any]
"""(x, y, seed), (x, y, *, seed) or either with `record` -> a model, or the released weights as array."""
