"""Was this record in the training set? A file an attack."""

from reticent.attacks.attack import MembershipAttack
from reticent.attacks.membership.base import Base
from reticent.attacks.membership.bavaria import Bavaria
from reticent.attacks.membership.boundary import Boundary
from reticent.attacks.membership.calibrated import Calibrated
from reticent.attacks.membership.canvas import ResponseCanvas
from reticent.attacks.membership.confidence import Confidence
from reticent.attacks.membership.entropy import Entropy, ModifiedEntropy
from reticent.attacks.membership.gap import Gap
from reticent.attacks.membership.gradient import CalibratedGradientNorm, GradientNorm
from reticent.attacks.membership.lira import Lira
from reticent.attacks.membership.loss import Loss
from reticent.attacks.membership.per_class import PerClass
from reticent.attacks.membership.population import Population
from reticent.attacks.membership.quantile import Quantile
from reticent.attacks.membership.reference import Reference
from reticent.attacks.membership.rmia import Rmia
from reticent.attacks.membership.robustness import LearnedRobustness, Robustness
from reticent.attacks.membership.shokri import Shokri
from reticent.attacks.membership.sweep import DetuningPoint, ResponseSweep
from reticent.attacks.membership.white_box import WhiteBoxFeatures
from reticent.attacks.metrics import Metric

__all__ = [
    "DEFAULT",
    "Base",
    "Bavaria",
    "Boundary",
    "Calibrated",
    "CalibratedGradientNorm",
    "Confidence",
    "DetuningPoint",
    "Entropy",
    "Gap",
    "GradientNorm",
    "LearnedRobustness",
    "Lira",
    "Loss",
    "ModifiedEntropy",
    "PerClass",
    "Population",
    "Quantile",
    "Reference",
    "ResponseCanvas",
    "ResponseSweep",
    "Rmia",
    "Robustness",
    "Shokri",
    "WhiteBoxFeatures",
]

DEFAULT: tuple[MembershipAttack, ...] = (
    Gap(),
    Loss(),
    Confidence(),
    Entropy(),
    ModifiedEntropy(),
    PerClass(),
    PerClass(metric=Metric.CONFIDENCE),
    PerClass(metric=Metric.ENTROPY),
    Population(),
    Quantile(),
    Shokri(),
    Reference(),
    Calibrated(),
    Base(),
    Bavaria(),
    Lira(),
    Lira(mode="offline"),
    Rmia(),
    Rmia(mode="offline"),
    ResponseCanvas(),
    ResponseSweep(),
    DetuningPoint(),
    GradientNorm(),
    CalibratedGradientNorm(),
    WhiteBoxFeatures(),
    Robustness(),
    LearnedRobustness(),
    Boundary(),
)
"""Every attack once; LiRA and RMIA with and without models that trained on the record, thresholds by class
with each metric."""
