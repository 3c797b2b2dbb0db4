"""Defences of the answers, target -> target: a file a defence. No server and no laboratory is in them."""

from reticent.defences.outputs.exponential import ExponentialMechanism
from reticent.defences.outputs.hamp import HampAnswers
from reticent.defences.outputs.labels_only import LabelsOnly
from reticent.defences.outputs.memguard import MemGuard
from reticent.defences.outputs.memoise import Memoise
from reticent.defences.outputs.noise import GaussianNoise, LaplaceNoise
from reticent.defences.outputs.reverse_sigmoid import ReverseSigmoid
from reticent.defences.outputs.rounding import Rounding
from reticent.defences.outputs.temperature import Temperature
from reticent.defences.outputs.top_k import TopK

__all__ = [
    "ExponentialMechanism",
    "GaussianNoise",
    "HampAnswers",
    "LabelsOnly",
    "LaplaceNoise",
    "MemGuard",
    "Memoise",
    "ReverseSigmoid",
    "Rounding",
    "Temperature",
    "TopK",
]
