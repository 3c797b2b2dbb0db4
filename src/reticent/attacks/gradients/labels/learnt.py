"""Counts learnt from batches of one's own: what records of each class leave in the last layer's gradient.

In a trained module most records leave next to nothing there and a few leave much, so that means mislead (and
with them the estimators of the literature). A server that holds public records can add up the last layer's
gradients of as many batches of them as it likes, and learn the counts from these: by ridge regression, here,
on the gradient by the bias, that by the weights times the weights, and the signed logarithms of both.
"""

from __future__ import annotations

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.attacks.gradients.labels.last_layer import last_layer, rounded
from reticent.errors import DataError
from reticent.observation import Observation

PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0)
"""Of the regression's weights; batches left out choose among them."""

SMALL, LARGE = 0.1, 4.0
"""Of a feature's deviation: below it the signed logarithm is nearly straight; above it the feature is cut."""


def learnt_counts(
    observation: Observation, x: FloatArray, y: IntArray, *, batches: int = 4000, seed: int = 0
) -> IntArray:
    """(classes,) how many of the batch have each label.

    In a net that is very sure of its answers it can do worse than the public records' own shares.

    Args:
        x: (records, ...) public records that the module was not trained on, as the client's new ones.
        y: (records,) positions of their classes; batches are as likely to hold each as these are.
        batches: made of them, to learn from.
        seed: of the batches.

    Raises:
        DataError: no public records, or not a label each.
        ModelError: the last layer is not fully connected with a bias.
    """
    import torch
    from sklearn.linear_model import RidgeCV

    last = last_layer(observation)
    if len(x) == 0 or len(x) != len(y):
        raise DataError(f"{len(x)} public records with {len(y)} labels were given; give some, a label each")
    truth = np.eye(len(last.bias))[y]
    with torch.no_grad():
        kind = next(observation.module.parameters()).dtype
        scores = observation.module(torch.as_tensor(np.asarray(x), dtype=kind)).double()
    pulls = scores.softmax(1).numpy() - truth
    by_weights = pulls[:, :, None] * (scores.numpy() - last.bias)[:, None, :]
    left = np.concatenate([pulls, by_weights.reshape(len(x), -1)], axis=1)

    rng = np.random.default_rng(seed)
    parts = rng.integers(len(x), size=(batches, observation.batch))
    sums, told = (np.stack([values[part].sum(axis=0) for part in parts]) for values in (left, truth))
    scale = SMALL * np.maximum(sums.std(axis=0), 1e-12)
    seen = observation.batch * np.append(last.by_bias, last.by_weights @ last.weights.T)
    regression = RidgeCV(PENALTIES).fit(_features(sums / scale), told)
    return rounded(regression.predict(_features(seen[None] / scale))[0], observation)


def _features(values: FloatArray) -> FloatArray:
    """(batches, 2 × values) as they are, cut off, and their signed logarithms."""
    cut = LARGE / SMALL
    logarithms = np.sign(values) * np.log1p(np.abs(values))
    return np.concatenate([np.clip(values, -cut, cut), logarithms], axis=1)
