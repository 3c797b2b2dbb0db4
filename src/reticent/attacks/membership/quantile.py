"""Quantile regression: how high is the score for a record like this, if the model has not seen it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import MembershipAttack
from reticent.attacks.encode import encode
from reticent.attacks.options import among
from reticent.errors import PlanError
from reticent.scene import Scene

FOLDS = 5


class Regressor(Protocol):
    """What is used of scikit-learn's regressors."""

    def predict(self, matrix: FloatArray) -> FloatArray:
        """(records,) of (records, columns)."""


@dataclass(frozen=True, kw_only=True)
class Quantile(MembershipAttack):
    """Quantile regression on known non-members, no shadow models (Bertran et al. 2023, arXiv:2307.03694).

    The margin z_y − max_{y'≠y} z_{y'} of known non-members is regressed on the record; a candidate whose
    margin is higher than foreseen looks like a member.

    Attributes:
        head: "gaussian" regresses the mean and the spread, and scores by (margin − mean) / spread;
            "pinball" regresses one quantile, and scores by what exceeds it.
        level: the quantile of the pinball head.
        seed: of the regression.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Bertran et al. 2023, arXiv:2307.03694, algorithm 1"
    population: ClassVar[bool] = True
    caveat: ClassVar[str] = "as good as its known non-members are many: a few hundred foresee little"

    head: Literal["gaussian", "pinball"] = "gaussian"
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        among("head", self.head, ("gaussian", "pinball"))
        if not 0 < self.level < 1:
            raise PlanError(f"level = {self.level} was given; it is a share between 0 and 1")

    def guess(self, scene: Scene) -> FloatArray:
        """How far each record's margin exceeds what is foreseen for it.

        Raises:
            PlanError: no record is known to be a non-member.
        """
        answers = scene.target_answers()
        log_scores = np.asarray(answers.values[0, :, 0], dtype=np.float64)
        rows = np.arange(len(log_scores))
        others = log_scores.copy()
        others[rows, answers.labels] = -np.inf
        margins = log_scores[rows, answers.labels] - others.max(axis=1)
        matrix = encode(scene.records)
        known = scene.known
        if not known.any():
            raise PlanError("quantile was given no known non-members; set some of them aside")
        if self.head == "pinball":
            foreseen = self._fit(matrix[known], margins[known], quantile=self.level).predict(matrix)
            return np.asarray(margins - foreseen)
        mean = self._fit(matrix[known], margins[known])
        missed = np.abs(margins[known] - self._honest(matrix[known], margins[known]))
        log_spread = self._fit(matrix[known], np.log(missed + 1e-3 * (missed.mean() + 1e-12)))
        return np.asarray((margins - mean.predict(matrix)) * np.exp(-log_spread.predict(matrix)))

    def _fit(self, matrix: FloatArray, values: FloatArray, quantile: float | None = None) -> Regressor:
        from sklearn.ensemble import HistGradientBoostingRegressor

        regressor: Regressor = HistGradientBoostingRegressor(
            loss="squared_error" if quantile is None else "quantile",
            quantile=quantile,
            max_iter=60,
            max_leaf_nodes=8,
            min_samples_leaf=max(5, min(20, len(values) // 20)),
            early_stopping=False,
            random_state=self.seed,
        ).fit(matrix, values)
        return regressor

    def _honest(self, matrix: FloatArray, values: FloatArray) -> FloatArray:
        """(records,) each value foreseen by a regression that never saw it: residuals are not flattered."""
        fold = np.random.default_rng(self.seed).permutation(len(values)) % FOLDS
        foreseen = np.zeros(len(values))
        for k in range(FOLDS):
            if (fold != k).any() and (fold == k).any():
                regressor = self._fit(matrix[fold != k], values[fold != k])
                foreseen[fold == k] = regressor.predict(matrix[fold == k])
        return foreseen
