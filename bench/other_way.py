"""Shadow models one after another, each fed by a DataLoader of its own: how Privacy Meter trains and asks.

Written anew after reading ml_privacy_meter (`trainers/default_trainer.py`, `models/utils.py`,
`dataset/utils.py`, `get_signals.py`, `modules/mia/attacks/rmia.py`), so that the comparison needs neither its
dependencies nor its data sets. What costs time is kept: records become tensors one at a time, a loader with
four worker processes, the loss and the hits read out at every step, the hold-out asked after every epoch,
weights written by model. What would change the models is not: both ways train with plain SGD at a constant
rate, for the same epochs, on the same halves.
"""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

from reticent.shadows.batched import Training
from reticent.targets.torch import TorchRecipe


@dataclass(frozen=True)
class Manner:
    """How much of what Privacy Meter does is done.

    Attributes:
        workers: processes behind each loader.
        asks_holdout: the hold-out is asked after every epoch.
        flushes: numbers below 1e-38 are nought, which it does not ask for: momentum dwindles to such numbers
            where an input is rarely anything but 0, and slows everything down.
    """

    workers: int
    asks_holdout: bool
    flushes: bool


AS_WRITTEN = Manner(workers=4, asks_holdout=True, flushes=False)
BEST_LIGHT = Manner(workers=0, asks_holdout=False, flushes=True)


class Table(Dataset[tuple[Tensor, Tensor]]):
    """Arrays, a record at a time."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return torch.tensor(self.x[index], dtype=torch.float32), torch.tensor(self.y[index], dtype=torch.long)


class Endless(Dataset[tuple[Tensor, Tensor]]):
    """A data set whose positions start again at its end."""

    def __init__(self, data: Subset[tuple[Tensor, Tensor]] | Table) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.data[index % len(self.data)]


def loader(data: Table | Subset, batch_size: int, *, shuffle: bool, workers: int) -> DataLoader:
    if not workers:
        return DataLoader(Endless(data), batch_size=batch_size, shuffle=shuffle)
    return DataLoader(
        Endless(data),
        batch_size=batch_size,
        shuffle=shuffle,
        num_workers=workers,
        persistent_workers=True,
        prefetch_factor=16,
    )


def train(model: nn.Module, own: DataLoader, holdout: DataLoader | None, training: Training) -> nn.Module:
    optimiser = torch.optim.SGD(model.parameters(), lr=training.learning_rate, momentum=training.momentum)
    criterion = nn.CrossEntropyLoss()
    for _ in range(training.epochs):
        model.train()
        loss_sum, hits = 0.0, 0
        for x, y in own:
            optimiser.zero_grad(set_to_none=True)
            answers = model(x)
            loss = criterion(answers, y)
            loss.backward()
            optimiser.step()
            loss_sum += loss.item()
            hits += int(answers.argmax(dim=1).eq(y).sum().item())
        if holdout is not None:
            ask(model, holdout)
    return model


@torch.no_grad()
def ask(model: nn.Module, records: DataLoader) -> tuple[float, float]:
    model.eval()
    criterion = nn.CrossEntropyLoss()
    loss_sum, hits = 0.0, 0
    for x, y in records:
        answers = model(x)
        loss_sum += criterion(answers, y).item()
        hits += int(answers.argmax(dim=1).eq(y).sum().item())
    return loss_sum / len(records), hits / len(records.dataset)


def train_all(
    recipe: TorchRecipe, x: np.ndarray, y: np.ndarray, masks: np.ndarray, manner: Manner, folder: Path
) -> list[nn.Module]:
    """Train one model a row of `masks`, one after another, and write each to `folder`."""
    data, training = Table(x, y), recipe.training
    models: list[nn.Module] = []
    torch.set_flush_denormal(manner.flushes)
    for number, mask in enumerate(masks):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # four workers are more than this machine has cores
            own, rest = (
                loader(
                    Subset(data, np.flatnonzero(part).tolist()),
                    training.batch_size,
                    shuffle=part is mask,
                    workers=manner.workers,
                )
                for part in (mask, ~mask)
            )
            model = train(recipe.module(), own, rest if manner.asks_holdout else None, training)
            if manner.asks_holdout:
                ask(model, rest)
                ask(model, own)
        models.append(copy.deepcopy(model))
        with (folder / f"model_{number}.pkl").open("wb") as file:
            pickle.dump(model.state_dict(), file)
    torch.set_flush_denormal(False)
    return models


@torch.no_grad()
def log_scores(models: Sequence[nn.Module], x: np.ndarray, y: np.ndarray, batch_size: int) -> np.ndarray:
    """(models, records, classes) log-probabilities, asked model after model and batch after batch."""
    batches = [x for x, _ in loader(Table(x, y), batch_size, shuffle=False, workers=0)]
    return np.stack(
        [np.concatenate([model.eval()(b).log_softmax(1).numpy() for b in batches]) for model in models]
    )


def rmia_by_matrix(
    target: np.ndarray, references: np.ndarray, members: np.ndarray, z: np.ndarray, a: float
) -> np.ndarray:
    """Offline RMIA (arXiv:2312.03262) by the whole matrix of records × z.

    Args:
        target: (records,) the target's probability of the true class.
        references: (models, records) the reference models'.
        members: (models, records) who trained on what.
        z: positions of the records that all are compared with.
        a: the offline constant.
    """
    out = np.where(members, 0, references).sum(0) / np.maximum((~members).sum(0), 1)
    ratio = target / ((1 + a) / 2 * out + (1 - a) / 2 + 1e-30)
    return np.average(ratio[:, None] / ratio[z] > 1.0, axis=1)
