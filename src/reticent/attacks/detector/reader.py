"""The shallow convolutional network that tells members' canvases from others'."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from reticent.access import BoolArray, FloatArray

BATCH = 32
"""Canvases of a training step."""


def read_canvases(
    own: FloatArray,
    members: BoolArray,
    asked: FloatArray,
    *,
    epochs: int,
    learning_rate: float,
    seed: int,
) -> FloatArray:
    """(asked,) log-odds of a member.

    Args:
        own: (canvases, height, width) of the attacker's detectors.
        members: (canvases,) True where the detector was trained on the image.
        asked: (asked, height, width) of the detector under audit.
        epochs, learning_rate: of Adam.
        seed: of weights, order and mirroring.
    """
    scale = max(float(own.std()), 1e-12)
    given, wanted = _tensor(own / scale), torch.as_tensor(members, dtype=torch.float32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _network()
        adam = torch.optim.Adam(net.parameters(), lr=learning_rate, weight_decay=1e-4)
        for _ in range(epochs):
            for part in torch.split(torch.randperm(len(given)), BATCH):
                canvases = given[part]
                if torch.rand(()) < 0.5:
                    canvases = canvases.flip(-1)
                adam.zero_grad()
                loss = nn.functional.binary_cross_entropy_with_logits(net(canvases)[:, 0], wanted[part])
                loss.backward()  # type: ignore[no-untyped-call]
                adam.step()
    with torch.no_grad():
        found = [net.eval()(part)[:, 0] for part in torch.split(_tensor(asked / scale), 256)]
    return torch.cat(found).double().numpy()


def _network() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4)),
        *(nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 1)),
    )


def _tensor(canvases: FloatArray) -> Tensor:
    return torch.as_tensor(np.asarray(canvases), dtype=torch.float32)[:, None]
