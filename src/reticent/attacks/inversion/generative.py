"""Generative inversion: among the pictures that a generator can make, the likeliest of each class.

Zhang, Jia, Pei, Wang, Li & Song, "The Secret Revealer: Generative Model-Inversion Attacks Against Deep Neural
Networks" (GMI), CVPR 2020, arXiv:1911.07135, section 3.2: identity loss plus prior loss over codes. The
generator is learnt from public pictures of other people; here its codes' normal law is the prior loss, where
the paper has a discriminator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import InversionAttack
from reticent.attacks.inversion.prior import Components, Prior
from reticent.attacks.options import number
from reticent.errors import PlanError
from reticent.scene import ClassScene

USUAL = Components()
"""The prior where none is chosen."""


@dataclass(frozen=True, kw_only=True)
class GenerativeInversion(InversionAttack):
    """Adam over a generator's codes, up log p_c less how unlikely the code is (Zhang et al. 2020, GMI).

    Attributes:
        prior: what learns the generator from the public pictures, or brings one.
        starts: codes from which each class is sought; the best end is kept.
        steps: of Adam, from each.
        step_size: of Adam, in standard deviations of a code.
        unlikely: weight of half the squared length of a code.
    """

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "Zhang et al. 2020, arXiv:1911.07135, section 3.2"
    price: ClassVar[str] = "some 2,400 gradients a class, and a prior learnt from public pictures"
    caveat: ClassVar[str] = "shows only what the generator can make: of few public pictures, mixtures of them"

    prior: Prior = USUAL
    starts: int = 8
    steps: int = 300
    step_size: float = 0.05
    unlikely: float = 0.01

    def __post_init__(self) -> None:
        if not isinstance(self.prior, Prior):
            raise PlanError(
                f"prior = {self.prior!r} was given; from Python, give an object with fit(public, low, high, "
                "seed), such as Components() or Autoencoder()"
            )
        for name in ("starts", "steps"):
            number(name, getattr(self, name), low=1)
        number("step_size", self.step_size, low=1e-9)
        number("unlikely", self.unlikely, low=0)

    def draw(self, scene: ClassScene) -> FloatArray:
        """Return (classes, ...) the picture of each class's best code."""
        generator = self.prior.fit(scene.public, scene.low, scene.high, scene.seed)
        codes = scene.rng().normal(size=(len(scene.classes) * self.starts, generator.codes))
        sought = np.repeat(scene.classes, self.starts)
        best, highest = codes.copy(), np.full(len(codes), -np.inf)
        speed, energy = np.zeros_like(codes), np.zeros_like(codes)
        for step in range(1, self.steps + 2):
            scores, slopes = scene.target.descends.score_gradient(generator.draw(codes), sought)
            sure = np.maximum(scores.astype(np.float64), 1e-30)
            height = np.log(sure) - self.unlikely / 2 * np.square(codes).sum(axis=1)
            higher = height > highest
            best[higher], highest[higher] = codes[higher], height[higher]
            along = slopes / sure.reshape(-1, *[1] * (slopes.ndim - 1))
            uphill = generator.pull(codes, along) - self.unlikely * codes
            speed, energy = 0.9 * speed + 0.1 * uphill, 0.999 * energy + 0.001 * np.square(uphill)
            moved = (speed / (1 - 0.9**step)) / (np.sqrt(energy / (1 - 0.999**step)) + 1e-8)
            codes = codes + self.step_size * moved
        winner = highest.reshape(-1, self.starts).argmax(axis=1)
        kept = best.reshape(-1, self.starts, generator.codes)[np.arange(len(scene.classes)), winner]
        return generator.draw(kept)
