"""What does a published table show of the people it was made from?

Six tables made from 12,000 people of Adult, 12,000 others being the control: a copy; the copy with 30 % of
its cells drawn anew; chains of trees, each column drawn from the leaf that the columns before it lead to, as
synthpop does (leaves of one person at least, and of five); and columns drawn independently, from their values
and from smooth marginals. A copy should show everything, smooth marginals nothing.

    python bench/release.py      writes bench/results/release.json and release.md; some minutes

Where RETICENT_ANONYMETER names the Python of an environment that has the package anonymeter (1.1), its
figures of the same tables stand beside ours; else they are left out, and the results say so.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

os.environ.setdefault("RETICENT_DATA", "../shared/data")

import reticent as rt
from machine import describe
from reticent.attacks import release as attacks
from reticent.measure.estimate import Estimate

RESULTS = Path(__file__).parent / "results"
PEOPLE, GUESSES = 12_000, 2_000
SECRETS = ("income", "marital_status", "age")
SHOWN = ("originals", "controls", "naive", "risk", "gain")


def adult() -> tuple[pd.DataFrame, pd.DataFrame]:
    """People to publish and people like them, 15 columns each."""
    data = rt.datasets.adult()
    table = pd.DataFrame(data.features).assign(income=np.asarray(data.labels)).replace("?", None)
    table = table.sample(2 * PEOPLE, random_state=0).reset_index(drop=True)
    return table[:PEOPLE], table[PEOPLE:].reset_index(drop=True)


def redrawn(table: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    """The table with a share of the cells of each column drawn anew from the column."""
    changed = {}
    for name in table.columns:
        values = table[name].to_numpy()
        changed[name] = np.where(rng.random(len(table)) < share, rng.choice(values, len(table)), values)
    return pd.DataFrame(changed).astype(table.dtypes.to_dict())


def smooth(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Each column by itself: a category by its share, a number between 50 quantiles, rounded."""
    drawn = {}
    for name in table.columns:
        if pd.api.types.is_numeric_dtype(table[name]):
            edges = np.quantile(table[name], np.linspace(0, 1, 51))
            drawn[name] = np.rint(np.interp(rng.random(len(table)), np.linspace(0, 1, 51), edges)).astype(int)
        else:
            drawn[name] = rng.choice(table[name].to_numpy(), len(table))
    return pd.DataFrame(drawn)


def tree_chain(table: pd.DataFrame, leaf: int, rng: np.random.Generator) -> pd.DataFrame:
    """Columns one after another, each drawn from the people in the leaf where the row ends up."""
    codes = pd.DataFrame(
        {
            name: table[name] if pd.api.types.is_numeric_dtype(table[name]) else pd.factorize(table[name])[0]
            for name in table.columns
        }
    ).to_numpy(float)
    made = np.empty_like(codes)
    rows = np.zeros((len(table), len(table.columns)), dtype=np.int64)
    for i, name in enumerate(table.columns):
        if i == 0:
            rows[:, 0] = rng.integers(len(table), size=len(table))
        else:
            kind = (
                DecisionTreeRegressor
                if pd.api.types.is_numeric_dtype(table[name])
                else DecisionTreeClassifier
            )
            tree = kind(min_samples_leaf=leaf, random_state=0).fit(codes[:, :i], codes[:, i])
            leaves, reached = tree.apply(codes[:, :i]), tree.apply(made[:, :i])
            order = np.argsort(leaves, kind="stable")
            first, past = (np.searchsorted(leaves[order], reached, side=s) for s in ("left", "right"))
            rows[:, i] = order[first + (rng.random(len(table)) * (past - first)).astype(int)]
        made[:, i] = codes[rows[:, i], i]
    return pd.DataFrame({n: table[n].to_numpy()[rows[:, i]] for i, n in enumerate(table.columns)})


def measure(release: pd.DataFrame, original: pd.DataFrame, control: pd.DataFrame) -> dict[str, Any]:
    columns, start = list(original.columns), time.perf_counter()
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
        "attacks": {
            f.title: {
                **{name: shown(f.figure(name)) for name in SHOWN},
                "too weak": f.exhibit.too_weak,
                "guesses": len(f.exhibit.arrays()["originals"]),
                "left out": f.exhibit.shared,
                "seconds": round(f.cost.seconds, 1),
            }
            for f in found
        },
        "seconds": round(time.perf_counter() - start, 1),
    }


