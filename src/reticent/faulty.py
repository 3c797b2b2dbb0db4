"""A small DP-SGD of a logistic regression, right or with one fault planted: what a trial of claims must tell.

Abadi et al. 2016, arXiv:1607.00133, algorithm 1, in numpy, without a bias. It claims and records what it
believes, so a fault shows in its record only where it knows of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.claim import Claim, Drawn, Recorder
from reticent.measure.accounting import sampled_gaussian_epsilon


class Fault(Enum):
    """What is wrong."""

    NONE = "none"
    UNCLIPPED = "gradients are not clipped"
    CLIPPED_MEAN = "the batch's mean gradient is clipped, not each record's"
    CLIPPED_SUM = "the batch's summed gradient is clipped, not each record's"
    NOISE_OVER_BATCH = "noise is divided by the batch once too often"
    FIXED_BATCHES = "batches in a fixed order, reckoned as Poisson samples"
    SHUFFLED_BATCHES = "batches of a shuffled order, reckoned as Poisson samples"
    SAME_NOISE = "one draw of noise serves all steps"
    WRONG_SIZE = "the budget is reckoned for more records than there are"


@dataclass(frozen=True)
class Logistic:
    """A logistic regression without a bias, of two classes."""

    coef_: FloatArray
    classes_: FloatArray

    def predict_proba(self, x: Any) -> FloatArray:
        """(records, 2) probabilities."""
        second = _sigmoid(np.asarray(x, np.float64) @ self.coef_[0])
        return np.stack([1 - second, second], axis=1)

    def predict(self, x: Any) -> FloatArray:
        """(records,) labels."""
        found: FloatArray = self.classes_[self.predict_proba(x).argmax(axis=1)]
        return found


@dataclass(frozen=True, kw_only=True)
class PrivateSgd:
    """Trains by DP-SGD; call it as a training function that records.

    Attributes:
        noise: standard deviation of the noise over `clip`.
        rate: share of the records that a step takes.
        steps: how many.
        clip: L2 norm to which each record's gradient is clipped.
        learning_rate: of the mean gradient.
        fault: what is wrong with it.
        times: how many times too many records a wrong budget is reckoned for.
        knows: whether it records how it samples rather than how it believes to.
    """

    noise: float
    rate: float = 0.1
    steps: int = 40
    clip: float = 1.0
    learning_rate: float = 0.1
    fault: Fault = Fault.NONE
    times: float = 5.0
    knows: bool = False

    @property
    def believed_rate(self) -> float:
        """The share of the records that its budget is reckoned for."""
        return self.rate / self.times if self.fault is Fault.WRONG_SIZE else self.rate

    def claim(self, delta: float = 1e-5) -> Claim:
        """What it claims: the accountant's figure for the noise and the sampling that it believes in."""
        return Claim(sampled_gaussian_epsilon(self.noise, self.believed_rate, self.steps, delta), delta)

    def __call__(self, x: Any, y: Any, *, seed: int, record: Recorder) -> Logistic:
        """Train on records (records, columns) and labels (records,) of two classes."""
        x, labels = np.asarray(x, np.float64), np.asarray(y)
        classes = np.unique(labels)
        target = (labels == classes[-1]).astype(np.float64)
        rng = np.random.default_rng(seed)
        weights, expected = np.zeros(x.shape[1]), self.rate * len(x)
        same = rng.normal(size=weights.size)
        for step in range(self.steps):
            rows = self._rows(seed, rng, len(x), step)
            own = x[rows]
            gradients = (_sigmoid(own @ weights) - target[rows])[:, None] * own
            total = self._summed(gradients, expected)
            fresh = rng.normal(size=weights.size)
            drawn = same if self.fault is Fault.SAME_NOISE else fresh
            noise = self.noise * self.clip * drawn
            if self.fault is Fault.NOISE_OVER_BATCH:
                noise /= expected
            update = (total + noise) / expected
            weights -= self.learning_rate * update
            self._tell(record, update)
        return Logistic(weights[None], classes)

    def _tell(self, record: Recorder, update: FloatArray) -> None:
        batches = self.fault in (Fault.FIXED_BATCHES, Fault.SHUFFLED_BATCHES)
        rate, drawn = self.believed_rate, Drawn.POISSON
        if self.knows:
            rate, drawn = self.rate, Drawn.SHUFFLED if batches else Drawn.POISSON
        record.step(update, noise=self.noise, rate=rate, drawn=drawn)

    def _rows(self, seed: int, rng: np.random.Generator, records: int, step: int) -> IntArray:
        """Which records a step takes."""
        if self.fault not in (Fault.FIXED_BATCHES, Fault.SHUFFLED_BATCHES):
            return np.flatnonzero(rng.random(records) < self.rate)
        batches = round(1 / self.rate)
        epoch, place = divmod(step, batches)
        order = np.arange(records)
        if self.fault is Fault.SHUFFLED_BATCHES:
            order = np.random.default_rng([seed, epoch]).permutation(records)
        return order[place::batches]

    def _summed(self, gradients: FloatArray, expected: float) -> FloatArray:
        """The sum of what the records add."""
        total: FloatArray = gradients.sum(axis=0)
        if self.fault is Fault.CLIPPED_MEAN:
            total = _clipped(total[None] / expected, self.clip)[0] * expected
        elif self.fault is Fault.CLIPPED_SUM:
            total = _clipped(total[None], self.clip)[0]
        elif self.fault is not Fault.UNCLIPPED:
            total = _clipped(gradients, self.clip).sum(axis=0)
        return total


def _clipped(gradients: FloatArray, clip: float) -> FloatArray:
    norms = np.linalg.norm(gradients, axis=1, keepdims=True)
    cut: FloatArray = gradients * np.minimum(1.0, clip / np.maximum(norms, 1e-12))
    return cut


def _sigmoid(z: FloatArray) -> FloatArray:
    found: FloatArray = 1 / (1 + np.exp(-np.clip(z, -60, 60)))
    return found
