"""What does a strong audit cost? RMIA with 4 reference models, beside training the target alone.

    python bench/audit_cost.py

The target is trained on half of the records by the same recipe, alone, on all cores; then the whole audit
runs, from reading the records to the report's figures. Five rounds of each, the two in turn.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import reticent as rt
from machine import describe
from reticent.attacks.membership import Rmia
from reticent.data import records
from reticent.progress import Quiet
from reticent.targets.torch import TorchTarget
from shadow_data import CORES, Task, adult, location30

RESULTS = Path(__file__).parent / "results"
ROUNDS = 5
REFERENCES = 4


def train(task: Task, half: int) -> tuple[TorchTarget, float]:
    """The target, and the wall seconds of training it alone."""
    data = records(task.x[:half], task.y[:half], np.unique(task.y))
    start = time.perf_counter()
    target = task.recipe.fit(data, 0)
    return target, time.perf_counter() - start


def train_plainly(task: Task, half: int) -> float:
    """Wall seconds of an ordinary loop over shuffled minibatches in memory, by torch.optim."""
    x, y = torch.from_numpy(task.x[:half]), torch.from_numpy(task.y[:half])
    training, module = task.recipe.training, task.recipe.module()
    optimiser = torch.optim.SGD(module.parameters(), lr=training.learning_rate, momentum=training.momentum)
    loss = torch.nn.CrossEntropyLoss()
    start = time.perf_counter()
    for _ in range(training.epochs):
        for batch in torch.randperm(half).split(training.batch_size):
            optimiser.zero_grad()
            loss(module(x[batch]), y[batch]).backward()
            optimiser.step()
    return time.perf_counter() - start


def audit(task: Task, target: TorchTarget, half: int, cache: str) -> tuple[rt.Audit, float]:
    """The audit, and its wall seconds."""
    start = time.perf_counter()
    found = rt.audit(
        target,
        members=(task.x[:half], task.y[:half]),
        nonmembers=(task.x[half:], task.y[half:]),
        recipe=task.recipe,
        attacks=[Rmia()],
        settings=rt.Settings(shadows=REFERENCES),
        cache=cache,
        progress=Quiet(),
    )
    _ = found.verdict, found.exposure
    return found, time.perf_counter() - start


def measure(task: Task) -> dict[str, object]:
    """One data set's row."""
    half = len(task.x) // 2
    alone, plain, audits, found = [], [], [], None
    for _ in range(ROUNDS):
        target, seconds = train(task, half)
        alone.append(seconds)
        plain.append(train_plainly(task, half))
        with tempfile.TemporaryDirectory() as cache:
            found, seconds = audit(task, target, half, cache)
        audits.append(seconds)
    assert found is not None
    ratios = [a / b for a, b in zip(audits, alone, strict=True)]
    control = found.checks.blind.cost.seconds
    against_plain = [a / b for a, b in zip(audits, plain, strict=True)]
    return {
        "data": task.name,
        "target alone, seconds": [round(s, 2) for s in alone],
        "target alone by a plain loop, seconds": [round(s, 2) for s in plain],
        "audit, seconds": [round(s, 2) for s in audits],
        "blind control, seconds of the audit": round(control, 2),
        "ratio, median": round(statistics.median(ratios), 2),
        "ratio, range": [round(min(ratios), 2), round(max(ratios), 2)],
        "ratio without the control, median": round(
            statistics.median((a - control) / b for a, b in zip(audits, alone, strict=True)), 2
        ),
        "ratio to the plain loop, median": round(statistics.median(against_plain), 2),
        "rmia auc": str(found["rmia"].figure("auc")),
    }


def main() -> None:
    """Print and keep the rows."""
    torch.set_num_threads(CORES)
    rows = [measure(task) for task in (location30(), adult())]
    for row in rows:
        print(json.dumps(row, indent=1))
    result = {"machine": describe(), "references": REFERENCES, "aim": "ratio 2", "rows": rows}
    (RESULTS / "audit_cost.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
