"""Regularised logistic regression with a linear term, solved to the end.

    J(W) = Σ_i −log softmax(W z_i)[y_i] + λ/2 ‖W‖² + ⟨B, W⟩

Two classes need one row of weights (the other class scores nought), K > 2 have K rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reticent.errors import ModelError, PlanError
from reticent.private_models.columns import Floats, Ints

MOST = 4_000
"""Weights that Newton's method is used for: it holds their square in memory."""

STEPS = 200
"""Of Newton's method; ten are usual."""


@dataclass(frozen=True, eq=False)
class Objective:
    """J, by its gradient and its Hessian.

    Attributes:
        z: (records, width) what the weights are for.
        labels: (records,) positions of the classes.
        linear: (rows, width) B.
        ridge: λ, above 0.
    """

    z: Floats
    labels: Ints
    linear: Floats
    ridge: float

    def gradient(self, w: Floats) -> tuple[Floats, Floats]:
        """∇J(W), (rows, width), and (records, rows) the probabilities that it came from."""
        p = probabilities(self.z @ w.T)[:, -len(w) :]
        wrong = p.copy()
        column = self.labels - (1 if len(w) == 1 else 0)
        has = np.flatnonzero(column >= 0)
        wrong[has, column[has]] -= 1
        return wrong.T @ self.z + self.ridge * w + self.linear, p

    def hessian(self, p: Floats) -> Floats:
        """(rows · width, rows · width)."""
        rows, width = self.linear.shape
        blocks = np.empty((rows, width, rows, width))
        for k in range(rows):
            for other in range(k, rows):
                weight = p[:, k] * ((k == other) - p[:, other])
                block = self.z.T @ (self.z * weight[:, None])
                blocks[k, :, other], blocks[other, :, k] = block, block
        flat = blocks.reshape(rows * width, rows * width)
        flat[np.diag_indices_from(flat)] += self.ridge
        return flat

    def solve(self, tolerance: float) -> Floats:
        """W, (rows, width), at which ‖∇J‖ is at most `tolerance`.

        J is strongly convex, so Newton's step lessens the gradient's norm when it is short enough: steps are
        halved until it does.

        Raises:
            PlanError: more weights than `MOST`.
            ModelError: the tolerance is beyond what floating point reaches here.
        """
        from scipy.linalg import solve

        if self.linear.size > MOST:
            raise PlanError(
                f"{self.linear.size:,} weights are more than the {MOST:,} that can be solved to the end; "
                "give fewer columns or words, or use dp_sgd"
            )
        w = np.zeros_like(self.linear)
        gradient, p = self.gradient(w)
        norm = float(np.linalg.norm(gradient))
        for _ in range(STEPS):
            if norm <= tolerance:
                return w
            step = solve(self.hessian(p), gradient.ravel(), assume_a="pos").reshape(w.shape)
            size = 1.0
            while True:
                tried = w - size * step
                gradient, p = self.gradient(tried)
                new = float(np.linalg.norm(gradient))
                if new <= (1 - size / 4) * norm or size < 1e-9:
                    break
                size /= 2
            w, norm = tried, new
        raise ModelError(
            f"the solver stopped at a gradient of {norm:.1g} where {tolerance:.1g} is needed for the "
            "guarantee; give a larger regularisation"
        )


def probabilities(scores: Floats) -> Floats:
    """(records, classes) softmax; of one column, the second class's score beside nought."""
    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = e / e.sum(axis=1, keepdims=True)
    return shares
