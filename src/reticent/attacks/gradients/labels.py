"""Labels read off a gradient: the last layer's bias is pulled down by the classes that are there.

One record: the class whose gradient is negative (Zhao, Mopuri & Bilen 2020, "iDLG", arXiv:2001.02610). A
batch: the mean of p_k − share_k over the records is the k-th entry, so that the counts are B (p_k − entry_k),
with p_k guessed at (after Wainakh et al. 2021, "LLG", arXiv:2105.09369).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.errors import ModelError
from reticent.observation import Observation

if TYPE_CHECKING:
    from torch import Tensor


def last_bias(observation: Observation) -> Tensor:
    """(classes,) the gradient by the last layer's bias.

    Raises:
        ModelError: the module does not end in a layer with a bias.
    """
    last = observation.gradients[-1]
    if last.ndim != 1:
        raise ModelError("the module's last layer has no bias to read labels off; give one that has")
    return last


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
    wanted = observation.batch * (np.asarray(expected, dtype=np.float64) - pull)
    counts = np.maximum(np.floor(wanted), 0).astype(np.int64)
    counts[pull < 0] = np.maximum(counts[pull < 0], 1)  # only a class that is there pulls its bias up
    while counts.sum() != observation.batch:
        step = 1 if counts.sum() < observation.batch else -1
        left = np.where((step > 0) | (counts > (pull < 0)), step * (wanted - counts), -np.inf)
        counts[int(left.argmax())] += step
    found: IntArray = counts
    return found


def _flat_answer(observation: Observation) -> FloatArray:
    import torch

    kind = next(observation.module.parameters()).dtype
    with torch.no_grad():
        scores = observation.module(torch.full((1, *observation.shape), 0.5, dtype=kind))
    answer: FloatArray = scores.double().softmax(1)[0].numpy()
    return answer
