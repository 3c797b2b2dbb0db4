"""Equation solving: a logistic model's parameters from one answer each.

Tramèr, Zhang, Juels, Reiter & Ristenpart 2016 (USENIX Security, arXiv:1609.02943), section 4.1: the log-ratio
of two scores of a softmax is affine in the record, so that as many answers as it has parameters are as many
linear equations.

Rounded scores turn equations into intervals. Of two classes every answer says between which two values their
log-ratio lies, and the parameters lie where all intervals meet: the point of most slack there is a linear
programme's. Of more, the rounded scores are fitted by maximum likelihood. What is asked next are the records
whose scores the copy expects to lie on the edge between two rounded values, for these halve what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import FLOOR, Access, FloatArray, IntArray, Metered, Target
from reticent.attacks.attack import ExtractionAttack
from reticent.attacks.extraction.affine import AffineCopy, Design
from reticent.attacks.extraction.coding import Coding, answered
from reticent.errors import ModelError
from reticent.extraction import ExtractionScene

PLACES = 6
"""Decimal places up to which scores may be found to be rounded."""

CHECKED = 20
"""Answers by which it is seen whether the model is affine at all."""

AFFINE = 1e-6
"""Nats by which they may differ."""

DECAY = 1e-7
"""Of the weights that are fitted to rounded scores."""

CANDIDATES = 20_000
"""Records drawn, not asked, among which those that say most are looked for."""


@dataclass(frozen=True, kw_only=True)
class EquationSolving(ExtractionAttack):
    """Solves for the parameters of a logistic or softmax regression from its scores.

    Attributes:
        step: how far from one record of the thief's own each column is moved, as a share of its range.
        rounds: how often the number of answers is doubled where scores are rounded.
        settled: share of records, drawn and not asked, of which two copies in a row must name the same class
            to be done, where scores are rounded.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Tramèr et al. 2016, section 4.1 (USENIX Security, arXiv:1609.02943)"
    price: ClassVar[str] = "an answer a parameter of each class; thousands where scores are rounded"
    caveat: ClassVar[str] = (
        "Solves models whose log-ratios are affine in the columns, categories one by one: not one-vs-rest "
        "scores that were normalised, not products of columns; it says where they are not."
    )
    step: float = 0.2
    rounds: int = 9
    settled: float = 0.9995

    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        """Yield the copy that the first answers make, and where scores are rounded better ones."""
        design, rng = Design(Coding.of(scene.own.features)), scene.rng()
        values, scores = self._first(scene.target, design)
        places = rounded(scores)
        if places is None:
            yield exact(design, values, scores, scene.target)
            if scene.budget is None or scene.budget >= CHECKED:
                check(design, values, scores, scene.target, rng)
            return
        half, before = 0.5 * 10.0**-places, None
        pool = np.concatenate([design.coding.own(), design.coding.drawn(CANDIDATES, rng)])
        for _ in range(self.rounds + 1):
            copy = within(design, values, scores, half, scene.target)
            yield copy
            expected = design.rows(pool) @ copy.weights
            named = expected.argmax(axis=1)
            if before is not None and (named == before).mean() >= self.settled:
                return
            before = named
            asked = pool[telling(expected, half, len(values), rng)]
            values = np.concatenate([values, asked])
            scores = np.concatenate([scores, answered(scene.target, design.coding, asked)])

    def _first(self, target: Metered, design: Design) -> tuple[FloatArray, FloatArray]:
        """One record, and it again with each column moved: as many as there are parameters of a class."""
        coding, sheet = design.coding, design.coding.sheet
        own = coding.own()
        middle = own[np.square((own - own.mean(axis=0)) / (own.std(axis=0) + 1e-12)).sum(axis=1).argmin()]
        asked = np.repeat(middle[None], design.width + 1, axis=0)
        for row, column in enumerate(design.numbers, start=1):
            low, high = sheet.low[column], sheet.high[column]
            away = self.step * (high - low)
            away = max(1.0, np.rint(away)) if sheet.whole[column] else away
            asked[row, column] += away if middle[column] + away <= high else -away
        # The record's own value of a category is where all others are moved away from
        start = 1 + len(design.numbers)
        for column in range(len(coding.sizes)):
            others = [v for v in range(coding.sizes[column]) if v != middle[column]]
            for value in others:
                asked[start, column] = value
                start += 1
        return asked, answered(target, design.coding, asked)


def rounded(scores: FloatArray) -> int | None:
    """To how many decimal places all scores are rounded; None where they are not, or beyond `PLACES`."""
    for places in range(1, PLACES + 1):
        if np.abs(scores - np.round(scores, places)).max() < max(2 * FLOOR, 1e-9) and places < PLACES:
            return places
    return None


