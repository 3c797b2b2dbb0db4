"""What a face recogniser gives away: who was in its training set, and what they look like.

Ten photographs each of 39 people (AT&T Laboratories Cambridge, 1994). A door that knows its staff is trained
on seven of each. The audit asks who was photographed, and draws the people from the model alone: up its
certainty (MI-Face, Fredrikson et al. 2015), among the faces that public ones make likely (Zhang et al. 2020),
and, with nothing but the names it answers, by boundary repulsion (Kahla et al. 2022). Two models, a softmax
regression and a perceptron, side by side. Whoever trains either further and shares the gradient of one
photograph gives it away to the last digit: the closed form reads it back.

Then a convolutional net is trained by clients who share gradients, one photograph at a time: what they hold
is read back by search, at a quarter of its height and width to be quick.

    RETICENT_DATA=... python examples/faces.py      leaves faces.html and faces_gradients.html
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import nn

import reticent as rt
from reticent.attacks.gradients import AnalyticLinear, Idlg, InvertingGradients
from reticent.attacks.inversion import BoundaryRepelling, GenerativeInversion, MiFace
from reticent.attacks.membership import Lira, Loss, Rmia
from reticent.data import records
from reticent.shadows.batched import Training
from reticent.targets.torch import TorchRecipe

TRAINED_ON = 7
SMALLER = 2
"""Photographs are reduced to half their height and width."""

CLIENTS = 6
"""Photographs whose gradients are shared."""


def main() -> None:
    """Train, audit, report."""
    start = time.perf_counter()
    faces = rt.datasets.att_faces()
    pixels = np.asarray(faces.features, dtype=np.float32)[:, ::SMALLER, ::SMALLER] / 255
    people = np.asarray(faces.labels)
    shown = np.concatenate([np.flatnonzero(people == p)[:TRAINED_ON] for p in np.unique(people)])
    members = np.isin(np.arange(len(people)), shown)
    size, count = int(np.prod(pixels.shape[1:])), len(np.unique(people))
    modules = {
        "softmax regression": lambda: nn.Sequential(nn.Flatten(), nn.Linear(size, count)),
        "perceptron": lambda: nn.Sequential(
            nn.Flatten(), nn.Linear(size, 300), nn.Sigmoid(), nn.Linear(300, count)
        ),
    }
    console, audits = Console(), []
    for name, module in modules.items():
        recipe = TorchRecipe(
            module=module, training=Training(epochs=200, batch_size=32, learning_rate=0.01, momentum=0.9)
        )
        model = recipe.fit(records(pixels[members], people[members], np.unique(people)), 0)
        audit = rt.audit(
            model,
            members=(pixels[members], people[members]),
            nonmembers=(pixels[~members], people[~members]),
            recipe=recipe,
            attacks=[
                *(Loss(), Rmia(), Lira()),
                *(MiFace(), GenerativeInversion(), BoundaryRepelling()),
                AnalyticLinear(),
            ],
            name=name,
        )
        console.print(audit)
        audits.append(audit)
    shared = share_gradients(pixels[:, ::2, ::2], people, members)
    for finding in shared:
        for line in finding.exhibit.beside():
            console.print(f"{finding.attack}: {line.what} {line.figure}; {line.control} {line.without}")
    rt.write_findings(shared, Path("faces_gradients.html"), name="gradients of a face recogniser")
    page = audits[0].report(Path("faces.html"), beside=audits[1:])
    console.print(f"{page.resolve()} holds the rest ({time.perf_counter() - start:.0f} s)", highlight=False)


def share_gradients(pixels: np.ndarray, people: np.ndarray, members: np.ndarray) -> tuple[rt.Finding, ...]:
    """Gradients of a LeNet with sigmoids that has not been trained yet, at a client's single photographs."""
    height, width = pixels.shape[1:]

    def lenet(trial: int) -> nn.Module:
        torch.manual_seed(trial)
        net = nn.Sequential(
            *(nn.Conv2d(1, 12, 5, padding=2, stride=2), nn.Sigmoid()),
            *(nn.Conv2d(12, 12, 5, padding=2), nn.Sigmoid()),
            *(nn.Flatten(), nn.Linear(12 * -(-height // 2) * -(-width // 2), len(np.unique(people)))),
        )
        for weights in net.parameters():
            nn.init.uniform_(weights, -0.5, 0.5)
        return net

    rows = np.flatnonzero(members)[:: TRAINED_ON * 5][:CLIENTS]
    return rt.leak_gradients(
        lenet,
        pixels[rows][:, None],
        np.unique(people, return_inverse=True)[1][rows],
        [Idlg(starts=1, iterations=800), InvertingGradients(iterations=500)],
        public=pixels[~members][:, None],
    )


if __name__ == "__main__":
    main()
