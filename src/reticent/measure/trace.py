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


Fit = Callable[[Floats, Bools], Sequence[Reading]]
"""Of what was seen of runs (runs, features) and their coins (runs,): readings, always the same ones in the
same order, whose scores mean the same whatever they were fitted on."""


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


def readings(
    traces: Floats, coins: Bools, pulls: Floats | None = None, period: int | None = None
) -> list[Reading]:
    """Return readings of traces (runs, steps), fitted where ``coins`` (runs,) are known.

    ``pulls`` (pairs, steps): what the record adds under equal seeds, where that is known; ``period``: steps
    after which a fixed order of batches would begin anew, if one is suspected.
    """
    out, inside = traces[~coins], traces[coins]
    middle = _middle(out, inside)
    spread = float(np.sqrt(np.mean((out - middle) ** 2))) or 1.0

    def standard(x: Floats) -> Floats:
        z: Floats = (x - middle) / spread
        return z

    fewest, steps = min(len(out), len(inside)), traces.shape[1]
    shift = standard(inside).mean(axis=0)
    size, rate = _of_moments(standard(inside)) if pulls is None else _of_pulls(pulls / spread)
    certain = _beyond(shift, 3 / np.sqrt(fewest))
    length = min(period if period is not None else round(1 / rate), steps)
    phase = np.arange(steps) % length
    times = np.bincount(phase)
    usual, unsure = np.bincount(phase, shift) / times, 2 / np.sqrt(fewest * times)
    often, rest = _beyond(usual, unsure)[phase], _beyond(usual - size * rate, unsure)[phase]
    return [
        Reading("sum of the steps", lambda x: standard(x).sum(axis=1) / np.sqrt(steps)),
        Reading("largest step", lambda x: standard(x).max(axis=1)),
        Reading("range of the steps", lambda x: x.max(axis=1) - x.min(axis=1)),
        Reading("certain steps", lambda x: _steady(standard(x), certain)),
        Reading("certain steps of each epoch", lambda x: _steady(standard(x), often)),
        Reading("likelihood of a sampled record", lambda x: _sampled(standard(x), size, rate)),
        Reading("likelihood of a record once an epoch", lambda x: _once(standard(x), size, length, rest)),
    ]


def _middle(out: Floats, inside: Floats) -> Floats:
    """(steps,) the mean without the record, from runs with it as well: less what it usually shifts a step by,
    and at some steps surely more."""
    middle = out.mean(axis=0)
    noise = np.sqrt(np.mean((out - middle) ** 2) * (1 / len(out) + 1 / len(inside)))
    shift = inside.mean(axis=0) - middle
    usual = shift.mean()
    shift = usual + _beyond(shift - usual, 2 * noise)
    both: Floats = np.concatenate([out, inside - shift]).mean(axis=0)
    return both


def _of_pulls(pulls: Floats) -> tuple[float, float]:
    """What a record adds to a step that takes it, and the share of those steps, from what it adds to all."""
    square, fourth = float(np.mean(pulls**2)), float(np.mean(pulls**4))
    if square <= 0:
        return 0.0, 1.0
    size = float(np.sqrt(fourth / square)) * (-1 if pulls.sum() < 0 else 1)
    return size, max(square**2 / fourth, 1 / pulls.shape[1])


def _of_moments(inside: Floats) -> tuple[float, float]:
    """The same from steps with unit noise (runs, steps): their mean and mean square tell the two."""
    mean, steps = float(inside.mean()), inside.shape[1]
    if abs(mean) < 1e-9:
        return 0.0, 1.0
    size = (float(np.mean(inside**2)) - 1) / mean
    rate = float(np.clip(mean / size, 1 / steps, 1.0)) if size * mean > 0 else 1.0
    return mean / rate, rate


def _beyond(shift: Floats, noise: Floats | float) -> Floats:
    """What is left of shifts when so much noise is taken off."""
    left: Floats = np.sign(shift) * np.maximum(np.abs(shift) - noise, 0)
    return left


def _steady(z: Floats, shift: Floats) -> Floats:
    """(runs,) log likelihood ratio of a record that shifts every step (steps,) by as much as is said."""
    total: Floats = z @ shift - shift @ shift / 2
    return total


def _sampled(z: Floats, size: float, rate: float) -> Floats:
    """(runs,) of one that each step takes by a coin of its own."""
    total: Floats = np.log1p(rate * np.expm1(np.minimum(size * z - size**2 / 2, 500))).sum(axis=1)
    return total


def _once(z: Floats, size: float, length: int, shift: Floats) -> Floats:
    """(runs,) of one that one step of each epoch takes, beside a steady shift."""
    from scipy.special import logsumexp

    whole = z.shape[1] // length * length
    exponent = size * (z - shift)[:, :whole] - size**2 / 2
    epochs = logsumexp(exponent.reshape(len(z), -1, length), axis=2) - np.log(length)
    total: Floats = epochs.sum(axis=1) + _steady(z, shift)
    return total


def choose(fit: Fit, seen: Floats, coins: Bools, criterion: Criterion) -> Rule:
    """Return the rule that does best on these runs by the criterion, its reading fitted on all of them.

    Every other run is scored by a fit to those between: what is fitted flatters itself where it was. Both
    halves are to hold runs with the record and without. Where thresholds do equally well, the one in the
    widest gap between scores is taken.
    """
    half = np.arange(len(seen)) % 2 == 0
    fitted = [(fit(seen[one], coins[one]), ~one) for one in (half, ~half)]
    best: tuple[float, float, int, float, float] | None = None
    for place, _ in enumerate(fitted[0][0]):
        scores = np.empty(len(seen))
        for found, others in fitted:
            scores[others] = found[place].of(seen[others])
        for sign in (1.0, -1.0):
            value, gap, threshold = _threshold(sign * scores, coins, criterion)
            if best is None or (value, gap) > best[:2]:
                best = value, gap, place, sign, threshold
    assert best is not None
    _, _, place, sign, threshold = best
    return Rule(fit(seen, coins)[place], sign, threshold)


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
