"""What a readmission model tells of its patients: who was treated, and what they are like.

Stays of diabetics in 130 US hospitals, 1999-2008 (Strack et al. 2014). A hospital predicts who will be
readmitted. Two models, a fully grown tree and a shallow one, are audited for membership, patient by patient,
and for three columns that a patient would mind being guessed: race, gender and age. Each guess stands beside
imputation from the rest of the stay, so that only what the training data leak counts as a leak.

    RETICENT_DATA=... python examples/hospital.py      leaves hospital.html
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from sklearn.compose import make_column_transformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

import reticent as rt

PATIENTS = 4_000
"""On either side: whole patients, since records of one person belong together."""


def main() -> None:
    """Train, audit, report."""
    start = time.perf_counter()
    stays = rt.datasets.diabetes130()
    table = stays.features
    codes = ["diag_1", "diag_2", "diag_3", "medical_specialty", "payer_code", "weight"]
    table = table.drop(columns=codes)  # hundreds of values each
    numbers = [c for c in table.columns if c.startswith(("num", "time"))]
    table = table.assign(**{c: table[c].astype(float) for c in numbers})
    person = stays.roles.person
    patients = np.random.default_rng(0).permutation(table[person].unique())
    sides = []
    for some in (patients[:PATIENTS], patients[PATIENTS : 2 * PATIENTS]):
        theirs = table[person].isin(some).to_numpy()
        sides.append((table[theirs], stays.labels[theirs]))
    members, others = sides
    words = [c for c in table.columns if c not in (*numbers, person)]
    console, audits = Console(), []
    for name, depth in (("fully grown tree", None), ("shallow tree", 6)):
        model = _model(words, depth).fit(members[0].drop(columns=person), members[1])
        audit = rt.audit(
            model,
            members=members,
            nonmembers=others,
            roles=replace(stays.roles, sensitive=("race", "gender", "age")),
            settings=rt.Settings(population_share=0.4),
            name=name,
        )
        console.print(audit)
        audits.append(audit)
    page = audits[0].report(Path("hospital.html"), beside=audits[1:])
    console.print(f"{page.resolve()} holds the rest ({time.perf_counter() - start:.0f} s)", highlight=False)


def _model(words: list[str], depth: int | None) -> Pipeline:
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", min_frequency=20), words), remainder="passthrough"
    )
    return make_pipeline(encode, DecisionTreeClassifier(max_depth=depth, random_state=0))


if __name__ == "__main__":
    main()
