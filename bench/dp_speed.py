"""How much faster models are trained privately together than one after another with Opacus's hooks.

Question: K models for an audit, each under DP-SGD on a random half of the data, a perceptron of 256 on
Location-30 and on 10,000 records of Adult, and a small convolutional network on CIFAR-10: this package's
wall time against Opacus's `PrivacyEngine` as its examples use it (gradients by record from hooks, Poisson
sampling), one model after another, and against its ghost clipping. All with the same noise, rates and steps
on one thread, the ways taking turns; beside the time the accuracy of the models and the epsilon each
accountant makes of the noise.

Differences to read the figures by: Opacus draws exactly 1/q steps an epoch from its loader, this package as
many; a convolutional network is trained one model after another here too, by those same hooks.

    python bench/dp_speed.py            writes bench/results/dp_speed.json; a quarter of an hour
    python bench/dp_speed.py --quick    two models, one turn, nothing written
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from opacus import PrivacyEngine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from frontier import pictures
from machine import describe
from reticent.data import Records
from reticent.defences import dp_sgd
from reticent.shadows.batched.stacked import seeded
from reticent.targets.torch import TorchRecipe
from shadow_data import adult, location30

RESULT = Path(__file__).parent / "results" / "dp_speed.json"
DELTA = 1e-5


@dataclass(frozen=True)
class Bout:
    """One data set: the recipe with private training, how many models, who trains on what."""

    name: str
    recipe: TorchRecipe
    data: Records
    models: int
    tested: int = 1000
    turn: int = 0

    @property
    def seeds(self) -> range:
        """One a model; every turn has its own."""
        return range(self.turn * self.models, (self.turn + 1) * self.models)

    @property
    def masks(self) -> np.ndarray:
        """(models, records): a random half of all but the test records."""
        rng = np.random.default_rng(self.turn)
        masks = np.zeros((self.models, len(self.data)), bool)
        many = len(self.data) - self.tested
        for mask in masks:
            mask[rng.permutation(many)[: many // 2]] = True
        return masks

    def right(self, answers: Callable[[np.ndarray], np.ndarray]) -> float:
        """The share of test records named rightly."""
        test = slice(len(self.data) - self.tested, None)
        return float((answers(self.data.features[test]) == self.data.labels[test]).mean())


@dataclass(frozen=True)
class Done:
    """One way's models.

    Attributes:
        seconds: of training alone.
        accuracies: (models,).
        epsilon: by its own accountant.
    """

    seconds: float
    accuracies: list[float]
    epsilon: float


def together(bout: Bout) -> Done:
    """This package: all models in one call."""
    start = time.perf_counter()
    targets = list(bout.recipe.fit_many(bout.data, bout.masks, bout.seeds))
    seconds = time.perf_counter() - start
    right = [bout.right(lambda x, t=target: t.predict(x).labels) for target in targets]
    guarantee = bout.recipe.guarantee(int(bout.masks[0].sum()))
    assert guarantee is not None
    return Done(seconds, right, guarantee.epsilon)


def hooks(bout: Bout, *, ghost: bool) -> Done:
    """Opacus: one model after another."""
    training = bout.recipe.training
    assert training.privacy is not None
    right, seconds, epsilon = [], 0.0, float("nan")
    for seed, mask in zip(bout.seeds, bout.masks, strict=True):
        own = bout.data.take(mask)
        module = seeded(bout.recipe.module, seed).train()
        pairs = TensorDataset(torch.from_numpy(own.features), torch.from_numpy(own.labels))
        loader: Any = DataLoader(pairs, batch_size=training.batch_size)
        sgd: Any = torch.optim.SGD(module.parameters(), lr=training.learning_rate, momentum=training.momentum)
        loss: Any = nn.CrossEntropyLoss()
        engine = PrivacyEngine()
        how = {
            "module": module,
            "optimizer": sgd,
            "data_loader": loader,
            "noise_multiplier": training.privacy.multiplier(len(own), training.batch_size, training.epochs),
            "max_grad_norm": training.privacy.clip,
        }
        if ghost:
            private, sgd, loss, loader = engine.make_private(**how, criterion=loss, grad_sample_mode="ghost")
        else:
            private, sgd, loader = engine.make_private(**how)
        start = time.perf_counter()
        for _ in range(training.epochs):
            for x, y in loader:
                sgd.zero_grad()
                if len(y):
                    loss(private(x), y).backward()
                sgd.step()
        seconds += time.perf_counter() - start
        module.eval()
        right.append(bout.right(lambda x, m=module: _labels(m, x)))
        epsilon = engine.get_epsilon(DELTA)
    return Done(seconds, right, epsilon)


def _labels(module: nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return module(torch.from_numpy(x)).argmax(1).numpy()


WAYS: dict[str, Callable[[Bout], Done]] = {
    "reticent, together": together,
    "Opacus, hooks, one after another": lambda b: hooks(b, ghost=False),
    "Opacus, ghost clipping, one after another": lambda b: hooks(b, ghost=True),
}


def bouts(models: int) -> Iterator[Bout]:
    """The data sets, the training private."""
    visits, incomes = location30(), adult(10_000)
    recipe, data = pictures()
    for name, plain, records, epochs, size, rate, many in (
        ("location30", visits.recipe, Records(visits.x, visits.y, np.arange(30)), 20, 128, 0.1, models),
        ("adult", incomes.recipe, Records(incomes.x, incomes.y, np.arange(2)), 10, 256, 0.1, models),
        ("cifar10", recipe, data, 8, 128, 0.1, max(2, models // 2)),
    ):
        rng = np.random.default_rng(1)
        shuffled = records.take(rng.permutation(len(records)))
        way = dp_sgd(epsilon=8, delta=DELTA, epochs=epochs, batch_size=size, learning_rate=rate)
        hardened = way.harden(plain)
        assert isinstance(hardened, TorchRecipe)
        hardened = replace(hardened, training=replace(hardened.training, momentum=0.9))
        yield Bout(name, hardened, shuffled, many)


def main() -> None:
    """Time the ways in turns; print and keep."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--data", help="one data set alone; the others' rows stay as they were")
    given = asked.parse_args()
    quick = given.quick
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # which helps the others
    warnings.filterwarnings("ignore")
    rows = []
    for bout in bouts(2 if quick else 8):
        if given.data not in (None, bout.name):
            continue
        ways = _warm(bout)
        turns: dict[str, list[Done]] = {name: [] for name, _ in ways}
        for turn in range(1 if quick else 2):
            for name, way in ways:
                turns[name].append(way(replace(bout, turn=turn)))
        base = np.median([t.seconds for t in turns["reticent, together"]])
        for name, done in turns.items():
            right = [a for t in done for a in t.accuracies]
            row = {
                "data": bout.name,
                "way": name,
                "models": bout.models,
                "seconds": [round(t.seconds, 2) for t in done],
                "times": round(float(np.median([t.seconds for t in done]) / base), 2),
                "accuracy": round(float(np.mean(right)), 4),
                "standard error": round(float(np.std(right) / np.sqrt(len(right))), 4),
                "epsilon": round(float(done[0].epsilon), 3),
            }
            rows.append(row)
            print(row, flush=True)
    if given.data:
        rows = [r for r in json.loads(RESULT.read_text())["rows"] if r["data"] != given.data] + rows
    if not quick:
        RESULT.write_text(json.dumps({"machine": describe(), "rows": rows}, indent=1) + "\n")


def _warm(bout: Bout) -> list[tuple[str, Callable[[Bout], Done]]]:
    """The ways, once each on two models, so that no first turn pays for imports."""
    few = replace(bout, models=2)
    for way in WAYS.values():
        way(few)
    return list(WAYS.items())


if __name__ == "__main__":
    main()
