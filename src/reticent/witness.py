"""A training that is watched: what it showed, handed to the engine that trains and keeps.

`Watched` makes a recipe of a training function. What its trainings show of the last record, the outlier, is a
question like any other, so that finished trainings are kept and many processes train.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from reticent.access import Access, BoolArray, FloatArray, Metered, Outputs, Target
from reticent.claim import Account, Recorder, TrainFunction, flat
from reticent.data import Records
from reticent.errors import ModelError, PlanError, ReticentError, said
from reticent.fingerprint import fingerprint
from reticent.measure._checked import Floats
from reticent.recipe import OneByOne, Recipe
from reticent.shadows.signals import margin
from reticent.targets.content import identity
from reticent.targets.function import FunctionRecipe


class Witness:
    """A trained model, if there is one to ask, and what was seen of its training.

    Attributes:
        model: what answers, or None.
        weights: (numbers,) those it ended with, or None.
        updates: (steps, numbers) what was recorded of each step, or None.
        steps: what was recorded of the mechanism.
    """

    access = Access.WEIGHTS

    def __init__(
        self,
        model: Target | None,
        classes: npt.NDArray[np.generic],
        weights: FloatArray | None,
        recorder: Recorder,
    ) -> None:
        self.model, self.weights, self.steps = model, weights, tuple(recorder.steps)
        self.classes = classes
        self.updates = _stacked(recorder.updates)

    def predict(self, x: Any) -> Outputs:
        """What the model answers.

        Raises:
            ModelError: the training gave weights alone.
        """
        if self.model is None:
            raise ModelError("the training gave weights and nothing that answers; give a model")
        return self.model.predict(x)

    def margin(self, data: Records) -> float:
        """How sure the model is of the last record's label, in nats of odds; NaN where nothing answers."""
        last = data.take(np.array([len(data) - 1]))
        scores = self.predict(last.features).log_scores if self.model is not None else None
        return float("nan") if scores is None else float(margin(scores[:, None, :], last.labels)[0, 0])

    def fingerprint(self) -> str:
        """A value of its own: it is never a target."""
        return fingerprint("witness", id(self))


@dataclass(frozen=True, eq=False)
class Watched(OneByOne):
    """Trains by calling a training function, with a recorder if it takes one.

    Raises:
        PlanError: a function that takes no records, labels and seed.
    """

    train: TrainFunction
    records_steps: bool = field(init=False)
    by_name: bool = field(init=False)

    def __post_init__(self) -> None:
        try:
            given = dict(inspect.signature(self.train).parameters)
        except (TypeError, ValueError):
            given = {}
        object.__setattr__(self, "records_steps", "record" in given)
        object.__setattr__(self, "by_name", "seed" in given)
        free = [p for n, p in given.items() if p.default is p.empty and n not in ("record", "seed")]
        if len([p for p in free if p.kind is not p.VAR_KEYWORD]) != (2 if self.by_name else 3):
            raise PlanError(
                "the training function takes other arguments than were expected; write it as "
                "train(x, y, seed) or train(x, y, *, seed, record)"
            )

    def fit(self, data: Records, seed: int) -> Target:
        """Train on the records and their original labels.

        Raises:
            ModelError: it threw, or gave no model.
        """
        recorder, x, y = Recorder(), data.features, data.classes[data.labels]
        extra = {"record": recorder} if self.records_steps else {}
        try:
            made = self.train(x, y, seed=seed, **extra) if self.by_name else self.train(x, y, seed, **extra)
        except (ReticentError, MemoryError):
            raise
        except Exception as error:
            raise ModelError(
                f"the training function threw on {len(data):,} records of shape {np.shape(x)[1:]} "
                f"({said(error)}); mend it, or say what it takes: data, or columns"
            ) from error
        if isinstance(made, np.ndarray):
            return Witness(None, data.classes, flat(made), recorder)
        model = FunctionRecipe(lambda x, y, seed: made).fit(data, seed)
        return Witness(model, data.classes, released(made), recorder)

    def fingerprint(self) -> str:
        """A hash of the function's code and of what it closes over or names."""
        return self._identity

    @cached_property
    def _identity(self) -> str:
        return identity((Watched, self.train))


@dataclass(frozen=True, eq=False)
class WatchedRecipe:
    """A recipe whose models are witnesses: they show their answers and weights."""

    recipe: Recipe

    @property
    def together(self) -> int:
        """As the recipe's."""
        return self.recipe.together

    @property
    def device(self) -> str:
        """As the recipe's."""
        return self.recipe.device

    def fit(self, data: Records, seed: int) -> Target:
        """Train one model on all of `data`."""
        return next(self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]))

    def fit_many(self, data: Records, masks: BoolArray, seeds: Sequence[int]) -> Iterator[Target]:
        """Train one model for each row of `masks`."""
        for target in self.recipe.fit_many(data, masks, seeds):
            yield Witness(target, data.classes, released(target), Recorder())

    def fingerprint(self) -> str:
        """As the recipe's."""
        return fingerprint("watched", self.recipe.fingerprint())


def released(model: Any) -> FloatArray | None:
    """(numbers,) the weights of a torch module, of a linear model, or of a target that holds either."""
    for held in ("module", "model"):
        inner = getattr(model, held, None)
        if inner is not None and (found := released(inner)) is not None:
            return found
    if callable(getattr(model, "named_parameters", None)):
        return flat([p for _, p in model.named_parameters()])
    parts = [getattr(model, name, None) for name in ("coef_", "intercept_")]
    return flat(parts) if parts[0] is not None else None


