"""How to train another model like the one under audit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from reticent.access import BoolArray, Target
from reticent.data import Records


class Recipe(Protocol):
    """Trains models that differ from the target in their records and seed alone.

    Attributes:
        together: how many models `fit_many` trains best at once on one processor core (1: one by one).
        device: "cpu", or the accelerator that one process alone should drive.
    """

    @property
    def together(self) -> int: ...

    @property
    def device(self) -> str: ...

    def fit(self, data: Records, seed: int) -> Target:
        """Train one model on all of `data`; the same seed gives the same model."""

    def fit_many(self, data: Records, masks: BoolArray, seeds: Sequence[int]) -> Iterator[Target]:
        """Train one model for each row of `masks` (models, records), on the records it marks.

        Model i depends on its own mask and seed alone, not on which others are trained beside it.
        """

    def fingerprint(self) -> str:
        """A hash of everything that could change the models."""


class OneByOne:
    """`fit_many` for recipes whose models are trained one after another."""

    together = 1
    device = "cpu"

    def fit(self, data: Records, seed: int) -> Target:
        """Train one model on all of `data`."""
        raise NotImplementedError

    def fit_many(self, data: Records, masks: BoolArray, seeds: Sequence[int]) -> Iterator[Target]:
        """Train one model for each row of `masks`, each when it is asked for."""
        for mask, seed in zip(masks, seeds, strict=True):
            yield self.fit(data.take(mask), seed)