def exact(design: Design, values: FloatArray, scores: FloatArray, target: Metered) -> AffineCopy:
    """Solve the equations.

    Raises:
        ModelError: scores so near nought that their logarithms say nothing.
    """
    if scores.min() <= 2 * FLOOR:
        raise ModelError(
            "some scores asked about are nought or nearly so, and their logarithms say nothing; take a "
            "smaller step"
        )
    ratios = np.log(scores) - np.log(scores[:, :1])
    rows = design.rows(values)
    # Columns of very different size are solved for in units of their own
    unit = np.abs(rows).max(axis=0)
    weights = np.linalg.lstsq(rows / unit, ratios, rcond=None)[0] / unit[:, None]
    return AffineCopy(design, weights, target.classes)


def check(
    design: Design, values: FloatArray, scores: FloatArray, target: Metered, rng: np.random.Generator
) -> None:
    """See whether records that were not asked yet are answered as the copy expects.

    Raises:
        ModelError: they are not: the model is of another kind.
    """
    own = design.coding.own()
    asked = own[rng.permutation(len(own))[:CHECKED]]
    told = answered(target, design.coding, asked)
    copy = exact(design, values, scores, target)
    expected = design.rows(asked) @ copy.weights
    sure = told > 1e3 * FLOOR
    ratios = np.log(told) - np.log(told[:, :1])
    away = np.abs(ratios - expected)[sure & sure[:, :1]]
    if len(away) and away.max() > AFFINE:
        raise ModelError(
            f"its log-ratios are not affine in the columns (they miss by up to {away.max():.2g} nats), so it "
            "is no logistic or softmax regression of them; copy it by an attack that learns"
        )


def within(
    design: Design, values: FloatArray, scores: FloatArray, half: float, target: Metered
) -> AffineCopy:
    """The parameters that rounded scores, each off by up to `half`, speak for."""
    rows = design.rows(values)
    unit = np.abs(rows).max(axis=0) + 1e-12
    if scores.shape[1] == 2:
        slackest = _slackest(rows / unit, *interval(scores[:, 1], scores[:, 0], half))
        weights = np.stack([np.zeros(len(slackest)), slackest], axis=1)
    else:
        weights = _likeliest(rows / unit, scores)
    return AffineCopy(design, weights / unit[:, None], target.classes)


def _likeliest(rows: FloatArray, scores: FloatArray) -> FloatArray:
    """The weights of the softmax of least cross-entropy with the scores; a trace of decay makes it one."""
    from scipy.optimize import minimize

    shape = rows.shape[1], scores.shape[1]
    shares = scores / scores.sum(axis=1, keepdims=True)

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        logits = rows @ flat.reshape(shape)
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_scores = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        gradient = rows.T @ (np.exp(log_scores) - shares) / len(rows) + DECAY * flat.reshape(shape)
        return float(-(shares * log_scores).sum() / len(rows) + DECAY / 2 * flat @ flat), gradient.ravel()

    found = minimize(
        loss,
        np.zeros(shape[0] * shape[1]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 3000, "ftol": 1e-14, "gtol": 1e-9},
    )
    weights: FloatArray = found.x.reshape(shape)
    return weights - weights[:, :1]


def interval(ours: FloatArray, theirs: FloatArray, half: float) -> tuple[FloatArray, FloatArray]:
    """(records,) between which nats the log-ratio of two rounded scores lies; infinite where one is 0."""
    with np.errstate(divide="ignore"):
        low = np.log(np.maximum(ours - half, 0)) - np.log(np.minimum(theirs + half, 1))
        high = np.log(np.minimum(ours + half, 1)) - np.log(np.maximum(theirs - half, 0))
    return low, high


def _slackest(rows: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """The point that lies deepest within all intervals, deepest measured in widths of the narrower ones.

    Where no point lies within all (scores that were not just rounded), the one that misses them least.
    """
    from scipy.optimize import linprog

    width = np.where(np.isfinite(high - low), high - low, 1.0)
    sides = [(rows, high, 1.0), (-rows, -low, 1.0)]
    matrix = np.concatenate([np.column_stack([a, width])[np.isfinite(b)] for a, b, _ in sides])
    bounds = np.concatenate([b[np.isfinite(b)] for _, b, _ in sides])
    cost = np.zeros(rows.shape[1] + 1)
    cost[-1] = -1.0
    free = [(-1e4, 1e4)] * rows.shape[1] + [(None, 0.5)]
    solved = linprog(cost, matrix, bounds, bounds=free, method="highs")
    if solved.x is None:
        raise ModelError("its rounded scores fit no softmax regression; copy it by an attack that learns")
    return np.asarray(solved.x[:-1])


def telling(logits: FloatArray, half: float, count: int, rng: np.random.Generator) -> IntArray:
    """(count,) positions of the records whose scores are expected nearest to an edge between rounded values,
    leaving out those of which one class is as good as certain.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    scores = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    edge = np.abs((scores / (2 * half)) % 1 - 0.5).min(axis=1) * (2 * half)
    spread = np.maximum(scores * (1 - scores), 1e-9).max(axis=1)
    far = edge / spread  # in nats
    far[scores.max(axis=1) > 1 - half] = np.inf
    best = np.argsort(far, kind="stable")[: 4 * count]
    return np.sort(rng.permutation(best)[:count])
