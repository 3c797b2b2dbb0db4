"""What a face recogniser gives away: who was in its training set, and what they look like.

Ten photographs each of 39 people (AT&T Laboratories Cambridge, 1994). A door that knows its staff is trained
on seven of each. The audit asks who was photographed, and draws the people from the model alone: up its
certainty (MI-Face, Fredrikson et al. 2015), and, with nothing but the names it answers, by boundary repulsion
(Kahla et al. 2022). Two models, a softmax regression and a perceptron, side by side.

    RETICENT_DATA=... python examples/faces.py      leaves faces.html, with what was drawn
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from rich.console import Console
from torch import nn

import reticent as rt
from reticent.attacks.inversion import BoundaryRepelling, MiFace
from reticent.attacks.membership import Lira, Loss, Rmia
from reticent.data import records
from reticent.shadows.batched import Training
from reticent.targets.torch import TorchRecipe

TRAINED_ON = 7
SMALLER = 2
"""Photographs are reduced to half their height and width."""


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
            attacks=[Loss(), Rmia(), Lira(), MiFace(), BoundaryRepelling()],
            name=name,
        )
        console.print(audit)
        audits.append(audit)
    page = audits[0].report(Path("faces.html"), beside=audits[1:])
    console.print(f"{page.resolve()} holds the rest ({time.perf_counter() - start:.0f} s)", highlight=False)


if __name__ == "__main__":
    main()