@dataclass(frozen=True, kw_only=True)
class Twins:
    """Pairs of trainings under one seed: with the outlier, and with an ordinary record in its place.

    Attributes:
        pairs: how many.
        seed: of their seeds.
        series: twins of another series have other seeds.
    """

    pairs: int
    seed: int = 0
    series: int = 0

    @property
    def trainings(self) -> int:
        """All of them."""
        return 2 * self.pairs

    def masks(self, records: int) -> BoolArray:
        """(trainings, records) True where the training uses the record: the last two take turns."""
        masks = np.ones((self.trainings, records), dtype=bool)
        masks[0::2, -2] = masks[1::2, -1] = False
        return masks

    def seeds(self) -> list[int]:
        """One seed a training, the same for both of a pair."""
        rng = np.random.default_rng([self.seed, 8, self.series])
        return [int(s) for s in rng.integers(0, 2**31 - 1, self.pairs).repeat(2)]


@dataclass(frozen=True, eq=False)
class Shown:
    """What twins showed step by step, along one direction.

    Attributes:
        traces: (trainings, steps) in the order of `Twins`: with the outlier, without it, and so on.
    """

    traces: Floats

    @property
    def pulls(self) -> Floats:
        """(pairs, steps) what the outlier adds to each step over the other record."""
        found: Floats = self.traces[0::2] - self.traces[1::2]
        return found

    @property
    def noise(self) -> float:
        """Standard deviation of a step without the outlier, over seeds."""
        return float(np.sqrt(self.traces[1::2].var(axis=0, ddof=1).mean())) or 1.0

    @property
    def clearness(self) -> float:
        """How clearly the outlier shows: the mean square of what it adds over the steps' variance."""
        return float(np.mean(self.pulls**2)) / self.noise**2

    def strength(self, account: Account) -> tuple[float, float]:
        """What the outlier adds over what the account lets it add, and its standard error.

        Roots of sums of squares: the sum itself shrinks where the other records pull the weights back.
        """
        allowed = sum(part.times * part.rate / part.noise**2 for part in account.parts)
        added = np.sum(self.pulls**2, axis=1) / self.noise**2 / allowed
        strength = float(np.sqrt(added.mean()))
        return strength, float(added.std(ddof=1) / np.sqrt(added.size) / (2 * strength or 1.0))


class OfTraining:
    """A question about how a model was trained, of the last record alone; no model that serves answers it."""

    needs: ClassVar[Access] = Access.WEIGHTS

    @property
    def part(self) -> slice:
        """The outlier alone."""
        return slice(-1, None)

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """Refuse: only `ask_trained` knows the training.

        Raises:
            ModelError: always.
        """
        raise ModelError("how a model was trained can't be asked of a model that serves")

    def queries(self, records: int) -> int:
        """None: nobody is asked."""
        return 0


@dataclass(frozen=True, kw_only=True)
class Totals(OfTraining):
    """What all updates add up to, and the weights in the end; zeros where they are not looked at.

    Attributes:
        updates, weights: numbers in each of them; 0 to look at none.
    """

    updates: int
    weights: int

    def ask_trained(self, target: Target, data: Records, mask: BoolArray, seed: int) -> FloatArray:
        """(1, 2, the larger of both): updates, weights."""
        assert isinstance(target, Witness)
        found = np.zeros((1, 2, max(1, self.updates, self.weights)), np.float32)
        if self.updates and target.updates is not None:
            found[0, 0, : self.updates] = target.updates.sum(axis=0)
        if self.weights and target.weights is not None:
            found[0, 1, : self.weights] = target.weights
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Tells(OfTraining):
    """What a training shows of the outlier: the model's margin, its weights along a direction, each update
    along another; NaN where it does not show it.

    Attributes:
        steps: how many updates there are.
        of_updates, of_weights: (numbers,) unit directions.
    """

    steps: int
    of_updates: FloatArray
    of_weights: FloatArray

    def ask_trained(self, target: Target, data: Records, mask: BoolArray, seed: int) -> FloatArray:
        """(1, 2 + steps, 1): margin, weights, updates.

        Raises:
            PlanError: another number of steps than before.
        """
        assert isinstance(target, Witness)
        found = np.full(2 + self.steps, np.nan, np.float32)
        found[0] = target.margin(data)
        if target.weights is not None and self.of_weights.size:
            found[1] = target.weights @ self.of_weights
        if self.steps:
            taken = 0 if target.updates is None else len(target.updates)
            if taken != self.steps:
                raise PlanError(
                    f"the training took {taken} steps on {int(mask.sum()):,} records and {self.steps} on one "
                    "more, which gives the record away by itself; give a number of records at which the "
                    "steps stay the same, or leave them unrecorded"
                )
            assert target.updates is not None
            found[2:] = target.updates @ self.of_updates
        return found[None, :, None]


def _stacked(updates: Sequence[FloatArray]) -> FloatArray | None:
    if not updates:
        return None
    if len({u.size for u in updates}) > 1:
        raise ModelError("updates of several sizes were recorded; record the same numbers in every step")
    return np.stack(updates)
