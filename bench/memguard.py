"""MemGuard's published column on Location-30, and what a question of labels alone makes of it.

J. Jia et al., "MemGuard", CCS 2019, arXiv:1909.10594, figure 2: the accuracy of a neural membership attack
falls from .73 to .50 as the defence may distort answers by more. Here the same again: 1,000 people for the
target, 1,000 others to attack it with, 1,000 that the defender knows not to be members, 500 and 500 for the
attacker's own model; a perceptron of 1024, 512, 256 and 128 by plain gradient descent; the attack one of 512,
256 and 128 on sorted probabilities of the attacker's model. Five draws of the people.

Beside it three attackers who know of the defence: the same attack learnt from the attacker's own model behind
a MemGuard of his own; "right or wrong" (Yeom et al. 2018), which sees the label alone; and how many of 16
disturbed copies keep the true label (Choquette-Choo et al. 2021), its threshold from the attacker's model.
MemGuard keeps every label (counted), so the last two see the same at any budget.

The same column once more for the answers of the published target and shadow model themselves (released by
Song & Mittal, USENIX Security 2021): the defender's non-members are one half of the target's, the attack is
judged on the other half, and both ways round. Nobody can ask that model about copies.

The published learning rate falls tenfold after 150 of 200 epochs; here 155 epochs stand for it.

    python bench/memguard.py                writes bench/results/memguard.json; a quarter of an hour
"""

from __future__ import annotations

import json
import warnings
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from scipy.stats import t as student
from sklearn.neural_network import MLPClassifier
from torch import nn

from machine import describe
from reticent import datasets
from reticent.access import FLOOR, Access, Outputs, Target
from reticent.attacks.perturb import RADII, copies_of
from reticent.data import Records
from reticent.datasets import Predictions
from reticent.defences import memguard
from reticent.defences.defence import Calibration
from reticent.shadows.batched import Training
from reticent.targets.torch import TorchRecipe
from shadow_data import location30

RESULT = Path(__file__).parent / "results" / "memguard.json"
PUBLISHED = {0.0: 0.73, 0.1: 0.69, 0.3: 0.62, 0.5: 0.55, 0.7: 0.52, 1.0: 0.50}
DRAWS, COPIES = 5, 16


def net(columns: int, classes: int) -> nn.Module:
    """The published target's form."""
    sizes = [columns, 1024, 512, 256, 128]
    hidden = [m for i, o in pairwise(sizes) for m in (nn.Linear(i, o), nn.ReLU())]
    module = nn.Sequential(*hidden, nn.Linear(sizes[-1], classes))
    for layer in module:
        if isinstance(layer, nn.Linear):  # as the published code begins
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return module


class Answered:
    """A target that is asked once about the same records: MemGuard takes half a millisecond a row."""

    def __init__(self, target: Target) -> None:
        self._target, self._known = target, {}

    def predict(self, x: np.ndarray) -> Outputs:
        """As the target."""
        key = x.tobytes()
        if key not in self._known:
            self._known[key] = self._target.predict(x)
        return self._known[key]


def sorted_probabilities(target: Target, x: np.ndarray) -> np.ndarray:
    """(records, classes), the largest first."""
    scores = target.predict(x).log_scores
    assert scores is not None
    return -np.sort(-np.exp(scores), axis=1)


def learnt(target: Target, inside: Records, outside: Records, seed: int) -> MLPClassifier:
    """The neural attack, from a model whose members are known."""
    x = np.concatenate([sorted_probabilities(target, side.features) for side in (inside, outside)])
    y = np.repeat([1, 0], [len(inside), len(outside)])
    attack = MLPClassifier(
        (512, 256, 128),
        solver="sgd",
        momentum=0,
        learning_rate_init=0.01,
        batch_size=64,
        max_iter=400,
        n_iter_no_change=400,
        random_state=seed,
    )
    return attack.fit(x, y)


def accuracy(attack: MLPClassifier, target: Target, inside: Records, outside: Records) -> float:
    """Of as many members as others."""
    calls = [attack.predict(sorted_probabilities(target, side.features)) for side in (inside, outside)]
    return float((calls[0].mean() + (1 - calls[1]).mean()) / 2)


def kept(target: Target, records: Records) -> np.ndarray:
    """(records,) how many of the disturbed copies, the record among them, are named rightly."""
    right = (target.predict(records.features).labels == records.labels).astype(int)
    for copy in copies_of(records.features, COPIES, RADII, 0):
        right += target.predict(copy).labels == records.labels
    return right


def by_copies(target: Target, shadow: Target, sides: dict[str, Records]) -> float:
    """The threshold that serves best on the attacker's model, used on the target."""
    mine = [kept(shadow, sides[who]) for who in ("shadow in", "shadow out")]
    cuts = range(COPIES + 3)
    best = max(cuts, key=lambda c: (mine[0] >= c).mean() + (mine[1] < c).mean())
    theirs = [kept(target, sides[who]) for who in ("members", "others")]
    return float(((theirs[0] >= best).mean() + (theirs[1] < best).mean()) / 2)


def by_label(target: Target, inside: Records, outside: Records) -> float:
    """Right: a member; wrong: none."""
    right = [(target.predict(side.features).labels == side.labels).mean() for side in (inside, outside)]
    return float((right[0] + 1 - right[1]) / 2)


