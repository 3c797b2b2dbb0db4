"""The records of a frontier and what they are for, and which model trains on which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reticent.access import BoolArray
from reticent.canary import Canary, with_canaries
from reticent.data import Records, concat, records
from reticent.errors import DataError
from reticent.shadows.plan import Plan

HOLDOUT_SHARE = 0.4
"""Of the records, where none are held out: half measure usefulness, half are what defences may look at."""

MOST_CANARIES, CANARY_SHARE = 500, 0.05
"""Canaries: so many, or this share of the records that models are trained on."""

FEWEST = 200
"""Records without which nothing would be measured."""


@dataclass(frozen=True, kw_only=True)
class FrontierPlan:
    """Which model trains on which record: ordinary ones and canaries in exactly half of the models, the
    rest in none.

    Attributes:
        models: how many; even.
        ordinary: how many records come first.
        canaries: how many canaries come then.
        copies: equal records, beside each other, that make one canary.
        seed: of the draw and of the models' own seeds.
    """

    models: int
    ordinary: int
    canaries: int
    copies: int
    seed: int = 0

    @property
    def trainings(self) -> int:
        """How many models are trained."""
        return self.models

    @property
    def last(self) -> int:
        """The first record that no model is trained on."""
        return self.ordinary + self.canaries * self.copies

    @property
    def one_of_each(self) -> slice:
        """One record of each canary."""
        return slice(self.ordinary, self.last, self.copies)

    def masks(self, records: int) -> BoolArray:
        """(models, records) True where the model trains on the record."""
        masks = np.zeros((self.models, records), dtype=bool)
        units = Plan(models=self.models, seed=self.seed).masks(self.ordinary + self.canaries)
        masks[:, : self.ordinary] = units[:, : self.ordinary]
        masks[:, self.ordinary : self.last] = np.repeat(units[:, self.ordinary :], self.copies, axis=1)
        return masks

    def seeds(self) -> list[int]:
        """One seed a model."""
        return Plan(models=self.models, seed=self.seed).seeds()


@dataclass(frozen=True, eq=False)
class Layout:
    """The records and what they are for.

    Attributes:
        base: ordinary records, of which each model is trained on half, before canaries are made of some.
        test, reference: those that no model is trained on.
        canaries: how many are made.
        models: shadow models.
        seed: of everything drawn.
    """

    base: Records
    test: Records
    reference: Records
    canaries: int
    models: int
    seed: int

    @classmethod
    def of(
        cls, data: Records, holdout: Records | None, *, canaries: int | None, models: int, seed: int
    ) -> Layout:
        """Set records aside where none are held out, and say how many canaries are made.

        Args:
            canaries: how many; None for 500, or one in twenty of the records trained on.

        Raises:
            DataError: too few records, or too many canaries for them.
        """
        given = len(data) + (len(holdout) if holdout is not None else 0)
        if given < FEWEST:
            raise DataError(
                f"{given:,} records were given; give at least {FEWEST}, and thousands to tell defences apart"
            )
        if holdout is None:
            order = np.random.default_rng([seed, 14]).permutation(len(data))
            aside = int(HOLDOUT_SHARE * len(data))
            data, holdout = data.take(order[aside:]), data.take(order[:aside])
        test, reference = halves(holdout, seed)
        share = max(20, int(CANARY_SHARE * len(data)))
        many = canaries if canaries is not None else min(MOST_CANARIES, share)
        if not 1 <= many <= len(data) // 2:
            raise DataError(
                f"{many:,} canaries were asked for and models are trained on {len(data):,} records; give at "
                "most half"
            )
        return cls(data, test, reference, many, models, seed)

    def records(self, canary: Canary) -> tuple[Records, FrontierPlan]:
        """Ordinary records, canaries, and test records, and who trains on what."""
        trained = with_canaries(self.base, self.canaries, canary, self.seed)
        plan = FrontierPlan(
            models=self.models,
            ordinary=len(self.base) - self.canaries,
            canaries=self.canaries,
            copies=canary.copies,
            seed=self.seed,
        )
        return concat([trained, self.test]), plan


def halves(holdout: Records, seed: int) -> tuple[Records, Records]:
    """Records to measure usefulness on, and records that defences may look at.

    Raises:
        DataError: too few for two halves.
    """
    if len(holdout) < 40:
        raise DataError(
            f"{len(holdout):,} records are held out; give at least 40, and a thousand for narrow intervals"
        )
    order = np.random.default_rng([seed, 13]).permutation(len(holdout))
    return holdout.take(order[: len(order) // 2]), holdout.take(order[len(order) // 2 :])


def sides(
    data: Records | tuple[Any, Any], holdout: Records | tuple[Any, Any] | None
) -> tuple[Records, Records | None]:
    """What was given, as records of the same classes.

    Raises:
        DataError: no pair of features and labels.
    """
    given = [side for side in (data, holdout) if side is not None]
    for side in given:
        if not isinstance(side, Records) and not (isinstance(side, tuple | list) and len(side) == 2):
            raise DataError("the data are not a pair; give (features, labels)")
    labels = [np.asarray(side[1]) for side in given if not isinstance(side, Records)]
    known = [side.classes for side in given if isinstance(side, Records)]
    classes = known[0] if known else np.unique(np.concatenate(labels))
    read = [
        side if isinstance(side, Records) else records(side[0], side[1], classes, what=what)
        for side, what in zip(given, ("data", "hold-out"), strict=False)
    ]
    return read[0], read[1] if len(read) == 2 else None
