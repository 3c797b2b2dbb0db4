"""How like a model does a copy become that is trained on its answers, query by query?

A perceptron on 10,000 of MNIST's digits and gradient boosting on half of Adult are copied by every attack
that learns, with scores, up to 100,000 queries: from digits of the same kind, from photographs (CIFAR-10 in
grey), from a hundred digits and what is made of them, and from nothing; Adult from other people, and beyond
them from people mixed of two. Beside each stand random queries of the same number, and a model that the
thief trains on 300 (MNIST) or 500 (Adult) labelled records without asking.

    python bench/learned_extraction.py    writes bench/results/learned_extraction.json and .md; half an hour
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

os.environ.setdefault("RETICENT_DATA", "../shared/data")

import reticent as rt
from machine import describe
from reticent.attacks.attack import ExtractionAttack
from reticent.attacks.extraction import ActiveThief, DataFree, JacobianAugmentation, Knockoff
from reticent.data import flat
from reticent.measure.estimate import clopper_pearson

RESULTS = Path(__file__).parent / "results"
BUDGET = 100_000
TESTS = 4_000


def grey() -> np.ndarray:
    """(photographs, 28, 28) of CIFAR-10, cut and without colour, from 0 to 1."""
    x = np.asarray(rt.datasets.cifar10().features[:50_000], dtype=np.float32)
    x = x / 255 if x.max() > 1 else x
    x = np.moveaxis(x, 1, -1) if x.shape[1] == 3 else x
    return np.ascontiguousarray(x.mean(axis=-1)[:, 2:30, 2:30])


def digits() -> list[dict[str, Any]]:
    """MNIST."""
    data = rt.datasets.mnist()
    x = np.asarray(data.features, dtype=np.float32).reshape(-1, 28, 28)
    x, y = (x / 255 if x.max() > 1 else x), data.labels
    order = np.random.default_rng(0).permutation(60_000)
    net = MLPClassifier((128,), max_iter=30, early_stopping=True, random_state=0)
    model = make_pipeline(FunctionTransformer(flat), net).fit(x[order[:10_000]], y[order[:10_000]])
    own = x[order[10_000:10_300]], y[order[10_000:10_300]]
    test = x[60_000 : 60_000 + TESTS], y[60_000 : 60_000 + TESTS]
    same, other = x[order[10_300:]], grey()
    attacks = (
        ("digits", ActiveThief(choose="random", most=BUDGET), same),
        ("digits", ActiveThief(most=BUDGET), same),
        ("digits", ActiveThief(choose="k-center", most=12_800), same),
        ("photographs", Knockoff(choose="random", most=BUDGET), other),
        ("photographs", Knockoff(most=BUDGET), other),
        ("100 digits", JacobianAugmentation(most=25_600), same),
        ("nothing", DataFree(most=BUDGET), same),
    )
    return [
        row for name, attack, pool in attacks for row in copied("MNIST", model, attack, own, test, pool, name)
    ]


def people() -> list[dict[str, Any]]:
    """Adult."""
    data = rt.datasets.adult()
    x, y = pd.DataFrame(data.features), np.asarray(data.labels)
    words = [c for c in x.columns if not pd.api.types.is_numeric_dtype(x[c])]
    order = np.random.default_rng(0).permutation(len(x))
    ends = np.cumsum([16_000, 500, TESTS, 16_000])
    parts = [x.iloc[rows].reset_index(drop=True) for rows in np.split(order[: ends[-1]], ends[:-1])]
    labels = [y[rows] for rows in np.split(order[: ends[-1]], ends[:-1])]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(
        make_column_transformer((encoder, words), remainder="passthrough"),
        HistGradientBoostingClassifier(random_state=0),
    ).fit(parts[0], labels[0])
    own, test, pool = (parts[1], labels[1]), (parts[2], labels[2]), parts[3]
    attacks = (
        ("people", ActiveThief(choose="random", most=BUDGET), pool),
        ("people", ActiveThief(most=BUDGET), pool),
        ("people", ActiveThief(choose="k-center", most=12_800), pool),
        ("people", Knockoff(most=BUDGET), pool),
        ("100 people", JacobianAugmentation(most=25_600), pool),
        ("nothing", DataFree(most=BUDGET), pool),
    )
    return [
        row for name, attack, pool in attacks for row in copied("Adult", model, attack, own, test, pool, name)
    ]


def copied(
    name: str,
    model: Any,
    attack: ExtractionAttack,
    own: tuple[Any, Any],
    test: tuple[Any, Any],
    pool: Any,
    asked: str,
) -> list[dict[str, Any]]:
    """A row a copy."""
    start = time.perf_counter()
    finding = rt.extract(model, attack, own=own, test=test, pool=pool).finding
    shared = {"model": name, "attack": attack.name, "asked about": asked}
    if finding.outcome != "measured":
        rows = [shared | {"refused": finding.reason}]
    else:
        evidence = finding.evidence
        rows = [
            shared
            | {
                "queries": int(queries),
                "agreement": share(copy.agrees),
                "accuracy": float(copy.right.mean()),
                "control": share(evidence.control.agrees),
                "target accuracy": float(evidence.target_right.mean()),
                "seconds": round(time.perf_counter() - start),
            }
            for queries, copy in zip(evidence.queries, evidence.copies, strict=True)
        ]
    print(json.dumps(rows[-1]), flush=True)
    return rows


def share(right: Any) -> list[float]:
    of = clopper_pearson(int(right.sum()), len(right))
    return [of.value, of.low, of.high]


def written(results: dict[str, Any]) -> str:
    """A table a model: a row an attack, a column a number of queries."""
    lines = [
        "# Models copied by learning",
        "",
        "`python bench/learned_extraction.py`. Share of test records of which the copy names the class "
        "that the model names, in percent, with its 95 % interval, at (about) so many queries.",
    ]
    for part in ("digits", "people"):
        rows = results[part]
        first = next(r for r in rows if "control" in r)
        control = [100 * v for v in first["control"]]
        lines += [
            "",
            f"## {first['model']}",
            "",
            f"The model is right on {100 * first['target accuracy']:.1f} %. Without asking: {control[0]:.1f} "
            f"[{control[1]:.1f}, {control[2]:.1f}].",
            "",
            "| attack | asked about | 100 | 1,000 | 10,000 | 100,000 | s |",
            "|---|---|---|---|---|---|---|",
        ]
        for key in dict.fromkeys((r["attack"], r["asked about"]) for r in rows):
            own = [r for r in rows if (r["attack"], r["asked about"]) == key]
            name = key[0].partition("(")[0] + (
                ": " + key[0].partition("choose=")[2].split(",")[0].rstrip(")") if "choose" in key[0] else ""
            )
            if "refused" in own[0]:
                lines.append(f"| {name} | {key[1]} | refused: {own[0]['refused']} |" + " |" * 4)
                continue
            cells = []
            for queries in (100, 1_000, 10_000, 100_000):
                near = [r for r in own if 0.6 * queries <= r["queries"] <= 1.3 * queries]
                if not near:
                    cells.append("–")
                    continue
                best = min(near, key=lambda r: abs(np.log(r["queries"] / queries)))
                value, low, high = (100 * v for v in best["agreement"])
                cells.append(f"{value:.1f} [{low:.1f}, {high:.1f}]")
            lines.append(f"| {name} | {key[1]} | {' | '.join(cells)} | {own[-1]['seconds']} |")
    lines += [
        "",
        "Knockoff's defaults choose adaptively, the active thief's by uncertainty. The data-free "
        "attack's papers spend two million queries and more on CIFAR-10; at 100,000 it is not done.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure the parts named, or both."""
    torch.set_num_threads(1)
    path = RESULTS / "learned_extraction.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    results["machine"] = describe()
    parts = {"digits": digits, "people": people}
    for name in sys.argv[1:] or parts:
        results[name] = parts[name]()
        path.write_text(json.dumps(results, indent=1) + "\n")
    if all(name in results for name in parts):
        (RESULTS / "learned_extraction.md").write_text(written(results))


if __name__ == "__main__":
    main()
