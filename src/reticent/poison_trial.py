"""Tries poison: how much surer are members told of models into whose training data somebody slipped records?

Many models are trained, each on half of the records and on all of the poison. Each in turn is the one under
attack, and LiRA, with all others as its shadows, says who of the people aimed at was in it. Beside it
stands the same, person by person and model by model, without the poison; and what the poison cost everybody
else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reticent.access import BoolArray, FloatArray
from reticent.attacks.attack import PoisonAttack
from reticent.attacks.membership import Lira
from reticent.attacks.poison import TruthSerum
from reticent.data import Records, concat
from reticent.errors import DataError, PlanError
from reticent.exhibit import Beside, Strip
from reticent.finding import Cost, Finding
from reticent.hearing import measured
from reticent.measure.estimate import Figure, Withheld, bootstrap_models_and_records
from reticent.measure.roc import Roc
from reticent.progress import Progress, default_progress
from reticent.question import Scores
from reticent.recipe import Recipe
from reticent.shadows.engine import ask_shadows
from reticent.shadows.signals import Answers, Signals
from reticent.store import default_cache, private_folder


@dataclass(frozen=True, kw_only=True)
class PoisonPlan:
    """Everybody in exactly half of the models, the poison in all of them.

    Attributes:
        models: how many; even, at least four.
        poison: records of it, which stand last.
        seed: of the draw and of the models' own seeds.
    """

    models: int = 32
    poison: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.models < 4 or self.models % 2:
            raise PlanError(f"{self.models} models were asked for; give an even number from 4 on")

    @property
    def trainings(self) -> int:
        """How many models are trained."""
        return self.models

    def masks(self, records: int) -> BoolArray:
        """(models, records) the same of everybody whether there is poison or not."""
        clean = records - self.poison
        order = np.random.default_rng([self.seed, 13]).random((self.models, clean)).argsort(axis=0)
        return np.concatenate([order < self.models // 2, np.ones((self.models, self.poison), bool)], axis=1)

    def seeds(self) -> list[int]:
        """One seed a model."""
        return [int(s) for s in np.random.default_rng([self.seed, 1]).integers(0, 2**31 - 1, self.models)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Poisoned:
    """Members told with poison, and without.

    Attributes:
        scores, control: (models, people) LiRA's scores of those aimed at, with poison and without.
        members: (models, people) the truth, the same in both.
        right, right_control: (models,) share of all others, not trained on, whom each model names rightly.
    """

    scores: NDArray[np.float64]
    control: NDArray[np.float64]
    members: BoolArray
    right: NDArray[np.float64]
    right_control: NDArray[np.float64]

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name; its interval takes models and people for samples.

        Args:
            name: "auc", "tpr@P%" (true positives at P % false positives) or "accuracy" (on everybody else);
            each
                with " control" for the models without poison.

        Raises:
            ValueError: no figure has that name.
        """
        kind = name.removesuffix(" control")
        if kind == "accuracy":
            shares = (self.right if kind == name else self.right_control)[:, None]
            twice = np.concatenate([shares, shares], axis=1)
            return bootstrap_models_and_records(
                lambda values, _: float(values.mean()),
                twice,
                np.ones(twice.shape, dtype=bool),
                level=level,
                bounds=(0, 1),
            )
        scores = self.scores if kind == name else self.control
        if kind == "auc":
            return bootstrap_models_and_records(_auc, scores, self.members, level=level, bounds=(0, 1))
        if not (kind.startswith("tpr@") and kind.endswith("%")):
            raise ValueError(f"no figure is called {name!r}")
        rate = float(kind[4:-1]) / 100
        if rate * (~self.members).sum() < 5:
            return Withheld(f"fewer than five false positives make up {100 * rate:g} %")
        return bootstrap_models_and_records(
            lambda s, m: _tpr(s, m, rate), scores, self.members, level=level, bounds=(0, 1)
        )

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """Members told, then the damage, each beside the same without poison."""
        without = "the same models without poison"
        tpr, auc, accuracy = (
            (self.figure(n, level=level), self.figure(f"{n} control", level=level))
            for n in ("tpr@1%", "auc", "accuracy")
        )
        return (
            Beside("members told at 1 % false positives", tpr[0], without, tpr[1]),
            Beside("AUC of membership", auc[0], without, auc[1], "number"),
            Beside("everybody else named rightly", accuracy[0], without, accuracy[1], "share", "lower"),
        )

    def note(self) -> str:
        """How many models and people stand behind it."""
        models, people = self.scores.shape
        return f"{models} models, {people} people aimed at, each in half of them."

    def strips(self) -> tuple[Strip, ...]:
        """None."""
        return ()

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Scores with poison and without, and the truth."""
        return {
            "scores": self.scores,
            "control": self.control,
            "members": self.members,
            "right": self.right,
            "right_control": self.right_control,
        }


def poison(
    recipe: Recipe,
    records: Records,
    attack: PoisonAttack | None = None,
    *,
    people: int = 50,
    models: int = 32,
    seed: int = 0,
    workers: int | None = None,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> Finding:
    """Measure how much more a training gives away if somebody slips records into it: the worst case.

    Args:
        recipe: the training.
        records: people who may be trained on; each model is trained on half of them.
        attack: the poison; None for `TruthSerum()`.
        people: aimed at, drawn at random.
        models: trained with poison, and as many without.
        seed: of the people, the draw, the poison and the models.
        workers: processes; None for one a core.
        cache: where finished models' answers are kept; None for `store.default_cache()`.
        progress: what is told how far the work is.

    Raises:
        DataError: fewer than four records for each person aimed at.
        PlanError: an odd number of models, or too few.
        ModelError: the recipe threw.
    """
    attack = attack or TruthSerum()
    if people < 2 or len(records) < 4 * people:
        raise DataError(
            f"{people} people to aim at among {len(records):,} records were asked for; give two or "
            "more, and four times as many records"
        )
    start = time.perf_counter()
    order = np.random.default_rng([seed, 14]).permutation(len(records))
    clean = records.take(order)
    spiked = concat([clean, attack.poison(clean.take(np.arange(people)), seed)])
    told = []
    with (progress or default_progress()).stage("training with poison and without", 2 * models) as advance:
        for data in (spiked, clean):
            signals = ask_shadows(
                recipe,
                data,
                PoisonPlan(models=models, poison=len(data) - len(clean), seed=seed),
                [Scores()],
                cache=private_folder(Path(cache) if cache is not None else default_cache()) / "signals",
                workers=workers,
                advance=advance,
            )[Scores()]
            told.append(_told(signals, people, len(clean)))
    (scores, members, right), (control, _, right_control) = told
    evidence = Poisoned(
        scores=scores, control=control, members=members, right=right, right_control=right_control
    )
    cost = Cost(trainings=2 * models, seconds=time.perf_counter() - start)
    return measured(attack, evidence, cost)


def _told(
    signals: Signals, people: int, clean: int
) -> tuple[NDArray[np.float64], BoolArray, NDArray[np.float64]]:
    """(models, people) scores of each model by all others, the truth, and each model's accuracy on others."""
    first = slice(0, people)
    aimed = Signals(signals.values[:, first], signals.labels[first], signals.members[:, first])
    known, scores = np.zeros(people, dtype=bool), np.empty((aimed.models, people))
    for model in range(aimed.models):
        rest = np.delete(np.arange(aimed.models), model)
        target = Answers(aimed.values[model : model + 1], aimed.labels)
        others = Signals(aimed.values[rest], aimed.labels, aimed.members[rest])
        scores[model] = Lira().score(target, others, known)
    rest_of = slice(people, clean)
    margins = Signals(signals.values[:, rest_of], signals.labels[rest_of], signals.members[:, rest_of])
    outside = ~margins.members
    right = ((margins.margin()[:, :, 0] > 0) & outside).sum(axis=1) / outside.sum(axis=1)
    return scores, aimed.members, np.asarray(right, dtype=np.float64)


def _auc(scores: FloatArray, members: BoolArray) -> float:
    return Roc.of(scores.ravel(), members.ravel()).auc().value


def _tpr(scores: FloatArray, members: BoolArray, rate: float) -> float:
    roc = Roc.of(scores.ravel(), members.ravel())
    return float(roc.tpr[np.searchsorted(roc.fpr, rate, side="right") - 1])
