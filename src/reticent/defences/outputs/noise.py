"""Noise on the answers, whose privacy is counted: each answer spends, and a spent budget answers no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reticent.access import FloatArray, Outputs
from reticent.defences.defence import Fitted, OutputDefence
from reticent.defences.outputs.answering import answered, scores_of
from reticent.errors import PlanError, QueryLimit
from reticent.measure.accounting import gaussian_epsilon, laplace_epsilon

if TYPE_CHECKING:
    from reticent.access import Features

MOST = 1 << 40
"""No budget reaches further than so many answers."""

Draw = Callable[[np.random.Generator, tuple[int, ...]], FloatArray]


class Spending:
    """Answers at random as long as the budget lasts.

    Args:
        change: of a generator and probabilities (records, classes): the answers.
        most: answers that the budget pays for; None without end.
    """

    def __init__(
        self, change: Callable[[np.random.Generator, Outputs], Outputs], most: int | None, seed: int
    ) -> None:
        self.spent = 0
        self._change, self._most, self._rng, self._lock = (
            change,
            most,
            np.random.default_rng([seed, 9]),
            Lock(),
        )

    def __call__(self, outputs: Outputs, x: Features) -> Outputs:
        """Answer, and count.

        Raises:
            QueryLimit: the budget does not pay for so many more answers; none is given then.
        """
        asked = len(outputs.labels)
        with self._lock:
            if self._most is not None and self.spent + asked > self._most:
                raise QueryLimit(
                    f"{asked:,} more answers were asked for and the privacy budget pays for "
                    f"{self._most - self.spent:,} of {self._most:,}; no answer is given"
                )
            self.spent += asked
            return self._change(self._rng, outputs)


@dataclass(frozen=True)
class GaussianNoise(OutputDefence):
    """Gaussian noise on the probabilities (Dwork & Roth 2014, appendix A), fresh for every answer.

    One record more or less in training may change an answer by √2 at most (L2), whatever the model: so each
    answer is a Gaussian mechanism, composed by the PLD accountant.

    Attributes:
        scale: standard deviation of the noise on each probability.
        epsilon: the budget of all answers together; None to count nothing and never stop.
        delta: of the budget.
    """

    word: ClassVar[str] = "gaussian_noise"
    source: ClassVar[str] = "Dwork & Roth 2014, appendix A"
    caveat: ClassVar[str] = "the same question asked again averages the noise out, unless memoise() follows"
    keeps_label: ClassVar[bool] = False
    same_again: ClassVar[bool] = False
    scale: float = 0.1
    epsilon: float | None = None
    delta: float = 1e-5

    def __post_init__(self) -> None:
        _checked(self.word, self.scale, self.epsilon, self.delta)

    def spent(self, answers: int) -> float:
        """Epsilon that so many answers cost, at `delta`."""
        return gaussian_epsilon(self.scale / np.sqrt(2), answers, self.delta)

    def begin(self, fitted: Fitted, seed: int) -> Spending:
        """Set to work, with the whole budget left."""

        def change(rng: np.random.Generator, outputs: Outputs) -> Outputs:
            scores = scores_of(outputs, self.word)
            return _named(scores + rng.normal(0, self.scale, scores.shape))

        return Spending(change, _affordable(self.spent, self.epsilon, self.word), seed)


@dataclass(frozen=True)
class LaplaceNoise(OutputDefence):
    """Laplace noise on the probabilities (Dwork et al. 2006), fresh for every answer.

    One record more or less in training may change an answer by 2 at most (L1), whatever the model.

    Attributes:
        scale: of the noise on each probability.
        epsilon: the budget of all answers together; None to count nothing and never stop.
        delta: of the budget.
    """

    word: ClassVar[str] = "laplace_noise"
    source: ClassVar[str] = "Dwork, McSherry, Nissim & Smith 2006, doi:10.1007/11681878_14"
    caveat: ClassVar[str] = "the same question asked again averages the noise out, unless memoise() follows"
    keeps_label: ClassVar[bool] = False
    same_again: ClassVar[bool] = False
    scale: float = 0.1
    epsilon: float | None = None
    delta: float = 1e-5

    def __post_init__(self) -> None:
        _checked(self.word, self.scale, self.epsilon, self.delta)

    def spent(self, answers: int) -> float:
        """Epsilon that so many answers cost, at `delta`."""
        return laplace_epsilon(self.scale / 2, answers, self.delta)

    def begin(self, fitted: Fitted, seed: int) -> Spending:
        """Set to work, with the whole budget left."""

        def change(rng: np.random.Generator, outputs: Outputs) -> Outputs:
            scores = scores_of(outputs, self.word)
            return _named(scores + rng.laplace(0, self.scale, scores.shape))

        return Spending(change, _affordable(self.spent, self.epsilon, self.word), seed)


def affordable(spent: Callable[[int], float], epsilon: float) -> int:
    """The most answers that cost at most `epsilon`, where so many cost `spent`."""
    most = 1
    while most < MOST and spent(most) <= epsilon:
        most *= 2
    low, high = most // 2, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if spent(middle) <= epsilon else (low, middle)
    return low


def _affordable(spent: Callable[[int], float], epsilon: float | None, word: str) -> int | None:
    if epsilon is None:
        return None
    most = affordable(spent, epsilon)
    if most < 1:
        raise PlanError(
            f"{word} was given epsilon={epsilon:g}, and a single answer costs {spent(1):.3g}; give more "
            "noise or a larger budget"
        )
    return most


def _named(scores: FloatArray) -> Outputs:
    """Answers of noisy scores; the label is theirs, or it would tell what the noise hides."""
    return answered(scores.argmax(axis=1), np.clip(scores, 0, 1))


def _checked(word: str, scale: float, epsilon: float | None, delta: float) -> None:
    if not 0 < scale < float("inf"):
        raise PlanError(f"{word} was given scale={scale}; give one above 0, such as 0.1")
    if epsilon is not None and not epsilon > 0:
        raise PlanError(f"{word} was given epsilon={epsilon}; give one above 0, or leave it out")
    if not 0 < delta < 1:
        raise PlanError(f"{word} was given delta={delta}; give a share such as 1e-5")
