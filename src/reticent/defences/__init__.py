"""Defences, as words that compose: `dp_sgd(epsilon=3) | round_scores(2)` is a defence.

A word is a frozen dataclass with its options; what stands before `|` acts first. See `defence` for the
three kinds.
"""

from reticent.defences.data import Anonymise as anonymise
from reticent.defences.data import Pseudonymise as pseudonymise
from reticent.defences.data import Randomise as randomise
from reticent.defences.data import Redact as redact
from reticent.defences.data import Suppress as suppress
from reticent.defences.data import Synthesise as synthesise
from reticent.defences.defence import (
    Composed,
    DataDefence,
    Defence,
    OutputDefence,
    TrainingDefence,
    harden,
    none,
)
from reticent.defences.outputs import ExponentialMechanism as exponential_mechanism
from reticent.defences.outputs import GaussianNoise as gaussian_noise
from reticent.defences.outputs import HampAnswers as hamp_answers
from reticent.defences.outputs import LabelsOnly as labels_only
from reticent.defences.outputs import LaplaceNoise as laplace_noise
from reticent.defences.outputs import MemGuard as memguard
from reticent.defences.outputs import Memoise as memoise
from reticent.defences.outputs import ReverseSigmoid as reverse_sigmoid
from reticent.defences.outputs import Rounding as round_scores
from reticent.defences.outputs import Temperature as temperature
from reticent.defences.outputs import TopK as top_k
from reticent.defences.training import L2 as l2
from reticent.defences.training import AdversarialRegularisation as adversarial_regularisation
from reticent.defences.training import AdversarialTraining as adversarial_training
from reticent.defences.training import ConfidencePenalty as confidence_penalty
from reticent.defences.training import Distillation as distillation
from reticent.defences.training import DpFtrl as dp_ftrl
from reticent.defences.training import DpSgd as dp_sgd
from reticent.defences.training import Dropout as dropout
from reticent.defences.training import EarlyStopping as early_stopping
from reticent.defences.training import HampTraining as hamp_training
from reticent.defences.training import LabelSmoothing as label_smoothing
from reticent.defences.training import MeanDiscrepancy as mmd
from reticent.defences.training import MixUp as mixup
from reticent.defences.training import Pate as pate
from reticent.defences.training import PrivateBayes as private_bayes
from reticent.defences.training import PrivateLogistic as private_logistic
from reticent.defences.training import PrivateTrees as private_forest
from reticent.defences.training import RelaxLoss as relax_loss
from reticent.defences.training import Selena as selena
from reticent.defences.training import TreeLimits as tree_limits

__all__ = [
    "Composed",
    "DataDefence",
    "Defence",
    "OutputDefence",
    "TrainingDefence",
    "adversarial_regularisation",
    "adversarial_training",
    "anonymise",
    "confidence_penalty",
    "distillation",
    "dp_ftrl",
    "dp_sgd",
    "dropout",
    "early_stopping",
    "exponential_mechanism",
    "gaussian_noise",
    "hamp",
    "hamp_answers",
    "hamp_training",
    "harden",
    "l2",
    "label_smoothing",
    "labels_only",
    "laplace_noise",
    "memguard",
    "memoise",
    "mixup",
    "mmd",
    "none",
    "pate",
    "private_bayes",
    "private_forest",
    "private_logistic",
    "pseudonymise",
    "randomise",
    "redact",
    "relax_loss",
    "reverse_sigmoid",
    "round_scores",
    "selena",
    "suppress",
    "synthesise",
    "temperature",
    "top_k",
    "tree_limits",
]


def hamp(gamma: float = 0.8, alpha: float = 0.1) -> Composed:
    """HAMP, both halves (Chen & Pattabiraman 2024, arXiv:2307.01610): soft labels in training, lent
    answers."""
    return hamp_training(gamma, alpha) | hamp_answers()
