"""SELENA: each record is answered by models that were not shown it, and a student learns their answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import BoolArray, FloatArray, Target
from reticent.canary import Canary
from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.kinds import soft_recipe
from reticent.errors import ModelError, PlanError
from reticent.fingerprint import fingerprint
from reticent.recipe import Recipe, SoftRecipe


@dataclass(frozen=True)
class Selena(TrainingDefence):
    """Split learning and self-distillation (Tang et al. 2022, arXiv:2110.08324).

    Each record draws L of K sub-models that are not trained on it. The student learns, for each record, the
    mean answer of its L; so no answer that it learns was given by a model that had seen the record.

    Attributes:
        models: K.
        left_out: L, below K.
    """

    word: ClassVar[str] = "selena"
    source: ClassVar[str] = "Tang et al. 2022, arXiv:2110.08324, algorithms 1 and 2"
    canary: ClassVar[Canary] = Canary.TWINS
    caveat: ClassVar[str] = "equal or near-equal records carry each other's labels through other sub-models"
    models: int = 25
    left_out: int = 10

    def __post_init__(self) -> None:
        if not 1 <= self.left_out < self.models:
            raise PlanError(
                f"selena was given models={self.models} and left_out={self.left_out}; give fewer left "
                "out than models"
            )

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe of the student."""
        return Distilled(soft_recipe(recipe, self.word), self)


class Distilled:
    """A recipe whose models learn the answers of sub-models that were not shown the records."""

    def __init__(self, recipe: SoftRecipe, how: Selena) -> None:
        self._recipe, self._how = recipe, how
        self.together, self.device = recipe.together, recipe.device

    def fit(self, data: Records, seed: int) -> Target:
        """Train one model on all of `data`."""
        return next(self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]))

    def fit_many(self, data: Records, masks: BoolArray, seeds: Sequence[int]) -> Iterator[Target]:
        """Train one model for each row of `masks`: its sub-models first, all students then.

        Raises:
            ModelError: the sub-models answer labels only.
        """
        targets = [self._taught(data, mask, seed) for mask, seed in zip(masks, seeds, strict=True)]
        yield from self._recipe.fit_soft(data, masks, seeds, targets)

    def fingerprint(self) -> str:
        """A hash of the recipe and of how it is split."""
        return fingerprint("selena", self._recipe.fingerprint(), self._how)

    def _taught(self, data: Records, mask: BoolArray, seed: int) -> FloatArray:
        """(its records, classes) mean answers of the models that were not shown each record."""
        own = np.flatnonzero(mask)
        rng = np.random.default_rng([seed, 11])
        count = self._how.models
        out = rng.random((count, len(own))).argsort(axis=0) < self._how.left_out
        inner = np.zeros((count, len(data)), dtype=bool)
        inner[:, own] = ~out
        if not inner.any(axis=1).all():
            raise PlanError(
                f"selena splits {len(own)} records among {count} models; give more records or fewer models"
            )
        seeds = [int(s) for s in rng.integers(0, 2**31 - 1, count)]
        asked = data.take(own).features
        total = np.zeros((len(own), len(data.classes)))
        for target, left in zip(self._recipe.fit_many(data, inner, seeds), out, strict=True):
            scores = target.predict(asked).log_scores
            if scores is None:
                raise ModelError(
                    "selena averages probabilities and the model answers labels only; give one with scores"
                )
            total[left] += np.exp(scores[left])
        taught: FloatArray = total / total.sum(axis=1, keepdims=True)
        return taught
