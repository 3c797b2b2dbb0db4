"""A forest of private random trees in the place of scikit-learn's trees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.private_tables import Before, checked_options, private_training
from reticent.errors import PlanError
from reticent.private_models import PrivateForest
from reticent.private_models.trees import DEEPEST
from reticent.recipe import Recipe


@dataclass(frozen=True)
class PrivateTrees(TrainingDefence):
    """Trees drawn at random, counts in their leaves with exact noise (Fletcher & Islam 2017,
    arXiv:1606.03572).

    The guarantee is for adding or removing one record, without any delta. It holds for whoever does not know
    the seed: release a model whose seed was drawn at random and thrown away.

    Attributes:
        epsilon: of the guarantee.
        bounds: what columns may hold: (low, high) for all; or one entry a column; or by name, as a mapping or
            pairs. An entry is (low, high), or the words of a category. Or a domain, as `synthesise` takes it.
        trees: how many; the noise on each grows with them.
        depth: cuts from the root to a leaf.
        before: "refuse" steps before the estimator that learn from the records, or "leave out" all steps.
    """

    word: ClassVar[str] = "private_forest"
    source: ClassVar[str] = "Jagannathan et al. 2009, ICDMW; Fletcher & Islam 2017, arXiv:1606.03572"
    caveat: ClassVar[str] = "trees that do not look are weak where many columns say nothing"
    epsilon: float | None = None
    bounds: Any = None
    trees: int = 10
    depth: int = 8
    before: Before = "refuse"

    def __post_init__(self) -> None:
        bounds = checked_options(self.word, self.epsilon, 0.0, self.bounds, self.before)
        object.__setattr__(self, "bounds", bounds)
        if not (self.trees >= 1 and 1 <= self.depth <= DEEPEST):
            raise PlanError(
                f"{self.word} was given trees={self.trees} and depth={self.depth}; give one tree or more, "
                f"and a depth from 1 to {DEEPEST}"
            )

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe of private models.

        Raises:
            ModelError: no trees, or a step before them that learns from the records.
        """
        trees = ("DecisionTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier")
        return private_training(recipe, self.word, self, partial(_made, self), trees, self.before)


def _made(how: PrivateTrees, classes: tuple[Any, ...], seed: int | None) -> PrivateForest:
    return PrivateForest(
        how.epsilon,
        bounds=how.bounds,
        classes=classes,
        trees=how.trees,
        depth=how.depth,
        random_state=seed,
    )
