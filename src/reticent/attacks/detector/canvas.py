"""Canvas: a detector's boxes drawn on an empty picture, and a network that has seen members' pictures.

Park & Kang, "Membership Inference Attacks on Object Detection Models", 2020, arXiv:2001.04011: every box
adds −log2(1 − score) over its area, or over a patch of one size at its middle; a shallow convolutional net,
trained on the canvases of the attacker's own detectors, tells members' canvases from others'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from reticent.access import Access, FloatArray, IntArray
from reticent.attacks.attack import DetectorAttack
from reticent.attacks.options import among, number
from reticent.detections import Detections, DetectorScene
from reticent.errors import MissingExtra, ModelError

SUREST = 1 - 2**-20
"""Score above which a box weighs no more: 20 bits."""


@dataclass(frozen=True, kw_only=True)
class BoxCanvas(DetectorAttack):
    """The boxes drawn on an empty picture, read by a network trained on own detectors (Park & Kang 2020).

    Attributes:
        form: "original", each box weighs over its whole area; "uniform", over a patch at its middle.
        size: pixels of the canvas, either way; the paper has 300.
        patch: pixels of the uniform form's patch.
        least: score below which a box is not drawn.
        epochs: over all canvases of the attacker's detectors.
        learning_rate: Adam's.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Park & Kang 2020, arXiv:2001.04011"
    caveat: ClassVar[str] = (
        "needs images of the same kind, and detectors trained on them like the audited one"
    )

    form: Literal["original", "uniform"] = "original"
    size: int = 64
    patch: int = 6
    least: float = 0.01
    epochs: int = 12
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        among("form", self.form, ("original", "uniform"))
        for name in ("size", "patch", "epochs"):
            number(name, getattr(self, name), low=1)
        number("size", self.size, low=16)
        number("least", self.least, low=0, high=1)
        number("learning_rate", self.learning_rate, low=1e-9)

    def guess(self, scene: DetectorScene) -> FloatArray:
        """Return the network's log-odds of a member, (images,)."""
        if not scene.shadows:
            raise ModelError("needs detectors of the attacker's own, and there are none")
        try:
            from reticent.attacks.detector.reader import read_canvases
        except ImportError as error:
            raise MissingExtra("torch", "torch") from error
        own = np.concatenate([self.canvases(s.answers, scene.own_sizes) for s in scene.shadows])
        members = np.concatenate([s.members for s in scene.shadows])
        asked = self.canvases(scene.answers, scene.sizes)
        return read_canvases(
            own, members, asked, epochs=self.epochs, learning_rate=self.learning_rate, seed=scene.seed
        )

    def canvases(self, answers: Sequence[Detections], sizes: IntArray) -> FloatArray:
        """(images, size, size) the boxes of each image, weighed in bits.

        Args:
            answers: what was found in each image.
            sizes: (images, 2) their heights and widths.
        """
        return np.stack([self._canvas(a, size) for a, size in zip(answers, sizes, strict=True)])

    def _canvas(self, answer: Detections, size: IntArray) -> FloatArray:
        if answer.scores is None:
            raise ModelError("the detector tells no scores to weigh boxes by; give one that does")
        seen = answer.sure(self.least)
        assert seen.scores is not None
        bits = -np.log2(1 - np.minimum(seen.scores, SUREST))
        boxes = seen.boxes * (self.size / np.array([size[1], size[0], size[1], size[0]]))
        if self.form == "uniform":
            middle = (boxes[:, :2] + boxes[:, 2:]) / 2
            boxes = np.concatenate([middle - self.patch / 2, middle + self.patch / 2], axis=1)
        low = np.clip(np.floor(boxes[:, :2]), 0, self.size - 1).astype(int)
        high = np.clip(np.ceil(boxes[:, 2:]), low + 1, self.size).astype(int)
        # Summed from differences at the corners, so that a box costs four additions whatever its area
        corners = np.zeros((self.size + 1, self.size + 1))
        for (left, top), (right, bottom), weight in zip(low, high, bits, strict=True):
            corners[top, left] += weight
            corners[bottom, right] += weight
            corners[top, right] -= weight
            corners[bottom, left] -= weight
        return np.asarray(corners.cumsum(axis=0).cumsum(axis=1)[:-1, :-1])
