"""LLG: each record of a class pulls that class's row of the last weights down by about as much.

Wainakh et al., "User-Level Label Leakage from Gradients in Federated Learning", PoPETs 2022(2),
arXiv:2105.09369, algorithm 1: every row whose sum is negative is a label, which is taken off as one record's
impact; then the lowest row is, again and again, until the batch is full. The impact is guessed from the
gradient alone (LLG), or measured on records of one's own, and with it what other classes' records add to a
row (LLG+).
"""

from __future__ import annotations

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.attacks.gradients.labels.last_layer import last_layer
from reticent.errors import DataError
from reticent.observation import Observation, observe


def llg_counts(observation: Observation, public: tuple[FloatArray, IntArray] | None = None) -> IntArray:
    """(classes,) how many of the batch have each label.

    Meant for last layers whose inputs are not negative, as behind a ReLU or a sigmoid.

    Args:
        public: records (records, ...) and their classes, some of each, to measure the impact on; None to
            guess it, which suits batches that are no larger than the classes are many.

    Raises:
        DataError: no public record of some class.
        ModelError: the last layer is not fully connected with a bias.
    """
    rows = last_layer(observation).by_weights.sum(axis=1)
    classes, batch = len(rows), observation.batch
    offset = np.zeros(classes)
    if public is None:
        impact = rows[rows < 0].sum() / batch * (1 + 1 / classes)
    else:
        alone = _alone(observation, *public)
        impact = np.diag(alone).mean() / batch * (1 + 1 / classes)
        offset = (alone.sum(axis=0) - np.diag(alone)) / (classes - 1)
    counts = np.zeros(classes, dtype=np.int64)
    counts[np.argsort(rows, kind="stable")[:batch]] = 1
    counts *= rows < 0
    left = rows - offset - impact * counts
    while counts.sum() < batch:
        lowest = int(left.argmin())
        counts[lowest] += 1
        left[lowest] -= impact
    return counts


def _alone(observation: Observation, x: FloatArray, y: IntArray) -> FloatArray:
    """(classes, classes) the rows' sums of a batch of each class alone."""
    classes = len(observation.gradients[-1])
    missing = np.setdiff1d(np.arange(classes), y)
    if len(missing):
        raise DataError(
            f"no public records of the classes {', '.join(map(str, missing))} were given; give some of each"
        )
    batches = (observe(observation.module, x[y == c], y[y == c]) for c in range(classes))
    return np.stack([b.gradients[-2].double().numpy().sum(axis=1) for b in batches])
