"""Private naive Bayes in the place of scikit-learn's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.private_tables import Before, checked_options, private_training
from reticent.private_models import PrivateNaiveBayes
from reticent.recipe import Recipe


@dataclass(frozen=True)
class PrivateBayes(TrainingDefence):
    """Naive Bayes from counts and sums with exact noise (Vaidya et al. 2013, DOI 10.1109/WI-IAT.2013.80).

    The guarantee is for adding or removing one record, without any delta. It holds for whoever does not know
    the seed: release a model whose seed was drawn at random and thrown away.

    Attributes:
        epsilon: of the guarantee.
        bounds: what columns may hold: (low, high) for all; or one entry a column; or by name, as a mapping or
            pairs. An entry is (low, high), or the words of a category. Or a domain, as `synthesise` takes it.
        before: "refuse" steps before the estimator that learn from the records, or "leave out" all steps.
    """

    word: ClassVar[str] = "private_bayes"
    source: ClassVar[str] = "Vaidya et al. 2013, WI-IAT; noise: Ghosh et al. 2009, arXiv:0811.2841"
    caveat: ClassVar[str] = "noise grows with the number of columns; scores are surer than they should be"
    epsilon: float | None = None
    bounds: Any = None
    before: Before = "refuse"

    def __post_init__(self) -> None:
        bounds = checked_options(self.word, self.epsilon, 0.0, self.bounds, self.before)
        object.__setattr__(self, "bounds", bounds)

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe of private models.

        Raises:
            ModelError: no naive Bayes, or a step before it that learns from the records.
        """
        bayes = ("GaussianNB", "CategoricalNB", "BernoulliNB", "MultinomialNB", "ComplementNB")
        return private_training(recipe, self.word, self, partial(_made, self), bayes, self.before)


def _made(how: PrivateBayes, classes: tuple[Any, ...], seed: int | None) -> PrivateNaiveBayes:
    return PrivateNaiveBayes(how.epsilon, bounds=how.bounds, classes=classes, random_state=seed)