def peer(release: pd.DataFrame, original: pd.DataFrame, control: pd.DataFrame) -> dict[str, Any]:
    """Anonymeter's figures, or nothing where it is not at hand."""
    python = os.environ.get("RETICENT_ANONYMETER")
    if not python:
        return {}
    columns = list(original.columns)
    with tempfile.TemporaryDirectory() as folder:
        for name, table in (("original", original), ("control", control), ("release", release)):
            # It reads a missing category as one of its own
            table.fillna("?").to_csv(Path(folder, f"{name}.csv"), index=False)
        task = {
            "guesses": GUESSES,
            "columns": attacks.SinglingOut().columns,
            "halves": [columns[::2], columns[1::2]],
            "secrets": SECRETS,
            "kinds": {
                c: "int64" if pd.api.types.is_numeric_dtype(original[c]) else "object" for c in columns
            },
        }
        Path(folder, "task.json").write_text(json.dumps(task))
        command = [python, str(Path(__file__).with_name("release_peer.py")), folder]
        alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        said = subprocess.run(command, capture_output=True, text=True, check=True, env=alone).stdout
    figures: dict[str, Any] = json.loads(said.splitlines()[-1])
    return figures


def shown(figure: Any) -> list[float] | str:
    if isinstance(figure, Estimate):
        return [round(v, 4) for v in (figure.value, figure.low, figure.high)]
    return str(figure)


def cell(figure: list[float] | str) -> str:
    return figure if isinstance(figure, str) else f"{figure[0]:.3f} [{figure[1]:.3f}, {figure[2]:.3f}]"


def write_table(results: dict[str, Any]) -> str:
    machine = results["machine"]
    lines = ["# What a published table shows of the people it was made from", ""]
    lines.append(
        f"Written by `python bench/release.py` on {machine['processor']}, {machine['cores']} cores. Adult "
        f"with all 15 columns, {PEOPLE:,} people published and {PEOPLE:,} as the control; {GUESSES:,} "
        "guesses. Shares of those that succeed, with 95 % intervals: on *originals*; on *controls*, whom "
        "the release never saw; *naive*, on originals without the release. *Risk* is (originals − "
        "controls) / (1 − controls). *Weak*: no better than naive, so that nothing follows about privacy. "
        "Halves to link are every other column; a number is guessed rightly within 5 %. Seconds are by the "
        "clock, on a machine that others used at the same time. One interval in twenty misses by design, "
        "on either side of nought."
    )
    for name, row in results["releases"].items():
        lines += ["", f"## {name}", "", f"{row['seconds']} s for all.", ""]
        lines += [
            "| attack | originals | controls | naive | risk | weak | guesses | s |",
            "|---|" + "---|" * 7,
        ]
        for attack, f in row["attacks"].items():
            cells = [cell(f[n]) for n in SHOWN[:4]]
            cells += ["weak" if f["too weak"] else "", f"{f['guesses']:,}", f"{f['seconds']}"]
            lines.append(f"| {attack} | {' | '.join(cells)} |")
        if row["anonymeter"]:
            lines += ["", "Anonymeter 1.1 on the same tables:", ""]
            lines += ["| attack | originals | controls | naive | risk | s |", "|---|---|---|---|---|---|"]
            for attack, f in row["anonymeter"].items():
                rates = " | ".join(f"{f[n]:.3f}" for n in SHOWN[:3])
                lines.append(f"| {attack} | {rates} | {cell(f['risk'])} | {f['seconds']} |")
    if not any(row["anonymeter"] for row in results["releases"].values()):
        lines += ["", "Anonymeter was not run: RETICENT_ANONYMETER names no Python that has it."]
    return "\n".join(lines) + "\n"


def main() -> None:
    original, control = adult()
    rng = np.random.default_rng(0)
    releases = {
        "A copy": original,
        "The copy, 30 % of the cells drawn anew": redrawn(original, 0.3, rng),
        "A chain of trees, leaves of one person or more": tree_chain(original, 1, rng),
        "A chain of trees, leaves of five or more": tree_chain(original, 5, rng),
        "Columns drawn independently, values as they are": redrawn(original, 1.0, rng),
        "Smooth marginals, drawn independently": smooth(original, rng),
    }
    rows = {}
    for name, release in releases.items():
        rows[name] = measure(release, original, control)
        print(f"{name}: {rows[name]['seconds']} s", flush=True)
        rows[name]["anonymeter"] = peer(release, original, control)
    results = {"machine": describe(), "releases": rows}
    (RESULTS / "release.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (RESULTS / "release.md").write_text(write_table(results))


if __name__ == "__main__":
    main()
