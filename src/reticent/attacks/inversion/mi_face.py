"""MI-Face: walk from a public face up the model's certainty that this is the person.

Fredrikson, Jha & Ristenpart, "Model Inversion Attacks that Exploit Confidence Information and Basic
Countermeasures", CCS 2015, algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import InversionAttack
from reticent.attacks.options import number
from reticent.scene import ClassScene


@dataclass(frozen=True, kw_only=True)
class MiFace(InversionAttack):
    """Gradient descent on 1 − p_c from the mean public picture (Fredrikson, Jha & Ristenpart 2015).

    A walk ends where the cost reaches `cost_enough`, or where it is no lower than the highest of the last
    `patience` steps; the picture of the lowest cost is kept.

    Attributes:
        steps: at most so many.
        step_size: of a step, as a share of the range of values, whatever the gradient's length.
        patience: steps without progress that end a walk.
        cost_enough: the cost that ends a walk.
    """

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "Fredrikson, Jha & Ristenpart 2015, CCS, algorithm 1"
    caveat: ClassVar[str] = "draws a class, not a record: where a class is many people it shows none of them"

    steps: int = 1000
    step_size: float = 0.5
    patience: int = 100
    cost_enough: float = 0.01

    def __post_init__(self) -> None:
        for name, low in (("steps", 1), ("patience", 1), ("step_size", 1e-9), ("cost_enough", 0)):
            number(name, getattr(self, name), low=low)

    def draw(self, scene: ClassScene) -> FloatArray:
        """Return (classes, ...) the picture of the lowest cost on each walk."""
        classes, count = scene.classes, len(scene.classes)
        x = np.repeat(scene.public.mean(axis=0, keepdims=True), count, axis=0).astype(np.float64)
        best, lowest = x.copy(), np.full(count, np.inf)
        recent = np.full((self.patience, count), np.inf)
        walking = np.ones(count, dtype=bool)
        for step in range(self.steps):
            scores, gradient = scene.target.descends.score_gradient(x[walking], classes[walking])
            cost = 1 - scores.astype(np.float64)
            lower = cost < lowest[walking]
            better = np.flatnonzero(walking)[lower]
            best[better], lowest[better] = x[better], cost[lower]
            stuck = cost >= recent[:, walking].max(axis=0)
            recent[step % self.patience, walking] = cost
            going = ~(stuck | (cost <= self.cost_enough))
            walking[np.flatnonzero(walking)[~going]] = False
            if not walking.any():
                break
            uphill = gradient[going].astype(np.float64)
            length = np.sqrt(np.square(uphill).reshape(len(uphill), -1).sum(axis=1))
            uphill /= np.maximum(length, 1e-30).reshape(-1, *[1] * (uphill.ndim - 1))
            reach = self.step_size * (scene.high - scene.low)
            x[walking] = np.clip(x[walking] + reach * uphill, scene.low, scene.high)
        return best
