"""MemGuard: the least change to the probabilities by which the defender's own attack knows nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from reticent.access import FLOOR, BoolArray, FloatArray, IntArray, Outputs
from reticent.defences.defence import Calibration, Fitted, OutputDefence
from reticent.defences.outputs.answering import OwnDraws, scores_of
from reticent.errors import PlanError

if TYPE_CHECKING:
    from reticent.access import Features, Target

STEP = 0.1
"""Length of a step, in logits."""

STEPS = 300
"""Steps with one weight of the distortion."""

ORDER = 10.0
"""Weight of keeping the label."""

WEIGHTS = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
"""Weights of the distortion, one after another: the last that succeeds is kept."""


@dataclass(frozen=True)
class MemGuard(OutputDefence):
    """Noise that makes a membership classifier undecided, label kept (Jia et al. 2019, arXiv:1909.10594).

    The defender trains a classifier on sorted probabilities of members and others. For each answer the
    logits are moved, normalised step by step, until that classifier says one half; the moved answer is
    given with the probability that keeps the expected distortion within the budget. The same record gets
    the same answer.

    Attributes:
        budget: mean distortion allowed, as L1 distance of probabilities (from 0 to 2).
        hidden: the classifier's hidden layers.
    """

    word: ClassVar[str] = "memguard"
    source: ClassVar[str] = "Jia, Salem, Backes, Zhang & Gong 2019, arXiv:1909.10594"
    caveat: ClassVar[str] = (
        "the label stays, and with it all that attacks on labels see; it learns from members, so that no "
        "guarantee of private training holds of its answers"
    )
    asks_members: ClassVar[bool] = True
    budget: float = 1.0
    hidden: tuple[int, ...] = (64, 32)

    def __post_init__(self) -> None:
        if not 0 <= self.budget <= 2:
            raise PlanError(
                f"memguard was given budget={self.budget}; give an L1 distance from 0 to 2, such as 1"
            )
        if not self.hidden or min(self.hidden) < 1:
            raise PlanError(
                f"memguard was given hidden={self.hidden}; give sizes of layers, such as (64, 32)"
            )

    def fit(self, target: Target, calibration: Calibration | None, seed: int) -> Fitted:
        """Train the defender's classifier on what the target answers to members and others.

        Raises:
            PlanError: there are no records to train it on.
        """
        if calibration is None:
            raise PlanError(
                "memguard trains a classifier on members and on records that no model is trained on; "
                "give some"
            )
        inside = scores_of(target.predict(calibration.members.features), self.word)
        outside = scores_of(target.predict(calibration.others.features), self.word)
        return Judge.trained(inside, outside, self.hidden, seed).arrays()

    def begin(self, fitted: Fitted, seed: int) -> Callable[[Outputs, Features], Outputs]:
        """Set to work with the classifier's arrays."""
        judge = Judge.of(fitted)
        draws = OwnDraws.of(seed, "memguard")

        def answer(outputs: Outputs, x: Features) -> Outputs:
            return self._answer(judge, outputs, draws.uniform(x)[:, 0])

        return answer

    def _answer(self, judge: Judge, outputs: Outputs, coins: FloatArray) -> Outputs:
        scores = scores_of(outputs, self.word)
        scores /= scores.sum(axis=1, keepdims=True)
        moved = undecided(judge, scores, outputs.labels)
        distortion = np.abs(moved - scores).sum(axis=1)
        nearer = np.abs(judge.probability(moved) - 0.5) <= np.abs(judge.probability(scores) - 0.5)
        chance = np.minimum(self.budget / np.maximum(distortion, 1e-12), 1.0)
        given = np.where((nearer & (coins < chance))[:, None], moved, scores)
        return Outputs(outputs.labels, np.log(np.maximum(given, FLOOR)))


