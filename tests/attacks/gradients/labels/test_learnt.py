"""Counts learnt from batches of one's own: exact on untrained nets, better than the prior on trained ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reticent.attacks.gradients.labels import label_counts, learnt_counts
from reticent.errors import DataError
from reticent.observation import observe


def common(batch, y):
    """The control: as common as public records have them."""
    wanted = batch * np.bincount(y, minlength=5) / len(y)
    counts = np.floor(wanted).astype(int)
    counts[np.argsort(counts - wanted)[: batch - counts.sum()]] += 1
    return counts


def shares(net, records, read, batch, rounds=15):
    found = []
    for seed in range(rounds):
        x, y = records(1000 + seed, batch)
        truth = np.bincount(y, minlength=5)
        found.append(np.minimum(read(observe(net, x, y)), truth).sum() / batch)
    return np.mean(found)


def test_an_untrained_net_is_read_exactly(perceptron, records):
    public = records(5, 400)
    assert shares(perceptron(), records, lambda s: learnt_counts(s, *public, batches=1000), 16, 5) == 1


def test_a_trained_net_is_read_better_than_by_the_prior_and_by_the_flat_answer(perceptron, records):
    net, public = perceptron(trained_on=records(1, 300)), records(5, 400)
    learnt = shares(net, records, lambda s: learnt_counts(s, *public, batches=1000), 8)
    prior = shares(net, records, lambda s: common(8, public[1]), 8)
    assert learnt > prior + 0.05
    assert learnt > shares(net, records, label_counts, 8)


def test_a_net_that_is_surer_is_still_read(perceptron, records):
    """There a few records leave almost everything: what counts is the logarithm."""
    net, public = perceptron(trained_on=records(1, 300)), records(5, 400)
    with torch.no_grad():
        for last in (net[2].weight, net[2].bias):
            last *= 2
    learnt = shares(net, records, lambda s: learnt_counts(s, *public, batches=1000), 8, 30)
    assert learnt > shares(net, records, lambda s: common(8, public[1]), 8, 30) + 0.03


def test_where_the_gradient_says_nothing_it_falls_back_to_how_common_classes_are(perceptron, records):
    """A null world: labels that nothing depends on, in a net whose last gradient is taken away."""
    net, public = perceptron(), records(5, 400)
    with torch.no_grad():
        net[2].weight.zero_()
    x, y = records(0, 20)
    seen = observe(net, x, y)
    seen.gradients[-1][...] = torch.as_tensor(
        net[2].bias.detach().softmax(0) - torch.as_tensor(np.bincount(public[1], minlength=5) / 400).float()
    )
    counts = learnt_counts(seen, *public, batches=500)
    assert np.abs(counts - common(20, public[1])).sum() <= 2


def test_the_same_seed_gives_the_same_counts(perceptron, records):
    net, public, (x, y) = perceptron(trained_on=records(1, 300)), records(5, 100), records(6, 30)
    seen = observe(net, x, y)
    one, two = (learnt_counts(seen, *public, batches=200, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("cut", [slice(0), slice(5)])
def test_public_records_without_a_label_each_are_a_sentence(perceptron, records, cut):
    x, y = records(0, 8)
    given = (x[cut], y[cut]) if cut == slice(0) else (x, y[cut])
    with pytest.raises(DataError, match="give some, a label each"):
        learnt_counts(observe(perceptron(), x, y), *given)
