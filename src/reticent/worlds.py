"""Training worlds: many models whose training data differ in one fact, the share of a property.

A property is read off a column that the models never see. In each world the share of records with it is
exactly what was asked for, and the balance of labels is held: either overall, so that a model can't give the
property away by how often it names a label, or within those who have the property and those who lack it, as
where other people of the same two groups were asked. The attacker's models, the victims' and the records that
all are asked about come from disjoint parts of the data.

Suri & Evans, "Formalizing and Estimating Distribution Inference Risks", PETS 2022, arXiv:2109.06024; poison:
Chaudhari et al., "SNAP: Efficient Extraction of Private Properties with Poisoning", IEEE S&P 2023,
arXiv:2208.12348.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from reticent.access import BoolArray, FloatArray, IntArray, Metered
from reticent.data import Property, Records, concat
from reticent.errors import DataError, PlanError
from reticent.question import Question
from reticent.recipe import Recipe
from reticent.shadows.engine import ask_shadows
from reticent.shadows.signals import Answers
from reticent.shares import balanced_overall, balanced_within

PROBE, ATTACKER, VICTIM, POISON = range(4)
"""Parts of the data: asked about and never trained on, the attacker's, the victims', everyone's poison."""


@dataclass(frozen=True, kw_only=True)
class Worlds:
    """How many models are trained on which shares of the property.

    Attributes:
        shares: of records with the property, one a world, each above 0 and below 1 and rising.
        models: the attacker's models in each world.
        victims: models under attack in each world.
        size: clean records that each model is trained on.
        balance: "overall": every world has each label as often as all records do, property and label going
            together as closely (their odds ratio) as there; what is asked of a model then shifts with the
            share. "within": those with the property have each label as often as all such records do, and so
            have those without; how often a label comes up overall then shifts with the share.
        probes: records set aside, which every model is asked about and none is trained on.
        shuffled: the control: who has the property is shuffled over the records, so that worlds differ in
            nothing.
        seed: of the parts, the samples, the models and the attacks.
    """

    shares: tuple[float, ...] = (0.5, 0.8)
    models: int = 64
    victims: int = 64
    size: int = 1_000
    balance: Literal["overall", "within"] = "overall"
    probes: int = 2_000
    shuffled: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in zip(self.shares, self.shares[1:], strict=False))
        if len(self.shares) < 2 or not rising or not 0 < self.shares[0] <= self.shares[-1] < 1:
            raise PlanError(
                f"worlds with shares {self.shares} were asked for; give two or more, rising, between 0 and 1"
            )
        if min(self.models, self.victims, self.size, self.probes) < 2:
            raise PlanError(
                f"{self.models} models and {self.victims} victims a world, {self.size} records a model and "
                f"{self.probes} probes were asked for; give two or more of each"
            )
        counts = [round(share * self.size) for share in self.shares]
        if counts[0] < 1 or counts[-1] >= self.size or len(set(counts)) < len(counts):
            raise PlanError(
                f"shares {self.shares} of {self.size} records are {counts} records; give larger samples, so "
                "that no two are the same and none is nought or all"
            )
        if self.balance not in ("overall", "within"):
            raise PlanError(f"balance = {self.balance!r} was given; choose 'overall' or 'within'")

    def parts(self, has: BoolArray, labels: IntArray) -> IntArray:
        """(records,) which part each record is in: probes first, the rest dealt out evenly within each kind.

        Raises:
            DataError: the records do not suffice for the probes.
        """
        if len(has) <= self.probes:
            raise DataError(
                f"{self.probes:,} probes were asked for and there are {len(has):,} records; ask for fewer"
            )
        rng = np.random.default_rng([self.seed, 0])
        order = rng.permutation(len(has))
        part = np.full(len(has), PROBE)
        rest = order[self.probes :]
        kind = rest[np.argsort(2 * labels[rest] + has[rest], kind="stable")]
        part[kind[0::2]], part[kind[1::2]] = ATTACKER, VICTIM
        return part

    def believed(self, has: BoolArray) -> BoolArray:
        """(records,) who has the property in these worlds: the truth, or in the control a shuffle of it."""
        return np.random.default_rng([self.seed, 3]).permutation(has) if self.shuffled else has


