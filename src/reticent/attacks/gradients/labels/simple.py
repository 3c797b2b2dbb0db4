"""The last layer's bias is pulled down by the classes that are there.

One record: the class whose gradient is negative (Zhao, Mopuri & Bilen 2020, "iDLG", arXiv:2001.02610). A
batch: the mean of p_k − share_k over the records is the k-th entry, so that the counts are B (p_k − entry_k),
with p_k guessed at.
"""

from __future__ import annotations

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.attacks.gradients.labels.last_layer import last_bias, rounded
from reticent.observation import Observation


def single_label(observation: Observation) -> int:
    """The class of the one record: certain, whatever the module."""
    return int(last_bias(observation).argmin())


def label_counts(observation: Observation, expected: FloatArray | None = None) -> IntArray:
    """(classes,) how many of the batch have each label.

    Args:
        expected: (classes,) the module's mean probability of each class on records like these; None for what
            it answers to a flat picture, which is close in a module that has not been trained.
    """
    pull = last_bias(observation).double().numpy()
    if expected is None:
        expected = _flat_answer(observation)
    return rounded(observation.batch * (np.asarray(expected, dtype=np.float64) - pull), observation)


def _flat_answer(observation: Observation) -> FloatArray:
    import torch

    kind = next(observation.module.parameters()).dtype
    with torch.no_grad():
        scores = observation.module(torch.full((1, *observation.shape), 0.5, dtype=kind))
    answer: FloatArray = scores.double().softmax(1)[0].numpy()
    return answer
