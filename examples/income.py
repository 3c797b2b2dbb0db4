"""A model of income: audited, hardened, audited again, by whoever knows what was done.

Adult (Becker & Kohavi 1996), 8,000 people, a perceptron of 256 that is trained for too long. The audit finds
members among others. The frontier then trains the same model under a dozen defences and attacks each again;
the most useful one that leaks little enough is trained for release, written with its card, and opened as a
server would. The last audit asks that model, and its shadow models go through the same defence.

Labels alone would leak least of all and cost nothing that this page shows; a bank that needs to know how sure
the model is can't have them, so they stand on the frontier and are not chosen.

    RETICENT_DATA=... python examples/income.py      leaves income.html, frontier.html and released/
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from torch import nn

import reticent as rt
from reticent.attacks.membership import Lira, Loss, Rmia
from reticent.data import Records, records
from reticent.defences import (
    confidence_penalty,
    dp_sgd,
    dropout,
    early_stopping,
    hamp,
    harden,
    l2,
    labels_only,
    memguard,
    relax_loss,
    round_scores,
    selena,
)
from reticent.shadows.batched import Training
from reticent.targets.torch import TorchRecipe

PEOPLE, LIMIT = 8_000, "auc < 0.56"
"""How many; and the most that may leak of canaries, the worst case, for a model to be released."""

DEFENCES = (
    l2(1e-2),
    dropout(0.5),
    early_stopping(),
    confidence_penalty(0.1),
    relax_loss(0.3),
    hamp(0.5, 0.05),
    selena(models=10, left_out=4),
    dp_sgd(epsilon=3, batch_size=512),
    dp_sgd(epsilon=8, batch_size=512) | round_scores(2),
    early_stopping() | round_scores(2),
    memguard(),
    labels_only(),
)


def main() -> None:
    """Audit, harden, audit."""
    start = time.perf_counter()
    console = Console()
    people = adult()
    members, others = people.take(np.arange(PEOPLE // 2)), people.take(np.arange(PEOPLE // 2, PEOPLE))
    test, reference = others.take(np.arange(0, len(others), 2)), others.take(np.arange(1, len(others), 2))
    training = Training(epochs=40, batch_size=128, learning_rate=0.05, momentum=0.9)
    net = partial(perceptron, people.features.shape[1], len(people.classes))
    recipe = TorchRecipe(module=net, training=training)

    before = audit("as it was", recipe.fit(members, 0), recipe, members, test)
    console.print(before)

    front = rt.frontier(recipe, members, DEFENCES, holdout=others, shadows=16)
    console.print(front)
    front.report("frontier.html", name="income")
    answering = [row for row in front.measured if labels_only() not in row.defence.parts]
    choice = rt.Frontier(
        rows=tuple(answering), models=front.models, records=front.records, classes=front.classes
    ).best(LIMIT)
    console.print(choice.sentence, highlight=False)
    if choice.row is None:
        return

    released = rt.harden_model(recipe, members, choice.row.defence, reference=reference, test=test)
    folder = released.save("released", name="income", measured=(f"- {choice.sentence}",))
    served = rt.open_hardened(folder, recipe=recipe)
    through = harden(choice.row.defence, recipe, reference)
    after = audit("released", served, through, members, test)
    console.print(after)
    page = before.report(Path("income.html"), beside=[after])
    console.print(f"{page.resolve()} holds both audits, {folder} the model.", highlight=False)
    console.print(f"{time.perf_counter() - start:.0f} s.", highlight=False)


def audit(name: str, model: rt.Target, recipe: rt.Recipe, inside: Records, outside: Records) -> rt.Audit:
    """Who was in it, by attackers whose shadow models are trained as it was."""
    return rt.audit(
        model,
        recipe=recipe,
        members=(inside.features, people_labels(inside)),
        nonmembers=(outside.features, people_labels(outside)),
        attacks=[Loss(), Lira(), Rmia()],
        settings=rt.Settings(shadows=16),
        name=name,
    )


def people_labels(of: Records) -> np.ndarray:
    """The labels as they are written in the data."""
    return np.asarray(of.classes)[of.labels]


def adult() -> Records:
    """Numbers standardised, words one column a value."""
    data = rt.datasets.adult()
    table = pd.DataFrame(data.features).drop(columns="fnlwgt")
    rows = np.random.default_rng(0).permutation(len(table))[:PEOPLE]
    words = [c for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])]
    numbers = table.drop(columns=words)
    spread = (numbers - numbers.mean()) / numbers.std()
    x = pd.concat([spread, pd.get_dummies(table[words])], axis=1).to_numpy(np.float32)
    labels = np.asarray(data.labels)
    return records(x[rows], labels[rows], np.unique(labels))


def perceptron(columns: int, classes: int) -> nn.Module:
    """One hidden layer."""
    return nn.Sequential(nn.Linear(columns, 256), nn.Tanh(), nn.Linear(256, classes))


if __name__ == "__main__":
    main()
