"""Recipes with a defence in them: what it does to records, training and answers, each in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reticent.access import BoolArray, Target
from reticent.data import Records, concat
from reticent.defences.defence.algebra import Defence
from reticent.defences.defence.kinds import Calibration, DataDefence, OutputDefence, TrainingDefence
from reticent.fingerprint import fingerprint
from reticent.recipe import Guarantee, Private, Recipe


def harden(defence: Defence, recipe: Recipe, reference: Records | None = None) -> Recipe:
    """The recipe with all of a defence in it.

    Args:
        reference: records from the same source that no model is trained on, for defences that need some.

    Raises:
        ModelError: a kind of model that can't carry it.
        PlanError: it needs `reference` and there is none, or its parts don't go together.
    """
    trained = in_training(defence, recipe, reference)
    outputs = on_answers(defence)
    return Answering(trained, outputs, reference) if outputs else trained


def in_training(defence: Defence, recipe: Recipe, reference: Records | None = None) -> Recipe:
    """The recipe with what a defence does to data and training in it, and nothing of what it does to answers.

    Raises:
        ModelError, PlanError: as in `TrainingDefence.harden`.
    """
    for part in defence.parts:
        if isinstance(part, TrainingDefence):
            recipe = part.harden(recipe, reference)
    changes = tuple(part for part in defence.parts if isinstance(part, DataDefence))
    return Prepared(recipe, changes) if changes else recipe


def on_answers(defence: Defence) -> tuple[OutputDefence, ...]:
    """What of a defence acts on answers."""
    return tuple(part for part in defence.parts if isinstance(part, OutputDefence))


def guarded(
    target: Target, outputs: Sequence[OutputDefence], calibration: Calibration | None, seed: int
) -> Target:
    """A target behind several defences of its answers, the first one next to it."""
    for place, part in enumerate(outputs):
        target = part.wrap(target, calibration, seed=seed + place)
    return target


@dataclass(frozen=True, eq=False)
class Prepared:
    """A recipe whose records are changed first.

    Attributes:
        recipe: what is done with them then.
        changes: what is done to them, in order.
    """

    recipe: Recipe
    changes: tuple[DataDefence, ...]

    @property
    def together(self) -> int:
        """How many models are best trained at once."""
        return self.recipe.together

    @property
    def device(self) -> str:
        """Where they are trained."""
        return self.recipe.device

    def fit(self, data: Records, seed: int) -> Target:
        """Train one model on all of `data`, changed."""
        return self.recipe.fit(self._changed(data, seed), seed)

    def fit_many(self, data: Records, masks: BoolArray, seeds: Sequence[int]) -> Iterator[Target]:
        """Train one model for each row of `masks`, on the records it marks, changed by themselves."""
        size = self.together
        for i in range(0, len(seeds), size):
            some = seeds[i : i + size]
            own = [
                self._changed(data.take(mask), seed)
                for mask, seed in zip(masks[i : i + size], some, strict=True)
            ]
            owner = np.repeat(np.arange(len(own)), [len(records) for records in own])
            yield from self.recipe.fit_many(concat(own), owner == np.arange(len(own))[:, None], some)

    def guarantee(self, records: int) -> Guarantee | None:
        """The least epsilon of those that hold.

        What one step guarantees of the records handed to it holds whatever comes after, and for the original
        records where every change before it was of each record by itself.
        """
        steps: list[DataDefence | Private] = list(self.changes)
        steps += [self.recipe] if isinstance(self.recipe, Private) else []
        said: list[Guarantee] = []
        for step in steps:
            if (guarantee := step.guarantee(records)) is not None:
                said.append(guarantee)
            if isinstance(step, DataDefence) and not step.alone:
                break
        return min(said, key=lambda g: g.epsilon, default=None)

    def fingerprint(self) -> str:
        """A hash of the recipe and of what is done first."""
        return fingerprint("prepared", self.recipe.fingerprint(), self.changes)

    def _changed(self, data: Records, seed: int) -> Records:
        for place, change in enumerate(self.changes):
            data = change.protect(data, seed + place)
        return data


@dataclass(frozen=True, eq=False)
class Answering:
    """A recipe whose models answer through defences.

    Attributes:
        recipe: how they are trained.
        outputs: what becomes of their answers, in order.
        reference: records that no model is trained on, to fit those defences to; None where none need any.
    """

    recipe: Recipe
    outputs: tuple[OutputDefence, ...]
    reference: Records | None = None

    @property
    def together(self) -> int:
        """How many models are best trained at once."""
        return self.recipe.together

    @property
    def device(self) -> str:
        """Where they are trained."""
        return self.recipe.device

    def fit(self, data: Records, seed: int) -> Target:
        """Train one model on all of `data`, and defend its answers."""
        return self._guarded(self.recipe.fit(data, seed), data, seed)

    def fit_many(self, data: Records, masks: BoolArray, seeds: Sequence[int]) -> Iterator[Target]:
        """Train one model for each row of `masks`, and defend its answers."""
        targets = self.recipe.fit_many(data, masks, seeds)
        for target, mask, seed in zip(targets, masks, seeds, strict=True):
            yield self._guarded(target, data.take(mask), seed)

    def guarantee(self, records: int) -> Guarantee | None:
        """What the training guarantees, if nothing done to the answers has looked at its records again."""
        if not isinstance(self.recipe, Private) or any(part.asks_members for part in self.outputs):
            return None
        return self.recipe.guarantee(records)

    def fingerprint(self) -> str:
        """A hash of the recipe, the defences and what they are fitted to."""
        seen = self.reference.fingerprint() if self.reference else ""
        return fingerprint("answering", self.recipe.fingerprint(), self.outputs, seen)

    def _guarded(self, target: Target, data: Records, seed: int) -> Target:
        calibration = Calibration(data, self.reference) if self.reference is not None else None
        return guarded(target, self.outputs, calibration, seed)
