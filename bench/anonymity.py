"""What does k-anonymity cost of a table, and how fast is it reached?

Adult's training part without rows that lack a value (30,162) and eight quasi-identifiers, the setup of the
public Basic Mondrian code, whose published penalties stand beside ours; Mondrian in plain Python, the same
classes, runs beside it. Then 295,243 people of the American Community Survey. Every release is proved by the
independent check.

    python bench/anonymity.py      writes bench/results/anonymity.json and anonymity.md; some minutes
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

os.environ.setdefault("RETICENT_DATA", "../shared/data")

import plain_mondrian as plain
import reticent as rt
from machine import describe
from reticent.anonymity.check import prove
from reticent.anonymity.columns import Column, Ordered, columns_of
from reticent.anonymity.generalise import Cells, cells_of
from reticent.anonymity.hierarchy import ROOT, Hierarchy
from reticent.anonymity.mondrian import mondrian
from reticent.anonymity.privacy import Rule, models, secret_of
from reticent.anonymity.risk import after, before
from reticent.anonymity.utility import utility

RESULTS = Path(__file__).parent / "results"
PUBLISHED = {2: 7.51, 5: 19.62, 10: 28.52, 25: 36.64, 50: 45.20, 100: 51.14}
"""Normalised certainty penalty in %, github.com/qiyuangong/Basic_Mondrian on the same rows."""

REPEATS = 5
ADULT = ("age", "workclass", "education_num", "marital_status", "occupation", "race", "sex", "native_country")
ADULT_TREES = {
    "workclass": {
        "self-employed": ["Self-emp-not-inc", "Self-emp-inc"],
        "government": ["Federal-gov", "Local-gov", "State-gov"],
        "unpaid": ["Without-pay", "Never-worked"],
        "*": ["Private"],
    },
    "marital_status": {
        "married": ["Married-civ-spouse", "Married-AF-spouse"],
        "parted": ["Divorced", "Separated"],
        "alone": ["Widowed", "Married-spouse-absent"],
        "*": ["Never-married"],
    },
}
ACS = ("age", "workclass", "education", "marital_status", "occupation", "race", "gender", "place_of_birth")


def adult() -> tuple[pd.DataFrame, dict[str, Hierarchy]]:
    data = rt.datasets.adult()
    table = pd.DataFrame(data.features)[np.asarray(data.split) == "train"]
    table = table[~(table == "?").any(axis=1)].reset_index(drop=True)
    return table, {name: Hierarchy.from_tree(tree) for name, tree in ADULT_TREES.items()}


def acs() -> tuple[pd.DataFrame, dict[str, Hierarchy]]:
    table = pd.DataFrame(rt.datasets.acs_income().features)
    jobs = table["occupation"].cat.categories
    groups = [(job, job[:3]) if job[3] == "-" else (job,) for job in jobs]
    return table, {"occupation": Hierarchy.from_paths(groups)}


def timed(make: Callable[[], Any], repeats: int) -> tuple[Any, list[float]]:
    """What it makes, and the seconds of processor time of each of so many runs, fewest first.

    Not by the clock: other work shares the machine, and the slow side is measured once.
    """
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        made = make()
        seconds.append(time.process_time() - start)
    return made, sorted(seconds)


def slow(columns: tuple[Column, ...], k: int) -> tuple[int, float]:
    """Classes and seconds of Mondrian in plain Python."""
    rows = [tuple(row) for row in np.column_stack([c.codes for c in columns]).tolist()]
    kinds = [
        plain.Number(c.values.tolist())
        if isinstance(c, Ordered)
        else plain.Tree([(ROOT, *reversed(path)) for path in c.tree.paths])
        for c in columns
    ]
    classes, seconds = timed(lambda: plain.mondrian(rows, kinds, k), 1)
    return len(classes), seconds[0]


def measure(
    table: pd.DataFrame,
    columns: tuple[Column, ...],
    trees: dict[str, Hierarchy],
    k: int,
    *,
    strict: bool = True,
    l: float | None = None,  # noqa: E741
    t: float | None = None,
    secret: str = "",
) -> dict[str, Any]:
    asked = models(l, t, "distinct", 3.0)
    rule = Rule(k, asked, (secret_of(secret, table[secret]),) if secret else ())
    classes, seconds = timed(lambda: mondrian(columns, rule, strict=strict), REPEATS)
    cells: Cells = cells_of(columns, np.arange(len(table)), classes)
    released = table.assign(**{n: pd.Series(v, dtype=object) for n, v in cells.texts().items()})
    proof, checked = timed(
        lambda: prove(
            released,
            [c.name for c in columns],
            k,
            sensitive=(secret,) if secret else (),
            models=asked,
            hierarchies=trees,
            original=table,
        ),
        1,
    )
    assert proof.holds, proof.faults
    cost, risk = utility(cells, k), after(cells)
    return {
        "k": k,
        "l": l,
        "t": t,
        "strict": strict,
        "penalty_percent": round(100 * cost.penalty, 2),
        "columns_percent": {name: round(100 * lost, 2) for name, lost in cost.columns},
        "discernibility": cost.discernibility,
        "average_class_over_k": round(cost.average_class, 3),
        "mondrian_classes": int(classes.max()) + 1,
        "classes_released": proof.classes,
        "smallest": proof.smallest,
        "prosecutor": risk.prosecutor,
        "marketer": round(risk.marketer, 5),
        "seconds": [round(s, 4) for s in (seconds[0], seconds[len(seconds) // 2], seconds[-1])],
        "check_seconds": round(checked[0], 2),
    }


def row(r: dict[str, Any], more: list[str]) -> str:
    fast, middle, late = r["seconds"]
    asked = f"{r['k']}" + (f", l {r['l']}" if r["l"] else "") + (f", t {r['t']}" if r["t"] else "")
    cells = [asked if r["strict"] else f"{asked}, relaxed", f"{r['penalty_percent']:.2f}", *more]
    cells += [f"{r['discernibility']:,}", f"{r['average_class_over_k']:.2f}", f"{r['classes_released']:,}"]
    cells += [str(r["smallest"]), f"{100 * r['prosecutor']:.1f} %", f"{100 * r['marketer']:.1f} %"]
    cells += [f"{middle:.3f} ({fast:.3f} – {late:.3f})", f"{r['check_seconds']:.1f}"]
    return f"| {' | '.join(cells)} |"


def write_table(results: dict[str, Any]) -> str:
    machine = results["machine"]
    shown = "discernibility | C_avg | classes | smallest | top risk | mean risk | s (least – most) | check s"
    lines = [
        "# What k-anonymity costs, and how fast it is reached",
        "",
        f"Written by `python bench/anonymity.py` on {machine['processor']}, {machine['cores']} cores, which "
        f"others used at the same time. Seconds are processor time of one thread, the middle of {REPEATS} "
        "runs of making classes from coded columns (plain: of one run). The penalty is the normalised "
        "certainty penalty, mean over rows and columns. Every release was proved by "
        "the check that shares no code with what makes classes: smallest class, l, t, "
        "names of hierarchies, and that each cell covers its value.",
        "",
        f"## Adult, {results['adult']['rows']:,} rows, 8 quasi-identifiers",
        "",
        f"Before: {100 * results['adult']['unique']:.1f} % of rows are like no other. *Published*: Basic "
        "Mondrian, on the same rows and hierarchies; it cuts at the median alone and parts categories only "
        "where every child keeps k rows. *Plain*: the same classes as ours from plain Python, in the same "
        "run, and how many times as long.",
        "",
        f"| k | penalty % | published % | plain s | times | {shown} |",
        "|---|" + "---|" * 12,
    ]
    for r in results["adult"]["runs"]:
        plainly = [f"{r['plain_seconds']:.2f}", f"{r['times']:.1f}"] if "times" in r else ["", ""]
        published = f"{PUBLISHED[r['k']]:.2f}" if r["k"] in PUBLISHED and not r["l"] else ""
        lines.append(row(r, [published, *plainly]))
    lines += [
        "",
        f"## American Community Survey, {results['acs']['rows']:,} rows, 8 quasi-identifiers",
        "",
        f"{', '.join(ACS)}; {100 * results['acs']['unique']:.1f} % of rows are like no other. "
        "*Over Adult*: how many times as long as Adult at the same k.",
        "",
        f"| k | penalty % | over Adult | {shown} |",
        "|---|" + "---|" * 10,
    ]
    lines += [row(r, [f"{r['over_adult']:.1f}"]) for r in results["acs"]["runs"]]
    return "\n".join(lines) + "\n"


def main() -> None:
    table, trees = adult()
    columns = columns_of(table, ADULT, trees)
    runs = []
    for k in PUBLISHED:
        run = measure(table, columns, trees, k)
        classes, seconds = slow(columns, k)
        assert classes == run["mondrian_classes"]
        run |= {"published_percent": PUBLISHED[k], "plain_seconds": round(seconds, 3)}
        run["times"] = round(seconds / run["seconds"][1], 1)
        runs.append(run)
        print(run, flush=True)
    runs += [measure(table, columns, trees, k, strict=False) for k in (2, 10, 100)]
    few = tuple(c for c in columns if c.name != "occupation")
    runs.append(measure(table, few, trees, 10, l=3, t=0.3, secret="occupation"))
    unique = before(columns).unique
    results: dict[str, Any] = {"machine": describe()}
    results["adult"] = {"rows": len(table), "unique": round(unique, 4), "runs": runs}
    table, trees = acs()
    columns = columns_of(table, ACS, trees)
    larger = []
    for k in (2, 10, 100):
        run = measure(table, columns, trees, k)
        same = next(r for r in runs if r["k"] == k and r["strict"])
        run["over_adult"] = round(run["seconds"][1] / same["seconds"][1], 2)
        larger.append(run)
        print(run, flush=True)
    results["acs"] = {"rows": len(table), "unique": round(before(columns).unique, 4), "runs": larger}
    (RESULTS / "anonymity.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (RESULTS / "anonymity.md").write_text(write_table(results))


if __name__ == "__main__":
    main()
