"""Limits on trees: no leaf for a single person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.kinds import adjusted
from reticent.errors import ModelError, PlanError
from reticent.recipe import Recipe
from reticent.targets.sklearn import SklearnRecipe


@dataclass(frozen=True)
class TreeLimits(TrainingDefence):
    """Bound trees' depth and their leaves' size from below (Yeom et al. 2018, arXiv:1709.01604, section 6).

    Attributes:
        depth: the most splits from the root to a leaf; None for no bound.
        leaf: the fewest records in a leaf (of XGBoost, their summed Hessian); None for no bound.
    """

    word: ClassVar[str] = "tree_limits"
    source: ClassVar[str] = "Yeom et al. 2018, arXiv:1709.01604, section 6"
    caveat: ClassVar[str] = "a leaf of ten still tells of each of the ten"
    depth: int | None = None
    leaf: int | None = 10

    def __post_init__(self) -> None:
        if all(bound is None for bound in (self.depth, self.leaf)):
            raise PlanError("tree_limits was given neither depth nor leaf; give one, such as leaf=10")
        if any(bound is not None and bound < 1 for bound in (self.depth, self.leaf)):
            raise PlanError(
                f"tree_limits was given depth={self.depth} and leaf={self.leaf}; give numbers from 1 on"
            )

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe with the limits."""
        if not isinstance(recipe, SklearnRecipe):
            raise ModelError(
                f"tree_limits sets options of trees, and a {type(recipe).__name__} trains none; leave it out"
            )
        return adjusted(recipe, Bounds(self.depth, self.leaf), self.word, "max_depth or min_samples_leaf")


@dataclass(frozen=True)
class Bounds:
    """The limits in the terms of each estimator."""

    depth: int | None
    leaf: int | None

    def options(self, part: Any, records: int) -> Mapping[str, Any]:
        """What to set."""
        has = part.get_params(deep=False)
        found: dict[str, Any] = {}
        if self.depth is not None and "max_depth" in has:
            found["max_depth"] = self.depth
        names = ("min_samples_leaf", "min_child_weight", "min_child_samples")
        name = next(
            (n for n in names if n in has and not (n == "min_child_weight" and "min_child_samples" in has)),
            None,
        )
        if self.leaf is not None and name is not None:
            found[name] = self.leaf
        return found
