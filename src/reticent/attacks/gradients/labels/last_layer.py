"""The last layer and its gradient, which all ways of reading labels go by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.errors import DataError, ModelError
from reticent.observation import Observation

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class LastLayer:
    """A fully connected last layer.

    Attributes:
        weights: (classes, width).
        bias: (classes,).
        by_weights, by_bias: the gradients by them, of the same shapes.
    """

    weights: FloatArray
    bias: FloatArray
    by_weights: FloatArray
    by_bias: FloatArray


def last_bias(observation: Observation) -> Tensor:
    """(classes,) the gradient by the last layer's bias.

    Raises:
        ModelError: the module does not end in a layer with a bias.
    """
    last = observation.gradients[-1]
    if last.ndim != 1:
        raise ModelError("the module's last layer has no bias to read labels off; give one that has")
    return last


def last_layer(observation: Observation) -> LastLayer:
    """The last layer.

    Raises:
        ModelError: the module does not end in a fully connected layer with a bias.
    """
    by_bias, by_weights = last_bias(observation), observation.gradients[-2]
    if by_weights.ndim != 2 or len(by_weights) != len(by_bias):
        raise ModelError(
            "the module's last layer is not fully connected, and labels are read off its weights; give one "
            "that is, or read them by label_counts"
        )
    weights, bias = list(observation.module.parameters())[-2:]
    tensors = (weights.detach(), bias.detach(), by_weights, by_bias)
    return LastLayer(*(t.double().numpy() for t in tensors))


def rounded(wanted: FloatArray, observation: Observation) -> IntArray:
    """(classes,) whole counts nearest to those wanted that add up to the batch.

    Only a class that is there pulls its bias up, so that each one that does counts at least once.

    Raises:
        DataError: a count wanted is not finite.
    """
    if not np.isfinite(wanted).all():
        raise DataError("the gradient leaves the labels' counts undetermined; read them in another way")
    pull = last_bias(observation).double().numpy()
    there = np.zeros(len(pull), dtype=np.int64)
    there[np.argsort(pull, kind="stable")[: observation.batch]] = 1
    there *= pull < 0
    counts = np.maximum(np.floor(wanted).astype(np.int64), there)
    while counts.sum() != observation.batch:
        step = 1 if counts.sum() < observation.batch else -1
        left = np.where((step > 0) | (counts > there), step * (wanted - counts), -np.inf)
        counts[int(left.argmax())] += step
    return counts
