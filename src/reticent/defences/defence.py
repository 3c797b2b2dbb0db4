"""A defence is a function of one of three kinds, and functions compose.

    data -> data        what becomes of records before a model sees them
    recipe -> recipe    how a model is trained
    target -> target    what becomes of its answers

`a | b` is a, then b. The three kinds come in this order, as data come before training and training before
answers; within a kind any order may be written and means what it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from reticent.access import Access, BoolArray, FloatArray, Outputs, Target
from reticent.canary import Canary
from reticent.data import Records, concat
from reticent.errors import ModelError, PlanError
from reticent.fingerprint import fingerprint
from reticent.recipe import Guarantee, Private, Recipe

if TYPE_CHECKING:
    from reticent.access import Features


LONGEST = 200
"""Characters of an option that are shown."""


class Stage(IntEnum):
    """When a defence acts."""

    DATA = 1
    TRAINING = 2
    ANSWERS = 3

    def __str__(self) -> str:
        return {1: "the data", 2: "the training", 3: "the answers"}[self.value]


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a defender may fit a defence of the answers to.

    Attributes:
        members: records that the model was trained on.
        others: records from the same source that it never saw.
    """

    members: Records
    others: Records


Fitted = Mapping[str, FloatArray]
"""What a defence of the answers has learnt, by name: no record of anybody."""


class Policy(Protocol):
    """A defence of the answers at work: it may count, remember and draw."""

    def __call__(self, outputs: Outputs, x: Features) -> Outputs:
        """Return what is answered in place of `outputs`, which the model answers to the records `x`."""


class Defence:
    """What all defences share: `|`, and being written as a word with its options.

    Attributes:
        word: what a user writes.
        source: where it comes from.
        stage: when it acts.
        canary: the kind of record that it protects least.
        caveat: what it can't do.
    """

    word: ClassVar[str]
    source: ClassVar[str]
    stage: ClassVar[Stage]
    canary: ClassVar[Canary] = Canary.MISLABELLED
    caveat: ClassVar[str] = ""

    @property
    def parts(self) -> tuple[Defence, ...]:
        """The single defences that it is made of, in order."""
        return (self,)

    def __or__(self, other: Defence) -> Composed:
        if not isinstance(other, Defence):
            return NotImplemented
        return Composed((*self.parts, *other.parts))

    def __str__(self) -> str:
        shown = [f"{f.name}={_shown(getattr(self, f.name))}" for f in _options(self)]
        return f"{self.word}({', '.join(shown)})"


class DataDefence(Defence):
    """A defence that changes the records a model is trained on.

    Attributes:
        alone: each record is changed by itself, whoever else is there: only then what is guaranteed of
            changed records, by private training or another change after it, holds for the records.
    """

    stage: ClassVar[Stage] = Stage.DATA
    alone: ClassVar[bool] = False

    def guarantee(self, records: int) -> Guarantee | None:
        """What the changed records guarantee of so many given ones, whatever is done with them; None for
        most."""
        return None

    def protect(self, data: Records, seed: int) -> Records:
        """Return what the model is trained on in place of `data`."""
        raise NotImplementedError


