"""The last layer: its weights and gradients, whole counts, and what it must be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from reticent.attacks.gradients.labels.last_layer import last_layer, rounded
from reticent.errors import DataError, ModelError
from reticent.observation import Observation, observe


def test_it_is_the_modules_last(perceptron, records):
    net, (x, y) = perceptron(), records(0, 6)
    seen = observe(net, x, y)
    last = last_layer(seen)
    np.testing.assert_array_equal(last.weights, net[2].weight.detach().double().numpy())
    np.testing.assert_array_equal(last.bias, net[2].bias.detach().double().numpy())
    with torch.no_grad():
        inputs = net[:2](torch.as_tensor(x).float())
        pulls = (net(torch.as_tensor(x).float()).softmax(1) - torch.eye(5)[y]) / 6
    np.testing.assert_allclose(last.by_bias, pulls.sum(0), atol=1e-6)
    np.testing.assert_allclose(last.by_weights, pulls.T @ inputs, atol=1e-6)


def test_other_last_layers_are_a_sentence(records):
    x, y = records(0, 4)
    bare = nn.Linear(30, 5, bias=False)
    with pytest.raises(ModelError, match="no bias"):
        last_layer(observe(bare, x, y))
    picked = nn.Sequential(nn.Unflatten(1, (1, 30)), nn.Conv1d(1, 5, 30), nn.Flatten())
    with pytest.raises(ModelError, match="not fully connected"):
        last_layer(observe(picked, x, y))


def pulled(perceptron, pull, batch):
    """What a client shares whose last bias is pulled so."""
    net = perceptron(classes=len(pull))
    gradients = [torch.zeros_like(p) for p in net.parameters()]
    gradients[-1] = torch.tensor(pull)
    return Observation(net, tuple(gradients), (30,), batch)


def test_counts_are_whole_add_up_and_keep_whoever_pulls(perceptron):
    seen = pulled(perceptron, [-0.1, 0.2, 0.3, -0.2, 0.1], 6)
    assert rounded(np.array([0.2, 1.9, 2.6, 0.1, 1.2]), seen).tolist() == [1, 1, 2, 1, 1]
    assert rounded(np.array([9.0, -3.0, 0.0, 0.0, 0.0]), seen).tolist() == [5, 0, 0, 1, 0]
    assert rounded(np.array([0.0, 0.0, 0.0, 0.0, 0.9]), seen).sum() == 6


def test_more_that_pull_than_records_are_cut_to_those_that_pull_most(perceptron):
    """As a gradient with noise may have it: the counts still add up."""
    seen = pulled(perceptron, [-0.1, -0.2, -0.3, -0.4, 0.1], 2)
    assert rounded(np.ones(5), seen).tolist() == [0, 0, 1, 1, 0]


def test_counts_that_are_no_numbers_are_a_sentence(perceptron):
    with pytest.raises(DataError, match="undetermined"):
        rounded(np.array([np.nan, 1.0, 1.0]), pulled(perceptron, [0.1, 0.1, -0.2], 2))
