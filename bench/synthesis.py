"""How near do synthetic tables come to people, whom do they give away, and what can be learnt from them?

Near and given away: tables made from 12,000 people of Adult, 15 columns, 12,000 others being the control, as
in bench/release.py. Learnt: boosted trees trained on synthetic records, and on records blurred one by one,
tried on real ones, for Adult and Diabetes-130 (one stay a patient, readmitted or not).

    python bench/synthesis.py    writes bench/results/synthesis.json and synthesis.md; half an hour
    python bench/synthesis.py near      one of its parts (near, peer, learnt); the others stay as they are

Domains are taken from the whole published data set, as if its categories and bounds were public knowledge.
Where RETICENT_SMARTNOISE names the Python of an environment that has smartnoise-synth (1.0), its MST stands
beside ours on the same cells; else it is left out, and the results say so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

os.environ.setdefault("RETICENT_DATA", "../shared/data")

import reticent as rt
from machine import describe
from release import PEOPLE, adult
from reticent.attacks import release as attacks
from reticent.data import Records, records
from reticent.defences import anonymise, none, randomise, synthesise
from reticent.defences.defence import Defence, harden
from reticent.measure.estimate import Estimate, clopper_pearson
from reticent.synthesis.likeness import Distance, distance, independence
from reticent.targets.sklearn import SklearnRecipe

RESULTS = Path(__file__).parent / "results"
GUESSES, SEEDS = 500, 3
SECRETS = ("income", "marital_status", "age")
QUASI = {
    "Adult": ("age", "education_num", "marital_status", "race", "sex", "native_country"),
    "Diabetes-130": ("race", "gender", "age", "time_in_hospital"),
}
TABLES: dict[str, dict[str, Any]] = {
    "MST, no noise": {"epsilon": None},
    "MST, ε 8": {"epsilon": 8.0},
    "MST, ε 3": {"epsilon": 3.0},
    "MST, ε 1": {"epsilon": 1.0},
    "MST within income, no noise": {"epsilon": None, "within": "income"},
    "MST within income, ε 8": {"epsilon": 8.0, "within": "income"},
    "MST within income, ε 3": {"epsilon": 3.0, "within": "income"},
    "MST within income, ε 1": {"epsilon": 1.0, "within": "income"},
    "independent columns, no noise": {"epsilon": None, "pairs": False},
    "independent columns, ε 1": {"epsilon": 1.0, "pairs": False},
}


def near_and_given_away() -> dict[str, Any]:
    """The tables of Adult: distances of marginals, risks, seconds."""
    original, control = adult()
    domain = rt.Domain.public(pd.concat([original, control]))
    rows: dict[str, Any] = {}
    for name, options in TABLES.items():
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            made = rt.synthesise(original, domain=domain, seed=0, **options)
        seconds = time.perf_counter() - start
        rows[name] = {
            **told(distance(made.table, original, domain), distance(made.table, control, domain)),
            "seconds": round(seconds, 2),
            "epsilon spent": made.guarantee.epsilon if made.guarantee else None,
            "rho": sum(entry.rho for entry in made.spent),
            "risks": risks(made.table, original, control),
        }
        print(name, rows[name], flush=True)
    floor = told(distance(control, original, domain), distance(control, original, domain))
    alone = independence(original, domain)
    return {
        "tables": rows,
        "other people": floor,
        "independent without end": {"columns": alone.columns, "pairs": alone.pairs},
    }


def told(own: Distance, unseen: Distance) -> dict[str, float]:
    return {
        "columns": round(own.columns, 4),
        "pairs": round(own.pairs, 4),
        "worst pair": round(own.worst_pair, 4),
        "columns of others": round(unseen.columns, 4),
        "pairs of others": round(unseen.pairs, 4),
    }


def risks(release: pd.DataFrame, original: pd.DataFrame, control: pd.DataFrame) -> dict[str, Any]:
    columns = list(original.columns)
    found = rt.audit_release(
        release,
        original,
        control,
        attacks.DEFAULT,
        secrets=SECRETS,
        halves=(columns[::2], columns[1::2]),
        guesses=GUESSES,
    )
    return {
        f.title: {
            **{name: shown(f.figure(name)) for name in ("originals", "controls", "naive", "risk")},
            "too weak": f.exhibit.too_weak,
        }
        if f.outcome == "measured"
        else {"refused": f.reason}
        for f in found
    }


def peer() -> dict[str, Any]:
    """Smartnoise's MST on the same cells, or nothing where it is not at hand."""
    original, control = adult()
    domain = rt.Domain.public(pd.concat([original, control]))
    python = os.environ.get("RETICENT_SMARTNOISE")
    if not python:
        return {}
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        cells = pd.DataFrame(domain.encode(original), columns=list(domain.names))
        cells.to_csv(Path(folder, "cells.csv"), index=False)
        alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        for epsilon in (1.0,):
            task = {"epsilon": epsilon, "delta": 1e-5}
            Path(folder, "task.json").write_text(json.dumps(task))
            command = [python, str(Path(__file__).with_name("synthesis_peer.py")), folder]
            said = subprocess.run(command, capture_output=True, text=True, env=alone)
            if said.returncode:
                found[f"ε {epsilon:g}"] = {"failed": said.stderr.strip().splitlines()[-1][:300]}
                continue
            made = pd.read_csv(Path(folder, "made.csv"))[list(domain.names)].to_numpy(np.int64)
            whole = rt.Domain.of(
                {n: rt.Categories(tuple(range(k))) for n, k in zip(domain.names, domain.shape, strict=True)}
            )
            tables = [pd.DataFrame(t, columns=list(domain.names)) for t in (made, domain.encode(original))]
            seen = pd.DataFrame(domain.encode(control), columns=list(domain.names))
            found[f"ε {epsilon:g}"] = {
                **told(distance(tables[0], tables[1], whole), distance(tables[0], seen, whole)),
                "seconds": json.loads(said.stdout.splitlines()[-1])["seconds"],
            }
    return found


