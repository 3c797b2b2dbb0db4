"""What asking more of a model buys: copies, curves, boundaries and gradients against the plain scores.

Question: on models of three kinds, how do the attacks that ask about many inputs (robustness, boundary,
response canvas, response sweep) or see the weights (gradient norm, white-box features) compare with LiRA
and RMIA, which ask for one answer a record, and what do they cost? An ablation says what the asking itself
buys: `response-canvas(radii=())` reads the plain score through the same classifier, and asks nothing more.

Records are drawn from Location-30 and Adult; each of 6 targets trains on a random half of 2,000 records; 16
shadow models hold each record in exactly half of them. Figures are means over the targets, with intervals
over targets and records (two-way bootstrap).

    python bench/responses.py        writes bench/results/responses.json and .md; about 5 minutes on one core
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import rankdata
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from torch import nn

from machine import describe
from reticent.access import BoolArray, FloatArray, Metered, Target
from reticent.attacks.attack import MembershipAttack
from reticent.attacks.membership.boundary import Boundary
from reticent.attacks.membership.canvas import ResponseCanvas
from reticent.attacks.membership.gradient import CalibratedGradientNorm, GradientNorm
from reticent.attacks.membership.lira import Lira
from reticent.attacks.membership.rmia import Rmia
from reticent.attacks.membership.robustness import LearnedRobustness, Robustness
from reticent.attacks.membership.sweep import DetuningPoint, ResponseSweep
from reticent.attacks.membership.white_box import WhiteBoxFeatures
from reticent.data import Records
from reticent.measure.estimate import Estimate, bootstrap_models_and_records
from reticent.question import Question
from reticent.recipe import Recipe
from reticent.scene import Scene
from reticent.shadows.batched import Training
from reticent.shadows.plan import Plan
from reticent.shadows.signals import Answers, Signals
from reticent.targets.load import recipe_for
from reticent.targets.torch import TorchRecipe

FOLDER = Path(os.environ.get("RETICENT_DATA", "../shared/data"))
RECORDS, SHADOWS, TARGETS, ROUNDS = 2000, 16, 6, 200
ATTACKS: tuple[MembershipAttack, ...] = (
    Lira(),
    Rmia(),
    ResponseCanvas(radii=()),
    ResponseCanvas(),
    ResponseSweep(),
    DetuningPoint(),
    LearnedRobustness(),
    Robustness(),
    Boundary(),
    GradientNorm(),
    CalibratedGradientNorm(),
    WhiteBoxFeatures(),
)


@dataclass(frozen=True)
class Task:
    """Records, and how models are trained on them."""

    name: str
    records: Records
    recipe: Recipe


def location30() -> Task:
    """Visits, 446 bits, 30 classes; (446, 128, 30) with tanh, trained to the end."""
    data = np.load(FOLDER / "location30" / "location30.npz")
    chosen = np.random.default_rng(0).permutation(len(data["y"]))[:RECORDS]
    x = np.unpackbits(data["X_packed"], axis=1)[chosen, : int(data["n_features"])].astype(np.float32)
    y = np.unique(data["y"], return_inverse=True)[1][chosen].astype(np.int64)
    training = Training(epochs=40, batch_size=64, learning_rate=0.05, momentum=0.9)
    net = partial(perceptron, 446, 128, 30, nn.Tanh)
    return Task(
        "Location-30, perceptron", Records(x, y, np.arange(30)), TorchRecipe(module=net, training=training)
    )


def adult() -> Records:
    """Census records as a table of 12 columns, text and whole numbers."""
    table = pd.read_csv(FOLDER / "adult" / "adult.csv.gz", keep_default_na=False)
    table = table.sample(RECORDS, random_state=0).reset_index(drop=True)
    y = (table["income"] == ">50K").to_numpy().astype(np.int64)
    return Records(table.drop(columns=["income", "split", "fnlwgt", "education_num"]), y, np.arange(2))


def adult_perceptron() -> Task:
    """(one-hot, 256, 2) with ReLU, trained until it knows its records by heart."""
    records = adult()
    prepare = Prepare(records.features)
    width = prepare(records.features).shape[1]
    training = Training(epochs=150, batch_size=64, learning_rate=0.1, momentum=0.9)
    net = partial(perceptron, width, 256, 2, nn.ReLU)
    return Task("Adult, perceptron", records, TorchRecipe(module=net, training=training, prepare=prepare))


def adult_forest() -> Task:
    """50 trees of full depth, as scikit-learn makes them."""
    records = adult()
    text = [c for c in records.features if not pd.api.types.is_numeric_dtype(records.features[c])]
    encoder = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), text), remainder="passthrough")
    forest = make_pipeline(encoder, RandomForestClassifier(50, random_state=0))
    recipe = recipe_for(forest)
    assert recipe is not None
    return Task("Adult, forest", records, recipe)


def perceptron(columns: int, hidden: int, classes: int, activation: type[nn.Module]) -> nn.Module:
    return nn.Sequential(nn.Linear(columns, hidden), activation(), nn.Linear(hidden, classes))


class Prepare:
    """A table's text one-hot, its numbers standardised, by what was seen in `table`."""

    def __init__(self, table: pd.DataFrame) -> None:
        numbers = table.select_dtypes("number")
        self.mean, self.spread = numbers.mean(), numbers.std()
        self.levels = {c: sorted(table[c].unique()) for c in table if c not in numbers}

    def __call__(self, table: pd.DataFrame) -> np.ndarray:
        numbers = ((table[self.mean.index] - self.mean) / self.spread).to_numpy(np.float32)
        parts = [np.equal.outer(table[c].to_numpy(), np.array(v)) for c, v in self.levels.items()]
        return np.concatenate([numbers, *parts], axis=1, dtype=np.float32)


