"""Models with scikit-learn's face: estimators, pipelines, searches, XGBoost, LightGBM.

What the model grants is read off it: `predict_proba` grants scores. Without it only labels are granted:
a `decision_function` (LinearSVC, RidgeClassifier, Perceptron) is a distance in units of its own, neither
a probability nor a logit, and passing it through a softmax would make up confidences that the model
never gave.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from reticent.access import FLOOR, Access, BoolArray, FloatArray, Outputs
from reticent.data import Records, is_table, positions
from reticent.errors import DataError, ModelError
from reticent.recipe import OneByOne
from reticent.targets.answers import read_answers
from reticent.targets.content import identity

if TYPE_CHECKING:
    from reticent.access import Features


class SklearnTarget:
    """A fitted classifier, asked for `predict_proba` where it has it, else for `predict`.

    Args:
        model: the fitted classifier. Records reach it as they are: names, categories and missing values
            untouched.
        classes: (classes,) labels to answer in, its own among them; a class that it never saw gets the
            smallest probability. None for its own.
        own: (its classes,) the labels behind its `classes_`, where it was fitted on their positions.

    Raises:
        ModelError: it is not fitted, or no single-label classifier.
    """

    def __init__(
        self,
        model: Any,
        *,
        classes: npt.NDArray[np.generic] | None = None,
        own: npt.NDArray[np.generic] | None = None,
    ) -> None:
        self.model = model
        self.access = Access.SCORES if hasattr(model, "predict_proba") else Access.LABELS
        self._answered = _classes(model, classes)
        own = self._answered if own is None else own
        self.classes: npt.NDArray[np.generic] = own if classes is None else np.asarray(classes)
        try:
            self._columns = positions(own, self.classes)
        except DataError as error:
            raise ModelError(
                f"the {_name(model)} knows {len(own)} classes that are not all among the data's "
                f"{len(self.classes)}; give a model of the same labels"
            ) from error

    def predict(self, x: Features) -> Outputs:
        """Answer each of the records `x`."""
        asked = self._as_fitted(x)
        ask = self.model.predict_proba if self.access == Access.SCORES else self.model.predict
        outputs = read_answers(ask(asked), self._answered, self.access, records=len(x))
        if np.array_equal(self._columns, np.arange(len(self.classes))):
            return outputs
        labels = self._columns[outputs.labels]
        if outputs.log_scores is None:
            return Outputs.from_labels(labels)
        spread = np.full((len(labels), len(self.classes)), np.log(FLOOR))
        spread[:, self._columns] = outputs.log_scores
        return Outputs(labels, spread)

    def fingerprint(self) -> str:
        """A hash of the fitted model: class, version, options and everything that fitting left in it."""
        return identity((self.model, self.classes))

    def _as_fitted(self, x: Any) -> Any:
        """A table as the array scikit-learn would make of it, where the model was fitted without names.

        Row after row in memory, as arrays mostly lie: products round differently by how a matrix lies.
        """
        nameless = isinstance(self.model, BaseEstimator) and not hasattr(self.model, "feature_names_in_")
        if is_table(x) and nameless and hasattr(self.model, "n_features_in_"):
            return np.ascontiguousarray(x.to_numpy())
        return x


class Adjustment(Protocol):
    """A frozen dataclass that changes options of estimators."""

    def options(self, part: Any, records: int) -> Mapping[str, Any]:
        """What to set on an estimator (nested ones come by themselves) that is fitted to so many records."""


class SklearnRecipe(OneByOne):
    """Clones an estimator and fits it: the same options, other records, another seed.

    Every `random_state` among its options, nested ones too, is set from the seed. Each model is trained on
    one core and prints nothing, since shadow models are trained beside each other.

    Args:
        estimator: fitted or not; of a finished search, the best estimator it found.
        adjustments: what becomes of its options, and of those of its parts, each time it is fitted.

    Raises:
        ModelError: it can't be cloned and fitted, or is no classifier.
    """

    def __init__(self, estimator: Any, adjustments: tuple[Adjustment, ...] = ()) -> None:
        if not (hasattr(estimator, "get_params") and hasattr(estimator, "fit")):
            raise ModelError(
                f"a {_name(estimator)} can't be cloned and fitted again; give a function (X, y, seed) that "
                "trains another like it"
            )
        _refuse_regressor(estimator)
        self.estimator = clone(getattr(estimator, "best_estimator_", estimator))
        self.adjustments = adjustments

    def fit(self, data: Records, seed: int) -> SklearnTarget:
        """Fit a clone on the records and their original labels."""
        return self._fitted(data, seed, None)

    def fit_soft(
        self, data: Records, masks: BoolArray, seeds: Sequence[int], targets: Sequence[FloatArray]
    ) -> Iterator[SklearnTarget]:
        """Fit one clone for each row of `masks` to every record once a class, weighed by its probability.

        Raises:
            ModelError: an estimator that can't weigh records.
        """
        for mask, seed, soft in zip(masks, seeds, targets, strict=True):
            own = data.take(mask)
            row, label = np.nonzero(soft > FLOOR)
            spread = replace(own.take(row), labels=label)
            yield self._fitted(spread, seed, np.asarray(soft[row, label], dtype=np.float64))

    def _fitted(self, data: Records, seed: int, weights: FloatArray | None) -> SklearnTarget:
        records = len(data) if weights is None else round(float(weights.sum()))
        estimator = self._seeded(seed, records)
        present, within = np.unique(data.labels, return_inverse=True)
        gapless = _holds(estimator, "xgboost")  # it takes labels 0, 1, 2, … alone, none left out
        weighed = {} if weights is None else {_weight_argument(estimator): weights}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator.fit(data.features, within if gapless else data.classes[data.labels], **weighed)
        return SklearnTarget(estimator, classes=data.classes, own=data.classes[present] if gapless else None)

    def fingerprint(self) -> str:
        """A hash of the estimator's class and version, its options, and this recipe's source."""
        return self._identity

    @cached_property
    def _identity(self) -> str:
        return identity((SklearnRecipe, self.estimator, self.adjustments))

    def parts(self) -> dict[str, Any]:
        """The estimator and those in it, by the prefix of their options."""
        parts = {"": self.estimator, **self.estimator.get_params(deep=True)}
        return {n: p for n, p in parts.items() if not isinstance(p, type) and hasattr(p, "get_params")}

    def _seeded(self, seed: int, records: int) -> Any:
        estimator = clone(self.estimator)
        for adjustment in self.adjustments:
            for name, part in self.parts().items():
                changed = adjustment.options(part, records).items()
                estimator.set_params(**{f"{name}__{o}" if name else o: value for o, value in changed})
        changes: dict[str, Any] = {}
        for name, part in {"": estimator, **estimator.get_params(deep=True)}.items():
            if isinstance(part, type) or not hasattr(part, "get_params"):
                continue
            library = type(part).__module__.partition(".")[0]
            forced: dict[str, Any] = {"random_state": seed % (2**31 - 1), "verbose": False}
            forced["n_jobs"] = None if library == "sklearn" else 1  # None is one there, all cores elsewhere
            own = set(part.get_params(deep=False))
            if library == "lightgbm":  # an option that it has but does not list
                forced["verbose"], own = -1, own | {"verbose"}
            changes |= {f"{name}__{o}" if name else o: forced[o] for o in own & set(forced)}
        return estimator.set_params(**changes)


def _weight_argument(estimator: Any) -> str:
    """What `fit` calls the records' weights.

    Raises:
        ModelError: it takes none.
    """
    last, argument = estimator, "sample_weight"
    while hasattr(last, "steps"):
        name, last = last.steps[-1]
        argument = f"{name}__{argument}"
    if not has_fit_parameter(last, "sample_weight"):
        raise ModelError(
            f"a {_name(last)} can't weigh records, so it can't learn probabilities of classes; give one "
            "whose fit takes sample_weight, or leave the defence out"
        )
    return argument


def _classes(model: Any, given: npt.NDArray[np.generic] | None) -> npt.NDArray[np.generic]:
    """The labels that the model answers in.

    Raises:
        ModelError: it is not fitted, or no single-label classifier.
    """
    _refuse_regressor(model)
    if isinstance(model, BaseEstimator):
        try:
            check_is_fitted(model)
        except NotFittedError as error:
            raise ModelError(f"the {_name(model)} is not fitted; fit it on the members first") from error
    classes = getattr(model, "classes_", None)
    if classes is None and not isinstance(model, BaseEstimator):
        classes = given
    if classes is None or not hasattr(model, "predict"):
        raise ModelError(f"a {_name(model)} names no classes; give a fitted classifier")
    if isinstance(classes, list) or np.asarray(classes).ndim != 1:
        raise ModelError(f"the {_name(model)} answers several labels at once; give a classifier of one")
    return np.asarray(classes)


def _refuse_regressor(model: Any) -> None:
    if isinstance(model, BaseEstimator) and is_regressor(model):
        raise ModelError(f"a {_name(model)} answers numbers, not classes; give a classifier")


def _holds(estimator: Any, library: str) -> bool:
    """Whether the estimator or a part of it comes from `library`."""
    parts = [estimator, *estimator.get_params(deep=True).values()]
    return any(c.__module__.partition(".")[0] == library for part in parts for c in type(part).__mro__)


def _name(model: Any) -> str:
    return type(model).__name__
