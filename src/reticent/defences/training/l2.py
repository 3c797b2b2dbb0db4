"""L2: large weights are penalised, so that no record is fitted by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.kinds import adjusted, torch_training
from reticent.errors import PlanError
from reticent.recipe import Recipe
from reticent.targets.sklearn import SklearnRecipe


@dataclass(frozen=True)
class L2(TrainingDefence):
    """Add λ/2 ‖w‖² to the mean loss (Krogh & Hertz 1991; as a defence Shokri et al. 2017, arXiv:1610.05820).

    Of scikit-learn-likes λ sets what means the same there: C = 1 / (λ n) of linear models and machines,
    alpha = λ of MLPClassifier and SGDClassifier, reg_lambda = λ n of XGBoost and LightGBM and
    l2_regularization of histogram boosting, where the penalty is on the leaves' values.

    Attributes:
        strength: λ.
    """

    word: ClassVar[str] = "l2"
    source: ClassVar[str] = "Krogh & Hertz 1991; Shokri et al. 2017, arXiv:1610.05820, section VIII"
    caveat: ClassVar[str] = (
        "weak strengths change little; strong ones cost accuracy before they hide outliers"
    )
    strength: float = 1e-3

    def __post_init__(self) -> None:
        if not 0 <= self.strength < float("inf"):
            raise PlanError(f"l2 was given strength={self.strength}; give one from 0 on, such as 1e-3")

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe with the penalty."""
        if isinstance(recipe, SklearnRecipe):
            return adjusted(
                recipe, Penalty(self.strength), self.word, "C, alpha, reg_lambda or l2_regularization"
            )
        return torch_training(recipe, self.word, lambda t: replace(t, weight_decay=self.strength))


@dataclass(frozen=True)
class Penalty:
    """λ in the terms of each estimator."""

    strength: float

    def options(self, part: Any, records: int) -> Mapping[str, Any]:
        """What to set, from λ beside the mean loss of so many records."""
        has, kind = part.get_params(deep=False), type(part).__name__
        whole = self.strength * records
        if "C" in has:
            return {"C": 1 / max(whole, 1e-12)}
        if kind.startswith("Ridge") and "alpha" in has:
            return {"alpha": whole}
        if kind in ("MLPClassifier", "SGDClassifier", "Perceptron") and "alpha" in has:
            return {"alpha": self.strength}
        for name in ("reg_lambda", "l2_regularization"):
            if name in has:
                return {name: whole}
        return {}
