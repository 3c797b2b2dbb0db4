"""What private classifiers share: scikit-learn's face, and the checks before anything is fitted."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from reticent.errors import DataError, PlanError
from reticent.measure.privacy import check_privacy, empty_promise
from reticent.noise import Dice
from reticent.private_models.columns import Columns, Floats, Ints, read_columns
from reticent.recipe import Guarantee


class PrivateClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose options are `epsilon`, `bounds`, `classes` and `random_state`, and more of its own.

    Its seed is as secret as the noise: without one it is drawn from the system and thrown away.
    """

    epsilon: Any
    bounds: Any
    classes: Any
    random_state: Any

    def predict(self, x: Any) -> npt.NDArray[Any]:
        """(records,) the likeliest class of each."""
        best: npt.NDArray[Any] = self.classes_[self.predict_proba(x).argmax(axis=1)]
        return best

    def predict_proba(self, x: Any) -> Floats:
        """(records, classes) probabilities."""
        raise NotImplementedError

    def guarantee(self) -> Guarantee:
        """What fitting guarantees."""
        raise NotImplementedError

    def _begin(self, x: Any, y: Any, delta: float = 0.0) -> Ints:
        """Check what was given, learn names and classes; (records,) positions of `y` among the classes.

        Raises:
            PlanError: parameters that promise nothing.
            DataError: labels that are none of the classes, or not one a record.
        """
        check_privacy(self.epsilon, delta, type(self).__name__, pure=True)
        self.classes_ = read_classes(self.classes)
        labels = np.asarray(y).reshape(-1)
        if np.ndim(x) != 2 or len(labels) != len(x):
            raise DataError(
                f"features of shape {np.shape(x)} and {len(labels):,} labels were given; give (records, "
                "columns) and one label a record"
            )
        warn_of_delta(delta, len(labels))
        self.n_features_in_ = int(np.shape(x)[1])
        if hasattr(x, "columns"):
            self.feature_names_in_ = np.asarray([str(c) for c in x.columns], dtype=object)
        known = np.searchsorted(self.classes_, labels) if self._comparable(labels) else None
        known = None if known is None else np.minimum(known, len(self.classes_) - 1)
        if known is None or not np.array_equal(self.classes_[known], labels):
            raise DataError(
                f"some labels are none of the {len(self.classes_)} classes that were given; give them all: "
                "which there are may not be read off the records"
            )
        return known.astype(np.int64)

    def _comparable(self, labels: npt.NDArray[Any]) -> bool:
        words = "OUS"
        return (labels.dtype.kind in words) == (self.classes_.dtype.kind in words)

    def _columns(self, x: Any) -> Columns:
        return read_columns(self.bounds, x)

    def _dice(self, rng: np.random.Generator) -> Dice:
        """Of exact noise: from the seed's generator, without a seed from the operating system."""
        return Dice(None if self.random_state is None else rng)

    def _asked(self, x: Any) -> Any:
        """Records that a fitted model is asked about.

        Raises:
            NotFittedError: it is not fitted.
        """
        check_is_fitted(self, "classes_")
        return x


def warn_of_delta(delta: float, records: int) -> None:
    """Say so where delta lets a mechanism publish records by lot and still be private."""
    if said := empty_promise(delta, records):
        warnings.warn(said, stacklevel=4)


def read_classes(classes: Any) -> npt.NDArray[Any]:
    """(classes,) sorted.

    Raises:
        PlanError: none given, fewer than two, or one twice.
    """
    if classes is None:
        raise PlanError("no classes were given, and reading them off the labels tells of them; give them all")
    known = np.unique(np.asarray(classes))
    if known.ndim != 1 or len(known) < 2 or len(known) < len(np.asarray(classes).reshape(-1)):
        raise PlanError(f"classes={classes!r} were given; give two or more, each once")
    return known
