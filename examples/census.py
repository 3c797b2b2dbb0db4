"""What a model of income tells of its whole training set: how many women it held.

Adult (Becker & Kohavi 1996), sex not among the columns that the models see. Somebody who holds other people's
records of the kind trains models on one half women and on four fifths women, and asks of each model that was
trained elsewhere which of the two it was. Beside every attack stands the same attack where sex was shuffled
over the records, so that there is nothing to tell.

Then a model comes along of which nobody knows: trained on men and women as they came, three in ten of them
women here as in Adult, or on women mostly. The audit guesses what share of its training data were women.

    RETICENT_DATA=... python examples/census.py      leaves census.html
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import reticent as rt
from reticent.attacks.membership import Loss
from reticent.attacks.property import (
    KullbackLeibler,
    LossTest,
    ProbeClassifier,
    ShareRegression,
    ThresholdTest,
)
from reticent.data import Records, records
from reticent.progress import default_progress
from reticent.targets.load import recipe_for

BROUGHT = {"as they came": 0.33, "women mostly": 0.85}
"""Models that somebody brings, and the share of women among those they were trained on."""

SIZE = 5_000
"""Records that each of them was trained on."""

MODELS = 32
"""The attacker's models in each world, and as many under attack."""


def main() -> None:
    """Train the worlds, attack, tell."""
    start = time.perf_counter()
    adult = rt.datasets.adult()
    table = pd.DataFrame(adult.features).drop(
        columns=["relationship", "fnlwgt"]
    )  # husband and wife say it all
    people = records(table, adult.labels, np.unique(adult.labels))
    words = [c for c in table.columns if not pd.api.types.is_numeric_dtype(table[c]) and c != "sex"]
    numbers = [c for c in table.columns if c not in (*words, "sex")]
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), words), (StandardScaler(), numbers)),
        LogisticRegression(max_iter=300),
    )
    recipe = recipe_for(model)
    assert recipe is not None
    worlds = rt.Worlds(shares=(0.5, 0.8), models=MODELS, victims=MODELS, size=1500)
    with default_progress().stage("training worlds", 8 * MODELS) as advance:
        found = rt.infer_property(
            recipe,
            people,
            rt.Property("sex", "Female"),
            [LossTest(), ThresholdTest(), KullbackLeibler(), ProbeClassifier(), ShareRegression()],
            worlds=worlds,
            advance=advance,
        )
    shown = Table("attack", "told rightly", "shuffled", title="half women, or four fifths?", box=None)
    for finding in found:
        if finding.outcome == "measured":
            shown.add_row(
                finding.attack, *(str(finding.figure(n)) for n in ("accuracy", "accuracy shuffled"))
            )
        else:
            shown.add_row(finding.attack, finding.reason)
    console = Console()
    console.print(shown)
    audits = [audit(name, model, people, share) for name, share in BROUGHT.items()]
    for one in audits:
        told = one["share-regression"].exhibit.beside()[0]
        console.print(f"{one.model}: {told.what} {told.figure}; {told.control} {told.without.value:.3f}")
    page = audits[0].report(Path("census.html"), beside=audits[1:])
    console.print(f"{page.resolve()} holds the rest.", highlight=False)
    console.print(f"A coin is right half of the time. {time.perf_counter() - start:.0f} s.", highlight=False)


def audit(name: str, model: Pipeline, people: Records, share: float) -> rt.Audit:
    """What is guessed of a model that was trained on this share of women."""
    rng = np.random.default_rng(0)
    women = people.features["sex"].to_numpy() == "Female"
    wanted = [round(SIZE * share), SIZE - round(SIZE * share)]
    rows = [
        rng.choice(np.flatnonzero(kind), n, replace=False)
        for kind, n in zip((women, ~women), wanted, strict=True)
    ]
    inside = people.take(np.concatenate(rows))
    others = people.take(np.setdiff1d(np.arange(len(people)), np.concatenate(rows)))
    fitted = clone(model).fit(inside.features.drop(columns="sex"), inside.labels)
    return rt.audit(
        fitted,
        members=(inside.features, inside.labels),
        nonmembers=(others.features, others.labels),
        roles=rt.Roles(properties=(rt.Property("sex", "Female"),)),
        attacks=[Loss(), ShareRegression()],
        name=name,
    )


if __name__ == "__main__":
    main()
