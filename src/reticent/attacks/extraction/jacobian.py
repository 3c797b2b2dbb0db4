"""Copying a model from a handful of records, made more where the copy's answers turn.

Papernot, McDaniel, Goodfellow, Jha, Celik & Swami 2017, "Practical black-box attacks", AsiaCCS
(arXiv:1602.02697), sections 4.1 and 5.2: of each record another is made that is moved by the sign of the
gradient of the class it was answered, forwards and backwards by turns; from some round on only as many as a
reservoir holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray, IntArray, Target
from reticent.attacks.attack import ExtractionAttack
from reticent.attacks.extraction.coding import answered
from reticent.attacks.extraction.student import Student, StudentCopy
from reticent.errors import DataError
from reticent.extraction import ExtractionScene


@dataclass(frozen=True, kw_only=True)
class JacobianAugmentation(ExtractionAttack):
    """Trains a copy on a few records and on those made from them along the copy's gradients.

    Attributes:
        start: the thief's own records that it begins with.
        step: how far a record is moved, as a share of each column's range; categories stay.
        turn: rounds after which the direction turns.
        doublings: rounds in which every record has another made of it; later ones take `reservoir` of them.
        reservoir: records in a later round.
        most: records asked about in all, where no budget is set.
    """

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Papernot et al. 2017 (AsiaCCS, arXiv:1602.02697)"
    price: ClassVar[str] = "hundreds to thousands of answers"
    caveat: ClassVar[str] = (
        "What it makes lies near the records that it began with: more answers help less and less. Along "
        "categories nothing is made."
    )
    start: int = 100
    step: float = 0.1
    turn: int = 3
    doublings: int = 6
    reservoir: int = 2_000
    most: int = 10_000

    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        """Yield a copy each round."""
        student, rng = Student.of(scene), scene.rng()
        if not len(student.design.numbers):
            raise DataError(
                "no column of numbers varies, along which records could be made; give some that do"
            )
        sheet = student.coding.sheet
        length = self.step * (sheet.high - sheet.low)
        values = student.coding.own()[rng.permutation(len(scene.own))[: self.start]]
        budget = self.most if scene.budget is None else min(scene.budget, self.most)
        if budget < len(values):
            raise DataError(
                f"{budget:,} queries are allowed, and it begins with {len(values):,}; raise the budget or "
                "lower start"
            )
        answers = answered(scene.target, student.coding, values)
        for turns in range(budget):
            copy = student.fit(values, answers)
            yield copy
            several = len(values) if turns < self.doublings else self.reservoir
            some = rng.permutation(len(values))[: min(several, budget - len(values))]
            if not len(some):
                return
            sign = 1.0 if (turns // self.turn) % 2 == 0 else -1.0
            there = values[some] + sign * length * rising(copy, values[some], answers[some].argmax(axis=1))
            made = student.coding.values(student.coding.features(there))
            answers = np.concatenate([answers, answered(scene.target, student.coding, made)])
            values = np.concatenate([values, made])


def rising(copy: StudentCopy, values: FloatArray, labels: IntArray) -> FloatArray:
    """(records, columns) the sign of the gradient of each record's class's score by its columns."""
    import torch

    asked = torch.as_tensor(values, dtype=torch.float32).requires_grad_()
    scores = copy.net(copy.student.rows(asked)).softmax(1)
    picked = scores[torch.arange(len(asked)), torch.as_tensor(labels)]
    (gradient,) = torch.autograd.grad(picked.sum(), asked)
    return np.asarray(gradient.sign().numpy().astype(np.float64))
