"""What an object detector answers: boxes, how sure it is of each, and what stands in it.

Any callable detects: a list of images in, one answer an image out, a `Detections` or a mapping with "boxes",
"scores" and "labels" as torchvision's detectors give them. A torch module is put into evaluation mode and is
given tensors (channels, height, width).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.errors import DataError, ModelError

Detector = Callable[[Sequence[Any]], Sequence[Any]]
"""Images (height, width, channels) in, an answer each out."""

Recipe = Callable[[Sequence[FloatArray], Sequence[FloatArray], int], Detector]
"""Trains another detector like it: images, the boxes in each (boxes, 4), a seed."""


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one image.

    Attributes:
        boxes: (boxes, 4) left, top, right and bottom in the image's pixels.
        scores: (boxes,) from 0 to 1; None of a detector that tells none.
        labels: (boxes,) what stands in each.
    """

    boxes: FloatArray
    scores: FloatArray | None
    labels: IntArray

    def sure(self, least: float) -> Detections:
        """Those with at least that score; all where there are no scores."""
        if self.scores is None:
            return self
        kept = self.scores >= least
        return Detections(self.boxes[kept], self.scores[kept], self.labels[kept])


@dataclass(frozen=True, eq=False)
class Shadow:
    """One of the attacker's own detectors: what it answers on the attacker's images, and which it trained on.

    Attributes:
        answers: one an image.
        members: (images,) True where it was trained on the image.
    """

    answers: tuple[Detections, ...]
    members: BoolArray


@dataclass(frozen=True, eq=False)
class DetectorScene:
    """What an attack on a detector is handed: answers on candidates, and the attacker's own detectors.

    Attributes:
        sizes: (images, 2) height and width of each candidate.
        boxes: of each candidate, (boxes, 4) what truly stands there.
        answers: of the detector under audit, one a candidate.
        own_sizes, own_boxes: the same of the attacker's images.
        shadows: the attacker's detectors.
        seed: of everything random that an attack does.
    """

    sizes: IntArray
    boxes: tuple[FloatArray, ...]
    answers: tuple[Detections, ...]
    own_sizes: IntArray
    own_boxes: tuple[FloatArray, ...]
    shadows: tuple[Shadow, ...]
    seed: int = 0

    @property
    def tells_scores(self) -> bool:
        """Whether every box comes with a score."""
        everyone = [self.answers, *(s.answers for s in self.shadows)]
        return all(a.scores is not None for answers in everyone for a in answers)


def detect(detector: Detector, images: Sequence[FloatArray]) -> tuple[Detections, ...]:
    """Ask a detector about images (height, width) or (height, width, channels), one an answer.

    Raises:
        ModelError: answers of another number, boxes that are no boxes, or scores that are no shares.
    """
    answers = _asked(detector, images)
    if len(answers) != len(images):
        raise ModelError(
            f"the detector gave {len(answers)} answers to {len(images)} images; expected one each"
        )
    return tuple(_read(answer) for answer in answers)


def read_images(
    images: Sequence[Any], boxes: Sequence[Any], what: str
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Images and the boxes in each, as arrays.

    Raises:
        DataError: not as many boxes as images, none, images that are no pictures, or boxes that are none.
    """
    if len(images) != len(boxes) or not len(images):
        raise DataError(
            f"{len(images)} images and {len(boxes)} sets of boxes of the {what} were given; give one each"
        )
    read: list[FloatArray] = [np.asarray(image, dtype=np.float64) for image in images]
    if any(i.ndim not in (2, 3) or not i.size or not np.isfinite(i).all() for i in read):
        raise DataError(
            f"some of the {what} is no image; give arrays of numbers, (height, width) or (height, width, "
            "channels)"
        )
    kinds = {i.shape[2:] for i in read}
    if len(kinds) > 1:
        raise DataError(f"the {what} have images of different channels; give all in the same form")
    return read, [_boxes(b, DataError, f"the boxes of the {what}") for b in boxes]


def _asked(detector: Detector, images: Sequence[FloatArray]) -> Sequence[Any]:
    if not hasattr(detector, "state_dict"):
        return list(detector(list(images)))
    import torch

    module: Any = detector
    kind = next((p.dtype for p in module.parameters()), torch.float32)
    with torch.no_grad():
        given = [
            torch.as_tensor(i if i.ndim == 3 else i[:, :, None]).permute(2, 0, 1).to(kind) for i in images
        ]
        return list(module.eval()(given))


def _read(answer: Any) -> Detections:
    if isinstance(answer, Detections):
        parts = {"boxes": answer.boxes, "scores": answer.scores, "labels": answer.labels}
    elif isinstance(answer, Mapping) and "boxes" in answer:
        parts = {name: answer.get(name) for name in ("boxes", "scores", "labels")}
    else:
        raise ModelError(
            f"the detector answered a {type(answer).__name__}; expected Detections, or a mapping with boxes, "
            "scores and labels"
        )
    boxes = _boxes(parts["boxes"], ModelError, "the detector's boxes")
    scores = None if parts["scores"] is None else np.asarray(parts["scores"], dtype=np.float64)
    if scores is not None and (scores.shape != (len(boxes),) or not ((scores >= 0) & (scores <= 1)).all()):
        raise ModelError(
            f"the detector gave scores of shape {scores.shape} to {len(boxes)} boxes, or some outside 0 and "
            "1; expected one from 0 to 1 for each box"
        )
    given = np.zeros(len(boxes)) if parts["labels"] is None else parts["labels"]
    labels = np.asarray(given, dtype=np.int64)
    return Detections(boxes, scores, labels)


def _boxes(given: Any, error: type[DataError] | type[ModelError], what: str) -> FloatArray:
    boxes = np.asarray(given, dtype=np.float64)
    boxes = boxes.reshape(0, 4) if boxes.size == 0 else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
        raise error(f"{what} have shape {boxes.shape} or are not finite; expected (boxes, 4)")
    if (boxes[:, 2:] < boxes[:, :2]).any():
        raise error(f"{what} end before they begin; expected left, top, right, bottom")
    return boxes
