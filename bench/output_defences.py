"""What each defence of the answers costs: microseconds a row, at 1, 1,000 and 100,000 rows.

Question: how long one defence takes to change answers that are already there, ten classes, the model's own
time taken off. Draws that belong to a record cost a hash of it, so the width of the records matters: twenty
numbers here. The median of several calls, and the ninth of ten.

    python bench/output_defences.py         writes bench/results/output_defences.json; two minutes
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from machine import describe
from reticent.access import Access, Outputs
from reticent.data import Records
from reticent.defences import outputs
from reticent.defences.defence import Calibration, OutputDefence

RESULT = Path(__file__).parent / "results" / "output_defences.json"
CLASSES, COLUMNS = 10, 20
ROWS = {1: 200, 1_000: 20, 100_000: 3}
"""How many rows a call, and how many calls."""

ITERATES = "memguard"
"""It takes up to 300 steps a row: 10,000 rows stand for 100,000."""


class Ready:
    """Answers that lie ready: the first so many."""

    access, classes = Access.SCORES, np.arange(CLASSES)

    def __init__(self, rows: int) -> None:
        rng = np.random.default_rng(0)
        self.outputs = Outputs.from_logits(3 * rng.normal(size=(rows, CLASSES))).capped(Access.SCORES)

    def predict(self, x: np.ndarray) -> Outputs:
        """Without a thought."""
        scores = self.outputs.log_scores
        assert scores is not None
        return Outputs(self.outputs.labels[: len(x)], scores[: len(x)])

    def fingerprint(self) -> str:
        """Of no use here."""
        return "ready"


def microseconds(defence: OutputDefence, rows: int, calls: int) -> list[float]:
    """A row, of each call."""
    rng = np.random.default_rng(1)
    base = Ready(rows)
    known = Records(rng.normal(size=(400, COLUMNS)), rng.integers(0, CLASSES, 400), base.classes)
    target = defence.wrap(Ready(max(rows, 400)), Calibration(known, known), seed=0)
    found = []
    for _ in range(calls + 1):
        x = rng.normal(size=(rows, COLUMNS))  # new records: what is memoised must not have been seen
        start = time.perf_counter()
        base.predict(x)
        middle = time.perf_counter()
        target.predict(x)
        end = time.perf_counter()
        found.append(((end - middle) - (middle - start)) / rows * 1e6)
    return found[1:]


def main() -> None:
    """Time them all; print and keep."""
    kept = []
    for name in outputs.__all__:
        defence: OutputDefence = getattr(outputs, name)()
        row: dict[str, float | str] = {"defence": defence.word}
        for rows, calls in ROWS.items():
            many = min(rows, 10_000) if defence.word == ITERATES else rows
            taken = microseconds(defence, many, calls)
            row[f"{rows:,} rows"] = round(float(np.median(taken)), 3)
            row[f"{rows:,} rows, nine of ten within"] = round(float(np.quantile(taken, 0.9)), 3)
        kept.append(row)
        print("  ".join(f"{k}: {v}" for k, v in row.items() if "nine" not in k), flush=True)
    RESULT.write_text(json.dumps({"machine": describe(), "classes": CLASSES, "rows": kept}, indent=1) + "\n")


if __name__ == "__main__":
    main()
