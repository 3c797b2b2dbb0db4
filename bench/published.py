"""Are the metric attacks what was published? Location-30's released predictions, attacked again.

L. Song & P. Mittal, "Systematic Evaluation of Privacy Risks of Machine Learning Models" (USENIX Security
2021), released what their target and shadow classifiers answer, with and without MemGuard. Thresholds by
class are set on the shadow model and used on the target; the accuracies should be the published ones to the
third decimal.

    python bench/published.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from machine import describe
from reticent import datasets
from reticent.access import FLOOR
from reticent.attacks.membership import PerClass
from reticent.attacks.metrics import Metric
from reticent.datasets import Predictions
from reticent.measure.estimate import clopper_pearson
from reticent.shadows.signals import Answers, Signals

RESULTS = Path(__file__).parent / "results"
PUBLISHED = {
    "undefended": {"correctness": 0.687, "confidence": 0.763, "entropy": 0.616, "modified entropy": 0.781},
    "MemGuard": {"correctness": 0.687, "confidence": 0.691, "entropy": 0.521, "modified entropy": 0.688},
}


def accuracy(metric: Metric, target: Predictions, shadow: Predictions, *, defended: bool) -> tuple[int, int]:
    """How many of the target's records are called rightly, and of how many."""

    def answers(of: Predictions) -> np.ndarray:
        scores = of.defended_probabilities if defended else of.probabilities
        return np.log(np.maximum(scores.astype(np.float64), FLOOR**4))[:, None]

    ours, theirs = answers(target), answers(shadow)
    attack = PerClass(metric=metric)
    # The shadow was asked about records of its own, so the thresholds are read by class, not by record.
    scores = attack.against(
        Answers(ours[None], target.labels.astype(np.int64)),
        Signals(theirs[None], shadow.labels.astype(np.int64), shadow.members[None]),
    )
    return int(((scores >= 0) == target.members).sum()), len(scores)


def main() -> None:
    """Print and keep the table."""
    target, shadow = datasets.location30_published()
    rows = []
    for defence, published in PUBLISHED.items():
        for name, figure in published.items():
            right, of = accuracy(Metric(name), target, shadow, defended=defence == "MemGuard")
            estimate = clopper_pearson(right, of)
            rows.append(
                {"defence": defence, "metric": name, "published": figure, "ours": round(estimate.value, 4),
                 "low": round(estimate.low, 4), "high": round(estimate.high, 4),
                 "same to the third decimal": abs(estimate.value - figure) < 0.0005 + 1e-9}
            )  # fmt: skip
    lines = ["| defence | metric | published | ours | 95 % interval | same |", "|---|---|---|---|---|---|"]
    for r in rows:
        same = "yes" if r["same to the third decimal"] else "NO"
        lines.append(
            f"| {r['defence']} | {r['metric']} | {r['published']:.3f} | {r['ours']:.4f} | "
            f"{r['low']:.3f} to {r['high']:.3f} | {same} |"
        )
    text = "\n".join(["# Published metric attacks on Location-30, reproduced", "", *lines, ""])
    print(text)
    (RESULTS / "published.md").write_text(text)
    result = {"machine": describe(), "rows": rows}
    (RESULTS / "published.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
