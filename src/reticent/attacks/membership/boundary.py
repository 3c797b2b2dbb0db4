"""Boundary: a member lies further from where the model changes its mind.

Choquette-Choo et al. 2021 (arXiv:2007.14321) and Li & Zhang 2021 (arXiv:2007.15528) score a record by
its distance to the decision boundary, found from labels alone, and by 0 where it is misclassified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, BoolArray, FloatArray, Metered
from reticent.attacks.attack import MembershipAttack
from reticent.attacks.distance import FEWEST, fewest_changes, hop_skip_jump, nearest_foes
from reticent.attacks.options import number
from reticent.attacks.perturb import Kind, Sheet
from reticent.data import Records
from reticent.question import Question
from reticent.scene import Scene


@dataclass(frozen=True, kw_only=True)
class BoundaryDistance:
    """How far each record must be changed before the model names another class than the true one.

    Attributes:
        queries_per_record: labels asked for each record, all of them used.
        seed: of the directions tried.

    Raises:
        PlanError: fewer queries than a distance takes.
    """

    needs: ClassVar[Access] = Access.LABELS
    queries_per_record: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        number("queries_per_record", self.queries_per_record, low=FEWEST)

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, 1, 1) distances (see `distance`), 0 where the label is wrong already.

        A record that no other is answered differently from lies further out than any: at 1 + columns.
        """
        sheet = Sheet.of(records.features)
        rng = np.random.default_rng(self.seed)
        answered = target.predict(records.features).labels

        def away(points: FloatArray) -> BoolArray:
            return np.not_equal(target.predict(sheet.rebuilt(points)).labels, records.labels)

        start, found = nearest_foes(sheet, answered, records.labels, rng)
        numbers = np.all(sheet.kinds[sheet.movable] == Kind.NUMBER)
        measure = hop_skip_jump if numbers else fewest_changes
        distance = measure(sheet, start, away, self.queries_per_record - 1, rng)
        distance = np.where(found, distance, 1.0 + len(sheet.kinds))
        distance = np.where(answered == records.labels, distance, 0.0)
        return distance.astype(np.float32)[:, None, None]

    def queries(self, records: int) -> int:
        """The budget of each record."""
        return records * self.queries_per_record


@dataclass(frozen=True, kw_only=True)
class Boundary(MembershipAttack):
    """How far the record must be changed before the model names another class, from labels alone.

    Attributes:
        queries_per_record: labels asked for each record.
        seed: of the directions tried.
    """

    needs = Access.LABELS
    source = "Choquette-Choo et al. 2021, arXiv:2007.14321; Li & Zhang 2021, arXiv:2007.15528"
    costly = True
    caveat = "records far from every boundary look like members, trained on or not"
    queries_per_record: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        _ = self.questions  # which checks the options

    @property
    def questions(self) -> tuple[Question, ...]:
        """The distance to the boundary."""
        return (BoundaryDistance(queries_per_record=self.queries_per_record, seed=self.seed),)

    def guess(self, scene: Scene) -> FloatArray:
        """Return the distance, (records,)."""
        distance: FloatArray = scene.target_answers(self.questions[0]).values[0, :, 0, 0]
        return distance
