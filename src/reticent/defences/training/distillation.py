"""DMP: a student learns the teacher's answers to others' records, and never sees the members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import BoolArray, FloatArray, Target
from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.kinds import soft_recipe
from reticent.errors import ModelError, PlanError
from reticent.fingerprint import fingerprint
from reticent.recipe import Guarantee, Private, Recipe, SoftRecipe


@dataclass(frozen=True)
class Distillation(TrainingDefence):
    """Distillation for membership privacy (Shejwalkar & Houmansadr 2021, arXiv:1906.06589).

    A teacher is trained on the members. Of the reference the records that it answers surest (lowest
    entropy) teach a student, by the teacher's answers at a temperature; their labels are not used.

    Attributes:
        temperature: of the teacher's answers.
        share: of the reference that is used.
    """

    word: ClassVar[str] = "distillation"
    source: ClassVar[str] = "Shejwalkar & Houmansadr 2021, arXiv:1906.06589, section 4"
    caveat: ClassVar[str] = (
        "needs as many unlabelled records as members, and the reference itself is not protected"
    )
    temperature: float = 1.0
    share: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.temperature < float("inf") and 0 < self.share <= 1):
            raise PlanError(
                f"distillation was given temperature={self.temperature} and share={self.share}; give a "
                "temperature above 0 and a share up to 1"
            )

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe of the student."""
        if reference is None:
            raise PlanError(
                "distillation teaches by records from the same source that no model is trained on; give "
                "reference=..."
            )
        return Taught(soft_recipe(recipe, self.word), reference, self)


class Taught:
    """A recipe whose models learn a teacher's answers to the reference."""

    def __init__(self, recipe: SoftRecipe, reference: Records, how: Distillation) -> None:
        self._recipe, self._reference, self._how = recipe, reference, how
        self.together, self.device = recipe.together, recipe.device

    def fit(self, data: Records, seed: int) -> Target:
        """Train one teacher on all of `data`, and its student."""
        return next(self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]))

    def fit_many(self, data: Records, masks: BoolArray, seeds: Sequence[int]) -> Iterator[Target]:
        """Train one teacher for each row of `masks`, then all students.

        Raises:
            ModelError: the teachers answer labels only.
        """
        reference, how = self._reference, self._how
        kept = np.zeros((len(seeds), len(reference)), dtype=bool)
        targets: list[FloatArray] = []
        for line, teacher in zip(kept, self._recipe.fit_many(data, masks, seeds), strict=True):
            logs = teacher.predict(reference.features).log_scores
            if logs is None:
                raise ModelError(
                    "distillation teaches probabilities and the model answers labels only; leave it out"
                )
            entropy = -(np.exp(logs) * logs).sum(axis=1)
            line[np.argsort(entropy, kind="stable")[: max(2, round(how.share * len(reference)))]] = True
            soft = np.exp((logs - logs.max(axis=1, keepdims=True)) / how.temperature)
            targets.append((soft / soft.sum(axis=1, keepdims=True))[line])
        yield from self._recipe.fit_soft(reference, kept, [seed + 1 for seed in seeds], targets)

    def guarantee(self, records: int) -> Guarantee | None:
        """The teacher's: what a student learns of a private teacher is private."""
        return self._recipe.guarantee(records) if isinstance(self._recipe, Private) else None

    def fingerprint(self) -> str:
        """A hash of the recipe, the reference and the options."""
        return fingerprint(
            "distillation", self._recipe.fingerprint(), self._reference.fingerprint(), self._how
        )
