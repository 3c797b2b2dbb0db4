"""What the canvas stands beside: one number an image.

How many boxes, how sure the surest is, and how wrong the boxes are. The first two need no truth; which way
they point, members having more or fewer, the attacker's own detectors tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import DetectorAttack
from reticent.attacks.options import number
from reticent.detections import Detections, DetectorScene
from reticent.errors import ModelError
from reticent.measure.roc import Roc

SMALLEST = 1e-6
"""Chance below which a box or its absence is no more surprising."""


@dataclass(frozen=True, kw_only=True)
class BoxCount(DetectorAttack):
    """How many boxes the detector draws.

    Attributes:
        least: score below which a box does not count; all count where no scores are told.
    """

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "control"
    caveat: ClassVar[str] = "says as much of what stands in the image as of the detector"

    least: float = 0.01

    def __post_init__(self) -> None:
        number("least", self.least, low=0, high=1)

    def guess(self, scene: DetectorScene) -> FloatArray:
        """Return the count, (images,), turned so that members have more among the attacker's own."""
        return _turned(scene, lambda answer: float(len(answer.sure(self.least).boxes)))


@dataclass(frozen=True, kw_only=True)
class HighestScore(DetectorAttack):
    """How sure the detector is of its surest box; 0 of an image without any."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "control, as Salem et al. 2019, arXiv:1806.01246, has it of classifiers"
    caveat: ClassVar[str] = "one box speaks for the whole image"

    def guess(self, scene: DetectorScene) -> FloatArray:
        """Return the highest score, (images,), turned so that members have more among the attacker's own."""
        return _turned(scene, lambda answer: float(np.max(_scores(answer), initial=0.0)))


@dataclass(frozen=True, kw_only=True)
class DetectionLoss(DetectorAttack):
    """How little the boxes differ from those truly there, whatever loss the detector was trained by.

    For each true box −log of the best score among boxes that overlap it enough, and for each other box
    −log(1 − score): what Yeom et al. 2018 (arXiv:1709.01604) threshold, of a detector.

    Attributes:
        overlap: share of two boxes' common area in their whole from which one stands for the other.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "after Yeom et al. 2018, arXiv:1709.01604"
    caveat: ClassVar[str] = "needs the boxes that truly are in the image"
    shadows: ClassVar[bool] = False
    price: ClassVar[str] = "an answer an image"

    overlap: float = 0.5

    def __post_init__(self) -> None:
        number("overlap", self.overlap, low=1e-9, high=1)

    def guess(self, scene: DetectorScene) -> FloatArray:
        """Return minus the loss, (images,)."""
        losses = [self._loss(a, b) for a, b in zip(scene.answers, scene.boxes, strict=True)]
        return -np.array(losses)

    def _loss(self, answer: Detections, truth: FloatArray) -> float:
        scores = np.clip(_scores(answer), SMALLEST, 1 - SMALLEST)
        meets = overlaps(truth, answer.boxes) >= self.overlap
        best = np.where(meets, scores, SMALLEST).max(axis=1, initial=SMALLEST)
        return float(-np.log(best).sum() - np.log1p(-scores[~meets.any(axis=0)]).sum())


def overlaps(ours: FloatArray, theirs: FloatArray) -> FloatArray:
    """(our boxes, their boxes) common area over the whole area of both; 0 of boxes without any."""
    low = np.maximum(ours[:, None, :2], theirs[None, :, :2])
    high = np.minimum(ours[:, None, 2:], theirs[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=2)
    own, other = (np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (ours, theirs))
    shares: FloatArray = common / np.maximum(own[:, None] + other[None] - common, 1e-12)
    return shares


def _scores(answer: Detections) -> FloatArray:
    if answer.scores is None:
        raise ModelError("the detector tells no scores; give one that does, or run box-count alone")
    return answer.scores


def _turned(scene: DetectorScene, of: Callable[[Detections], float]) -> FloatArray:
    if not scene.shadows:
        raise ModelError("needs detectors of the attacker's own, to tell whether members have more or less")
    own = np.array([of(answer) for shadow in scene.shadows for answer in shadow.answers])
    members = np.concatenate([shadow.members for shadow in scene.shadows])
    up = Roc.of(own, members).auc().value >= 0.5
    found = np.array([of(answer) for answer in scene.answers])
    return found if up else -found
