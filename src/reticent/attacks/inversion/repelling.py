"""Boundary repulsion: with labels alone, walk away from where the model sees somebody else.

Kahla, Chen, Just & Jia, "Label-Only Model Inversion Attacks via Boundary Repulsion", CVPR 2022,
arXiv:2203.06580, algorithm 1, in the space of principal components of the public pictures instead of a
generator's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray, IntArray
from reticent.attacks.attack import InversionAttack
from reticent.attacks.options import number
from reticent.scene import ClassScene


@dataclass(frozen=True, kw_only=True)
class BoundaryRepelling(InversionAttack):
    """Label-only: steps away from the points around that the model takes for others (Kahla et al. 2022).

    Each round draws points on a sphere around the picture. Where some are taken for another class, it steps
    away from their mean; where none is, the picture is kept and the sphere grows.

    Attributes:
        components: principal components of the public pictures that are searched.
        points: labels asked on each sphere.
        rounds: at most so many for each class.
        radius: of the first sphere, in standard deviations of the components.
        growth: of the sphere each time that it lies within the class.
        plausible: standard deviations from the mean picture, in each component, that pictures stay within.
    """

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Kahla et al. 2022, arXiv:2203.06580, algorithm 1"
    price: ClassVar[str] = "some 3,000 labels a class, seconds for all"
    costly: ClassVar[bool] = True
    caveat: ClassVar[str] = "finds a class only if some public picture or a mixture of them is taken for it"

    components: int = 30
    points: int = 32
    rounds: int = 100
    radius: float = 1.0
    growth: float = 1.2
    plausible: float = 2.5

    def __post_init__(self) -> None:
        for name in ("components", "points", "rounds"):
            number(name, getattr(self, name), low=1)
        number("radius", self.radius, low=1e-6)
        number("growth", self.growth, low=1.0001)
        number("plausible", self.plausible, low=1e-6)

    def draw(self, scene: ClassScene) -> FloatArray:
        """Return (classes, ...) the centre of the largest sphere within each class; else the mean picture."""
        rng = scene.rng()
        flat = scene.public.reshape(len(scene.public), -1).astype(np.float64)
        mean = flat.mean(axis=0)
        _, scales, axes = np.linalg.svd(flat - mean, full_matrices=False)
        few = min(self.components, len(scales))
        axes, spread = axes[:few], scales[:few] / np.sqrt(max(1, len(flat) - 1))

        def pictures(codes: FloatArray) -> FloatArray:
            found = np.clip(mean + (codes * spread) @ axes, scene.low, scene.high)
            return np.asarray(found.reshape(len(codes), *scene.public.shape[1:]))

        def labels(codes: FloatArray) -> IntArray:
            return scene.target.predict(pictures(codes)).labels

        public = (flat - mean) @ axes.T / np.maximum(spread, 1e-12)
        starts = np.concatenate([public, rng.normal(size=(20 * len(scene.classes), few))])
        named = labels(starts)
        met = np.isin(scene.classes, named)
        found = np.zeros((len(scene.classes), few))
        if met.any():
            first = (named[:, None] == scene.classes[met]).argmax(axis=0)
            found[met] = self._walk(
                np.clip(starts[first], -self.plausible, self.plausible), scene.classes[met], labels, rng
            )
        return pictures(found)

    def _walk(
        self,
        codes: FloatArray,
        classes: IntArray,
        labels: Callable[[FloatArray], IntArray],
        rng: np.random.Generator,
    ) -> FloatArray:
        """(classes, components) of all walks, taken side by side: one call a round for all of them."""
        codes, kept, radius = codes.copy(), codes.copy(), np.full(len(codes), self.radius)
        for _ in range(self.rounds):
            away = rng.normal(size=(len(codes), self.points, codes.shape[1]))
            away /= np.linalg.norm(away, axis=2, keepdims=True)
            around = (codes[:, None] + radius[:, None, None] * away).reshape(-1, codes.shape[1])
            others = labels(around).reshape(len(codes), -1) != classes[:, None]
            whole = ~others.any(axis=1)
            kept[whole] = codes[whole]
            radius[whole] *= self.growth
            step = -(away * others[..., None]).sum(axis=1)
            step /= np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-12)
            moved = np.where(whole[:, None], codes, codes + radius[:, None] * step / 2)
            moved = np.clip(moved, -self.plausible, self.plausible)
            stays = labels(moved) == classes
            codes[stays] = moved[stays]
        return kept
