"""Who was in an object detector's training set: the canvas beside its controls, the more a detector learns.

Small detectors (`shapes.py`) of 300 pictures, trained for 40, 100 and 200 epochs, three of each on other
pictures; the attacker has 600 pictures and trains six detectors on halves of them. Both forms of the canvas
beside box count, highest score and the loss, and a classifier that never sees the detector; and a null:
detectors of strangers. AUCs are pooled over the three by averaging, each with its own interval.

    python bench/detector.py      writes bench/results/detector.json and detector.md; some ten minutes
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import reticent as rt
from machine import describe
from reticent.attacks.detector import DEFAULT
from shapes import Trained, shapes

RESULTS = Path(__file__).parent / "results"
PICTURES, SHADOWS = 300, 6
EPOCHS = (40, 100, 200)
SEEDS = (0, 1, 2)


def measure(epochs: int, *, strangers: bool, folder: str) -> list[dict[str, Any]]:
    """A row an attack, its AUC of each seed."""
    recipe, start = Trained(epochs), time.perf_counter()
    areas: dict[str, list[Any]] = {}
    for seed in SEEDS:
        members, others = (shapes(PICTURES, 10 * seed + i) for i in (1, 2))
        trained = recipe(*(shapes(PICTURES, 10 * seed + 4) if strangers else members), seed)
        found = rt.audit_detector(
            trained,
            members=members,
            nonmembers=others,
            auxiliary=shapes(2 * PICTURES, 1000),
            recipe=recipe,
            attacks=DEFAULT,
            shadows=SHADOWS,
            seed=seed,
            cache=folder,
        )
        for finding in found:
            areas.setdefault(finding.attack, []).append(finding.figure("auc"))
        areas.setdefault("blind, never sees the detector", []).append(found[0].baseline.auc())
    rows = []
    for attack, figures in areas.items():
        rows.append(
            {
                "detector": f"{epochs} epochs" + (", of strangers" if strangers else ""),
                "attack": attack,
                "mean AUC": round(float(np.mean([f.value for f in figures])), 3),
                **{f"AUC, detector {i + 1}": str(f) for i, f in enumerate(figures)},
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    print(f"{time.perf_counter() - start:.0f} s", flush=True)
    return rows


def write_table(results: dict[str, Any]) -> str:
    rows, machine = results["rows"], results["machine"]
    lines = [
        "# Who was in an object detector's training set",
        "",
        f"Written by `python bench/detector.py` on {machine['processor']}, one core, in "
        f"{results['seconds']} s. {PICTURES} members and as many others, {SHADOWS} detectors of the "
        "attacker's own; 95 % intervals.",
        "",
        f"| {' | '.join(rows[0])} |",
        f"|{'---|' * len(rows[0])}",
    ]
    return "\n".join([*lines, *(f"| {' | '.join(str(v) for v in row.values())} |" for row in rows)]) + "\n"


def main() -> None:
    torch.set_num_threads(1)
    start, rows = time.perf_counter(), list[dict[str, Any]]()
    with tempfile.TemporaryDirectory() as folder:
        for epochs in EPOCHS:
            rows += measure(epochs, strangers=False, folder=folder)
        rows += measure(EPOCHS[-1], strangers=True, folder=folder)
    results = {"machine": describe(), "seconds": round(time.perf_counter() - start), "rows": rows}
    (RESULTS / "detector.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (RESULTS / "detector.md").write_text(write_table(results))


if __name__ == "__main__":
    main()
