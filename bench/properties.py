"""What do models tell of their whole training set: how many women it held, how many women in sales?

Adult: models of income, sex not among their columns, trained on one half women or on four fifths; and models
that are given sex and occupation, trained on 1 % or 3.5 % women in sales, with poison (SNAP) and without. ACS
income: the share of women itself, from 10 to 90 %, sex not among the columns. Every attack beside itself in
worlds whose property was shuffled over the records.

    python bench/properties.py      writes bench/results/properties.json and properties.md; twenty minutes;
                                    goes on where it was stopped (answers are kept under RETICENT_CACHE)
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

os.environ.setdefault("RETICENT_DATA", "../shared/data")

import reticent as rt
from machine import describe
from reticent.attacks import property as properties
from reticent.data import Property, Records
from reticent.finding import Finding
from reticent.measure.estimate import Estimate
from reticent.property_trial import infer_property
from reticent.shadows.batched import Training
from reticent.store import default_cache
from reticent.targets.torch import TorchRecipe
from reticent.worlds import Worlds

RESULTS = Path(__file__).parent / "results"
UNPOISONED = tuple(a for a in properties.DEFAULT if not a.poison)
SHOWN = ("accuracy", "accuracy shuffled", "error", "error shuffled")


def network(columns: int, hidden: int) -> nn.Module:
    if not hidden:
        return nn.Sequential(nn.Linear(columns, 2))
    return nn.Sequential(nn.Linear(columns, hidden), nn.ReLU(), nn.Linear(hidden, 2))


def recipe(records: Records, hidden: int, *, epochs: int, weight_decay: float = 1e-4) -> TorchRecipe:
    """A network of the records' columns but one, the property's."""
    return TorchRecipe(
        module=partial(network, records.features.shape[1] - 1, hidden),
        training=Training(
            epochs=epochs, batch_size=64, learning_rate=0.003, optimiser="adam", weight_decay=weight_decay
        ),
    )


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers standardised, words one-hot."""
    counted = table.select_dtypes("number").fillna(0)
    spread = (counted - counted.mean()) / counted.std()
    words = pd.get_dummies(table.select_dtypes(exclude="number"))
    return pd.concat([spread, words], axis=1).astype(np.float32)


def adult(*, sales: bool) -> Records:
    """Adult without weights and the doubled education; the property's column added last."""
    data = rt.datasets.adult()
    table = data.features.drop(columns=["fnlwgt", "education"])
    table = table.assign(capital_gain=np.log1p(table.capital_gain), capital_loss=np.log1p(table.capital_loss))
    label = (np.asarray(data.labels) == ">50K").astype(np.int64)
    if sales:
        seller = np.where((table.sex == "Female") & (table.occupation == "Sales"), "yes", "no")
        features = numbers(table).assign(saleswoman=seller)
    else:
        features = numbers(table.drop(columns="sex")).assign(sex=table["sex"])
    return Records(features, label, np.array(["<=50K", ">50K"]))


def acs(records: int = 60_000) -> Records:
    """A sample of ACS income; without columns of many values and the one about giving birth."""
    data = rt.datasets.acs_income()
    rows = np.random.default_rng(0).permutation(len(data))[:records]
    table = pd.DataFrame(data.features).iloc[rows].reset_index(drop=True)
    women = table["gender"].astype(str)
    wide = [c for c in table.columns if table[c].dtype == "category" and len(table[c].cat.categories) > 60]
    table = table.drop(columns=["gender", "gave_birth_last_12_months", *wide])
    return Records(numbers(table).assign(sex=women), np.asarray(data.labels)[rows], np.array([0, 1]))


