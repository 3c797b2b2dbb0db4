"""Label smoothing: no record is to be answered with certainty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reticent.access import BoolArray, Target
from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.kinds import soft_recipe, torch_training
from reticent.errors import PlanError
from reticent.fingerprint import fingerprint
from reticent.recipe import OneByOne, Recipe, SoftRecipe
from reticent.targets.sklearn import SklearnRecipe

if TYPE_CHECKING:
    from torch import Tensor

    from reticent.shadows.batched.objective import Loss, Moment, Objective


@dataclass(frozen=True)
class LabelSmoothing(TrainingDefence):
    """Train towards (1 − a) of the label and a of all classes evenly (Szegedy et al. 2016, arXiv:1512.00567).

    A scikit-learn model is fitted to every record once a class, weighed so.

    Attributes:
        amount: a.
    """

    word: ClassVar[str] = "label_smoothing"
    source: ClassVar[str] = "Szegedy et al. 2016, arXiv:1512.00567, section 7"
    caveat: ClassVar[str] = "can raise leakage: records not trained on do not gather at the smoothed answer"
    amount: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.amount < 1:
            raise PlanError(f"label_smoothing was given amount={self.amount}; give a share between 0 and 1")

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe with softened labels."""
        if isinstance(recipe, SklearnRecipe):
            return SoftLabels(soft_recipe(recipe, self.word), self.amount)
        return torch_training(
            recipe, self.word, lambda t: replace(t, objective=Smoothed(t.objective, self.amount))
        )


@dataclass(frozen=True)
class Smoothed:
    """A loss against smoothed targets."""

    inner: Objective
    amount: float

    @property
    def alone(self) -> bool:
        """As the inner loss."""
        return self.inner.alone

    @property
    def reference(self) -> int:
        """As the inner loss."""
        return self.inner.reference

    def begin(self, seeds: Sequence[int], classes: int) -> Loss:
        """Set to work."""
        inner = self.inner.begin(seeds, classes)

        def loss(logits: Tensor, targets: Tensor, moment: Moment) -> Tensor:
            return inner(logits, (1 - self.amount) * targets + self.amount / classes, moment)

        return loss


class SoftLabels(OneByOne):
    """A recipe whose models are fitted to smoothed labels."""

    def __init__(self, recipe: SoftRecipe, amount: float) -> None:
        self._recipe, self._amount = recipe, amount

    def fit(self, data: Records, seed: int) -> Target:
        """Train one model on all of `data`."""
        return next(self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]))

    def fit_many(self, data: Records, masks: BoolArray, seeds: Sequence[int]) -> Iterator[Target]:
        """Train one model for each row of `masks`."""
        classes = len(data.classes)
        soft = (1 - self._amount) * np.eye(classes)[data.labels] + self._amount / classes
        yield from self._recipe.fit_soft(data, masks, seeds, [soft[mask] for mask in masks])

    def fingerprint(self) -> str:
        """A hash of the recipe and the smoothing."""
        return fingerprint("soft labels", self._recipe.fingerprint(), self._amount)
