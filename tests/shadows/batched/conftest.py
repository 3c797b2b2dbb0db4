"""Modules and records on which measures in training are tried."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn


def perceptron():
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3))


def normed():
    return nn.Sequential(nn.Linear(6, 16), nn.LayerNorm(16), nn.Tanh(), nn.Linear(16, 3))


def convolved():
    return nn.Sequential(
        nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)
    )


class ChannelsLast(nn.Module):
    """Two convolutions of pictures that lie channels last, as they do when a user moved the axes."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3)
        self.head = nn.Linear(4 * 2 * 3, 3)

    def forward(self, x):
        pictures = torch.cat([x, -x, x.square(), x.sin(), x.cos(), x.abs(), x.exp(), 2 * x, x - 1, 1 - x], 1)
        pictures = pictures.unflatten(1, (4, 5, 3)).permute(0, 3, 1, 2)
        return self.head(self.second(self.first(pictures).relu()).relu().flatten(1))


@pytest.fixture(params=[perceptron, normed, convolved, ChannelsLast], ids=lambda net: net.__name__)
def any_net(request):
    """What builds one of them."""
    return request.param


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(120, 6)).astype(np.float32))
    y = torch.from_numpy(rng.integers(0, 3, 120))
    masks = rng.random((3, 120)) < 0.5
    assert len(set(masks.sum(1).tolist())) > 1
    return x, y, masks
