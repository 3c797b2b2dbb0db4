"""What a client shares: the gradient of its batch, and nothing that does not fit the module."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from reticent.errors import DataError
from reticent.observation import Observation, observe


def net():
    torch.manual_seed(0)
    return nn.Linear(3, 2)


X, Y = np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]]), np.array([0, 1])


def test_the_gradient_is_that_of_the_mean_cross_entropy():
    module = net()
    scores = module(torch.as_tensor(X, dtype=torch.float32)).softmax(1).detach().numpy()
    pull = (scores - np.eye(2)[Y]) / 2
    seen = observe(module, X, Y)
    np.testing.assert_allclose(seen.gradients[0], pull.T @ X, atol=1e-6)
    np.testing.assert_allclose(seen.gradients[1], pull.sum(axis=0), atol=1e-6)
    assert (seen.shape, seen.batch) == ((3,), 2)


def test_several_steps_share_how_far_the_parameters_went():
    module, mine = net(), net()
    seen = observe(module, X, Y, steps=4, step_size=0.3)
    optimiser = torch.optim.SGD(mine.parameters(), lr=0.3)
    for _ in range(4):
        optimiser.zero_grad()
        nn.functional.cross_entropy(
            mine(torch.as_tensor(X, dtype=torch.float32)), torch.as_tensor(Y)
        ).backward()
        optimiser.step()
    for before, after, told in zip(module.parameters(), mine.parameters(), seen.gradients, strict=True):
        np.testing.assert_allclose(told, (before - after).detach() / 1.2, atol=1e-6)


@pytest.mark.parametrize(("steps", "size"), [(0, 0.1), (2, 0.0)])
def test_steps_that_can_not_be_are_refused(steps, size):
    seen = observe(net(), X, Y)
    with pytest.raises(DataError, match="at least one step"):
        Observation(seen.module, seen.gradients, (3,), 2, steps, size)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda g: (g[0] * float("nan"), g[1]), "not finite"),
        (lambda g: (g[0].T, g[1]), "not of the module's"),
        (lambda g: g[:1], "1 gradients were given"),
    ],
)
def test_gradients_that_can_not_be_are_refused(change, said):
    seen = observe(net(), X, Y)
    with pytest.raises(DataError, match=said):
        Observation(seen.module, tuple(change(seen.gradients)), (3,), 2)


def test_records_of_another_size_are_refused():
    seen = observe(net(), X, Y)
    with pytest.raises(DataError, match="records of shape"):
        Observation(seen.module, seen.gradients, (4,), 2)
