"""What do people look like of whom a model knows nothing but the name?

The 39 people of AT&T's photographs, ten of each, seven of them trained on, at half their height and width.
Each attack draws everybody from the model; a judge (Fisherfaces, trained apart) says whose picture it takes a
drawing for. Beside it: the public picture of somebody else that the model finds likest, and the mean of the
person's own pictures, which is as much as a drawing of a class could show. Models: softmax regression and a
perceptron, as Fredrikson et al. 2015 had them; a convolutional net; the perceptron trained on shuffled names,
which learnt the people's pictures under others' names; and the perceptron before it was trained at all.

    python bench/inversion.py      writes bench/results/inversion.json and inversion.md; minutes
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

os.environ.setdefault("RETICENT_DATA", "../shared/data")

import reticent as rt
from machine import describe
from reticent.attacks.inversion import BoundaryRepelling, GenerativeInversion, MiFace
from reticent.attacks.inversion.prior import Autoencoder
from reticent.data import records
from reticent.shadows.batched import Training
from reticent.targets.torch import TorchRecipe, TorchTarget

RESULTS = Path(__file__).parent / "results"
TRAINED_ON, SMALLER = 7, 2
DEEP = GenerativeInversion(prior=Autoencoder(fidelity=30.0), unlikely=0.005)
ATTACKS = {
    "mi-face": MiFace(),
    "generative, principal components": GenerativeInversion(),
    "generative, autoencoder": DEEP,
    "boundary-repelling, labels alone": BoundaryRepelling(),
}
TRAINING = Training(epochs=200, batch_size=32, learning_rate=0.01, momentum=0.9)


def faces() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures (records, height, width) from 0 to 1, whose they are, and whether they are trained on."""
    data = rt.datasets.att_faces()
    pixels = np.asarray(data.features, dtype=np.float32)[:, ::SMALLER, ::SMALLER] / 255
    people = np.asarray(data.labels)
    first = np.concatenate([np.flatnonzero(people == p)[:TRAINED_ON] for p in np.unique(people)])
    return pixels, people, np.isin(np.arange(len(people)), first)


def after(pixels: int) -> int:
    """What two convolutions of 5 by 5 at every other place leave of so many pixels."""
    return ((pixels - 3) // 2 - 3) // 2


def modules(height: int, width: int, people: int) -> dict[str, Callable[[], nn.Module]]:
    size = height * width
    return {
        "softmax regression": lambda: nn.Sequential(nn.Flatten(), nn.Linear(size, people)),
        "perceptron, 300 sigmoids": lambda: nn.Sequential(
            nn.Flatten(), nn.Linear(size, 300), nn.Sigmoid(), nn.Linear(300, people)
        ),
        "convolutional": lambda: nn.Sequential(
            nn.Unflatten(1, (1, height)),
            nn.Conv2d(1, 16, 5, stride=2),
            nn.ReLU(),
            nn.Conv2d(16, 32, 5, stride=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * after(height) * after(width), people),
        ),
    }


def measure(
    name: str, target: TorchTarget, pixels: Any, people: Any, inside: Any, folder: str
) -> list[dict[str, Any]]:
    audit = rt.audit(
        target,
        members=(pixels[inside], people[inside]),
        nonmembers=(pixels[~inside], people[~inside]),
        attacks=list(ATTACKS.values()),
        cache=folder,
        name=name,
    )
    rows = []
    for title, finding in zip(ATTACKS, audit.findings, strict=True):
        shown = finding.exhibit
        rows.append(
            {
                "model": name,
                "right on others": round(audit.checks.accuracy_nonmembers, 3),
                "attack": title,
                "recognised": str(shown.figure("identified")),
                "likest public picture": str(shown.figure("identified public")),
                "mean of the person's own": str(shown.figure("identified mean")),
                "judge right": round(shown.judge_right, 3),
                "seconds": round(finding.cost.seconds, 1),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    audit.report(Path(folder) / f"{name}.html")
    return rows


def write_table(results: dict[str, Any]) -> str:
    rows, machine = results["rows"], results["machine"]
    lines = [
        "# Whom a drawing from the model shows",
        "",
        f"Written by `python bench/inversion.py` on {machine['processor']}, one core. Shares of the 39 "
        "people, 95 % intervals. Beside it, from memory and with other judges: Fredrikson et al. 2015 had "
        "workers pick the person out of a line-up by the drawing; the skilled were right 95 % of the time.",
        "",
        f"| {' | '.join(rows[0])} |",
        f"|{'---|' * len(rows[0])}",
    ]
    return "\n".join([*lines, *(f"| {' | '.join(str(v) for v in row.values())} |" for row in rows)]) + "\n"


def main() -> None:
    torch.set_num_threads(1)
    pixels, people, inside = faces()
    names = np.unique(people)
    shuffled = np.random.default_rng(0).permutation(people[inside])
    made = modules(*pixels.shape[1:], len(names))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, module in made.items():
            recipe = TorchRecipe(module=module, training=TRAINING)
            target = recipe.fit(records(pixels[inside], people[inside], names), 0)
            rows += measure(name, target, pixels, people, inside, folder)
        recipe = TorchRecipe(module=made["perceptron, 300 sigmoids"], training=TRAINING)
        wrong = recipe.fit(records(pixels[inside], shuffled, names), 0)
        rows += measure("perceptron, names shuffled", wrong, pixels, people, inside, folder)
        torch.manual_seed(0)
        fresh = TorchTarget(made["perceptron, 300 sigmoids"](), names)
        rows += measure("perceptron, untrained", fresh, pixels, people, inside, folder)
    results = {"machine": describe(), "rows": rows}
    (RESULTS / "inversion.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (RESULTS / "inversion.md").write_text(write_table(results))


if __name__ == "__main__":
    main()
