"""The data sets of the speed benchmarks, and the models that are trained on them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn

from reticent.shadows.batched import Training
from reticent.targets.torch import TorchRecipe

FOLDER = Path(os.environ.get("RETICENT_DATA", "../shared/data"))
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Task:
    """Records, and how models are trained on them: (inputs, 256, classes) with tanh, by heavy-ball SGD."""

    name: str
    x: np.ndarray  # (records, columns) float32
    y: np.ndarray  # (records,) int64
    recipe: TorchRecipe
    hidden: int = 256

    @property
    def flops_a_record(self) -> int:
        """Of one forward and backward pass: the first layer's input needs no gradient."""
        columns, classes = self.x.shape[1], int(self.y.max()) + 1
        return 2 * (2 * columns * self.hidden + 3 * self.hidden * classes)


def perceptron(columns: int, hidden: int, classes: int) -> nn.Module:
    return nn.Sequential(nn.Linear(columns, hidden), nn.Tanh(), nn.Linear(hidden, classes))


def task(name: str, x: np.ndarray, y: np.ndarray, training: Training) -> Task:
    net = partial(perceptron, x.shape[1], 256, int(y.max()) + 1)
    return Task(name, x, y, TorchRecipe(module=net, training=training))


def location30() -> Task:
    """Location-30: 5,010 × 446 visits, 30 classes."""
    data = np.load(FOLDER / "location30" / "location30.npz")
    x = np.unpackbits(data["X_packed"], axis=1)[:, : int(data["n_features"])].astype(np.float32)
    y = np.unique(data["y"], return_inverse=True)[1].astype(np.int64)
    return task("location30", x, y, Training(epochs=60, batch_size=64, learning_rate=0.05, momentum=0.9))


def adult(records: int = 20_000) -> Task:
    """Adult: 20,000 records, categories one-hot and numbers standardised, 2 classes."""
    import pandas as pd

    table = pd.read_csv(FOLDER / "adult" / "adult.csv.gz", keep_default_na=False).drop(columns="split")
    table = table.sample(records, random_state=0)
    label = table.columns[-1]
    y = np.unique(table.pop(label), return_inverse=True)[1].astype(np.int64)
    numbers = table.select_dtypes("number")
    kinds = pd.get_dummies(table.select_dtypes(exclude="number"))
    x = pd.concat([(numbers - numbers.mean()) / numbers.std(), kinds], axis=1).to_numpy(np.float32)
    return task("adult", x, y, Training(epochs=20, batch_size=256, learning_rate=0.05, momentum=0.9))
