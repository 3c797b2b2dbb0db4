"""Copying a model from few answers, each about the record that says most.

Pal, Gupta, Shukla, Kanade, Shevade & Ganapathy 2020, "ActiveThief", AAAI (arXiv:1905.09165): from unlabelled
records of the thief's, those are asked about next of which the copy is least sure, or which lie furthest from
all that were asked before, as the copy sees them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from reticent.access import Access, FloatArray, IntArray, Target
from reticent.attacks.attack import ExtractionAttack
from reticent.attacks.extraction.coding import answered
from reticent.attacks.extraction.student import Student, pool_of, stages, trained
from reticent.extraction import ExtractionScene

CENTRES = 2_000
"""Records of a round that are chosen one by one; more are the next furthest."""

SEEN = 20_000
"""Records of the pool among which a round chooses."""


@dataclass(frozen=True, kw_only=True)
class ActiveThief(ExtractionAttack):
    """Trains a copy on what the model answers about records chosen by the last copy.

    Attributes:
        choose: by how unsure the copy is, by how far they lie from all asked before, or at random.
        start: records asked about before the first copy, at random.
        most: records asked about in all, where no budget is set.
    """

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Pal et al. 2020 (AAAI, arXiv:1905.09165)"
    price: ClassVar[str] = "hundreds to thousands of answers"
    caveat: ClassVar[str] = (
        "Likens what the model answers where the pool lies; elsewhere the copy may differ."
    )
    choose: Literal["uncertainty", "k-center", "random"] = "uncertainty"
    start: int = 100
    most: int = 10_000

    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        """Yield a copy each time that as many records again were asked about."""
        student, rng = Student.of(scene), scene.rng()
        sizes = list(stages(scene, self.start, self.most))
        pool = pool_of(scene, student.coding, max(sizes[-1], len(scene.own)) + SEEN, rng)
        asked, left = np.arange(self.start), np.arange(self.start, len(pool))
        answers = answered(scene.target, student.coding, pool[asked])
        copy = trained(scene, student, pool[asked], answers)
        yield copy
        for size in sizes[1:]:
            seen = left[: max(SEEN, 2 * (size - len(asked)))] if self.choose != "random" else left
            chosen = seen[self._chosen(student, copy, pool, asked, seen, size - len(asked))]
            answers = np.concatenate([answers, answered(scene.target, student.coding, pool[chosen])])
            asked, left = np.concatenate([asked, chosen]), np.setdiff1d(left, chosen)
            copy = trained(scene, student, pool[asked], answers)
            yield copy

    def _chosen(
        self, student: Student, copy: Target, pool: FloatArray, asked: IntArray, seen: IntArray, count: int
    ) -> IntArray:
        """(count,) positions in `seen` of what to ask about next."""
        if self.choose == "random" or count >= len(seen):
            return np.arange(min(count, len(seen)))
        told = scores(copy, student, pool[seen])
        if self.choose == "uncertainty":
            return np.argsort((told * np.log(np.maximum(told, 1e-12))).sum(axis=1), kind="stable")[:count]
        return furthest(told, scores(copy, student, pool[asked]), count)


def scores(copy: Target, student: Student, values: FloatArray) -> FloatArray:
    """(records, classes) what a copy answers to coded records; 1 for the class named where that is all."""
    told = copy.predict(student.coding.features(values))
    if told.log_scores is None:
        return np.eye(len(student.classes))[told.labels]
    return np.exp(told.log_scores)


def furthest(points: FloatArray, centres: FloatArray, count: int) -> IntArray:
    """(count,) positions of points, each the one furthest from all centres and from those chosen before it
    (Gonzalez 1985: no k-center does better than half as well).
    """
    away = np.full(len(points), np.inf)
    for some in np.array_split(centres, -(-len(centres) // 256)):
        away = np.minimum(away, np.square(points[:, None] - some[None]).sum(axis=2).min(axis=1))
    chosen = []
    for _ in range(min(count, CENTRES)):
        best = int(away.argmax())
        chosen.append(best)
        away = np.minimum(away, np.square(points - points[best]).sum(axis=1))
        away[best] = -1.0
    rest = np.argsort(-away, kind="stable")[: count - len(chosen)]
    return np.concatenate([np.array(chosen, dtype=np.int64), rest])
