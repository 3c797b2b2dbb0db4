"""Which shadow model trains on which record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reticent.access import BoolArray
from reticent.errors import PlanError


class Draw(Protocol):
    """A frozen dataclass that draws, from its fields alone, who trains on what."""

    @property
    def trainings(self) -> int:
        """How many models are trained."""

    def masks(self, records: int) -> BoolArray:
        """(trainings, records) True where the model trains on the record."""

    def seeds(self) -> list[int]:
        """One seed a model."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Each record in exactly half of the models (Carlini et al. 2022, section V-A).

    Attributes:
        models: how many shadow models; even, at least two.
        seed: of the draw and of the models' own seeds.
    """

    models: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if self.models < 2 or self.models % 2:
            raise PlanError(
                f"{self.models} shadow models were asked for; give an even number from 2 on, "
                "so that each record is in exactly half"
            )

    @property
    def trainings(self) -> int:
        """How many models are trained."""
        return self.models

    def masks(self, records: int) -> BoolArray:
        """(models, records) True where the model trains on the record; each column exactly half True."""
        order = np.random.default_rng([self.seed, records]).random((self.models, records)).argsort(axis=0)
        return order < self.models // 2

    def seeds(self) -> list[int]:
        """One seed a model."""
        return [int(s) for s in np.random.default_rng([self.seed, 1]).integers(0, 2**31 - 1, self.models)]
