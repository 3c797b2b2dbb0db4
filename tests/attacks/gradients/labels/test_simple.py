"""Counts by the mean answer: exact where it is known, and batches of one label many times over."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reticent.attacks.gradients.labels import label_counts
from reticent.observation import observe


def answer(net, x):
    with torch.no_grad():
        return net(torch.as_tensor(x).float()).double().softmax(1).mean(0).numpy()


@pytest.mark.parametrize("batch", [1, 8, 64])
def test_counts_are_exact_where_the_mean_answer_is_known_of_trained_nets_too(perceptron, records, batch):
    for trained_on in (None, records(1, 300)):
        net, (x, y) = perceptron(trained_on=trained_on), records(2, batch)
        counts = label_counts(observe(net, x, y), answer(net, x))
        np.testing.assert_array_equal(counts, np.bincount(y, minlength=5))


@pytest.mark.parametrize("batch", [8, 32])
def test_labels_that_repeat_are_counted_as_often_as_they_come(perceptron, records, batch):
    """A regression seen elsewhere: who takes distinct labels only has at most one in common a class."""
    x, _ = records(3, batch)
    for label in range(5):
        y = np.full(batch, label)
        y[0] = (label + 1) % 5
        counts = label_counts(observe(perceptron(label), x, y))
        assert np.minimum(counts, np.bincount(y, minlength=5)).sum() >= 0.8 * batch
        distinct = np.minimum(counts, 1)
        assert np.minimum(distinct, np.bincount(y, minlength=5)).sum() == 2
