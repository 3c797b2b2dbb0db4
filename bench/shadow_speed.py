"""How much faster shadow models are trained and scored together than one after another.

Question: 64 shadow models of a two-layer perceptron on Location-30 and on 20,000 records of Adult, trained,
asked, and scored by LiRA and RMIA: this package's wall time against the way of Privacy Meter (one model after
another, a DataLoader each; `other_way.py`), at equal epochs on the same halves, and both ways' AUC.

The other way is timed twice: in its best light (no worker processes, the hold-out never asked, tiny numbers
flushed to nought), for all models; and as its code is written (four worker processes a loader, the hold-out
asked after every epoch), for the first few models, since it takes the same for each.

Then, of our own training: the share of the machine's matrix-product peak that it reaches in as many
single-threaded processes as there are cores, what eats the rest, and what less work could save.

    python bench/shadow_speed.py            writes bench/results/shadow_speed.json; a quarter of an hour
    python bench/shadow_speed.py --quick    8 models, nothing written; two minutes
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from machine import describe
from other_way import AS_WRITTEN, BEST_LIGHT, Manner, log_scores, rmia_by_matrix, train_all
from reticent.attacks.membership.lira import Lira
from reticent.attacks.membership.rmia import Rmia
from reticent.data import Records
from reticent.measure.roc import Roc
from reticent.question import Scores
from reticent.shadows.engine import ask_shadows
from reticent.shadows.plan import Plan
from reticent.shadows.signals import Signals
from shadow_data import CORES, Task, adult, location30
from shadow_share import share

FEW = 4
"""Models for which the other way is timed as written."""
POPULATION = 5_000
"""Records that the other way's RMIA compares with."""
RESULT = Path(__file__).parent / "results" / "shadow_speed.json"


def ours(task: Task, plan: Plan) -> tuple[dict[str, float], Signals]:
    """Train, ask and score with this package."""
    data = Records(task.x, task.y, np.unique(task.y))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        signals = ask_shadows(task.recipe, data, plan, [Scores()], cache=Path(folder))[Scores()]
        trained = time.perf_counter()
        target, shadows = signals.leave_one_out(0)
        for attack in (Lira(), Rmia()):
            attack.score(target, shadows, np.zeros(len(data), dtype=bool))
        end = time.perf_counter()
        signals = replace(signals, values=np.array(signals.values))  # before the folder goes
    return {"train and ask": trained - start, "score": end - trained, "all": end - start}, signals


def theirs(task: Task, plan: Plan, manner: Manner, models: int) -> tuple[dict[str, float], Signals]:
    """Train, ask and score the first `models` of the plan one after another."""
    masks = plan.masks(len(task.x))[:models]
    torch.set_num_threads(CORES)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        trained = train_all(task.recipe, task.x, task.y, masks, manner, Path(folder))
        answers = log_scores(trained, task.x, task.y, task.recipe.training.batch_size)
        asked = time.perf_counter()
    signals = Signals(answers[:, :, None], task.y, masks)
    confidence = np.exp(answers[:, np.arange(len(task.y)), task.y])
    z = np.arange(min(POPULATION, len(task.y)))
    start_score = time.perf_counter()
    Lira().score(*signals.leave_one_out(0), np.zeros(len(task.y), dtype=bool))
    for a in np.linspace(0, 1, 11):  # tuned on the paired model, then run on the target
        rmia_by_matrix(confidence[1], confidence[2:], masks[2:], z, a)
    rmia_by_matrix(confidence[0], confidence[1:], masks[1:], z, 0.3)
    scored = time.perf_counter() - start_score
    torch.set_num_threads(1)
    took = {"train and ask": asked - start, "score": scored, "all": asked - start + scored}
    return took, signals


def auc(signals: Signals) -> dict[str, float]:
    """Mean AUC over every model as the target and the rest as its shadows."""
    none = np.zeros(signals.records, dtype=bool)
    areas: dict[str, list[float]] = defaultdict(list)
    for model in range(signals.models):
        for attack in (Lira(), Rmia()):
            scores = attack.score(*signals.leave_one_out(model), none)
            areas[attack.name].append(Roc.of(scores, signals.members[model]).auc().value)
    return {name: float(np.mean(values)) for name, values in areas.items()}


def compare(task: Task, models: int) -> dict[str, Any]:
    """Both ways on one data set."""
    plan = Plan(models=models)
    mine, my_signals = ours(task, plan)
    print(f"{task.name}: together {mine['all']:.1f} s", flush=True)
    light, their_signals = theirs(task, plan, BEST_LIGHT, models)
    print(f"{task.name}: one after another, in its best light {light['all']:.1f} s", flush=True)
    written, _ = theirs(task, plan, AS_WRITTEN, FEW)
    written = {"train and ask": written["train and ask"] * models / FEW, "score": light["score"]}
    written["all"] = written["train and ask"] + light["score"]
    print(f"{task.name}: one after another, as written {written['all']:.0f} s", flush=True)
    mine_auc, their_auc = auc(my_signals), auc(their_signals)
    return {
        "records": task.x.shape,
        "models": models,
        "epochs": task.recipe.training.epochs,
        "seconds": {
            "together": mine,
            "one after another, as written": written | {"models timed": FEW},
            "one after another, best light": light,
        },
        "times_faster": {
            "than as written": round(written["all"] / mine["all"], 1),
            "than in its best light": round(light["all"] / mine["all"], 1),
        },
        "auc": {"together": mine_auc, "one after another": their_auc},
        "auc_points_apart": {k: round(100 * abs(mine_auc[k] - their_auc[k]), 2) for k in mine_auc},
        "share": share(task),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="8 models, nothing written")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    found = {task.name: compare(task, 8 if quick else 64) for task in (location30(), adult())}
    text = json.dumps({"machine": describe(), "sets": found}, indent=2)
    print(text)
    if not quick:
        RESULT.write_text(text + "\n")


if __name__ == "__main__":
    main()