def auc(scores: FloatArray, members: BoolArray) -> float:
    """Mean over targets of the area under the curve, ties one half; arrays (targets, records)."""
    areas = []
    for score, member in zip(scores, members, strict=True):
        inside = int(member.sum())
        ranks = rankdata(score)[member].sum() - inside * (inside + 1) / 2
        areas.append(ranks / (inside * (len(member) - inside)))
    return float(np.mean(areas))


def tpr_at_one_percent(scores: FloatArray, members: BoolArray) -> float:
    """Mean over targets of the share of members above all but at most 1 % of the non-members."""
    rates = []
    for score, member in zip(scores, members, strict=True):
        outside = np.sort(score[~member])[::-1]
        rates.append(np.mean(score[member] > outside[int(0.01 * len(outside))]))
    return float(np.mean(rates))


def measure(task: Task, attacks: Sequence[MembershipAttack]) -> dict[str, Any]:
    records = task.records
    plan = Plan(models=SHADOWS)
    masks = np.random.default_rng(1).random((TARGETS, RECORDS)).argsort(axis=1) < RECORDS // 2
    start = time.perf_counter()
    models = list(
        task.recipe.fit_many(
            records, np.vstack([plan.masks(RECORDS), masks]), [*plan.seeds(), *range(TARGETS)]
        )
    )
    training = time.perf_counter() - start
    shadows, targets = models[:SHADOWS], models[SHADOWS:]
    right = np.array([t.predict(records.features).labels == records.labels for t in targets])
    print(f"{task.name}: right on members {right[masks].mean():.3f}, others {right[~masks].mean():.3f}")
    rows = []
    for attack in attacks:
        if attack.needs <= targets[0].access:
            rows.append(row_of(attack, records, plan, shadows, targets, masks))
            print(line(rows[-1]), flush=True)
    return {
        "task": task.name,
        "right on members": float(right[masks].mean()),
        "right on others": float(right[~masks].mean()),
        "seconds of training": round(training, 1),
        "attacks": rows,
    }


