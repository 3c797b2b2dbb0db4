"""A net of one hidden ReLU layer, read off the places where its answers bend.

Jagielski, Carlini, Berthelot, Kurakin & Papernot 2020 (USENIX Security, arXiv:1909.01838) and Carlini,
Jagielski & Mironov 2020 (CRYPTO, arXiv:2003.04884). Along any line the logits are straight but where a hidden
unit switches; at such a kink the Jacobian jumps by the outer product of the unit's weights into the logits
and out of the record. With each unit found once, what is left is affine, and solved for.

A unit and its mirror image differ by an affine function, relu(u) = u + relu(-u), so that no unit's sign is
needed to answer alike. The signs are told afterwards, from the slope that is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reticent.access import FLOOR, Access, FloatArray, Metered, Outputs, Target
from reticent.attacks.attack import ExtractionAttack
from reticent.attacks.extraction.coding import Coding
from reticent.errors import ModelError
from reticent.extraction import ExtractionScene
from reticent.fingerprint import fingerprint

if TYPE_CHECKING:
    import numpy.typing as npt

    from reticent.access import Features

STRAIGHT = 1e-10
"""Of the largest logit on a line: by how much three points of a straight piece may miss each other."""

ALIKE = 1e-5
"""Distance between two units' weights of length 1 below which they are one."""

NEAR = 1e-3
"""Share of a piece at either end of it by which its slope there is told."""

AMID = 0.43
"""Where on a piece it is seen whether it is straight."""

TOWARDS = np.array([0.3, 0.7, 0.9, 0.99, 1.0])
"""Shares of the way to a kink at which it is seen whether anything else bends."""

SHORT = 1e-7
"""Share of a line below which a piece is given up."""

MOST_PIECES = 1_000
"""Pieces of a line under search, beyond which it is nowhere straight."""

GUESSED = 16
"""Units up to which all ways round are tried, where there are too few equations to tell them."""

EXPLAINED = 1e-6
"""Share of the largest logit by which the copy may miss."""

CHECKED = 20
"""Records by which the copy is checked."""


