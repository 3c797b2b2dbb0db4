"""Modules that end in a fully connected layer, and batches whose labels repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn


@pytest.fixture(scope="session")
def perceptron() -> Callable[..., Any]:
    """Makes one of 30 inputs and a layer of ReLUs, by its seed; trained on records and labels, if any."""

    def make(seed: int = 0, classes: int = 5, trained_on: Any = None) -> nn.Module:
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(30, 40), nn.ReLU(), nn.Linear(40, classes))
        if trained_on is not None:
            x, y = (torch.as_tensor(v) for v in trained_on)
            optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
            for _ in range(60):
                optimiser.zero_grad()
                nn.functional.cross_entropy(net(x.float()), y).backward()
                optimiser.step()
        return net

    return make


@pytest.fixture(scope="session")
def records() -> Callable[..., Any]:
    """Makes records and labels, by their seed: five clouds, the first as common as all others."""

    def make(seed: int, size: int, classes: int = 5) -> tuple[Any, Any]:
        rng = np.random.default_rng(seed)
        middles = np.random.default_rng(0).random((classes, 30))
        share = np.r_[classes - 1, np.ones(classes - 1)] / (2 * classes - 2)
        y = rng.choice(classes, size, p=share)
        return middles[y] + 0.5 * rng.random((size, 30)), y

    return make
