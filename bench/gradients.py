"""What does a shared gradient show: the picture, and the labels of the batch?

Single pictures of MNIST and CIFAR-10 through an untrained LeNet with sigmoids (Zhu, Liu & Han 2019, weights
uniform from -.5 to .5), read back by each attack beside the mean public picture; a perceptron for the closed
form; and label counts of batches of 8, 32 and 128, on an untrained and on a trained net, read in all ways
there are, beside guesses by chance and by how common the classes are.

    python bench/gradients.py mnist     single pictures of MNIST (minutes); or cifar10 (half an hour), or
                                        labels; adds to bench/results/gradients.json and gradients.md
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

os.environ.setdefault("RETICENT_DATA", "../shared/data")

import reticent as rt
from machine import describe
from reticent.attacks.gradients import AnalyticLinear, Dlg, Idlg, InvertingGradients
from reticent.attacks.gradients.labels import ilrg_counts, label_counts, learnt_counts, llg_counts
from reticent.measure.estimate import clopper_pearson
from reticent.observation import observe

RESULTS = Path(__file__).parent / "results"
PICTURES = 50
ROUNDS = 200


def pictures(name: str) -> tuple[np.ndarray, np.ndarray]:
    """(records, channels, height, width) from 0 to 1, and labels."""
    data = rt.datasets.mnist() if name == "mnist" else rt.datasets.cifar10()
    x = np.asarray(data.features[:6000], dtype=np.float32) / 255
    x = x[:, None] if x.ndim == 3 else x.transpose(0, 3, 1, 2)
    return x, np.asarray(data.labels[:6000]).astype(np.int64)


def lenet(seed: int, channels: int, size: int) -> nn.Module:
    """Zhu, Liu & Han's: three convolutions of 12 channels, sigmoids, one linear layer."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for inputs, stride in ((channels, 2), (12, 2), (12, 1)):
        layers += [nn.Conv2d(inputs, 12, 5, padding=2, stride=stride), nn.Sigmoid()]
    net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(12 * (size // 4) ** 2, 10))
    for weights in net.parameters():
        nn.init.uniform_(weights, -0.5, 0.5)
    return net


def perceptron(seed: int, inputs: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, 128), nn.ReLU(), nn.Linear(128, 10))


def single(name: str) -> list[dict[str, Any]]:
    """A row an attack."""
    x, y = pictures(name)
    public, channels, size = x[2000:], x.shape[1], x.shape[2]
    rows = []
    for attack, few in (
        (Idlg(), PICTURES),
        (Dlg(), 10),
        (InvertingGradients(), 10),
        (AnalyticLinear(), PICTURES),
    ):
        exact = isinstance(attack, AnalyticLinear)
        (found,) = rt.leak_gradients(
            (lambda t: perceptron(t, x[0].size)) if exact else (lambda t: lenet(t, channels, size)),
            x[:few],
            y[:few],
            [attack],
            public=public,
        )
        rows.append(
            {
                "data": name,
                "net": "perceptron, ReLU" if exact else "LeNet, sigmoid",
                "attack": found.attack,
                "pictures": few,
                "recovered": shown(found.figure("recovered")),
                "labels": shown(found.figure("labels")),
                "median error": float(np.median(found.errors)),
                "median error of the mean picture": float(np.median(found.control)),
                "seconds a picture": round(found.cost.seconds / few, 2),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return rows


def labels() -> list[dict[str, Any]]:
    """A row a net, batch size and way of reading: how often all counts are right.

    Clients hold 2,000 pictures, the net is trained on 2,000 others, and the attacker has 2,000 more.
    """
    x, y = pictures("mnist")
    public = x[4000:], y[4000:]
    common = np.bincount(public[1], minlength=10) / len(public[1])
    rows = []
    for trained in (False, True):
        net = perceptron(0, x[0].size)
        if trained:
            train(net, x[2000:4000], y[2000:4000])
        with torch.no_grad():
            expected = net(torch.as_tensor(public[0])).softmax(1).mean(0).numpy()
        for batch in (8, 32, 128):
            rng = np.random.default_rng(batch)
            hits, shared, seconds = Counter[str](), Counter[str](), Counter[str]()
            for number in range(ROUNDS):
                part = rng.choice(2000, batch, replace=False)
                seen = observe(net, x[part], y[part])
                truth = np.bincount(y[part], minlength=10)
                ways = {
                    "mean answer guessed at": partial(label_counts, seen),
                    "mean answer to public records": partial(label_counts, seen, expected),
                    "LLG": partial(llg_counts, seen),
                    "LLG+": partial(llg_counts, seen, public),
                    "iLRG": partial(ilrg_counts, seen),
                    "learnt": partial(learnt_counts, seen, *public, seed=number),
                    "distinct labels only": partial(distinct, seen.gradients[-1].numpy(), batch),
                    "control: by chance": partial(rng.multinomial, batch, np.full(10, 0.1)),
                    "control: drawn by how common they are": partial(rng.multinomial, batch, common),
                    "control: as common as they are": partial(nearest, batch * common, batch),
                }
                for way, read in ways.items():
                    start = time.perf_counter()
                    guess = read()
                    seconds[way] += time.perf_counter() - start
                    hits[way] += int((guess == truth).all())
                    shared[way] += np.minimum(guess, truth).sum() / batch
            for way in ways:
                rows.append(
                    {
                        "net": "trained" if trained else "untrained",
                        "batch": batch,
                        "way": way,
                        "all counts right": shown(clopper_pearson(hits[way], ROUNDS)),
                        "labels in common": round(shared[way] / ROUNDS, 3),
                        "seconds": round(seconds[way] / ROUNDS, 3),
                    }
                )
                print(json.dumps(rows[-1]), flush=True)
    return rows


def train(net: nn.Module, x: np.ndarray, y: np.ndarray) -> None:
    """Five epochs of Adam."""
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(5):
        for part in torch.randperm(len(x), generator=torch.Generator().manual_seed(epoch)).split(64):
            optimiser.zero_grad()
            scores = net(torch.as_tensor(x[part.numpy()]))
            nn.functional.cross_entropy(scores, torch.as_tensor(y[part.numpy()])).backward()
            optimiser.step()


def distinct(pull: np.ndarray, batch: int) -> np.ndarray:
    """Counts of who takes each label for one that comes once: the lowest of the bias, one each."""
    counts = np.zeros(len(pull), dtype=np.int64)
    counts[np.argsort(pull)[:batch]] = 1
    return counts


def nearest(wanted: np.ndarray, batch: int) -> np.ndarray:
    """Whole counts nearest to those wanted that add up to the batch."""
    counts = np.floor(wanted).astype(np.int64)
    counts[np.argsort(counts - wanted, kind="stable")[: batch - counts.sum()]] += 1
    return counts


def shown(figure: Any) -> str:
    return str(figure)


def write_table(results: dict[str, Any]) -> str:
    machine = results["machine"]
    lines = [
        "# What a shared gradient shows",
        "",
        f"Written by `python bench/gradients.py` on {machine['processor']}, one thread a run. Recovered: "
        "mean squared error under 1e-4, of values from 0 to 1. Labels in common: share of the batch's labels "
        "that the guess has too, however many are alike. 95 % intervals.",
    ]
    for name in ("mnist", "cifar10", "labels"):
        if name in results:
            rows = results[name]
            lines += ["", f"## {name}", "", f"| {' | '.join(rows[0])} |", f"|{'---|' * len(rows[0])}"]
            lines += [
                f"| {' | '.join(f'{v:.2g}' if isinstance(v, float) else str(v) for v in row.values())} |"
                for row in rows
            ]
    return "\n".join(lines) + "\n"


def main() -> None:
    torch.set_num_threads(1)
    wanted = sys.argv[1:] or ["mnist", "cifar10", "labels"]
    for name in wanted:
        rows = labels() if name == "labels" else single(name)
        path = RESULTS / "gradients.json"
        results = json.loads(path.read_text()) if path.exists() else {}
        results |= {name: rows, "machine": describe()}
        path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        (RESULTS / "gradients.md").write_text(write_table(results))


if __name__ == "__main__":
    main()