@dataclass(frozen=True, kw_only=True)
class ReluLayer(ExtractionAttack):
    """Finds every hidden unit of a net of one ReLU layer by the kinks in its logits.

    Attributes:
        patience: lines without a unit that was not found before, in a row, until all are taken to be found.
        most: units beyond which it is no such net, or too large a one.
        reach: how far beyond the thief's own records lines go, in their ranges.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Jagielski et al. 2020 (arXiv:1909.01838); Carlini et al. 2020 (arXiv:2003.04884)"
    price: ClassVar[str] = "two answers a column, and some hundred on lines, for each hidden unit"
    caveat: ClassVar[str] = (
        "Nets of one hidden ReLU layer, of records of numbers, that answer in double precision: rounded or "
        "single-precision answers hide the kinks. Units that never switch near the thief's records are told "
        "as far as they matter there."
    )
    patience: int = 20
    most: int = 256
    reach: float = 2.0

    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        """Yield the net, once its units are found."""
        coding = Coding.of(scene.own.features)
        if coding.category.any() or coding.sheet.whole.any():
            raise ModelError(
                "the records hold categories or whole numbers, between which nothing bends; this attack "
                "takes records of real numbers"
            )
        hunt, rng = _Hunt(scene.target, coding), scene.rng()
        yield hunt.solve(hunt.units(self, rng), rng)


@dataclass(frozen=True, eq=False)
class ReluCopy:
    """Answers as a net of one hidden layer.

    Attributes:
        coding: how records are written as numbers.
        inner: (units, columns) weights of the units, and `bias` (units,) beside them.
        outer: (units, outputs) weights out of them; outputs are logits less the first one.
        slope: (columns, outputs) of what is left, and `offset` (outputs,) beside it; nought where every
            unit's sign was told.
        classes: (classes,) the labels behind the logits.
    """

    coding: Coding
    inner: FloatArray
    bias: FloatArray
    outer: FloatArray
    slope: FloatArray
    offset: FloatArray
    classes: npt.NDArray[np.generic]
    access = Access.LOGITS

    def logits(self, values: FloatArray) -> FloatArray:
        """(records, outputs) of coded records."""
        hidden = np.maximum(values @ self.inner.T + self.bias, 0)
        return np.asarray(hidden @ self.outer + values @ self.slope + self.offset)

    def predict(self, x: Features) -> Outputs:
        """Answer each of the records `x`."""
        told = self.logits(self.coding.values(x))
        return Outputs.from_logits(np.column_stack([np.zeros(len(told)), told]))

    def fingerprint(self) -> str:
        """A hash of its weights."""
        return fingerprint("relu", self.inner, self.bias, self.outer, self.slope, self.offset, self.classes)


@dataclass(frozen=True, eq=False)
class _Unit:
    """A hidden unit: where it switches, and how much that turns the logits."""

    normal: FloatArray
    offset: float
    out: FloatArray


class _Hunt:
    """The search for units."""

    def __init__(self, target: Metered, coding: Coding) -> None:
        self.target, self.coding = target, coding
        self.low, self.high = (side.astype(np.float64) for side in (coding.sheet.low, coding.sheet.high))

    def ask(self, values: FloatArray) -> FloatArray:
        """(records, outputs) logits less the first one.

        Raises:
            ModelError: scores that are nought, whose logarithm says nothing.
        """
        told = self.target.predict(self.coding.anywhere(values))
        assert told.log_scores is not None  # the rung was granted
        logits = told.log_scores if told.logits is None else told.logits
        if told.logits is None and logits.min() <= np.log(2 * FLOOR):
            raise ModelError(
                "some scores are nought or nearly so, and their logarithms say nothing; this attack needs "
                "logits there"
            )
        return np.asarray(logits[:, 1:] - logits[:, :1])

    def units(self, options: ReluLayer, rng: np.random.Generator) -> list[_Unit]:
        """Every unit that switches on lines about the thief's records.

        Raises:
            ModelError: more than `most`, or answers that are nowhere straight.
        """
        found: list[_Unit] = []
        idle = 0
        span = (self.high - self.low) * options.reach
        while idle < options.patience:
            start, end = (self.low + self.high) / 2 + span * (rng.random((2, len(span))) - 0.5)
            new = [u for at in self.kinks(start, end) if (u := self.unit(at, end - start, found)) is not None]
            found += new
            idle = 0 if new else idle + 1
            if len(found) > options.most:
                raise ModelError(
                    f"more than {options.most} places were found where its answers bend, each another way: "
                    "it is no net of one ReLU layer, or a larger one; raise most, or copy it by learning"
                )
        return found

    def kinks(self, start: FloatArray, end: FloatArray) -> list[FloatArray]:
        """Places on a line where the logits bend, each where two straight pieces meet."""
        found = list[float]()
        pieces = np.array([[0.0, 1.0]])
        while len(pieces):
            a, b = pieces.T
            near = NEAR * (b - a)
            at = np.stack([a, a + near, a + AMID * (b - a), b - near, b], axis=1)
            told = self._line(start, end, at)
            slope_a, slope_b = ((told[:, i + 1] - told[:, i]) / near[:, None] for i in (0, 3))
            tolerance = STRAIGHT * np.abs(told).max()
            bent = np.abs(told[:, 2] - told[:, 0] * (1 - AMID) - told[:, 4] * AMID).max(axis=1) > tolerance
            bent &= b - a > SHORT
            turn = slope_a - slope_b
            gap = told[:, 4] - told[:, 0] - slope_b * (b - a)[:, None]
            meet = a + (gap * turn).sum(axis=1) / np.maximum(np.square(turn).sum(axis=1), 1e-300)
            inside = bent & (meet > a + near) & (meet < b - near)
            meet = np.where(inside, meet, (a + b) / 2)
            # Were there more kinks than one, a point between would miss the straight pieces' ends
            there = np.stack([(a + meet) / 2, meet, (meet + b) / 2], axis=1)
            from_a = told[:, :1] + slope_a[:, None] * (there - a[:, None])[..., None]
            from_b = told[:, 4:] + slope_b[:, None] * (there - b[:, None])[..., None]
            expected = np.where((np.arange(3) < 2)[:, None], from_a, from_b)
            missed = np.abs(self._line(start, end, there) - expected).max(axis=(1, 2))
            single = inside & (missed < 1e3 * tolerance)
            found += meet[single].tolist()
            more = bent & ~single
            middle = (a + 0.47 * (b - a))[more]
            pieces = np.concatenate(
                [np.stack([a[more], middle], axis=1), np.stack([middle, b[more]], axis=1)]
            )
            if len(pieces) > MOST_PIECES:
                raise ModelError(
                    "its answers are nowhere straight to double precision: rounded, of single precision, or "
                    "of a smooth net; copy it by an attack that learns"
                )
        return [start + t * (end - start) for t in sorted(found)]

    def _line(self, start: FloatArray, end: FloatArray, at: FloatArray) -> FloatArray:
        """(pieces, points, outputs) on a line, at shares of it (pieces, points)."""
        told = self.ask(start + at.reshape(-1, 1) * (end - start))
        return told.reshape(*at.shape, -1)

    def unit(self, at: FloatArray, direction: FloatArray, found: list[_Unit]) -> _Unit | None:
        """The unit that switches at a place; None where it was found before, or too much happens there."""
        size = float(np.linalg.norm(self.high - self.low))
        if any(abs(u.normal @ at + u.offset) < ALIKE * size for u in found):
            return None
        ahead = direction / np.linalg.norm(direction)
        width = len(at)
        for away in (1e-2 * size, 1e-3 * size, 1e-4 * size):
            sides, step = [at + away * ahead, at - away * ahead], 1e-2 * away
            steps = step * np.vstack([np.eye(width), -np.eye(width)])
            between = [x + TOWARDS[:, None] * (at - x) for x in sides]
            told = self.ask(
                np.concatenate([np.vstack([x, x + steps, t]) for x, t in zip(sides, between, strict=True)])
            )
            jacobians, missed = [], 0.0
            for x, t, part in zip(sides, between, np.split(told, 2), strict=True):
                here, up, down, on_the_way = np.split(part, [1, 1 + width, 1 + 2 * width])
                jacobians.append((up - down) / (2 * step))
                # No other unit may switch on the way to the place itself, nor within a step
                missed = max(
                    missed,
                    float(np.abs(here + (t - x) @ jacobians[-1] - on_the_way).max()),
                    float(np.abs(up + down - 2 * here).max()),
                )
            left, sizes, right = np.linalg.svd(jacobians[0] - jacobians[1], full_matrices=False)
            if missed > STRAIGHT * np.abs(told).max() or sizes[1:].max(initial=0.0) > ALIKE * sizes[0]:
                continue
            if sizes[0] < ALIKE * np.abs(jacobians).max():
                return None  # nothing switches here
            sign = 1.0 if left[:, 0] @ ahead > 0 else -1.0
            normal = sign * left[:, 0]
            return _Unit(normal, float(-normal @ at), sign * sizes[0] * right[0])
        return None

    def solve(self, units: list[_Unit], rng: np.random.Generator) -> ReluCopy:
        """The layer out of the units, and the affine rest.

        Raises:
            ModelError: units and rest do not make up the answers.
        """
        width = len(self.low)
        inner = np.array([u.normal for u in units]).reshape(len(units), width)
        bias = np.array([u.offset for u in units])
        values = self._drawn(2 * (len(units) + width + 1), rng)
        told = self.ask(values)
        hidden = np.maximum(values @ inner.T + bias, 0)
        rows = np.column_stack([hidden, values, np.ones(len(values))])
        unit = np.abs(rows).max(axis=0) + 1e-300
        solved = np.linalg.lstsq(rows / unit, told, rcond=None)[0] / unit[:, None]
        outer, slope, offset = np.split(solved, [len(units), len(units) + width])
        copy = _signed(ReluCopy(self.coding, inner, bias, outer, slope, offset[0], self.target.classes))
        asked = self._drawn(CHECKED, rng)
        told = self.ask(asked)
        missed = float(np.abs(copy.logits(asked) - told).max() / np.abs(told).max())
        if missed > EXPLAINED:
            raise ModelError(
                f"{len(units)} places where its answers bend do not make it up (off by {missed:.1g} of its "
                "logits): it is no net of one ReLU layer, or its answers are rounded; copy it by learning"
            )
        return copy

    def _drawn(self, count: int, rng: np.random.Generator) -> FloatArray:
        return self.low + (self.high - self.low) * rng.random((count, len(self.low)))


def _signed(copy: ReluCopy) -> ReluCopy:
    """The same function, each unit the way round that leaves no slope over, where there is one."""
    if not len(copy.inner) or len(copy.inner) > max(copy.slope.size, GUESSED):
        return copy
    each = np.stack([np.outer(n, c).ravel() for n, c in zip(copy.inner, copy.outer, strict=True)])
    if len(each) <= copy.slope.size:
        mirrored = np.linalg.lstsq(-each.T, copy.slope.ravel(), rcond=None)[0] > 0.5
    else:  # too few equations for a line through them: all ways round are tried
        ways = (np.arange(2 ** len(each))[:, None] >> np.arange(len(each))) & 1 > 0
        mirrored = ways[np.abs(ways @ each + copy.slope.ravel()).max(axis=1).argmin()]
    left = copy.slope + sum(
        (np.outer(n, c) for n, c in zip(copy.inner[mirrored], copy.outer[mirrored], strict=True)),
        np.zeros_like(copy.slope),
    )
    scale = np.abs(copy.slope).max(initial=1e-300)
    if np.abs(left).max() > 1e-4 * scale:
        return copy
    sign = np.where(mirrored, -1.0, 1.0)
    offset = copy.offset + copy.bias[mirrored] @ copy.outer[mirrored]
    return ReluCopy(
        copy.coding,
        copy.inner * sign[:, None],
        copy.bias * sign,
        copy.outer,
        left,
        offset,
        copy.classes,
    )
