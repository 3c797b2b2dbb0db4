"""How to read a coin off a run that was watched step by step: readings fitted on some runs, used on others.

A trace (steps,) is what each update says along one direction. Which reading of it tells best whether a
record was there depends on what is wrong: a sum for too little noise, the range where steps share their
noise, certain steps where batches have a fixed order, a likelihood where records are sampled (Nasr et al.
2021, arXiv:2101.04535). All are tried on runs set aside for it; one, with one threshold, goes on to the test,
which then has nothing to pay for the choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from reticent.measure._checked import Bools, Floats
from reticent.measure.estimate import clopper_pearson_bounds

Criterion = Callable[[Floats, Floats, int, int], Floats]
"""Of counts of false positives and of false negatives (candidates,), non-members and members: how telling
each candidate is."""


@dataclass(frozen=True)
class Reading:
    """A way to turn what was seen of runs, (runs, features), into a score a run."""

    name: str
    of: Callable[[Floats], Floats]


@dataclass(frozen=True)
class Rule:
    """A reading, its direction and its threshold: in if ``sign`` times the score reaches ``threshold``."""

    reading: Reading
    sign: float
    threshold: float

    def scores(self, seen: Floats) -> Floats:
        """(runs,) higher = in."""
        return self.sign * self.reading.of(seen)

    def __str__(self) -> str:
        return self.reading.name


def readings(traces: Floats, coins: Bools, period: int | None = None) -> list[Reading]:
    """Return readings of traces (runs, steps), fitted where ``coins`` (runs,) are known.

    ``period``: steps after which a fixed order of batches would begin anew, if one is suspected.
    """
    out, inside = traces[~coins], traces[coins]
    middle = out.mean(axis=0)
    spread = float(np.sqrt(np.mean((out - middle) ** 2))) or 1.0

    def standard(x: Floats) -> Floats:
        z: Floats = (x - middle) / spread
        return z

    shift, square = standard(inside).mean(axis=0), float(np.mean(standard(inside) ** 2))
    certain = _beyond(shift, 3 / np.sqrt(min(len(out), len(inside))))
    found = [
        Reading("sum of the steps", lambda x: standard(x).sum(axis=1)),
        Reading("largest step", lambda x: standard(x).max(axis=1)),
        Reading("range of the steps", lambda x: x.max(axis=1) - x.min(axis=1)),
    ]
    if certain.any():
        found.append(Reading("certain steps", lambda x: standard(x) @ certain))
    if period is not None and 1 < period <= shift.size // 2:
        phase = np.arange(shift.size) % period
        times = np.bincount(phase)
        usual = np.bincount(phase, shift) / times
        often = _beyond(usual, 2 / np.sqrt(min(len(out), len(inside)) * times))[phase]
        if often.any():
            found.append(Reading("certain steps of each epoch", lambda x: standard(x) @ often))
    mean = float(shift.mean())
    if abs(mean) > 1e-9 and traces.shape[1] > 1:
        # In a share `rate` of the steps the record adds `size`: mean and mean square tell the two
        size = (square - 1) / mean
        rate = float(np.clip(mean / size, 1 / traces.shape[1], 1.0)) if size * mean > 0 else 1.0
        size = mean / rate
        if rate < 1:
            found += [_mixture(standard, size, rate), _epochs(standard, size, round(1 / rate))]
    return found


def _beyond(shift: Floats, noise: Floats | float) -> Floats:
    """What is left of shifts when so much noise is taken off."""
    left: Floats = np.sign(shift) * np.maximum(np.abs(shift) - noise, 0)
    return left


def _mixture(standard: Callable[[Floats], Floats], size: float, rate: float) -> Reading:
    def of(x: Floats) -> Floats:
        exponent = np.minimum(size * standard(x) - size**2 / 2, 500)
        total: Floats = np.log1p(rate * np.expm1(exponent)).sum(axis=1)
        return total

    return Reading("likelihood of a sampled record", of)


def _epochs(standard: Callable[[Floats], Floats], size: float, length: int) -> Reading:
    def of(x: Floats) -> Floats:
        z = standard(x)
        whole = z[:, : z.shape[1] // length * length] if z.shape[1] >= length else z
        exponent = np.minimum(size * whole - size**2 / 2, 500)
        epochs = exponent.reshape(len(x), -1, min(length, whole.shape[1]))
        total: Floats = np.log(np.exp(epochs).mean(axis=2)).sum(axis=1)
        return total

    return Reading("likelihood of a record once an epoch", of)


def choose(candidates: Sequence[Reading], seen: Floats, coins: Bools, criterion: Criterion) -> Rule:
    """Return the rule that does best on these runs by the criterion.

    Where thresholds do equally well, the one in the widest gap between scores is taken.
    """
    best: tuple[float, float, Rule] | None = None
    for reading in candidates:
        scores = reading.of(seen)
        for sign in (1.0, -1.0):
            value, gap, threshold = _threshold(sign * scores, coins, criterion)
            if best is None or (value, gap) > best[:2]:
                best = value, gap, Rule(reading, sign, threshold)
    assert best is not None
    return best[2]


def _threshold(scores: Floats, coins: Bools, criterion: Criterion) -> tuple[float, float, float]:
    values = np.unique(scores)
    if values.size == 1:
        return -np.inf, 0.0, float(values[0])
    middles = (values[:-1] + values[1:]) / 2
    out, inside = np.sort(scores[~coins]), np.sort(scores[coins])
    false_positives = out.size - np.searchsorted(out, middles, side="left")
    false_negatives = np.searchsorted(inside, middles, side="left")
    worth = criterion(false_positives.astype(float), false_negatives.astype(float), out.size, inside.size)
    gaps = np.diff(values) / (scores.std() or 1.0)
    best = max(range(middles.size), key=lambda i: (round(float(worth[i]), 9), gaps[i]))
    return round(float(worth[best]), 9), float(gaps[best]), float(middles[best])


def telling(epsilons: Floats, deltas: Floats) -> Criterion:
    """Return how many standard errors the rates lie outside of what (ε, δ) pairs (pairs,) allow, at worst."""

    def of(false_positives: Floats, false_negatives: Floats, out: int, inside: int) -> Floats:
        fpr, fnr = (false_positives + 0.5) / (out + 1), (false_negatives + 0.5) / (inside + 1)
        grown = np.exp(epsilons)[:, None]
        spread = fpr * (1 - fpr) / out, fnr * (1 - fnr) / inside
        one = (1 - fnr - grown * fpr - deltas[:, None]) / np.sqrt(spread[1] + grown**2 * spread[0])
        other = (1 - fpr - grown * fnr - deltas[:, None]) / np.sqrt(spread[0] + grown**2 * spread[1])
        worst: Floats = np.maximum(one, other).max(axis=0)
        return worst

    return of


def largest_epsilon(delta: float, alpha: float) -> Criterion:
    """Return the lower bound on ε that the rates would give."""

    def of(false_positives: Floats, false_negatives: Floats, out: int, inside: int) -> Floats:
        _, fpr = clopper_pearson_bounds(false_positives, out, alpha / 2)
        _, fnr = clopper_pearson_bounds(false_negatives, inside, alpha / 2)
        with np.errstate(divide="ignore"):
            one = np.log(np.maximum(1 - fnr - delta, 0)) - np.log(fpr)
            other = np.log(np.maximum(1 - fpr - delta, 0)) - np.log(fnr)
        best: Floats = np.maximum(one, other)
        return best

    return of


def excess(fpr: float, fnr: float, epsilons: Floats, deltas: Floats) -> float:
    """Return by how much rates, bounded from above, exceed what (ε, δ) pairs allow; at most 0: nothing."""
    grown = np.exp(epsilons)
    one, other = 1 - fnr - grown * fpr - deltas, 1 - fpr - grown * fnr - deltas
    return float(np.maximum(one, other).max())
