"""What somebody who copies a model is handed: the model behind a meter, and data of the thief's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reticent.access import Metered
from reticent.data import Records
from reticent.recipe import Recipe

if TYPE_CHECKING:
    from reticent.access import Features


@dataclass(frozen=True, eq=False)
class ExtractionScene:
    """A thief's means.

    Attributes:
        target: the model, capped at the rung granted; its limit is what the thief can pay for.
        own: records of the thief's own, of the kind that the model takes, none of which it was trained on.
        pool: unlabelled features in the model's form, to ask about; where none were given, the thief's own.
        recipe: how the thief trains a copy; None where nothing is known of the model's kind.
        seed: of everything random that an attack does.
    """

    target: Metered
    own: Records
    pool: Features
    recipe: Recipe | None = None
    seed: int = 0

    @property
    def budget(self) -> int | None:
        """Records that may still be asked; None for as many as wanted."""
        return None if self.target.limit is None else self.target.limit - self.target.queries

    def rng(self) -> np.random.Generator:
        """A fresh generator: the same seed, the same draws."""
        return np.random.default_rng(self.seed)