def measure(
    name: str, records: Records, fact: Property, made: TorchRecipe, attacks: Any, worlds: Worlds
) -> dict[str, Any]:
    start = time.perf_counter()
    findings = infer_property(made, records, fact, attacks, worlds=worlds, cache=default_cache(), workers=1)
    row = {
        "data": name,
        "property": fact.name,
        "shares": worlds.shares,
        "balance": worlds.balance,
        "records a model": worlds.size,
        "models a world": worlds.models,
        "victims a world": worlds.victims,
        "accuracy of a coin": 1 / len(worlds.shares),
        "error of the middle": next((f.exhibit.told.middle for f in findings if f.evidence), None),
        "seconds": round(time.perf_counter() - start, 1),
        "attacks": {f.attack: {n: shown(f, n) for n in SHOWN} for f in findings if f.evidence},
        "not run": {f.attack: f.reason for f in findings if not f.evidence},
    }
    print(name, worlds.balance, row["seconds"], "s", flush=True)
    for attack, figures in row["attacks"].items():
        print("   ", attack, figures["accuracy"], figures["error"], flush=True)
    return row


def shown(finding: Finding, name: str) -> list[float] | None:
    figure = finding.figure(name)
    if not isinstance(figure, Estimate):
        return None
    return [round(v, 4) for v in (figure.value, figure.low, figure.high)]


def write_table(results: dict[str, Any]) -> str:
    machine = results["machine"]
    lines = ["# What models tell of their whole training set", ""]
    lines.append(
        f"Written by `python bench/properties.py` on {machine['processor']}, one core. *Accuracy* is the "
        "share of victim models whose world is told rightly; *error* the mean absolute error of the share "
        "as estimated; *shuffled* the same attack where the property was shuffled over the records. 95 % "
        "intervals, over models trained on samples of these records. Balance *overall*: each label as often "
        "in every world; *within*: as often among those with the property, and among those without."
    )
    for row in results["rows"]:
        shares = ", ".join(f"{s:g}" for s in row["shares"])
        lines += ["", f"## {row['data']}: {row['property']}, {shares}, balance {row['balance']}", ""]
        lines.append(
            f"{row['records a model']:,} records a model; in each world {row['models a world']} of the "
            f"attacker's models and {row['victims a world']} victims. A coin is right "
            f"{row['accuracy of a coin']:.2f} of the time, and who always names the middle errs by "
            f"{row['error of the middle']:.3f}. {row['seconds']} s."
        )
        lines += ["", f"| attack | {' | '.join(SHOWN)} |", f"|---|{'---|' * len(SHOWN)}"]
        for attack, figures in row["attacks"].items():
            cells = ["" if f is None else f"{f[0]:.3f} [{f[1]:.3f}, {f[2]:.3f}]" for f in figures.values()]
            lines.append(f"| {attack} | {' | '.join(cells)} |")
        lines += [""] + [f"- {attack} was not run: {why}" for attack, why in row["not run"].items()]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    torch.set_num_threads(1)
    rows = []

    def add(row: dict[str, Any]) -> None:
        rows.append(row)
        results = {"machine": describe(), "rows": rows}
        (RESULTS / "properties.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        (RESULTS / "properties.md").write_text(write_table(results))

    records, women = adult(sales=False), Property("sex", "Female")
    for name, hidden in (("Adult, 32 hidden units", 32), ("Adult, logistic regression", 0)):
        made = recipe(records, hidden, epochs=10)
        for balance in ("overall", "within"):
            worlds = Worlds(models=128, victims=128, balance=balance)
            add(measure(name, records, women, made, UNPOISONED, worlds))
    records = adult(sales=True)
    made = recipe(records, 32, epochs=20, weight_decay=0)
    sold = Property("saleswoman", "yes")
    snaps = [properties.Snap(poison_share=share) for share in (0, 0.002, 0.006)]
    for size in (4_000, 12_000, 16_000):
        worlds = Worlds(shares=(0.01, 0.035), models=4, victims=64, size=size, probes=4_000)
        add(measure("Adult, 32 hidden units", records, sold, made, snaps, worlds))
    records = acs()
    estimates = [a for a in UNPOISONED if a.estimates]
    for name, hidden in (("ACS income, 32 hidden units", 32), ("ACS income, logistic regression", 0)):
        made = recipe(records, hidden, epochs=5)
        for size in (2_000, 8_000):
            worlds = Worlds(shares=tuple(k / 10 for k in range(1, 10)), models=32, victims=12, size=size)
            for balance in ("overall", "within"):
                chosen = replace(worlds, balance=balance)
                add(measure(name, records, women, made, estimates, chosen))


if __name__ == "__main__":
    main()
