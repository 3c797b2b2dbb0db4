"""A linear model's boundary, found by labels alone.

Lowd & Meek 2005, "Adversarial learning", KDD: between a record of one class and a record of another the
boundary is found by bisecting, and a linear boundary is known up to its scale once as many points of it are
known as it has parameters. The paper moves one column at a time from one such point; here each point lies
between another pair of records, which comes to the same equations and serves several classes alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray, IntArray, Metered, Target
from reticent.attacks.attack import ExtractionAttack
from reticent.attacks.extraction.affine import AffineCopy, Design
from reticent.attacks.extraction.coding import Coding
from reticent.errors import ModelError
from reticent.extraction import ExtractionScene

TOGETHER = 50
"""Pairs of records whose boundaries are searched at a time."""

DOUBLINGS = 4
"""Times that as many points again are searched for, where those found leave the model open."""

OPEN = 1e-9
"""Share of the largest singular value below which a direction is not told by the points found."""

LINEAR = 0.9
"""Share of the records asked about that a linear model must name rightly."""

TRIES = 40
"""Rounds of pairs beyond which no further boundary is expected."""


@dataclass(frozen=True, kw_only=True)
class LowdMeek(ExtractionAttack):
    """Finds points on the boundaries between classes, and solves for the linear model that has them.

    Attributes:
        steps: bisections that find a point: each halves the distance that it may be off.
        spare: points beyond the parameters, as a share of them; where all numbers are whole, or some columns
            are categories, it takes four times as many.
    """

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Lowd & Meek 2005 (KDD)"
    price: ClassVar[str] = "some forty answers a parameter"
    caveat: ClassVar[str] = (
        "Linear boundaries between classes that meet among the thief's records; numbers are needed, for only "
        "along them can a boundary be approached. How sure the model is stays unknown."
    )
    steps: int = 45
    spare: float = 0.25

    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        """Yield the model, once enough points are known."""
        design, rng = Design(Coding.of(scene.own.features)), scene.rng()
        if not len(design.numbers):
            raise ModelError("no column of numbers varies, along which a boundary could be approached")
        values = np.concatenate([design.coding.own(), design.coding.drawn(len(scene.own), rng)])
        labels = scene.target.predict(design.coding.features(values)).labels
        unknown = (design.width + 1) * (len(scene.target.classes) - 1)
        wanted = int(np.ceil((1 + self.spare) * unknown)) + 1
        if design.dummies or design.coding.sheet.whole[design.numbers].all():
            wanted *= 4  # rare categories, and places known to a whole number alone
        points, pairs = np.zeros((0, values.shape[1])), np.zeros((0, 2), dtype=np.int64)
        for _ in range(DOUBLINGS):
            found, between = self._points(scene.target, design, values, labels, wanted - len(points), rng)
            points, pairs = np.concatenate([points, found]), np.concatenate([pairs, between])
            copy = _solved(design, points, pairs, values, labels, scene.target)
            if copy is not None:
                yield copy
                return
            wanted = 2 * len(points)
        raise ModelError(
            f"{len(points)} points found on boundaries leave the model open: some column or class never "
            "matters among the thief's records; give records that differ in all columns and classes"
        )

    def _points(
        self,
        target: Metered,
        design: Design,
        values: FloatArray,
        labels: IntArray,
        wanted: int,
        rng: np.random.Generator,
    ) -> tuple[FloatArray, IntArray]:
        """(points, columns) on boundaries, and (points, 2) the two classes that meet there."""
        points, pairs = list[FloatArray](), list[IntArray]()
        for _ in range(TRIES + wanted // TOGETHER):
            one, other = (rng.integers(len(values), size=4 * TOGETHER) for _ in range(2))
            missing = wanted - sum(map(len, points))
            apart = np.flatnonzero(labels[one] != labels[other])[: min(TOGETHER, missing)]
            if not len(apart):
                continue
            start, end = values[one[apart]], values[other[apart]]
            named = labels[one[apart]]
            # Categories change at once, and numbers then little by little: the way must still lead across
            start[:, design.coding.category] = end[:, design.coding.category]
            kept = target.predict(design.coding.features(start)).labels == named
            near, far = start[kept], end[kept]
            named, beyond = named[kept], labels[other[apart]][kept]
            for _ in range(self.steps):
                middle = design.coding.values(design.coding.features((near + far) / 2))
                told = target.predict(design.coding.features(middle)).labels
                same = (told == named)[:, None]
                near, far = np.where(same, middle, near), np.where(same, far, middle)
                beyond = np.where(told == named, beyond, told)
                if (np.abs(near - far).max(axis=1) == 0).all():
                    break
            points.append((near + far) / 2)
            pairs.append(np.stack([named, beyond], axis=1))
            if sum(map(len, points)) >= wanted:
                break
        if not points:
            raise ModelError(
                "all of the thief's records are named alike, so no boundary was found among them"
            )
        return np.concatenate(points), np.concatenate(pairs)


def _solved(
    design: Design, points: FloatArray, pairs: IntArray, values: FloatArray, labels: IntArray, target: Metered
) -> AffineCopy | None:
    """The model, up to one scale for all classes; None where the points leave more than that open.

    Raises:
        ModelError: boundaries that no linear model has.
    """
    rows = design.rows(points)
    unit = np.abs(rows).max(axis=0) + 1e-12
    rows, classes = rows / unit, len(target.classes)
    # At a boundary two classes are level; the first class is what all others are measured from
    equations = np.zeros((len(rows), classes, rows.shape[1]))
    at = np.arange(len(rows))
    equations[at, pairs[:, 0]] += rows
    equations[at, pairs[:, 1]] -= rows
    matrix = equations[:, 1:].reshape(len(rows), -1)
    _, sizes, right = np.linalg.svd(matrix, full_matrices=True)
    sizes = np.concatenate([sizes, np.zeros(max(0, right.shape[0] - len(sizes)))])
    if len(sizes) > 1 and sizes[-2] < OPEN * sizes[0]:
        return None
    weights = np.zeros((rows.shape[1], classes))
    weights[:, 1:] = right[-1].reshape(classes - 1, -1).T / unit[:, None]
    copy = AffineCopy(design, weights, target.classes, Access.LABELS)
    other = AffineCopy(design, -weights, target.classes, Access.LABELS)
    expected = design.rows(values)
    right_so, right_not = (((expected @ c.weights).argmax(axis=1) == labels).mean() for c in (copy, other))
    best, share = (copy, right_so) if right_so >= right_not else (other, right_not)
    if share < LINEAR:
        raise ModelError(
            f"no linear model has the boundaries that were found (the best one names {100 * share:.0f} % of "
            "the records asked about as the model does); copy it by an attack that learns"
        )
    return best