@dataclass(frozen=True, eq=False)
class WorldDraw:
    """Who trains on what: for each share first the attacker's models, then, as many parts on, the victims.

    Attributes:
        worlds: the plan.
        has: (records,) True where a record has the property.
        labels: (records,) their labels' positions.
        part: (records,) PROBE, ATTACKER, VICTIM or POISON.
    """

    worlds: Worlds
    has: BoolArray
    labels: IntArray
    part: IntArray

    @property
    def trainings(self) -> int:
        """How many models are trained."""
        return len(self.worlds.shares) * (self.worlds.models + self.worlds.victims)

    @property
    def world(self) -> IntArray:
        """(trainings,) position of each model's share; a run stopped halfway has as many of each."""
        return np.arange(self.trainings) % len(self.worlds.shares)

    @property
    def victim(self) -> BoolArray:
        """(trainings,) True for the models under attack."""
        return np.asarray(np.arange(self.trainings) >= len(self.worlds.shares) * self.worlds.models)

    @cached_property
    def cells(self) -> IntArray:
        """(shares, 2, labels) records of each model without (0) and with (1) the property, by label.

        Raises:
            DataError: the records can't make up a share.
        """
        clean = self.part != POISON
        table = np.zeros((2, int(self.labels.max()) + 1))
        np.add.at(table, (self.has[clean].astype(int), self.labels[clean]), 1)
        plan = self.worlds
        divide = balanced_overall if plan.balance == "overall" else balanced_within
        return np.stack([divide(table, share, plan.size) for share in plan.shares])

    def masks(self, records: int) -> BoolArray:
        """(trainings, records) True where the model trains on the record: the share exact, labels balanced.

        Raises:
            DataError: the records can't make up a share.
        """
        masks = np.zeros((self.trainings, records), dtype=bool)
        masks[:, self.part == POISON] = True
        for model, (world, victim) in enumerate(zip(self.world, self.victim, strict=True)):
            rng = np.random.default_rng([self.worlds.seed, 1, model])
            for (has, label), needed in np.ndenumerate(self.cells[world]):
                part, whose = (VICTIM, "the victims'") if victim else (ATTACKER, "the attacker's")
                own = self._rows[part, has, label]
                if len(own) < needed:
                    raise DataError(
                        f"a share of {self.worlds.shares[world]:g} in samples of {self.worlds.size:,} needs "
                        f"{needed:,} records {'with' if has else 'without'} the property of one label, and "
                        f"{whose} part holds {len(own):,}; ask for smaller "
                        "samples, or a share nearer to that of the data"
                    )
                masks[model, rng.choice(own, int(needed), replace=False)] = True
        return masks

    def seeds(self) -> list[int]:
        """One seed a model."""
        rng = np.random.default_rng([self.worlds.seed, 2])
        return [int(s) for s in rng.integers(0, 2**31 - 1, self.trainings)]

    @cached_property
    def _rows(self) -> dict[tuple[int, int, int], IntArray]:
        labels = range(self.cells.shape[2])
        return {
            (part, has, label): np.flatnonzero(
                (self.part == part) & (self.has == bool(has)) & (self.labels == label)
            )
            for part in (ATTACKER, VICTIM)
            for has in (0, 1)
            for label in labels
        }


@dataclass(frozen=True, eq=False)
class PropertyScene:
    """What an attack on a property is handed: its own models, the victims' answers, and no victim's share.

    Attributes:
        probes: records that no model was trained on, without the property's column.
        has: (probes,) who of them has the property.
        rare: position of the label that fewest records with the property have, and that poison is given.
        shares: of each world.
        world: (models,) position of the share on which each of the attacker's models was trained.
        answers: what the attacker's models answered to each question, (models, probes, variants, channels).
        victims: what the victims answered to each question, (victims, probes, variants, channels).
        seed: of everything random that an attack does.
    """

    probes: Records
    has: BoolArray
    rare: int
    shares: tuple[float, ...]
    world: IntArray
    answers: Mapping[Question, Answers]
    victims: Mapping[Question, Answers]
    seed: int = 0

    def facing(self, target: Metered) -> PropertyScene:
        """The same attacker before one model whose share nobody knows."""
        asked = {q: _told(q, q.ask(target, self.probes)[None], self.probes) for q in self.answers}
        return replace(self, victims=asked)

    def mixtures(self) -> FloatArray:
        """(shares, probes) weights that make the probes a sample of each world; each row sums to 1."""
        share = np.asarray(self.shares)[:, None]
        weights: FloatArray = np.where(self.has, share / self.has.sum(), (1 - share) / (~self.has).sum())
        return weights


