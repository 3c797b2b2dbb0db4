"""LLG: row sums of the last weights, an impact a record; measured impacts do for batches of any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reticent.attacks.gradients.labels import llg_counts
from reticent.errors import DataError
from reticent.observation import Observation, observe


def overlap(read, perceptron, records, batch, *, trained_on=None):
    shares = []
    for seed in range(10):
        x, y = records(seed, batch)
        counts = read(observe(perceptron(seed, trained_on=trained_on), x, y))
        assert counts.sum() == batch
        assert counts.min() >= 0
        shares.append(np.minimum(counts, np.bincount(y, minlength=5)).sum() / batch)
    return np.mean(shares)


def test_by_hand():
    """Two rows that pull are taken first, then the lowest row that is left, an impact at a time."""
    net = torch.nn.Linear(1, 4)
    rows = torch.tensor([[-0.72], [0.1], [-0.28], [0.2]])
    seen = Observation(net, (rows, torch.zeros(4)), (1,), 5)
    # The impact is -1/5 × 5/4: the first row is taken three times, to .03, and the third from -.03 once more
    assert llg_counts(seen).tolist() == [3, 0, 2, 0]


def test_a_batch_no_larger_than_the_classes_is_read_from_the_gradient_alone(perceptron, records):
    assert overlap(llg_counts, perceptron, records, 4) > 0.9


def test_measured_impacts_read_large_batches_too(perceptron, records):
    public = records(100, 200)
    guessed = overlap(llg_counts, perceptron, records, 64)
    measured = overlap(lambda seen: llg_counts(seen, public), perceptron, records, 64)
    assert measured > 0.9
    assert measured > guessed + 0.1


def test_what_other_classes_add_is_measured_too(perceptron, records):
    """A last bias that favours one class: its row is pushed up by everyone's records."""
    net, public, (x, y) = perceptron(), records(100, 200), records(1, 40)
    net[2].bias.data[3] += 1.5
    counts = llg_counts(observe(net, x, y), public)
    assert np.minimum(counts, np.bincount(y, minlength=5)).sum() / 40 > 0.9


def test_more_rows_that_pull_than_records_are_cut_to_the_lowest():
    net = torch.nn.Linear(1, 4)
    seen = Observation(net, (torch.tensor([[-0.9], [-0.1], [-0.3], [0.2]]), torch.zeros(4)), (1,), 2)
    assert llg_counts(seen).tolist() == [1, 0, 1, 0]


def test_every_class_must_have_public_records(perceptron, records):
    x, y = records(0, 30)
    with pytest.raises(DataError, match="of the classes 2, 4 were given"):
        kept = ~np.isin(y, (2, 4))
        llg_counts(observe(perceptron(), x, y), (x[kept], y[kept]))
