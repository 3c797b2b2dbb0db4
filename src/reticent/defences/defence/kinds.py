"""The three kinds of defences, by what they change: records, training, answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from reticent.access import Access, FloatArray, Outputs, Target
from reticent.data import Records
from reticent.defences.defence.algebra import Defence, Stage
from reticent.errors import ModelError
from reticent.fingerprint import fingerprint
from reticent.recipe import Guarantee, Recipe

if TYPE_CHECKING:
    from reticent.access import Features


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
        asks_members: it learns from the model's training records, so that what their private training
            guarantees does not hold of its answers.
    """

    stage: ClassVar[Stage] = Stage.ANSWERS
    needs: ClassVar[Access] = Access.SCORES
    leaves: ClassVar[Access] = Access.SCORES
    keeps_label: ClassVar[bool] = True
    same_again: ClassVar[bool] = True
    asks_members: ClassVar[bool] = False

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
