"""What a readmission model tells of its patients, and what helps: made anonymous, or trained privately.

Stays of diabetics in 130 US hospitals, 1999-2008 (Strack et al. 2014). A hospital predicts who will be
readmitted. A fully grown tree is audited for membership, patient by patient, and for three columns that a
patient would mind being guessed: race, gender and age. Each guess stands beside imputation from the rest of
the stay, so that only what the training data leak counts as a leak.

Then measures are taken, and the same attacks come again, trained through each measure as somebody would who
knows of it. Stays made alike in tens by what a neighbour may know: nobody can be found by that, and much of
what the tree told is gone, but not all, since the rest of each stay is as it was. A forest of private random
trees, epsilon 3: what it gives away is bounded.

    RETICENT_DATA=... python examples/hospital.py      leaves hospital.html
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from sklearn.compose import make_column_transformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

import reticent as rt
from reticent.data import records
from reticent.defences import anonymise, harden, none, private_forest
from reticent.defences.defence import Defence
from reticent.targets.sklearn import SklearnRecipe

PATIENTS = 4_000
"""On either side: whole patients, since records of one person belong together."""

KNOWN = ("race", "gender", "age", "time_in_hospital", "num_lab_procedures", "num_medications")
"""What somebody may know of a patient, and find the stay by."""

AGES = (
    ("[0-10)", "under 40", "under 60"),
    ("[10-20)", "under 40", "under 60"),
    ("[20-30)", "under 40", "under 60"),
    ("[30-40)", "under 40", "under 60"),
    ("[40-50)", "40 to 59", "under 60"),
    ("[50-60)", "40 to 59", "under 60"),
    ("[60-70)", "60 to 79", "60 and over"),
    ("[70-80)", "60 to 79", "60 and over"),
    ("[80-90)", "80 and over", "60 and over"),
    ("[90-100)", "80 and over", "60 and over"),
)
"""An age group, and what it becomes step by step."""


def main() -> None:
    """Train, audit, take measures, audit again, report."""
    start = time.perf_counter()
    stays = rt.datasets.diabetes130()
    person = stays.roles.person
    assert person is not None
    table = readable(pd.DataFrame(stays.features))
    patients = np.random.default_rng(0).permutation(table[person].unique())
    inside = table[person].isin(patients[:PATIENTS]).to_numpy()
    outside = table[person].isin(patients[PATIENTS : 2 * PATIENTS]).to_numpy()
    members, others = (table[inside], stays.labels[inside]), (table[outside], stays.labels[outside])
    roles = replace(stays.roles, sensitive=("race", "gender", "age"))
    people = records(*members, np.unique(stays.labels), roles=stays.roles)

    told = table.drop(columns=person)
    recipe = SklearnRecipe(tree([c for c in told.columns if not pd.api.types.is_numeric_dtype(told[c])]))
    measures: dict[str, Defence] = {
        "fully grown tree": none(),
        "stays alike in tens": anonymise(k=10, quasi=KNOWN, hierarchies=(("age", AGES),)),
        "private forest": private_forest(epsilon=3.0, bounds=code_book(told), before="leave out"),
    }
    console, audits = Console(), []
    for name, measure in measures.items():
        through = harden(measure, recipe)
        audit = rt.audit(
            through.fit(people, 0),
            recipe=through,
            members=members,
            nonmembers=others,
            roles=roles,
            settings=rt.Settings(population_share=0.4),
            name=name,
        )
        console.print(audit)
        audits.append(audit)
    page = audits[0].report(Path("hospital.html"), beside=audits[1:])
    console.print(f"{page.resolve()} holds the rest ({time.perf_counter() - start:.0f} s)", highlight=False)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as numbers, what is unknown as a word of its own; columns of hundreds of codes left out."""
    table = table.drop(columns=["diag_1", "diag_2", "diag_3", "medical_specialty", "payer_code", "weight"])
    numbers = [c for c in table.columns if c.startswith(("num", "time"))]
    table = table.assign(**{c: table[c].astype(float) for c in numbers})
    words = [c for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])]
    return table.assign(**{c: table[c].fillna("unknown").astype(str) for c in words})


def tree(words: list[str]) -> Pipeline:
    """A tree that knows its records by heart."""
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", min_frequency=20), words), remainder="passthrough"
    )
    return make_pipeline(encode, DecisionTreeClassifier(random_state=0))


def code_book(table: pd.DataFrame) -> dict[str, tuple[object, ...]]:
    """What columns may hold, as the publishers of the whole set state it: no secret of these patients."""
    return {
        name: (float(column.min()), float(column.max()))
        if pd.api.types.is_numeric_dtype(column)
        else tuple(sorted(column.unique()))
        for name, column in table.items()
    }


if __name__ == "__main__":
    main()
