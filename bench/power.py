"""How much do the attacks that compare models find, and how many models do they need?

64 models of one architecture, each record in exactly half of them: 32 pairs of models that divide the records
between them. Each model in turn is the target, so every figure is a mean over 64 targets, each with its own
ROC curve. Two tables a data set:

    all others     the 63 other models serve as shadow models, as in the published set-up.
    few models     2, 4, 8 or 62 of them, in whole pairs and without the target's own twin: each record is in
                   half of them, so how many trained on it says nothing. "1" is one reference model a record,
                   of which it is known that it did not train on it, and the attacks' offline modes.

Intervals: two-way bootstrap over models and records. "Over the next": the paired difference in AUC to the
attack in the line below, on the same targets and records. "Shuffled": the AUC when every record's answers are
dealt out to the models anew, so that there is nothing to find; it must be one half.

    python bench/power.py                      all sets: about an hour and a half on one core
    python bench/power.py --sets location30    one set
writes bench/results/power.json and power.md; what models answered is kept under --cache, so that a run that
was stopped goes on, and sets not asked for stay in the results.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from machine import describe
from power_sets import TASKS, Task
from power_table import write_table
from reticent.attacks.attack import SignalsAttack
from reticent.attacks.membership import Base, Bavaria, Calibrated, Lira, Population, Reference, Rmia
from reticent.measure.estimate import bootstrap_models_and_records
from reticent.measure.roc import Roc
from reticent.shadows.batched import train_together
from reticent.shadows.plan import Plan
from reticent.shadows.signals import Answers, Signals

RESULTS = Path(__file__).parent / "results"
PAIRS = 32
GROUP = 16  # models trained at once, and kept at once
ROUNDS = 200
RATES = {"tpr@1%": 0.01, "tpr@0.1%": 0.001, "tpr@0": 0.0}
PLAIN = (
    "tpr@0"  # without interval: a resample has fewer different records, so its highest non-member is lower
)

Attack = SignalsAttack | Population
ALL: tuple[Attack, ...] = (
    Lira(variance="per-record"),
    Lira(variance="global"),
    Lira(variance="per-record", location="median"),
    Lira(mode="offline", variance="per-record"),
    Lira(mode="offline", variance="global"),
    Bavaria(),
    Bavaria(predictive="gaussian"),
    Bavaria(mode="offline"),
    Rmia(),
    Rmia(temperature=1.0),
    Rmia(mode="offline"),
    Rmia(mode="offline", temperature=1.0, offline_a=0.3),
    Base(),
    Base(mode="offline"),
    Calibrated(),
    Calibrated(of="margin"),
    Reference(),
    Population(),
)
FEW: tuple[Attack, ...] = (Rmia(), Bavaria(), Base(), Lira(), Reference(), Population())
ONE: tuple[Attack, ...] = (
    Rmia(mode="offline"),
    Bavaria(mode="offline"),
    Base(mode="offline"),
    Lira(mode="offline"),
    Reference(),
    Population(),
)


def signals(task: Task, cache: Path) -> tuple[Signals, float]:
    """What the models say of the records, trained where it is not kept; and the seconds training took."""
    plans = [Plan(models=2, seed=pair) for pair in range(PAIRS)]
    masks = np.concatenate([plan.masks(len(task.y)) for plan in plans])
    seeds = [seed for plan in plans for seed in plan.seeds()]
    x, y = torch.from_numpy(task.x), torch.from_numpy(task.y)
    values, seconds = [], 0.0
    for start in range(0, len(masks), GROUP):
        kept = cache / f"{task.name}-{start}.npz"
        if not kept.exists():
            begun, some = time.perf_counter(), slice(start, start + GROUP)
            models = train_together(task.module, x, y, masks[some], seeds[some], task.training)
            answers = models.logits(x).log_softmax(-1)[:, :, None].numpy()
            aside = kept.with_suffix(".part.npz")
            np.savez(aside, values=answers, seconds=time.perf_counter() - begun)
            aside.rename(kept)
            print(f"{task.name}: {start + GROUP} of {len(masks)} models trained", flush=True)
        with np.load(kept) as found:
            values.append(found["values"])
            seconds += float(found["seconds"])
    return Signals(np.concatenate(values), task.y, masks), seconds


Shadows = Callable[[Signals, int], Signals]
"""From everyone's signals and the target's position to its shadow models."""


def all_others(everyone: Signals, target: int) -> Signals:
    return everyone.leave_one_out(target)[1]


def pairs(models: int) -> Shadows:
    """So many models, in whole pairs drawn for each target from those without its own."""

    def drawn(everyone: Signals, target: int) -> Signals:
        rng = np.random.default_rng([models, target])
        chosen = rng.permutation([pair for pair in range(PAIRS) if pair != target // 2])[: models // 2]
        index = np.sort(np.concatenate([2 * chosen, 2 * chosen + 1]))
        return Signals(everyone.values[index], everyone.labels, everyone.members[index])

    return drawn


def one_outside(everyone: Signals, target: int) -> Signals:
    """One model a record: of a pair, the one that did not train on it."""
    pair = pairs(2)(everyone, target)
    outside = np.where(pair.members[0][:, None, None], pair.values[1], pair.values[0])[None]
    return Signals(outside, pair.labels, np.zeros((1, pair.records), dtype=bool))


def scores(attack: Attack | None, everyone: Signals, shadows: Shadows) -> np.ndarray:
    """(targets, records) scores, NaN where the attacker knows the record; no attack is the bare loss."""
    rows = []
    for target in range(everyone.models):
        answers = Answers(everyone.values[target : target + 1], everyone.labels)
        known = np.zeros(everyone.records, dtype=bool)
        if attack is None:
            rows.append(answers.log_confidence()[0, :, 0].astype(np.float64))
        elif isinstance(attack, Population):
            outside = np.flatnonzero(~everyone.members[target])
            known[np.random.default_rng(target).choice(outside, len(outside) // 4, replace=False)] = True
            rows.append(np.where(known, np.nan, attack.score(answers, known)))
        else:
            rows.append(attack.score(answers, shadows(everyone, target), known))
    return np.array(rows)


def ranked(found: np.ndarray) -> np.ndarray:
    """(targets, records) position of each score among its target's different scores; −1 for NaN."""
    ranks = np.full(found.shape, -1.0)
    for row, own in zip(ranks, found, strict=True):
        row[~np.isnan(own)] = np.unique(own[~np.isnan(own)], return_inverse=True)[1]
    return ranks