def of_model(question: Question) -> bool:
    """Whether a question is about the model itself, its answer dealt over whatever records it is put with."""
    return bool(getattr(question, "of_model", False))


def _told(question: Question, values: FloatArray, probes: Records) -> Answers:
    if of_model(question):
        return Answers(values.reshape(len(values), 1, 1, -1), np.zeros(1, np.int64))
    return Answers(values, probes.labels)


@dataclass(frozen=True, eq=False)
class Grounds:
    """Worlds before anything is trained: the data that models see, the draw, and who has the property.

    Attributes:
        data: all records without the property's column, poison last.
        draw: who trains on what.
        rare: position of the label that fewest records with the property have.
    """

    data: Records
    draw: WorldDraw
    rare: int

    @classmethod
    def of(cls, records: Records, fact: Property, worlds: Worlds, poison: float = 0) -> Grounds:
        """Divide the records and check that they suffice.

        Args:
            poison: share of every training set that is poison: records of the attacker that have the property
                and are given the label rarest among such; beside the clean records.

        Raises:
            DataError: a column that is absent or constant, a share that the records can't make up, no probes
                of one kind, too few records for the poison.
        """
        has, labels = worlds.believed(fact.of(records)), records.labels
        data, part = fact.without(records), worlds.parts(has, labels)
        rare = rarest(has, labels, len(data.classes))
        if poison:
            place = _poison(has & (labels != rare) & (part == ATTACKER), poison, worlds)
            clean = np.setdiff1d(np.arange(len(data)), place)  # no record with two labels
            wrong = data.take(place)
            wrong = replace(wrong, labels=np.full_like(wrong.labels, rare))
            data = concat([data.take(clean), wrong])
            has = np.concatenate([has[clean], has[place]])
            part = np.concatenate([part[clean], np.full(len(place), POISON)])
        if len(np.unique(has[part == PROBE])) < 2:
            raise DataError("the probes all have the property or all lack it; ask for more probes")
        return cls(data, WorldDraw(worlds, has, data.labels, part), rare)

    def scene(
        self,
        recipe: Recipe,
        questions: Sequence[Question],
        *,
        cache: Path,
        workers: int | None = None,
        advance: Callable[[int], None] = lambda models: None,
    ) -> tuple[PropertyScene, IntArray]:
        """Train what is not kept, ask, and return the attacker's view and the victims' worlds (victims,)."""
        signals = ask_shadows(
            recipe, self.data, self.draw, questions, cache=cache, workers=workers, advance=advance
        )
        probe = np.flatnonzero(self.draw.part == PROBE)
        probes, victim = self.data.take(probe), self.draw.victim
        own = np.flatnonzero(~victim)  # the victims come in no order that would tell their share
        theirs = np.random.default_rng([self.draw.worlds.seed, 5]).permutation(np.flatnonzero(victim))

        def told(question: Question, models: IntArray) -> Answers:
            values = signals[question].values[models]
            return _told(question, values if of_model(question) else values[:, probe], probes)

        scene = PropertyScene(
            probes=probes,
            has=self.draw.has[probe],
            rare=self.rare,
            shares=self.draw.worlds.shares,
            world=self.draw.world[own],
            answers={q: told(q, own) for q in questions},
            victims={q: told(q, theirs) for q in questions},
            seed=self.draw.worlds.seed,
        )
        return scene, self.draw.world[theirs]


def rarest(has: BoolArray, labels: IntArray, classes: int) -> int:
    """Position of the label that fewest records with the property have."""
    return int(np.bincount(labels[has], minlength=classes).argmin())


def _poison(own: BoolArray, share: float, worlds: Worlds) -> IntArray:
    """Which of the attacker's `own` records become a `share` of every training set.

    Raises:
        DataError: there are too few of them.
    """
    needed = max(1, round(worlds.size * share / (1 - share)))
    if own.sum() < needed:
        raise DataError(
            f"{needed:,} records of poison are needed and the attacker has {int(own.sum()):,} with the "
            "property and a label to change; ask for a smaller share of poison"
        )
    rng = np.random.default_rng([worlds.seed, 4])
    return np.sort(rng.choice(np.flatnonzero(own), needed, replace=False))