def diabetes() -> tuple[Records, rt.Domain]:
    """A first stay a patient: 20 columns that are no codes of diagnoses, readmitted or not."""
    data = rt.datasets.diabetes130()
    table = pd.DataFrame(data.features).assign(readmitted=np.asarray(data.labels) != "NO")
    table = table.drop_duplicates("patient_nbr").drop(columns="patient_nbr").reset_index(drop=True)
    for name in table.columns:
        if table[name].dtype != bool and pd.to_numeric(table[name], errors="coerce").notna().all():
            table[name] = pd.to_numeric(table[name])
    coded = [n for n in table.columns if n.startswith("diag_") or table[n].nunique() < 2]
    rare = [
        n for n in table.columns if n not in coded and table[n].value_counts().iloc[0] > 0.98 * len(table)
    ]
    table = table.drop(columns=[*coded, *rare, "medical_specialty", "payer_code", "weight"], errors="ignore")
    labels = table.pop("readmitted").to_numpy().astype(int)
    return records(table, labels, np.arange(2)), rt.Domain.public(table)


def adult_records() -> tuple[Records, rt.Domain]:
    data = rt.datasets.adult()
    table = pd.DataFrame(data.features)
    return records(table, data.labels, np.unique(data.labels)), rt.Domain.public(table)


def learnt() -> dict[str, Any]:
    """Boosted trees by what they were trained on."""
    found: dict[str, Any] = {}
    for name, (data, domain) in {"Adult": adult_records(), "Diabetes-130": diabetes()}.items():
        order = np.random.default_rng(0).permutation(len(data))
        half = len(data) // 2
        train, test = data.take(order[:half]), data.take(order[half:])
        found[name] = {
            "records": half,
            "columns": len(domain.names),
            "majority": float(np.bincount(test.labels).max() / len(test)),
            "ways": {},
        }
        for way, defence in ways(domain, QUASI[name]).items():
            found[name]["ways"][way] = tried(defence, train, test)
            print(name, way, found[name]["ways"][way], flush=True)
    return found


def ways(domain: rt.Domain, quasi: tuple[str, ...]) -> dict[str, Defence]:
    every: dict[str, Defence] = {"real records": none()}
    for k in (5, 25, 100):
        every[f"alike in {k} by {len(quasi)} columns"] = anonymise(k=k, quasi=quasi)
    for epsilon in (1.0, 3.0, 8.0, None):
        shown_ = "no noise" if epsilon is None else f"ε {epsilon:g}"
        every[f"synthetic by class, {shown_}"] = synthesise(epsilon, domain=domain)
        every[f"synthetic, one tree (MST), {shown_}"] = synthesise(epsilon, domain=domain, by_class=False)
    every["synthetic, independent within classes, ε 1"] = synthesise(1.0, domain=domain, pairs=False)
    every["synthetic, independent columns, ε 1"] = synthesise(1.0, domain=domain, pairs=False, by_class=False)
    for epsilon in (8.0, 4.0, 1.0):
        every[f"blurred one by one, ε {epsilon:g}"] = randomise(epsilon, domain=domain)
    for epsilon in (8.0, 4.0, 1.0):
        every[f"labels alone blurred, ε {epsilon:g}"] = randomise(epsilon, untouched=domain.names)
    return every