def rates(ranks: np.ndarray, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(targets, thresholds + 1) false and true positives as the threshold falls, from none to all."""
    size = int(ranks.max()) + 2  # the first column takes those that are not judged
    cells = (ranks + 1).astype(np.int64) + np.arange(len(ranks))[:, None] * size
    counts = []
    for side in (~members, members):
        histogram = np.bincount(cells[side], minlength=len(ranks) * size).reshape(len(ranks), size)
        counts.append(np.pad(histogram[:, :0:-1].cumsum(axis=1), ((0, 0), (1, 0))))
    return counts[0], counts[1]


def figures(ranks: np.ndarray, members: np.ndarray) -> dict[str, float]:
    """Means over targets: the area under the curve, and true positive rates at false positive rates."""
    false, true = rates(ranks, members)
    nonmembers, positives = false[:, -1], true[:, -1]
    areas = (np.diff(false) * (true[:, 1:] + true[:, :-1])).sum(axis=1) / 2 / nonmembers / positives
    found = {"auc": float(areas.mean())}
    for name, rate in RATES.items():
        last = (false <= rate * nonmembers[:, None] + 1e-9).sum(axis=1) - 1
        found[name] = float((true[np.arange(len(true)), last] / positives).mean())
    return found


def measured(found: np.ndarray, members: np.ndarray) -> dict[str, Any]:
    """Every figure with its interval.

    The curves of one bootstrap serve all figures: for the others it is handed what the first left behind, and
    arrays of as many models but few records, since it draws from them in vain.
    """
    ranks = ranked(found)
    judged = ranks[0] >= 0
    curve = Roc.of(found[0][judged], members[0][judged])
    if abs(curve.auc().value - figures(ranks[:1], members[:1])["auc"]) > 1e-9:
        raise AssertionError("the area under the curve taken here is not the package's")
    drawn: list[dict[str, float]] = []

    def recorded(ranks: np.ndarray, members: np.ndarray) -> float:
        drawn.append(figures(ranks, members))
        return drawn[-1]["auc"]

    estimates = {"auc": interval(recorded, ranks, members)}
    for name in RATES:
        if name == PLAIN:
            estimates[name] = {"value": round(drawn[0][name], 5)}
            continue
        again, few = iter(drawn), slice(len(ranks))
        estimates[name] = interval(
            lambda *_, name=name, again=again: next(again)[name], ranks[:, few], members[:, few]
        )
    return estimates


def above(one: np.ndarray, other: np.ndarray, members: np.ndarray) -> dict[str, float]:
    """The paired difference in AUC, both attacks' ranks carried through the bootstrap in one number."""
    step = float(one.shape[1] + 2)

    def difference(both: np.ndarray, truth: np.ndarray) -> float:
        high, low = np.divmod(both, step)
        return figures(high - 1, truth)["auc"] - figures(low - 1, truth)["auc"]

    both = (ranked(one) + 1) * step + ranked(other) + 1
    return interval(difference, both, members, bounds=(-1.0, 1.0), rounds=ROUNDS // 2)


def interval(
    statistic: Callable[..., float],
    ranks: np.ndarray,
    members: np.ndarray,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    rounds: int = ROUNDS,
) -> dict[str, float]:
    """Value and 95 % interval of a figure, over models and records."""
    found = bootstrap_models_and_records(statistic, ranks, members, rounds=rounds, bounds=bounds)
    return {name: round(getattr(found, name), 5) for name in ("value", "low", "high")}


def shuffled(everyone: Signals) -> Signals:
    """Every record's answers dealt out to the models anew."""
    order = np.random.default_rng(0).random(everyone.members.shape).argsort(axis=0)
    return Signals(everyone.values[order, np.arange(everyone.records)], everyone.labels, everyone.members)


def study(
    attacks: Sequence[Attack | None], everyone: Signals, shadows: Shadows, *, null: Signals | None = None
) -> list[dict[str, Any]]:
    """A row an attack, the strongest first."""
    rows, found = [], {}
    for attack in attacks:
        name = attack.name if attack else "loss"
        begun = time.perf_counter()
        found[name] = scores(attack, everyone, shadows)
        seconds = (time.perf_counter() - begun) / everyone.models
        row = {"attack": name, "seconds": round(seconds, 3), **measured(found[name], everyone.members)}
        if null is not None:
            dealt = ranked(scores(attack, null, shadows))
            row["shuffled"] = interval(lambda *a: figures(*a)["auc"], dealt, null.members, rounds=ROUNDS // 2)
        rows.append(row)
    rows.sort(key=lambda row: -row["auc"]["value"])
    for row, below in pairwise(rows):
        row["over the next"] = above(found[row["attack"]], found[below["attack"]], everyone.members)
    return rows


def measure(task: Task, cache: Path) -> dict[str, Any]:
    everyone, seconds = signals(task, cache)
    right = everyone.values[:, :, 0].argmax(-1) == everyone.labels
    few: dict[str, Any] = {"1": study(ONE, everyone, one_outside)}
    for models in (2, 4, 8, 2 * PAIRS - 2):
        few[str(models)] = study(FEW, everyone, pairs(models))
        print(f"{task.name}: {models} models", flush=True)
    return {
        "about": task.about,
        "accuracy, members": round(float(right[everyone.members].mean()), 4),
        "accuracy, non-members": round(float(right[~everyone.members].mean()), 4),
        "seconds of training": round(seconds, 1),
        "published": task.published,
        "all others": study((None, *ALL), everyone, all_others, null=shuffled(everyone)),
        "few models": few,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sets", default=",".join(TASKS), help="which, with commas between")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "reticent-power")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    RESULTS.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    path = RESULTS / "power.json"
    results = json.loads(path.read_text()) if path.exists() else {"sets": {}}
    for name in options.sets.split(","):
        begun = time.perf_counter()
        results["sets"][name] = measure(TASKS[name](), options.cache)
        results["sets"][name]["seconds in all"] = round(time.perf_counter() - begun, 1)
        results["machine"] = describe()
        path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        (RESULTS / "power.md").write_text(write_table(results))
        print(f"{name}: done", flush=True)


if __name__ == "__main__":
    main()