def drawn(seed: int) -> tuple[TorchRecipe, dict[str, Records]]:
    """Who is what in one draw."""
    task = location30()
    data = Records(task.x, task.y, np.arange(30))
    order = np.random.default_rng(seed).permutation(len(data))
    names = ("members", "others", "defender's", "shadow in", "shadow out")
    ends = np.cumsum([0, 1000, 1000, 1000, 500, 500])
    sides = {name: data.take(order[a:b]) for name, (a, b) in zip(names, pairwise(ends), strict=True)}
    training = Training(epochs=155, batch_size=64, learning_rate=0.01, momentum=0.0)
    return TorchRecipe(module=partial(net, task.x.shape[1], 30), training=training), sides


def one(seed: int) -> list[dict[str, float]]:
    """All budgets of one draw."""
    recipe, sides = drawn(seed)
    target, shadow = recipe.fit(sides["members"], seed), recipe.fit(sides["shadow in"], seed + 100)
    inside, outside = sides["members"], sides["others"]
    theirs = sides["shadow in"], sides["shadow out"]
    naive, copies = learnt(shadow, *theirs, seed), by_copies(target, shadow, sides)
    rows = []
    for budget in PUBLISHED:
        defence = memguard(max(budget, 1e-9), hidden=(256, 128, 64))
        guarded = Answered(defence.wrap(target, Calibration(inside, sides["defender's"]), seed=seed))
        copied = Answered(defence.wrap(shadow, Calibration(*theirs), seed=seed + 1))
        before, after = (np.exp(t.predict(inside.features).log_scores) for t in (target, guarded))
        changed = [(guarded.predict(s.features).labels != target.predict(s.features).labels).sum()
                   for s in (inside, outside)]  # fmt: skip
        rows.append(
            {
                "budget": budget,
                "neural": accuracy(naive, guarded, inside, outside),
                "neural, adapted": accuracy(learnt(copied, *theirs, seed), guarded, inside, outside),
                "right or wrong": by_label(guarded, inside, outside),
                "copies' labels": copies,
                "labels changed": float(sum(changed)),
                "distortion": float(np.abs(after - before).sum(axis=1).mean()),
                "test accuracy": float((guarded.predict(outside.features).labels == outside.labels).mean()),
            }
        )
        print(seed, {k: round(v, 3) for k, v in rows[-1].items()}, flush=True)
    return rows


class Released:
    """A model of which the answers alone are known: records are their places in them."""

    access, classes = Access.SCORES, np.arange(30)

    def __init__(self, answers: Predictions) -> None:
        self._scores = np.log(np.maximum(answers.probabilities.astype(np.float64), FLOOR))
        self.inside, self.outside = (
            Records(
                np.flatnonzero(answers.members == side)[:, None].astype(np.float64),
                answers.labels[answers.members == side].astype(np.int64),
                self.classes,
            )
            for side in (True, False)
        )

    def predict(self, x: np.ndarray) -> Outputs:
        """As it was released."""
        scores = self._scores[x[:, 0].astype(int)]
        return Outputs(scores.argmax(axis=1), scores)

    def fingerprint(self) -> str:
        """Of no use here."""
        return "released"


def on_released() -> list[dict[str, float]]:
    """The neural attack and "right or wrong" on the released answers, by budget."""
    target, shadow = (Released(answers) for answers in datasets.location30_published())
    naive = learnt(shadow, shadow.inside, shadow.outside, 0)
    halves = target.outside.take(np.arange(0, 1000, 2)), target.outside.take(np.arange(1, 1000, 2))
    rows = []
    for budget, published in PUBLISHED.items():
        defence = memguard(max(budget, 1e-9), hidden=(256, 128, 64))
        found = []
        for mine, others in (halves, halves[::-1]):
            guarded = Answered(defence.wrap(target, Calibration(target.inside, mine)))
            found.append(
                (accuracy(naive, guarded, target.inside, others), by_label(guarded, target.inside, others))
            )
        neural, label = np.mean(found, axis=0)
        rows.append(
            {
                "budget": budget,
                "published": published,
                "neural": round(neural, 4),
                "right or wrong": round(label, 4),
            }
        )
        print("released", rows[-1], flush=True)
    return rows


def main() -> None:
    """Every draw; means and intervals, printed and kept."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    released = on_released()
    draws = [one(seed) for seed in range(DRAWS)]
    kept_rows = []
    for place, (budget, published) in enumerate(PUBLISHED.items()):
        row: dict[str, float | list[float]] = {"budget": budget, "published": published}
        for name in draws[0][0]:
            if name == "budget":
                continue
            values = np.array([rows[place][name] for rows in draws])
            half = float(student.ppf(0.975, DRAWS - 1) * values.std(ddof=1) / np.sqrt(DRAWS))
            row[name] = round(float(values.mean()), 4)
            row[f"{name}, 95 %"] = [
                round(float(values.mean()) - half, 4),
                round(float(values.mean()) + half, 4),
            ]
        kept_rows.append(row)
        print(row)
    kept = {"machine": describe(), "draws": DRAWS, "rows": kept_rows, "released answers": released}
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
