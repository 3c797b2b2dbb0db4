"""A network over multilayer perceptrons: each hidden layer is a set of units.

A unit of the first layer is described by its weights and bias, which stand in the order of the inputs. A unit
further on gets the descriptions of those before it, weighted by what it takes from each, and its own bias.
The descriptions of a hidden layer are averaged (Zaheer et al. 2017, arXiv:1703.06114); those of the output
stand in the order of the classes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from reticent.access import BoolArray, FloatArray
from reticent.shadows.batched.stacked import seeded

BATCH = 32
"""Models a step."""


class DeepSets(nn.Module):
    """Reads stacked layers, (models, units, inputs + 1) each, and answers a log-odds (models,).

    Args:
        shapes: (units, inputs + 1) of each layer.
        features: numbers by which each unit is described.
    """

    def __init__(self, shapes: list[tuple[int, int]], features: int) -> None:
        super().__init__()
        sizes = [shapes[0][1], *(features + 1 for _ in shapes[1:])]
        self.units = nn.ModuleList(nn.Sequential(nn.Linear(s, features), nn.Tanh()) for s in sizes)
        self.head = nn.Linear(features * (len(shapes) - 1 + shapes[-1][0]), 1)

    def forward(self, layers: list[Tensor]) -> Tensor:
        """(models,) log-odds."""
        said = self.units[0](layers[0])
        averages = []
        for layer, unit in zip(layers[1:], list(self.units)[1:], strict=True):
            averages.append(said.mean(1))
            taken = layer[..., :-1] @ said
            said = unit(torch.cat([taken, layer[..., -1:]], -1))
        answer: Tensor = self.head(torch.cat([*averages, said.flatten(1)], 1))[:, 0]
        return answer


def learn(
    layers: list[FloatArray],
    second: BoolArray,
    *,
    features: int,
    epochs: int,
    learning_rate: float,
    weight_decay: float,
    seed: int,
) -> Callable[[list[FloatArray]], FloatArray]:
    """Learn to tell models of the second world; the result reads layers of others, log-odds (models,).

    Args:
        layers: (models, units, inputs + 1) of each layer, the units in one order.
        second: (models,) True for models of the second world.
    """
    mean, spread = layers[0].mean(axis=(0, 1)), layers[0].std(axis=(0, 1)) + 1e-6

    def given(layers: list[FloatArray]) -> list[Tensor]:
        first = (layers[0] - mean) / spread
        return [torch.from_numpy(np.asarray(m, dtype=np.float32)) for m in (first, *layers[1:])]

    x, y = given(layers), torch.from_numpy(second.astype(np.float32))
    network = seeded(lambda: DeepSets([m.shape[1:] for m in layers], features), seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay)
    rng = np.random.default_rng([seed, 5])
    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(len(y)), max(1, len(y) // BATCH)):
            rows = torch.from_numpy(batch)
            optimiser.zero_grad()
            loss = binary_cross_entropy_with_logits(network([m[rows] for m in x]), y[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    @torch.no_grad()
    def read(layers: list[FloatArray]) -> FloatArray:
        return np.asarray(network(given(layers)).numpy(), dtype=np.float64)

    return read