class Judge(NamedTuple):
    """A perceptron with rectified hidden layers that says of sorted probabilities: a member's, or not.

    Attributes:
        weights, biases: of each layer, (inputs, units) and (units,).
        mean, spread: of the sorted log-probabilities, by which they are standardised.
    """

    weights: tuple[FloatArray, ...]
    biases: tuple[FloatArray, ...]
    mean: FloatArray
    spread: FloatArray

    @classmethod
    def trained(cls, inside: FloatArray, outside: FloatArray, hidden: tuple[int, ...], seed: int) -> Judge:
        """Fit to probabilities of members and of others, (records, classes); both weigh the same."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier

        rng = np.random.default_rng([seed, 7])
        many = max(len(inside), len(outside))
        rows = [rng.permutation(np.resize(np.arange(len(side)), many)) for side in (inside, outside)]
        x = _sorted_logs(np.concatenate([inside[rows[0]], outside[rows[1]]]))
        y = np.repeat([1, 0], many)
        mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            net = MLPClassifier(hidden, max_iter=100, random_state=seed % (2**31 - 1), early_stopping=True)
            net.fit((x - mean) / spread, y)
        return cls(tuple(net.coefs_), tuple(net.intercepts_), mean, spread)

    @classmethod
    def of(cls, arrays: Fitted) -> Judge:
        """The one that `arrays` came from."""
        layers = range(sum(name.startswith("weight") for name in arrays))
        weights, biases = (tuple(arrays[f"{what}{i}"] for i in layers) for what in ("weight", "bias"))
        return cls(weights, biases, arrays["mean"], arrays["spread"])

    def arrays(self) -> dict[str, FloatArray]:
        """What it is made of, by name."""
        weights = {f"weight{i}": w for i, w in enumerate(self.weights)}
        biases = {f"bias{i}": b for i, b in enumerate(self.biases)}
        return weights | biases | {"mean": self.mean, "spread": self.spread}

    def probability(self, scores: FloatArray) -> FloatArray:
        """(records,) of membership."""
        from scipy.special import expit

        logit, _ = self._logit(_sorted_logs(scores))
        probability: FloatArray = expit(logit)
        return probability

    def logit_and_gradient(self, log_scores: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(records,) logit of membership, and (records, classes) its gradient by the log-probabilities."""
        order = np.argsort(-log_scores, axis=1)
        logit, layers = self._logit(np.take_along_axis(log_scores, order, axis=1))
        gradient = np.ones((len(logit), 1))
        for place in range(len(self.weights) - 1, -1, -1):
            gradient = gradient @ self.weights[place].T
            if place:
                gradient *= layers[place - 1] > 0
        by_score = np.empty_like(log_scores)
        np.put_along_axis(by_score, order, gradient / self.spread, axis=1)
        return logit, by_score

    def _logit(self, x: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
        x = (x - self.mean) / self.spread
        layers = []
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = np.maximum(x @ weight + bias, 0)
            layers.append(x)
        return (x @ self.weights[-1] + self.biases[-1])[:, 0], layers


def undecided(judge: Judge, scores: FloatArray, labels: IntArray) -> FloatArray:
    """(records, classes) probabilities at which the judge has crossed one half, the label y given kept.

    Minimises |logit of the judge| + 10 max(0, max_{j≠y} z_j − z_y) + c ‖softmax(z) − p‖₁ over the logits z
    by steps of 0.1, c growing tenfold as long as that succeeds. Where it never does, the probabilities as
    they were.
    """
    best = scores.copy()
    start = np.log(np.maximum(scores, FLOOR))
    side = np.sign(judge.logit_and_gradient(start)[0])
    left = np.arange(len(scores))
    for weight in WEIGHTS:
        z, found = _moved(judge, start[left], scores[left], labels[left], side[left], weight)
        best[left[found]] = _softmax(z[found])
        left = left[found]  # where it failed, it fails with a larger weight too
        if not len(left):
            break
    return best


def _moved(
    judge: Judge, start: FloatArray, scores: FloatArray, labels: IntArray, side: FloatArray, weight: float
) -> tuple[FloatArray, BoolArray]:
    """Logits after the steps, and where the judge changed its mind with the label kept."""
    z, done = start.copy(), np.zeros(len(start), dtype=bool)
    for _ in range(STEPS):
        going = np.flatnonzero(~done)
        if not len(going):
            break
        at = z[going]
        p = _softmax(at)
        logs = np.log(np.maximum(p, FLOOR))
        logit, gradient = judge.logit_and_gradient(logs)
        rows, own = np.arange(len(going)), labels[going]
        others = at.copy()
        others[rows, own] = -np.inf
        rival = others.argmax(axis=1)
        behind = others[rows, rival] - at[rows, own]
        crossed = (logit * side[going] <= 0) & (behind < 0)
        done[going[crossed]] = True
        by_score = np.sign(logit)[:, None] * gradient
        direction = by_score - p * by_score.sum(axis=1, keepdims=True)  # through the log-softmax
        slope = weight * np.sign(p - scores[going])
        direction += p * (slope - (p * slope).sum(axis=1, keepdims=True))  # through the softmax
        late = behind > 0
        direction[rows[late], rival[late]] += ORDER
        direction[rows[late], own[late]] -= ORDER
        length = np.linalg.norm(direction, axis=1, keepdims=True)
        step = np.where(crossed[:, None], 0.0, direction / np.maximum(length, 1e-12))
        z[going] = at - STEP * step
    return z, done


def _sorted_logs(scores: FloatArray) -> FloatArray:
    logs: FloatArray = -np.sort(-np.log(np.maximum(scores, FLOOR)), axis=1)
    return logs


def _softmax(z: FloatArray) -> FloatArray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    softmax: FloatArray = e / e.sum(axis=1, keepdims=True)
    return softmax
