"""What do models tell of a sensitive column, over imputation, and is it a leak?

Every attack beside imputation, on members and on people whom the model never saw. An overfitted tree, a
forest, a logistic regression and a perceptron of Adult (the sensitive column being whether somebody is
married, as Mehnaz et al. 2022 make it of marital status, relationship left out), and trees of GSS (watched an
X-rated film) and of the steak survey (cheated on a partner), as in Fredrikson et al. 2015.

    python bench/attributes.py      writes bench/results/attributes.json and attributes.md; some minutes
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from torch import nn

os.environ.setdefault("RETICENT_DATA", "../shared/data")

import reticent as rt
from machine import describe
from reticent.attacks import attribute
from reticent.data import records
from reticent.measure.estimate import Estimate
from reticent.progress import Quiet
from reticent.shadows.batched import Training
from reticent.targets.torch import TorchRecipe, TorchTarget

RESULTS = Path(__file__).parent / "results"
SHOWN = ("right", "imputed", "right outside", "imputed outside", "gain", "gain outside", "leak", "surest")


def married() -> tuple[pd.DataFrame, pd.Series, str, int]:
    """Adult's complete rows, marital status in two, relationship left out; 35,222 to train on."""
    data = rt.datasets.adult()
    table = pd.DataFrame(data.features).assign(label=np.asarray(data.labels)).replace("?", np.nan).dropna()
    is_married = table["marital_status"].astype(str).str.startswith("Married-")
    is_married &= table["marital_status"].astype(str) != "Married-spouse-absent"
    table["married"] = np.where(is_married, "yes", "no")
    table = table.drop(columns=["marital_status", "relationship"])
    return table.drop(columns="label"), table["label"], "married", 35_222


def survey(data: Any, secret: str) -> tuple[pd.DataFrame, pd.Series, str, int]:
    table = pd.DataFrame(data.features).assign(label=np.asarray(data.labels)).dropna(subset=[secret])
    return table.drop(columns="label"), table["label"], secret, len(table) // 2


def model_of(kind: str, x: pd.DataFrame) -> Any:
    """A pipeline that takes the table as it is."""
    words = [c for c in x.columns if not pd.api.types.is_numeric_dtype(x[c])]
    numbers = [c for c in x.columns if c not in words]
    known = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), words),
        (StandardScaler() if kind == "logistic regression" else "passthrough", numbers),
    )
    models = {
        "tree": DecisionTreeClassifier(random_state=0),
        "forest": RandomForestClassifier(100, random_state=0, n_jobs=2),
        "logistic regression": LogisticRegression(max_iter=500),
    }
    return make_pipeline(known, models[kind])


def perceptron(x: pd.DataFrame, y: np.ndarray) -> TorchTarget:
    """A perceptron of 256 that is trained until it knows most of its records by heart."""
    known = model_of("logistic regression", x)[:-1].fit(x)
    classes = np.unique(y)
    columns = known.transform(x[:2]).shape[1]

    def prepare(table: Any) -> np.ndarray:
        rows = known.transform(table)
        return np.asarray(rows.todense() if hasattr(rows, "todense") else rows)

    recipe = TorchRecipe(
        module=lambda: nn.Sequential(nn.Linear(columns, 256), nn.Tanh(), nn.Linear(256, len(classes))),
        training=Training(epochs=150, batch_size=128, learning_rate=0.1, momentum=0.9),
        prepare=prepare,
    )
    return recipe.fit(records(x, y, classes), 0)


def measure(name: str, kind: str, data: tuple[pd.DataFrame, pd.Series, str, int]) -> dict[str, Any]:
    x, y, secret, size = data
    x = x.fillna({c: "missing" for c in x.columns if not pd.api.types.is_numeric_dtype(x[c])})
    x = x.fillna(x.median(numeric_only=True))
    train, rest, y_train, y_rest = train_test_split(x, y, train_size=size, random_state=0)
    fitted = (
        perceptron(train, np.asarray(y_train))
        if kind == "perceptron"
        else model_of(kind, x).fit(train, y_train)
    )
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as cache:
        audit = rt.audit(
            fitted,
            members=(train, y_train),
            nonmembers=(rest, y_rest),
            roles=rt.Roles(sensitive=(secret,)),
            attacks=attribute.DEFAULT,
            settings=rt.Settings(population_share=0.5, copies="keep"),
            cache=cache,
            progress=Quiet(),
        )
    return {
        "data": name,
        "model": kind,
        "secret": secret,
        "members": audit.checks.members,
        "known to the attacker": audit.checks.population,
        "accuracy": [audit.checks.accuracy_members, audit.checks.accuracy_nonmembers],
        "seconds": round(time.perf_counter() - start, 1),
        "attacks": {f.attack: {n: shown(f.figure(n)) for n in SHOWN} for f in audit.secrets},
        "not run": {f.attack: f.reason for f in audit.findings if f.outcome != "measured"},
    }


def shown(figure: Any) -> list[float] | str:
    if isinstance(figure, Estimate):
        return [round(v, 4) for v in (figure.value, figure.low, figure.high)]
    return str(figure)


def write_table(results: dict[str, Any]) -> str:
    machine = results["machine"]
    lines = ["# What models tell of a sensitive column", ""]
    lines.append(
        f"Written by `python bench/attributes.py` on {machine['processor']}, {machine['cores']} cores. "
        "Shares guessed rightly, with 95 % intervals; *imputed* is the same guess without the model; *leak* "
        "is the gain over imputation on members less that on others."
    )
    for row in results["rows"]:
        inside, outside = row["accuracy"]
        lines += ["", f"## {row['data']}, {row['model']}: {row['secret']}", ""]
        lines.append(
            f"{row['members']:,} members, {row['known to the attacker']:,} others known to the attacker. The "
            f"model is right on {inside:.3f} of its members and {outside:.3f} of others. {row['seconds']} s."
        )
        lines += ["", f"| attack | {' | '.join(SHOWN)} |", f"|---|{'---|' * len(SHOWN)}"]
        for attack, figures in row["attacks"].items():
            cells = [
                f if isinstance(f, str) else f"{f[0]:.3f} [{f[1]:.3f}, {f[2]:.3f}]" for f in figures.values()
            ]
            lines.append(f"| {attack} | {' | '.join(cells)} |")
        lines += [""] + [f"- {attack} was not run: {why}" for attack, why in row["not run"].items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    adult = married()
    gss = survey(rt.datasets.gss_happiness(), "watched_x_rated_movie")
    steak = survey(rt.datasets.steak_survey(), "cheated_on_significant_other")
    rows = []
    for name, kind, data in (
        ("Adult", "tree", adult),
        ("Adult", "forest", adult),
        ("Adult", "logistic regression", adult),
        ("Adult", "perceptron", adult),
        ("GSS", "tree", gss),
        ("steak survey", "tree", steak),
    ):
        rows.append(measure(name, kind, data))
        print(f"{name}, {kind}: {rows[-1]['seconds']} s", flush=True)
    results = {"machine": describe(), "rows": rows}
    (RESULTS / "attributes.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (RESULTS / "attributes.md").write_text(write_table(results))


if __name__ == "__main__":
    main()
