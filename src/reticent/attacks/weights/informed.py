"""Informed adversary: who has all training records but one solves for it (Balle, Cherubin & Hayes 2022).

At the optimum of a regularised logistic regression the gradients of all records and of the penalty cancel
(arXiv:2201.04845, section 3). What the known records and the penalty leave over is the missing record's own
gradient, (y − p) [x, 1]: its part by the weights over its part by the intercept is x, and its sign tells y.
With several classes every row holds the same x; the largest is divided by, which rounding hurts least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import WeightsAttack
from reticent.errors import DataError, ModelError
from reticent.open_model import OpenModel, Recovered


@dataclass(frozen=True, kw_only=True)
class InformedAdversary(WeightsAttack):
    """The one training record that is not known, in closed form from a logistic regression (Balle 2022)."""

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "Balle, Cherubin & Hayes 2022, arXiv:2201.04845, section 3"
    caveat: ClassVar[str] = (
        "has every other training record; needs a logistic regression with intercept and L2 penalty, "
        "at its optimum"
    )
    control: ClassVar[str] = "the known record nearest to the missing one"
    defences: ClassVar[str] = "differential privacy: noise on the objective or on the weights"
    informed: ClassVar[bool] = True

    def reconstruct(self, seen: OpenModel, seed: int) -> Recovered:
        """Return the missing record and its label.

        `mismatch` compares the missing record's gradient by the intercept, which the weights give, with that
        which the model makes of the record returned: 0 at an exact optimum.

        Raises:
            ModelError: not a logistic regression of scikit-learn with L2 penalty and intercept, fitted until
                it converged on all classes alike; or weights that are not finite.
            DataError: known records of another size, or labels that the model does not have.
        """
        weights, intercept = _solved(seen.model)
        known = np.asarray(seen.known, dtype=np.float64).reshape(len(seen.known), -1)
        if known.shape[1] != weights.shape[1] or int(np.prod(seen.shape)) != weights.shape[1]:
            raise DataError(
                f"known records of {known.shape[1]} values were given to a model of {weights.shape[1]}; "
                "give them as the model was trained on them"
            )
        classes = np.asarray(seen.model.classes_)
        if not np.isin(seen.labels, classes).all():
            raise DataError(
                "the known records have labels that the model does not; give those that it was fitted with"
            )
        truth = (np.asarray(seen.labels)[:, None] == classes).astype(np.float64)
        truth = truth[:, -1:] if len(weights) == 1 else truth
        over = _chances(known @ weights.T + intercept) - truth
        left = over.T @ known + weights / float(seen.model.C)
        sure = over.sum(axis=0)
        row = int(np.abs(sure).argmax())
        if sure[row] == 0:
            raise ModelError(
                "the weights leave nothing over for another record; give the known records without it"
            )
        record = left[row] / sure[row]
        place = int(sure[0] > 0) if len(weights) == 1 else int(sure.argmax())
        own = np.array([float(place)]) if len(weights) == 1 else np.eye(len(classes))[place]
        should = own - _chances(record @ weights.T + intercept)
        mismatch = float(np.abs(should - sure).max() / np.abs(sure).max())
        return Recovered(record.reshape(1, *seen.shape), classes[[place]], mismatch)


def _solved(model: Any) -> tuple[FloatArray, FloatArray]:
    """(rows, features) weights and (rows,) intercepts; a row for two classes, else one a class."""
    from sklearn.linear_model import LogisticRegression

    if not isinstance(model, LogisticRegression) or not hasattr(model, "coef_"):
        raise ModelError(
            f"{type(model).__name__} was given; informed-adversary needs a fitted LogisticRegression of "
            "scikit-learn"
        )
    if not model.fit_intercept:
        raise ModelError(
            "the model was fitted without an intercept, whose gradient scales the record; fit it with one"
        )
    if model.penalty in ("l1", "elasticnet", None) or getattr(model, "l1_ratio", 0) not in (0, None):
        raise ModelError("the model has a penalty other than L2; informed-adversary needs an L2 penalty")
    if model.solver == "liblinear" or model.class_weight is not None:
        raise ModelError(
            "the model penalises its intercept (liblinear) or weighs its classes; fit it with neither"
        )
    if np.max(model.n_iter_) >= model.max_iter:
        raise ModelError(
            f"the model stopped at max_iter={model.max_iter} and is not at its optimum; fit it for longer"
        )
    weights, intercept = (np.asarray(v, dtype=np.float64) for v in (model.coef_, model.intercept_))
    if not (np.isfinite(weights).all() and np.isfinite(intercept).all()):
        raise ModelError("the model has weights that are not finite; fit it again")
    return weights, intercept


def _chances(logits: FloatArray) -> FloatArray:
    """Of each class, or of the second where there is one row."""
    from scipy.special import expit, softmax

    return np.asarray(expit(logits) if logits.shape[-1] == 1 else softmax(logits, axis=-1))
