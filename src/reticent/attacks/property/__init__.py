"""Whom was it trained on? A fact of the whole training set, told from the model."""

from reticent.attacks.attack import PropertyAttack
from reticent.attacks.property.kl import KullbackLeibler
from reticent.attacks.property.loss import LossTest
from reticent.attacks.property.permutation_invariant import PermutationInvariant
from reticent.attacks.property.probe import ProbeClassifier
from reticent.attacks.property.regression import ShareRegression
from reticent.attacks.property.snap import Snap
from reticent.attacks.property.threshold import ThresholdTest

__all__ = [
    "DEFAULT",
    "KullbackLeibler",
    "LossTest",
    "PermutationInvariant",
    "ProbeClassifier",
    "ShareRegression",
    "Snap",
    "ThresholdTest",
]

DEFAULT: tuple[PropertyAttack, ...] = (
    LossTest(),
    ThresholdTest(),
    KullbackLeibler(),
    ProbeClassifier(),
    PermutationInvariant(),
    ShareRegression(),
    Snap(),
)
"""Every attack once."""
