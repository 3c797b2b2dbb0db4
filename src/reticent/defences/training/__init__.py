"""Defences in training, recipe -> recipe: a file a defence."""

from reticent.defences.training.adversarial import AdversarialTraining
from reticent.defences.training.adversarial_regularisation import AdversarialRegularisation
from reticent.defences.training.confidence_penalty import ConfidencePenalty
from reticent.defences.training.distillation import Distillation
from reticent.defences.training.dp_sgd import DpFtrl, DpSgd
from reticent.defences.training.dropout import Dropout
from reticent.defences.training.early_stopping import EarlyStopping
from reticent.defences.training.hamp import HampTraining
from reticent.defences.training.l2 import L2
from reticent.defences.training.label_smoothing import LabelSmoothing
from reticent.defences.training.limits import TreeLimits
from reticent.defences.training.mixup import MeanDiscrepancy, MixUp
from reticent.defences.training.pate import Pate
from reticent.defences.training.private_bayes import PrivateBayes
from reticent.defences.training.private_forest import PrivateTrees
from reticent.defences.training.private_logistic import PrivateLogistic
from reticent.defences.training.relax_loss import RelaxLoss
from reticent.defences.training.selena import Selena

__all__ = [
    "L2",
    "AdversarialRegularisation",
    "AdversarialTraining",
    "ConfidencePenalty",
    "Distillation",
    "DpFtrl",
    "DpSgd",
    "Dropout",
    "EarlyStopping",
    "HampTraining",
    "LabelSmoothing",
    "MeanDiscrepancy",
    "MixUp",
    "Pate",
    "PrivateBayes",
    "PrivateLogistic",
    "PrivateTrees",
    "RelaxLoss",
    "Selena",
    "TreeLimits",
]
