"""Which images was an object detector trained on? Told from the boxes that it draws."""

from reticent.attacks.attack import DetectorAttack
from reticent.attacks.detector.canvas import BoxCanvas
from reticent.attacks.detector.simple import BoxCount, DetectionLoss, HighestScore

__all__ = ["DEFAULT", "BoxCanvas", "BoxCount", "DetectionLoss", "HighestScore"]

DEFAULT: tuple[DetectorAttack, ...] = (
    BoxCanvas(),
    BoxCanvas(form="uniform"),
    BoxCount(),
    HighestScore(),
    DetectionLoss(),
)
"""Every attack once, the canvas in both of its forms; the last three are its controls."""