class TrainingDefence(Defence):
    """A defence that changes how a model is trained."""

    stage: ClassVar[Stage] = Stage.TRAINING

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe with this defence in it.

        Args:
            reference: records from the same source that no model is trained on, for defences that need some.

        Raises:
            ModelError: a kind of model that can't carry it.
            PlanError: it needs `reference` and there is none, or something that stands before it forbids it.
        """
        raise NotImplementedError


class OutputDefence(Defence):
    """A defence that changes what a model answers.

    Attributes:
        needs: what it must be given.
        leaves: the highest rung that it leaves an attacker.
        keeps_label: the class named is the one that the model named.
        same_again: the same record gets the same answer each time.
    """

    stage: ClassVar[Stage] = Stage.ANSWERS
    needs: ClassVar[Access] = Access.SCORES
    leaves: ClassVar[Access] = Access.SCORES
    keeps_label: ClassVar[bool] = True
    same_again: ClassVar[bool] = True

    def fit(self, target: Target, calibration: Calibration | None, seed: int) -> Fitted:
        """What it has to learn of a model before it can defend its answers; nothing for most.

        Raises:
            PlanError: it needs `calibration` and there is none.
        """
        return {}

    def begin(self, fitted: Fitted, seed: int) -> Policy:
        """Set to work with what `fit` returned.

        Args:
            seed: of what it draws; keep it secret where the model serves.
        """
        raise NotImplementedError

    def wrap(self, target: Target, calibration: Calibration | None = None, *, seed: int = 0) -> Target:
        """The target with this defence before it.

        Args:
            calibration: records to fit it to, for defences that need some.
            seed: of what it draws; keep it secret where the model serves.

        Raises:
            ModelError: the target answers labels and scores are needed.
            PlanError: it needs `calibration` and there is none.
        """
        if target.access < self.needs:  # before anything is fitted
            return self.before(target, {}, seed)
        return self.before(target, self.fit(target, calibration, seed), seed)

    def before(self, target: Target, fitted: Fitted, seed: int) -> Target:
        """The target with this defence before it, fitted already.

        Raises:
            ModelError: as in `wrap`.
        """
        if target.access < self.needs:
            raise ModelError(
                f"{self.word} changes {self.needs} and the model answers {target.access} only; leave it out, "
                "or put it before what takes the scores away"
            )
        return Defended(target, self, self.begin(fitted, seed), seed)


class Defended:
    """A target with a defence before its answers."""

    def __init__(self, target: Target, defence: OutputDefence, policy: Policy, seed: int) -> None:
        self._target, self._defence, self._policy, self._seed = target, defence, policy, seed
        self.access = min(target.access, defence.leaves)
        self.classes: npt.NDArray[np.generic] = target.classes

    def predict(self, x: Features) -> Outputs:
        """Answer each of the records `x`, the defence applied."""
        return self._policy(self._target.predict(x), x)

    def fingerprint(self) -> str:
        """A hash of the model's content and of the defence."""
        return fingerprint("defended", self._target.fingerprint(), self._defence, self._seed)


@dataclass(frozen=True)
class Composed(Defence):
    """Defences one after another; without any, none.

    Attributes:
        members: the single defences, in order.

    Raises:
        PlanError: one that acts earlier stands after one that acts later.
    """

    members: tuple[Defence, ...] = ()

    def __post_init__(self) -> None:
        for before, after in zip(self.members, self.members[1:], strict=False):
            if after.stage < before.stage:
                raise PlanError(
                    f"{before.word} works on {before.stage} and {after.word} on {after.stage}, which come "
                    f"first; write {after} | {before}"
                )

    @property
    def parts(self) -> tuple[Defence, ...]:
        """The single defences that it is made of, in order."""
        return self.members

    def __str__(self) -> str:
        return " | ".join(str(part) for part in self.members) or "none()"


def none() -> Composed:
    """No defence: what the others are measured beside."""
    return Composed()


def canary_of(defence: Defence) -> Canary:
    """The kind of record that a defence protects least: twins where a part of it calls for them."""
    kinds = {part.canary for part in defence.parts}
    return Canary.TWINS if Canary.TWINS in kinds else Canary.MISLABELLED


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
        """What the training guarantees: whatever is done to the answers of a private model leaves it so."""
        return self.recipe.guarantee(records) if isinstance(self.recipe, Private) else None

    def fingerprint(self) -> str:
        """A hash of the recipe, the defences and what they are fitted to."""
        seen = self.reference.fingerprint() if self.reference else ""
        return fingerprint("answering", self.recipe.fingerprint(), self.outputs, seen)

    def _guarded(self, target: Target, data: Records, seed: int) -> Target:
        calibration = Calibration(data, self.reference) if self.reference is not None else None
        return guarded(target, self.outputs, calibration, seed)


def _shown(value: object) -> str:
    """A value as it is written; of a long one, such as what every column may hold, a name for its content."""
    written = repr(value)
    return written if len(written) <= LONGEST else f"<{fingerprint(value)[:8]}>"


def _options(defence: Any) -> list[Field[Any]]:
    """The fields that are set to something else than their default."""
    return [f for f in fields(defence) if getattr(defence, f.name) != f.default]
