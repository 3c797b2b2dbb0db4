"""How to train another model like the one under audit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from reticent.access import BoolArray, FloatArray, Target
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


@runtime_checkable
class SoftRecipe(Recipe, Protocol):
    """A recipe whose models can learn probabilities of the classes in place of labels."""

    def fit_soft(
        self, data: Records, masks: BoolArray, seeds: Sequence[int], targets: Sequence[FloatArray]
    ) -> Iterator[Target]:
        """Train one model for each row of `masks` (models, records) on what each is to answer.

        Args:
            targets: one array a model, (its records, classes): rows sum to one, in the records' order.
        """


@dataclass(frozen=True)
class Guarantee:
    """(epsilon, delta)-differential privacy: how much one record can change.

    Attributes:
        epsilon, delta: the guarantee.
        by: what was composed, and how, in words.
        against: what of one record can change so little.
    """

    epsilon: float
    delta: float
    by: str = ""
    against: str = "adding or removing one record"

    def __str__(self) -> str:
        return f"ε {self.epsilon:.3g} at δ {self.delta:.0e}" if self.delta else f"ε {self.epsilon:.3g}"


@runtime_checkable
class Private(Protocol):
    """A recipe whose training may carry a guarantee."""

    def guarantee(self, records: int) -> Guarantee | None:
        """What training on so many records guarantees; None where nothing is."""


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
