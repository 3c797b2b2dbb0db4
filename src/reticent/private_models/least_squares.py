"""Linear regression from noisy moments (AdaSSP; Wang 2018, arXiv:1803.02596, algorithm 2).

One record adds zzᵀ to the moments of the features and yz to those with the outcome: in Frobenius and in L2
norm R² and R·Y at most. Three things are released, each by a Gaussian mechanism of sensitivity over noise
μ/√3, together one of μ: the least eigenvalue (its sensitivity is R² too), by which the ridge is chosen, and
the two moments. The paper splits epsilon and delta in three; composing Gaussians exactly takes less noise for
the same.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from reticent.domain import Numbers
from reticent.errors import DataError, PlanError
from reticent.measure.gaussian import gaussian_mu
from reticent.measure.privacy import check_privacy
from reticent.private_models.columns import Floats, read_columns, scaled
from reticent.private_models.estimator import warn_of_delta
from reticent.recipe import Guarantee

ODDS = 0.05
"""How often noise may be larger than the ridge allows for; no matter of privacy."""


class PrivateLinearRegression(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Linear regression, (epsilon, delta)-differentially private (Wang 2018, arXiv:1803.02596).

    Args:
        epsilon, delta: of the guarantee, for adding or removing one record.
        bounds: what columns may hold, see `columns.read_columns`.
        outcome: (low, high) of what is told; outcomes beyond are clipped.
        random_state: seed of the noise, as secret as the records; None draws one and forgets it.

    Attributes:
        coef_: (width,) of features scaled to [-1, 1] and one-hot. intercept_: in the outcome's unit, as
            coef_.
    """

    def __init__(
        self,
        epsilon: float | None = None,
        *,
        delta: float | None = None,
        bounds: Any = None,
        outcome: Any = None,
        random_state: Any = None,
    ) -> None:
        self.epsilon: Any = epsilon
        self.delta: Any = delta
        self.bounds, self.outcome, self.random_state = bounds, outcome, random_state

    def fit(self, x: Any, y: Any) -> PrivateLinearRegression:
        """Fit to the records `x` and what is told of each.

        Raises:
            PlanError: parameters or bounds that promise nothing.
            DataError: columns that the bounds do not tell of.
        """
        self.guarantee()
        outcome, columns = self._outcome(), read_columns(self.bounds, x)
        told = scaled(outcome, np.asarray(y).reshape(-1))
        if len(told) != len(x):
            raise DataError(f"{len(x):,} records and {len(told):,} outcomes were given; give one a record")
        warn_of_delta(self.delta, len(told))
        encoded = columns.encode(x)
        z = np.concatenate([encoded, np.ones((len(encoded), 1))], axis=1)
        weights = moments_solved(
            z,
            told,
            columns.norm**2 + 1,
            gaussian_mu(self.epsilon, self.delta),
            np.random.default_rng(self.random_state),
        )
        half = (outcome.high - outcome.low) / 2
        self.coef_ = half * weights[:-1]
        self.intercept_ = float(half * weights[-1] + (outcome.high + outcome.low) / 2)
        self.n_features_in_ = int(np.shape(x)[1])
        return self

    def predict(self, x: Any) -> Floats:
        """(records,) what is told of each."""
        check_is_fitted(self, "coef_")
        told: Floats = read_columns(self.bounds, x).encode(x) @ self.coef_ + self.intercept_
        return told

    def guarantee(self) -> Guarantee:
        """What fitting guarantees."""
        check_privacy(self.epsilon, self.delta, type(self).__name__)
        return Guarantee(self.epsilon, self.delta, "moments and their least eigenvalue with Gaussian noise")

    def _outcome(self) -> Numbers:
        try:
            low, high = map(float, self.outcome)
        except (TypeError, ValueError):
            low, high = 0.0, 0.0
        if not low < high or not np.isfinite([low, high]).all():
            raise PlanError(
                f"outcome={self.outcome!r} was given, and reading the range off the records tells of them; "
                "give (low, high) with low below high"
            )
        return Numbers(low, high)


def moments_solved(z: Floats, y: Floats, squared: float, mu: float, rng: np.random.Generator) -> Floats:
    """(width,) private weights.

    Args:
        z: (records, width) of squared norm at most `squared`.
        y: (records,) in [-1, 1].
        mu: sensitivity over noise of the whole.
    """
    width = z.shape[1]
    sigma = sqrt(3) * squared / mu
    upper = np.triu(rng.normal(scale=sigma, size=(width, width)))
    noise = upper + np.triu(upper, 1).T
    second = z.T @ z
    first = z.T @ y + rng.normal(scale=sqrt(3 * squared) / mu, size=width)
    # an eigenvalue lower than it is costs some accuracy, one higher the solution: so it is told low
    low = np.linalg.eigvalsh(second)[0] + rng.normal(scale=sigma) - sigma * sqrt(2 * log(2 / ODDS))
    ridge = max(0.0, sigma * sqrt(width * log(2 * width**2 / ODDS)) - max(float(low), 0.0))
    return np.asarray(np.linalg.lstsq(second + noise + ridge * np.eye(width), first, rcond=None)[0], float)
