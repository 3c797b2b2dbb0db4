"""The data sets of the power benchmark, and the models that are trained on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from torch import nn

os.environ.setdefault("RETICENT_DATA", "../shared/data")

from reticent import datasets
from reticent.shadows.batched import Training


@dataclass(frozen=True)
class Task:
    """Records, a model, how it is trained, and what has been published on the same set-up.

    Attributes:
        about: in words.
        x: (records, ...) float32.
        y: (records,) int64.
        module: makes one model.
        published: attack's name -> (AUC, TPR at 1 %, at 0.1 %, at 0); with its origin under "".
    """

    name: str
    about: str
    x: np.ndarray
    y: np.ndarray
    module: Callable[[], nn.Module]
    training: Training
    published: dict[str, tuple[float, ...]] = field(default_factory=dict)


def perceptron(columns: int, hidden: int, classes: int, glorot: bool = True) -> nn.Module:
    """A hidden layer of tanh, with initial weights as Glorot & Bengio (2010) made for it, or torch's own."""
    layers = nn.Linear(columns, hidden), nn.Linear(hidden, classes)
    for layer in layers if glorot else ():
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layers[0], nn.Tanh(), layers[1])


def small_cnn() -> nn.Module:
    """Two strided convolutions and a linear layer: 26,000 weights."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 8 * 8, 10),
    )


def location30(glorot: bool = True) -> Task:
    """Location-30 at the published set-up."""
    data = datasets.location30()
    x, y = np.asarray(data.features, dtype=np.float32), codes(data.labels)
    initial = "Glorot's" if glorot else "torch's own"
    return Task(
        "location30" if glorot else "location30-torch-initial",
        f"Location-30, 5,010 × 446 visits, 30 classes; perceptron of 256 tanh, {initial} initial weights; "
        "SGD .05 with momentum .9, batches of 64, 60 epochs",
        x,
        y,
        partial(perceptron, x.shape[1], 256, 30, glorot),
        Training(epochs=60, batch_size=64, learning_rate=0.05, momentum=0.9),
        {  # measured before this project, with initial weights that were not written down
            "loss": (0.812, 0.013, 0.0015, 0.0006),
            "lira(variance=per-record)": (0.952, 0.487, 0.268, 0.164),
            "lira(mode=offline, variance=per-record)": (0.889, 0.355, 0.158, 0.090),
            "rmia(temperature=1.0)": (0.883, 0.314, 0.178, 0.136),
        },
    )


def adult(records: int = 20_000) -> Task:
    """Adult, categories one-hot and numbers standardised."""
    data = datasets.adult()
    x, y = one_hot(data.features, data.labels, records)
    return Task(
        "adult",
        f"Adult, {records:,} records drawn, one-hot ({x.shape[1]} columns), 2 classes; perceptron "
        "of 256 tanh; SGD .05 with momentum .9, batches of 256, 60 epochs",
        x,
        y,
        partial(perceptron, x.shape[1], 256, 2),
        Training(epochs=60, batch_size=256, learning_rate=0.05, momentum=0.9),
    )


def diabetes130(records: int = 20_000) -> Task:
    """Diabetes-130: a patient's first stay, so that nobody is in it twice; diagnoses by chapter."""
    data = datasets.diabetes130()
    table: Any = data.features
    first = ~table["patient_nbr"].duplicated()
    table, labels = table[first].drop(columns=["patient_nbr", "weight"]), data.labels[first.to_numpy()]
    for column in ("diag_1", "diag_2", "diag_3"):
        table[column] = table[column].map(chapter)
    for column in table.columns.difference(["diag_1", "diag_2", "diag_3"]):
        numbers = table[column].str.fullmatch(r"\d+")
        if numbers.all() and table[column].nunique() > 8 and not column.endswith("_id"):
            table[column] = table[column].astype(float)
    x, y = one_hot(table, labels, records)
    return Task(
        "diabetes130",
        f"Diabetes-130, first stays of {records:,} patients drawn, diagnoses by ICD-9 chapter, one-hot with "
        f"values under 0.5 % together ({x.shape[1]} columns), readmission in 3 classes; perceptron "
        "of 256 tanh; SGD .05 with momentum .9, batches of 256, 60 epochs",
        x,
        y,
        partial(perceptron, x.shape[1], 256, 3),
        Training(epochs=60, batch_size=256, learning_rate=0.05, momentum=0.9),
    )


def cifar10(records: int = 4_000) -> Task:
    """CIFAR-10, few enough pictures and a net small enough for two processor cores."""
    data = datasets.cifar10()
    drawn = np.random.default_rng(0).permutation(len(data))[:records]
    x = np.asarray(data.features)[drawn].transpose(0, 3, 1, 2).astype(np.float32) / 255
    x = (x - x.mean((0, 2, 3), keepdims=True)) / x.std((0, 2, 3), keepdims=True)
    return Task(
        "cifar10",
        f"CIFAR-10 (JPEG copies), {records:,} pictures drawn, 10 classes; two convolutions (16, 32 channels, "
        "stride 2) and a linear layer; SGD .02 with momentum .9, batches of 64, 30 epochs",
        x,
        codes(data.labels[drawn]),
        small_cnn,
        Training(epochs=30, batch_size=64, learning_rate=0.02, momentum=0.9),
    )


TASKS: dict[str, Callable[[], Task]] = {
    "location30": location30,
    "location30-torch-initial": partial(location30, glorot=False),
    "adult": adult,
    "diabetes130": diabetes130,
    "cifar10": cifar10,
}


def codes(labels: np.ndarray) -> np.ndarray:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def one_hot(table: Any, labels: np.ndarray, records: int) -> tuple[np.ndarray, np.ndarray]:
    """(records, columns) of records drawn: numbers standardised, categories one-hot, rare ones together."""
    import pandas as pd

    drawn = np.random.default_rng(0).permutation(len(table))[:records]
    table = table.iloc[drawn].reset_index(drop=True)
    numbers = table.select_dtypes("number")
    kinds = table.select_dtypes(exclude="number").astype(str)
    for column in kinds:
        rare = kinds[column].map(kinds[column].value_counts()) < 0.005 * records
        kinds.loc[rare, column] = "other"
    columns = [(numbers - numbers.mean()) / numbers.std(), pd.get_dummies(kinds)]
    return pd.concat(columns, axis=1).to_numpy(np.float32), codes(labels[drawn])


def chapter(code: str) -> str:
    """The ICD-9 chapter of a diagnosis; diabetes apart."""
    if code.startswith("250"):
        return "diabetes"
    if not code[:3].isdigit():
        return code[:1]  # V and E codes, "?" where missing
    ends = (139, 239, 279, 289, 319, 389, 459, 519, 579, 629, 679, 709, 739, 759, 779, 799, 999)
    return str(int(np.searchsorted(ends, int(code[:3]))))