def row_of(
    attack: MembershipAttack,
    records: Records,
    plan: Plan,
    shadows: Sequence[Target],
    targets: Sequence[Target],
    masks: BoolArray,
) -> dict[str, Any]:
    """Put the attack's questions to all models, let it guess each target, and measure."""
    start = time.perf_counter()
    questions = attack.questions

    def asked(question: Question, models: Sequence[Target]) -> FloatArray:
        return np.stack([question.ask(Metered(model), records) for model in models])

    members = plan.masks(RECORDS)
    signals = (
        {q: Signals(asked(q, shadows), records.labels, members) for q in questions} if attack.shadows else {}
    )
    answers = {q: asked(q, targets) for q in questions}
    asking = time.perf_counter() - start
    scores = np.empty((len(targets), RECORDS))
    for i, target in enumerate(targets):
        own = {q: Answers(values[i : i + 1], records.labels) for q, values in answers.items()}
        scene = Scene(Metered(target), records, np.zeros(RECORDS, dtype=bool), own, signals, seed=i)
        scores[i] = attack.guess(scene)
    guessing = time.perf_counter() - start - asking
    figures = {
        name: bootstrap_models_and_records(statistic, scores, masks, rounds=ROUNDS, bounds=(0, 1))
        for name, statistic in (("auc", auc), ("tpr@1%", tpr_at_one_percent))
    }
    return {
        "attack": attack.name,
        "access": str(attack.needs),
        "shadow models": SHADOWS if attack.shadows else 0,
        "queries a record": sum(q.queries(RECORDS) for q in questions) / RECORDS,
        **{n: {"value": f.value, "low": f.low, "high": f.high} for n, f in figures.items()},
        "seconds of asking a model": round(asking / (len(targets) + len(shadows) * attack.shadows), 3),
        "seconds of guessing a target": round(guessing / len(targets), 3),
    }


def line(row: dict[str, Any]) -> str:
    """A row of the table, in Markdown."""
    figures = [str(Estimate(**row[name])) for name in ("auc", "tpr@1%")]
    cells = [row["attack"], row["access"], row["shadow models"], f"{row['queries a record']:g}", *figures]
    cells += [row["seconds of asking a model"], row["seconds of guessing a target"]]
    return f"| {' | '.join(map(str, cells))} |"


def page(found: Sequence[dict[str, Any]], machine: dict[str, Any]) -> str:
    """All tables as a page."""
    head = "| attack | access | shadow models | queries a record | AUC | TPR at 1 % FPR | s ask | s guess |"
    parts = [
        "# What asking more of a model buys\n",
        f"{RECORDS:,} records; means over {TARGETS} targets, 95 % intervals over targets and records. "
        "`response-canvas(radii=())` is the ablation: the plain score, read by the same classifier. "
        f"Seconds for one model; {machine['processor']}, one thread.\n",
    ]
    for task in found:
        parts.append(
            f"## {task['task']}\n\nRight on members {task['right on members']:.3f}, "
            f"on others {task['right on others']:.3f}.\n\n{head}\n|{'---|' * 8}"
        )
        parts[-1] += "\n" + "\n".join(line(row) for row in task["attacks"]) + "\n"
    return "\n".join(parts)


def main() -> None:
    torch.set_num_threads(1)
    start = time.perf_counter()
    found = [measure(make(), ATTACKS) for make in (location30, adult_perceptron, adult_forest)]
    machine = describe()
    result = {
        "question": "attacks that ask for more than the plain scores, beside LiRA and RMIA",
        "records": RECORDS,
        "targets": TARGETS,
        "shadow models": SHADOWS,
        "level": 0.95,
        "seconds": round(time.perf_counter() - start, 1),
        "machine": machine,
        "tasks": found,
    }
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "responses.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    (folder / "responses.md").write_text(page(found, machine))


if __name__ == "__main__":
    main()
