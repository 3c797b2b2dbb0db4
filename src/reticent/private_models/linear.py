"""Logistic regression by objective perturbation: the lowest point of the loss and a random slope.

Chaudhuri, Monteleoni & Sarwate 2011 (arXiv:0912.0071, algorithm 2), with Gaussian noise Kifer, Smith &
Thakurta 2012, in the tight form of Redberg, Koskela & Wang 2023 (arXiv:2401.00583), for records added or
removed.

Why it is private. A record is z, ‖z‖ ≤ R (its features and the constant of the intercept), and a class. At
the lowest point W the noise must have been B = −λW − Σᵢ∇ℓᵢ(W), so W has the density ν(B) · det ∇²J(W). One
more record

- moves B by g = (p − e_y) ⊗ z. With two classes and one row of weights ‖g‖ ≤ R, with K rows ‖g‖ ≤ √2 R. Noise
  of density ∝ exp(−‖B‖ε₁/‖g‖) then changes by e^ε₁ at most. For Gaussian noise of σ, ln ν(B)/ν(B′) is
  ∓⟨B, g⟩/σ² + ‖g‖²/2σ², convex in p, so at most what it is at a corner of the simplex, e_k: there g is the
  same whatever W, and the loss is that of a Gaussian mechanism of sensitivity R (two classes) or √2 R, or
  nought for k = y. The excess over ε₁ of the largest of K − 1 losses is below the sum of their excesses: δ is
  K − 1 times that of the Gaussian mechanism.
- multiplies the determinant by det(I + H⁻¹E) ≥ 1, E of rank r and trace ≤ hR², H ≥ λ: by (1 + hR²/rλ)^r at
  most (the arithmetic mean bounds the geometric). Two classes: r = 1, h = ¼. K rows: r = K − 1, h = 1 − 1/K.

So ε = ε₁ + r ln(1 + hR²/rλ) + ε₂. The last hides what the solver leaves: with a gradient of norm τ it stops
within τ/λ of W, and noise for twice that is added (approximate minima perturbation, Iyengar et al. 2019).

What is not proved: noise and weights are floating-point numbers, whose low bits are not those of real noise
(Mironov 2012). The weights are rounded to multiples of 2⁻³⁰, which takes the easiest of them away.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1, log1p, sqrt
from typing import Any, Literal

import numpy as np

from reticent.errors import PlanError
from reticent.measure.privacy import check_privacy
from reticent.private_models.columns import Floats
from reticent.private_models.estimator import PrivateClassifier
from reticent.private_models.noise import spherical
from reticent.private_models.softmax import Objective, probabilities
from reticent.recipe import Guarantee

SOLVER_SHARE = 0.01
"""Of epsilon and delta, for what the solver leaves."""

RIDGE_SHARE = 0.2
"""Of epsilon, for the determinant, where no regularisation was given."""

LEAST_RIDGE = 0.01
"""And the least of it that is then taken: with less, what the solver leaves would no longer be small."""

TOLERANCE = 1e-8
"""Norm of the gradient at which the solver stops."""

LARGEST = 700.0
"""Exponent that floating point holds."""

GRID = 2.0**-30
"""Weights are multiples of it."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How a guarantee is spent.

    Attributes:
        epsilon, delta: of the noise in the objective, or on the weights.
        solver_epsilon, solver_delta: for what the solver leaves.
        ridge: λ.
        sensitivity: the most that a record moves the gradient, in L2 norm.
    """

    epsilon: float
    delta: float
    solver_epsilon: float
    solver_delta: float
    ridge: float
    sensitivity: float


class PrivateLogisticRegression(PrivateClassifier):
    """Logistic regression, (epsilon, delta)-differentially private (Chaudhuri et al. 2011, arXiv:0912.0071).

    Numbers are scaled to [-1, 1] by their bounds and categories are one-hot, so a record has norm √columns at
    most; give a smaller `norm` and longer records are shortened to it.

    Args:
        epsilon: of the guarantee, for adding or removing one record.
        delta: 0 for a pure guarantee; above 0 noise is Gaussian, which is less from some twenty weights on.
        bounds: what columns may hold, see `columns.read_columns`; or None, and `norm` alone, for numbers.
        norm: L2 norm of a record's features, beyond which they are shortened.
        classes: all the labels there may be.
        regularisation: λ, total and not per record; None for what takes a fifth of epsilon.
        intercept: fit a constant: one more feature that is 1, and part of the norm.
        way: "objective" or, to compare, "output": noise on the weights (their algorithm 1), which sees λ
            alone.
        random_state: seed of the noise, as secret as the records; None draws one and forgets it.

    Attributes:
        coef_, intercept_: (1, width) and (1,) for two classes, else (classes, width) and (classes,).
    """

    def __init__(
        self,
        epsilon: float | None = None,
        *,
        delta: float = 0.0,
        bounds: Any = None,
        norm: float | None = None,
        classes: Any = None,
        regularisation: float | None = None,
        intercept: bool = True,
        way: Literal["objective", "output"] = "objective",
        random_state: Any = None,
    ) -> None:
        self.epsilon, self.delta, self.bounds, self.norm, self.classes = epsilon, delta, bounds, norm, classes
        self.regularisation, self.intercept, self.way = regularisation, intercept, way
        self.random_state = random_state

    def fit(self, x: Any, y: Any) -> PrivateLogisticRegression:
        """Fit to the records `x` and their labels.

        Raises:
            PlanError: parameters, bounds or classes that promise nothing.
            DataError: columns or labels that they do not tell of.
        """
        rng = np.random.default_rng(self.random_state)
        labels = self._begin(x, y, self.delta)
        z = self._encode(x)
        budget = self.budget(len(self.classes_), self._norm(x))
        rows = 1 if len(self.classes_) == 2 else len(self.classes_)
        weights = perturbed(z, labels, rows, budget, self.way, rng)
        width = z.shape[1] - self.intercept
        self.coef_ = weights[:, :width]
        self.intercept_ = weights[:, width] if self.intercept else np.zeros(rows)
        return self

    def decision_function(self, x: Any) -> Floats:
        """(records,) score of the second class of two; else (records, classes)."""
        scores = self._scores(x)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict_proba(self, x: Any) -> Floats:
        """(records, classes) probabilities."""
        return probabilities(self._scores(x))

    def budget(self, classes: int, norm: float) -> Budget:
        """How the guarantee is spent on so many classes and records of so large a norm.

        Raises:
            PlanError: a regularisation that leaves nothing of epsilon.
        """
        check_privacy(self.epsilon, self.delta, type(self).__name__, pure=True)
        if self.way not in ("objective", "output"):
            raise PlanError(f"way={self.way!r} was given; give 'objective' or 'output'")
        return spend(self.epsilon, self.delta, classes, norm, self.regularisation, self.way)

    def guarantee(self) -> Guarantee:
        """What fitting guarantees."""
        kind = "Gaussian noise" if self.delta else "spherical Laplace noise"
        return Guarantee(self.epsilon, self.delta, f"{self.way} perturbation with {kind}")

    def _scores(self, x: Any) -> Floats:
        z = self._encode(self._asked(x))
        scores: Floats = z[:, : self.coef_.shape[1]] @ self.coef_.T + self.intercept_
        return scores

    def _encode(self, x: Any) -> Floats:
        """(records, width) features, shortened to `norm`, and the intercept's constant."""
        if self.bounds is None and self.norm is not None:
            read = np.nan_to_num(np.asarray(x, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        else:
            read = self._columns(x).encode(x)
        if self.norm is not None:
            length = np.linalg.norm(read, axis=1, keepdims=True)
            read = read * np.minimum(1.0, self.norm / np.maximum(length, np.finfo(float).tiny))
        return np.concatenate([read, np.ones((len(read), 1))], axis=1) if self.intercept else read

    def _norm(self, x: Any) -> float:
        """The largest norm that `_encode` gives a record."""
        if self.norm is not None and not 0 < self.norm < float("inf"):
            raise PlanError(f"norm={self.norm} was given; give a number above 0, such as 1.0")
        largest = float("inf") if self.bounds is None and self.norm is not None else self._columns(x).norm
        return sqrt(min(largest, self.norm or largest) ** 2 + self.intercept)


def spend(
    epsilon: float,
    delta: float,
    classes: int,
    norm: float,
    ridge: float | None,
    way: Literal["objective", "output"] = "objective",
) -> Budget:
    """Share a guarantee out between the noise, the determinant and the solver; see the module.

    Raises:
        PlanError: a ridge that is none, or that leaves nothing of epsilon.
    """
    rank = classes - 1
    trace = (0.25 if classes == 2 else 1 - 1 / classes) * norm**2
    if ridge is None:
        ridge = max(LEAST_RIDGE, trace / rank / expm1(min(RIDGE_SHARE * epsilon / rank, LARGEST)))
    if not 0 < ridge < float("inf"):
        raise PlanError(f"regularisation={ridge} was given, and the proof needs some; give a number above 0")
    solver = SOLVER_SHARE * epsilon
    determinant = rank * log1p(trace / (rank * ridge)) if way == "objective" else 0.0
    left = epsilon - solver - determinant
    if left < epsilon / 2:
        least = trace / rank / expm1(min((0.5 - SOLVER_SHARE) * epsilon / rank, LARGEST))
        raise PlanError(
            f"a regularisation of {ridge:.3g} takes {determinant:.3g} of epsilon {epsilon:.3g} by itself, "
            f"more than half; give at least {least:.3g}, or leave it out"
        )
    corners = rank if way == "objective" else 1
    return Budget(
        epsilon=left,
        delta=(1 - SOLVER_SHARE) * delta / corners,
        solver_epsilon=solver,
        solver_delta=SOLVER_SHARE * delta,
        ridge=ridge,
        sensitivity=norm if classes == 2 else sqrt(2) * norm,
    )


def perturbed(
    z: Floats,
    labels: Any,
    rows: int,
    budget: Budget,
    way: Literal["objective", "output"],
    rng: np.random.Generator,
) -> Floats:
    """(rows, width) private weights.

    Args:
        z: (records, width), of norm at most what the budget was made for.
        labels: (records,) positions of the classes.
    """
    shape = (rows, z.shape[1])
    ridge, moved = budget.ridge, budget.sensitivity
    noise = np.zeros(shape)
    if way == "objective":
        noise = spherical(shape, moved, budget.epsilon, budget.delta, rng)
    weights = Objective(z, labels, noise, ridge).solve(TOLERANCE)
    if way == "output":  # the lowest point itself moves by no more than the gradient over the curvature
        weights = weights + spherical(shape, moved / ridge, budget.epsilon, budget.delta, rng)
    left = 2 * TOLERANCE / ridge
    weights = weights + spherical(shape, left, budget.solver_epsilon, budget.solver_delta, rng)
    rounded: Floats = np.rint(weights / GRID) * GRID
    return rounded
