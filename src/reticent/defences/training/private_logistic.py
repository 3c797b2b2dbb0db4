"""Private logistic regression in the place of a linear classifier."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.private_tables import Before, checked_options, private_training
from reticent.errors import PlanError
from reticent.private_models import PrivateLogisticRegression
from reticent.recipe import Recipe

LINEAR = (
    *("LogisticRegression", "LogisticRegressionCV", "LinearSVC"),
    *("SGDClassifier", "RidgeClassifier", "Perceptron"),
)


@dataclass(frozen=True)
class PrivateLogistic(TrainingDefence):
    """Logistic regression whose loss has a random slope (Chaudhuri et al. 2011, arXiv:0912.0071, algorithm
    2).

    The guarantee is for adding or removing one record. It holds for whoever does not know the seed: release a
    model whose seed was drawn at random and thrown away.

    Attributes:
        epsilon: of the guarantee.
        bounds: what columns may hold: (low, high) for all; or one entry a column; or by name, as a mapping or
            pairs. An entry is (low, high), or the words of a category. Or a domain, as `synthesise` takes it.
        delta: 0 for a pure guarantee; above 0 noise is Gaussian, which is less from some twenty weights on.
        norm: L2 norm of a record, beyond which it is shortened; None for the largest that the bounds allow.
        regularisation: λ, total and not per record; None for what takes a fifth of epsilon.
        before: "refuse" steps before the estimator that learn from the records, or "leave out" all steps.
    """

    word: ClassVar[str] = "private_logistic"
    source: ClassVar[str] = "Chaudhuri et al. 2011, arXiv:0912.0071; Redberg et al. 2023, arXiv:2401.00583"
    caveat: ClassVar[str] = "noise in floating point; a person with ten records has ten times the epsilon"
    epsilon: float | None = None
    bounds: Any = None
    delta: float = 0.0
    norm: float | None = None
    regularisation: float | None = None
    before: Before = "refuse"

    def __post_init__(self) -> None:
        bounds = checked_options(self.word, self.epsilon, self.delta, self.bounds, self.before)
        object.__setattr__(self, "bounds", bounds)
        for name, value in {"norm": self.norm, "regularisation": self.regularisation}.items():
            if value is not None and not 0 < value < float("inf"):
                raise PlanError(f"{self.word} was given {name}={value}; give a number above 0")

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe of private models.

        Raises:
            ModelError: no linear classifier, or a step before it that learns from the records.
        """
        return private_training(recipe, self.word, self, partial(_made, self), LINEAR, self.before)


def _made(how: PrivateLogistic, classes: tuple[Any, ...], seed: int | None) -> PrivateLogisticRegression:
    return PrivateLogisticRegression(
        how.epsilon,
        delta=how.delta,
        bounds=how.bounds,
        norm=how.norm,
        classes=classes,
        regularisation=how.regularisation,
        random_state=seed,
    )
