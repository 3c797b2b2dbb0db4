"""How a word puts a private model of tables in the place of a scikit-learn estimator.

What stands before the estimator in its pipeline may learn from the records too: a scaler their means, an
encoder their words. No guarantee of the last step covers that, so such steps are refused, or left out where
that is asked for: private models scale numbers and encode words themselves, by the bounds that are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from reticent.data import Records
from reticent.defences.training.kinds import name_of
from reticent.errors import ModelError, PlanError
from reticent.measure.privacy import check_privacy
from reticent.private_models.columns import check_bounds, frozen
from reticent.private_models.estimator import PrivateClassifier
from reticent.recipe import Guarantee, OneByOne, Recipe
from reticent.targets.content import identity
from reticent.targets.sklearn import SklearnRecipe, SklearnTarget

Before = Literal["refuse", "leave out"]

LEARNS_NOTHING = {
    *("Binarizer", "FeatureHasher", "FunctionTransformer", "HashingVectorizer", "Normalizer"),
    "PolynomialFeatures",
}
"""Steps of scikit-learn that keep nothing of the records that they are fitted to. What the function of a
FunctionTransformer does is its author's word: it must treat each record by itself."""


@dataclass(frozen=True, eq=False)
class PrivateTraining(OneByOne):
    """A recipe of private models.

    Attributes:
        make: an estimator for these classes and this seed.
        before: steps that learn nothing, each (name, step).
        options: all that could change the models.
    """

    make: Callable[[tuple[Any, ...], int | None], PrivateClassifier]
    before: tuple[tuple[str, Any], ...]
    options: Any

    def fit(self, data: Records, seed: int) -> SklearnTarget:
        """Fit a private model; it does not keep the seed, since whoever knows that knows the noise."""
        classes = tuple(data.classes.tolist())
        last = self.make(classes, seed)
        model: Any = last
        if self.before:
            model = Pipeline([*clone(Pipeline(list(self.before))).steps, ("private", last)])
        model.fit(data.features, data.classes[data.labels])
        last.set_params(random_state=None)
        return SklearnTarget(model, classes=data.classes)

    def guarantee(self, records: int) -> Guarantee | None:
        """What training guarantees, of so many records or others."""
        return self.make((0, 1), None).guarantee()

    def fingerprint(self) -> str:
        """A hash of the options, the steps before and this recipe's source."""
        return identity((PrivateTraining, type(self.make((0, 1), None)), self.before, self.options))


def private_training(
    recipe: Recipe,
    word: str,
    options: Any,
    make: Callable[[tuple[Any, ...], int | None], PrivateClassifier],
    instead_of: tuple[str, ...],
    before: Before,
) -> PrivateTraining:
    """The recipe with a private model in the place of its estimator.

    Args:
        instead_of: classes of scikit-learn whose place it takes.
        before: what becomes of steps that learn from the records.

    Raises:
        ModelError: another kind of model, or a step before it that learns from the records.
    """
    if not isinstance(recipe, SklearnRecipe):
        raise ModelError(
            f"{word} trains a private model of tables in the place of a scikit-learn estimator, and a "
            f"{type(recipe).__name__} trains something else; leave it out, or see dp_sgd"
        )
    if name_of(recipe) not in instead_of:
        raise ModelError(
            f"{word} takes the place of {', '.join(instead_of)}, and this recipe trains a {name_of(recipe)}; "
            "give one of these, or another word (private_logistic, private_bayes, private_forest)"
        )
    steps = list(_steps(recipe.estimator, ""))
    if before == "leave out":
        return PrivateTraining(make, (), (word, options))
    for name, step in steps:
        learner = _learner(step)
        if learner is not None:
            raise ModelError(
                f"the step {name!r} learns from the records ({type(learner).__name__}), which no guarantee "
                f"of {word} covers; leave it out of the recipe, or give before='leave out', since {word} "
                "scales numbers and encodes words itself, by its bounds (an encoder may stay if its "
                "categories are given and unknown words are no error)"
            )
    return PrivateTraining(make, tuple(steps), (word, options))


def checked_options(word: str, epsilon: Any, delta: Any, bounds: Any, before: str) -> Any:
    """Refuse what promises nothing; return the bounds as tuples.

    Raises:
        PlanError: epsilon, delta, bounds or before that do not read.
    """
    check_privacy(epsilon, delta, word, pure=True)
    if bounds is None:
        raise PlanError(
            f"{word} was given no bounds, and reading them off the records tells of them; give (low, high) "
            "for a column of numbers and its words for one of categories"
        )
    check_bounds(bounds)
    if before not in ("refuse", "leave out"):
        raise PlanError(f"{word} was given before={before!r}; give 'refuse' or 'leave out'")
    return frozen(bounds)


def _steps(estimator: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """The steps before the last, pipelines within pipelines laid flat."""
    while hasattr(estimator, "steps"):
        yield from ((f"{prefix}{name}", step) for name, step in estimator.steps[:-1])
        name, estimator = estimator.steps[-1]
        prefix = f"{prefix}{name}."


def _learner(step: Any) -> Any:
    """What within a step learns from the records, or None."""
    if step is None or isinstance(step, str):
        return None
    if hasattr(step, "steps"):
        return next((found for _, s in step.steps if (found := _learner(s)) is not None), None)
    if hasattr(step, "transformers"):  # columns apart
        parts = [*(s for _, s, _ in step.transformers), step.remainder]
        return next((found for s in parts if (found := _learner(s)) is not None), None)
    if hasattr(step, "transformer_list"):  # side by side
        return next((found for _, s in step.transformer_list if (found := _learner(s)) is not None), None)
    kind = type(step)
    if kind.__module__.partition(".")[0] != "sklearn":
        return step
    if kind.__name__ in ("OneHotEncoder", "OrdinalEncoder"):
        return _encoder(step)
    return None if kind.__name__ in LEARNS_NOTHING else step


def _encoder(step: Any) -> Any:
    """The encoder where it learns words or counts, else None."""
    given = not isinstance(step.categories, str)
    counts = step.min_frequency is not None or step.max_categories is not None
    drops = getattr(step, "drop", None) is not None
    raises = step.handle_unknown == "error"  # that a word is unknown would tell of a record
    return None if given and not counts and not drops and not raises else step
