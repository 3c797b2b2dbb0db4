"""Which kinds of model a defence in training can change, and the sentence for those that it can't."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reticent.data import Records
from reticent.errors import ModelError, PlanError
from reticent.recipe import Recipe, SoftRecipe
from reticent.targets.sklearn import Adjustment, SklearnRecipe

if TYPE_CHECKING:
    from reticent.shadows.batched.training import Training
    from reticent.targets.torch import TorchRecipe

OLDER = "a torch module's training, and what stands before it has wrapped that; write it first"


def as_torch(recipe: Recipe) -> TorchRecipe | None:
    """The recipe where it trains a torch module, else None; torch is not loaded to find out."""
    if "reticent.targets.torch" not in sys.modules:
        return None
    from reticent.targets.torch import TorchRecipe

    return recipe if isinstance(recipe, TorchRecipe) else None


def torch_training(
    recipe: Recipe, word: str, change: Callable[[Training], Training], instead: str = ""
) -> TorchRecipe:
    """The recipe of a torch module with its training changed.

    Args:
        instead: what scikit-learn's models have in its place.

    Raises:
        ModelError: another kind of model.
    """
    torch = as_torch(recipe)
    if torch is None:
        raise ModelError(refusal(recipe, word, instead))
    return replace(torch, training=change(torch.training))


def refusal(recipe: Recipe, word: str, instead: str = "") -> str:
    """Why a defence that changes a torch module's training can't change this recipe."""
    if isinstance(recipe, SklearnRecipe):
        more = f"; {instead} is what it can carry" if instead else "; leave it out, or train a torch module"
        return f"{word} changes each step of a network's training, and a {name_of(recipe)} has none{more}"
    if isinstance(recipe, SoftRecipe) or type(recipe).__module__.startswith("reticent.defences"):
        return f"{word} changes {OLDER}"
    return f"{word} changes a torch module's training, and a {type(recipe).__name__} trains something else"


def with_reference(recipe: TorchRecipe, reference: Records | None, word: str) -> TorchRecipe:
    """The recipe with records to look at.

    Raises:
        PlanError: there are none.
    """
    if reference is None:
        raise PlanError(
            f"{word} looks at records from the same source that no model is trained on; give reference=..."
        )
    return replace(recipe, reference=reference)


def soft_recipe(recipe: Recipe, word: str) -> SoftRecipe:
    """The recipe, if its models can learn probabilities.

    Raises:
        ModelError: they can't.
    """
    if not isinstance(recipe, SoftRecipe):
        raise ModelError(
            f"{word} trains a model on probabilities of classes, and a {type(recipe).__name__} trains "
            "on labels only; give a torch module or a scikit-learn model that takes sample_weight"
        )
    return recipe


def adjusted(recipe: SklearnRecipe, adjustment: Adjustment, word: str, what: str) -> SklearnRecipe:
    """The recipe with options of its estimators changed.

    Args:
        what: the options that would be changed.

    Raises:
        ModelError: none of its estimators has them.
    """
    if not any(adjustment.options(part, 1_000) for part in recipe.parts().values()):
        raise ModelError(f"{word} sets {what}, and a {name_of(recipe)} has none of these; leave it out")
    return SklearnRecipe(recipe.estimator, (*recipe.adjustments, adjustment))


def name_of(recipe: SklearnRecipe) -> str:
    """The class of the estimator that names the classes in the end."""
    last: Any = recipe.estimator
    while hasattr(last, "steps"):
        last = last.steps[-1][1]
    return type(last).__name__


def own_options(part: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the wanted options that an estimator has."""
    has = part.get_params(deep=False)
    return {name: value for name, value in wanted.items() if name in has}


@dataclass(frozen=True)
class Fixed:
    """Options set to the same values however many records there are.

    Attributes:
        values: name and value of each.
    """

    values: tuple[tuple[str, Any], ...]

    def options(self, part: Any, records: int) -> Mapping[str, Any]:
        """Those of them that the estimator has."""
        return own_options(part, dict(self.values))