def tried(defence: Defence, train: Records, test: Records) -> dict[str, Any]:
    """Accuracy and AUC on real records, over several draws of the noise."""
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer(
        (encoder, make_column_selector(dtype_exclude="number")), remainder="passthrough"
    )
    recipe = harden(defence, SklearnRecipe(make_pipeline(columns, HistGradientBoostingClassifier())))
    right, areas, start = [], [], time.perf_counter()
    seeds = range(SEEDS if defence.parts else 1)
    for seed in seeds:
        outputs = recipe.fit(train, seed).predict(test.features)
        right.append(float((outputs.labels == test.labels).mean()))
        areas.append(float(roc_auc_score(test.labels, outputs.log_scores[:, 1])))
    if len(right) == 1:
        accuracy = shown(clopper_pearson(round(right[0] * len(test)), len(test)))
    else:
        # Of the drawing of noise and of the records it is tried on
        mean = float(np.mean(right))
        half = 1.96 * float(np.sqrt(np.var(right, ddof=1) / len(right) + mean * (1 - mean) / len(test)))
        accuracy = [round(v, 4) for v in (mean, mean - half, mean + half)]
    return {
        "accuracy": accuracy,
        "auc": round(float(np.mean(areas)), 4),
        "auc by seed": [round(a, 4) for a in areas],
        "seconds a model": round((time.perf_counter() - start) / len(right), 2),
    }


def shown(figure: Any) -> list[float] | str:
    if isinstance(figure, Estimate):
        return [round(v, 4) for v in (figure.value, figure.low, figure.high)]
    return str(figure)


def cell(figure: list[float] | str) -> str:
    return figure if isinstance(figure, str) else f"{figure[0]:.3f} [{figure[1]:.3f}, {figure[2]:.3f}]"


def write_table(results: dict[str, Any]) -> str:
    machine, near = results["machine"], results["near"]
    lines = [
        "# Synthetic tables",
        "",
        f"Written by `python bench/synthesis.py` on {machine['processor']}, {machine['cores']} cores. "
        "Domains (numbers in 32 bins) are taken from the whole published data set, as if public; δ = 1e-5.",
        "",
        "## How near, and whom it gives away",
        "",
        f"Adult, 15 columns, {PEOPLE:,} people published and {PEOPLE:,} others the control. Distances are "
        "the total variation of tables of one column and of two, mean over all of them: the share of rows "
        "that would have to move. *Other people* is what drawing others from the same source does: the floor "
        f"for a table that does not repeat its people. Risks with 95 % intervals, {GUESSES:,} guesses, as in "
        "release.md; *weak* where the attack does no better than without the release, so that nothing "
        "follows. Seconds are by the clock, on a machine that others used at the same time.",
        "",
        "| table | columns | pairs | worst pair | pairs of the control | s |",
        "|---|---|---|---|---|---|",
    ]

    def line(name: str, row: dict[str, Any]) -> str:
        if "failed" in row:
            return f"| {name} | failed: {row['failed']} | | | | |"
        numbers = " | ".join(
            f"{row[k]:.4f}" if k in row else "" for k in ("columns", "pairs", "worst pair", "pairs of others")
        )
        return f"| {name} | {numbers} | {row.get('seconds', '')} |"

    lines += [line(name, row) for name, row in near["tables"].items()]
    lines += [line(f"smartnoise-synth 1.0.8 MST, {name}", row) for name, row in results["peer"].items()]
    lines += [line("*other people*", near["other people"])]
    lines += [line("*independent columns, endless rows*", near["independent without end"])]
    if not results["peer"]:
        lines += ["", "Smartnoise was not run: RETICENT_SMARTNOISE names no Python that has it."]
    names = list(next(iter(near["tables"].values()))["risks"])
    lines += ["", "| table | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for name, row in near["tables"].items():
        cells = []
        for attack in names:
            f = row["risks"][attack]
            cells.append(cell(f["risk"]) + (" weak" if f["too weak"] else "") if "risk" in f else "refused")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        "## What can be learnt",
        "",
        "Boosted trees (scikit-learn's HistGradientBoosting, its own options), tried on the other half of "
        f"the real records. Mean over {SEEDS} draws of the noise; the interval holds those and the test "
        "records.",
    ]
    for name, found in results["learnt"].items():
        lines += [
            "",
            f"### {name}: {found['records']:,} records, {found['columns']} columns; the commonest class is "
            f"{found['majority']:.3f}",
            "",
            "| trained on | accuracy | AUC | s a model |",
            "|---|---|---|---|",
        ]
        if "note" in found:
            lines[-2:-2] = [found["note"], ""]
        for way, f in found["ways"].items():
            lines.append(f"| {way} | {cell(f['accuracy'])} | {f['auc']:.3f} | {f['seconds a model']} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parts = {"near": near_and_given_away, "peer": peer, "learnt": learnt}
    asked = sys.argv[1:] or list(parts)
    file = RESULTS / "synthesis.json"
    for part in asked:
        found = parts[part]()
        results = json.loads(file.read_text()) if file.exists() else {}
        results |= {"machine": describe(), part: found}
        file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        if set(parts) <= set(results):
            (RESULTS / "synthesis.md").write_text(write_table(results))


if __name__ == "__main__":
    main()
