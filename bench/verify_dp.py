"""Is the DP real? Planted faults caught, true claims left alone, and how near the bounds come.

    python bench/verify_dp.py [--quick] [--part faults truth gaps]

Faults: a small DP-SGD with one fault each claims an epsilon that its accountant believes in. It is tried
with more and more trainings until it is caught; several seeds, so that the share caught has an interval.
Truth: the same without a fault, tried 200 times, and one whose batches are shuffled and recorded so. Gaps:
right DP-SGD of three makers at epsilon 1, 3 and 8, by what is seen of it. Parts that aren't asked for stay as
they were. Leaves bench/results/verify_dp.json and .md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from machine import describe
from reticent.claim import Claim, Drawn, Recorder, Sight
from reticent.claim_trial import verify_dp
from reticent.defences import dp_sgd
from reticent.faulty import Fault, PrivateSgd
from reticent.measure.accounting import gaussian_noise, sampled_gaussian_noise
from reticent.measure.estimate import clopper_pearson
from reticent.outlier import Crowd
from reticent.progress import Quiet
from reticent.shadows.batched import Training
from reticent.targets.torch import TorchRecipe
from reticent.verification import Outcome, Verification

RESULTS = Path(__file__).parent / "results"
DELTA = 1e-5
LADDER = (50, 100, 200, 400, 800)
STEPS, RATE = 40, 0.1
PARTS = ("faults", "truth", "gaps")

CLAIMED: dict[Fault, float] = {
    Fault.UNCLIPPED: 3,
    Fault.CLIPPED_MEAN: 3,
    Fault.CLIPPED_SUM: 3,
    Fault.NOISE_OVER_BATCH: 3,
    Fault.FIXED_BATCHES: 8,
    Fault.SHUFFLED_BATCHES: 8,
    Fault.SAME_NOISE: 3,
    Fault.WRONG_SIZE: 3,
}
"""What each claims: batches that are no samples differ from samples most where there is little noise."""


OF_SAMPLING = (Fault.FIXED_BATCHES, Fault.SHUFFLED_BATCHES, Fault.WRONG_SIZE)
"""Faults that the accountant finds where they are recorded."""


def training(fault: Fault, epsilon: float, *, knows: bool = False) -> PrivateSgd:
    """A DP-SGD that believes in an epsilon."""
    bare = PrivateSgd(noise=1.0, rate=RATE, steps=STEPS, fault=fault)
    noise = sampled_gaussian_noise(float(epsilon), bare.believed_rate, bare.steps, DELTA)
    return PrivateSgd(noise=noise, rate=RATE, steps=STEPS, fault=fault, knows=knows)


def tried(train: Any, epsilon: float, **how: Any) -> Verification:
    """One trial that leaves nothing behind."""
    folder = tempfile.mkdtemp()
    try:
        return verify_dp(
            train,
            Claim(epsilon, DELTA),
            cache=folder,
            progress=Quiet(),
            workers=1,
            **{"outliers": 500, **how},
        )
    finally:
        shutil.rmtree(folder)


def by(found: Verification) -> str:
    """What refuted the claim."""
    said = []
    if found.many_runs is not None and found.many_runs.value > found.claim.epsilon:
        said.append(f"many runs: {found.reading}")
    if found.one_run is not None and found.one_run.value > found.claim.epsilon:
        said.append("one run")
    if found.record is not None and found.record.refuted:
        said.append(f"recorded steps refuted: {found.record.by}")
    if found.reckoned:
        said.append("the accountant")
    return "; ".join(said)


def caught(fault: Fault, seeds: int) -> dict[str, Any]:
    """From how many trainings on a fault is caught, and by what."""
    epsilon, rungs = CLAIMED[fault], []
    started = time.perf_counter()
    last: Verification | None = None
    for runs in LADDER:
        found = [tried(training(fault, epsilon), epsilon, runs=runs, seed=seed) for seed in range(seeds)]
        hit = [f for f in found if f.measured]
        share = clopper_pearson(len(hit), seeds)
        rungs.append(
            {
                "runs": runs,
                "trainings": found[0].trainings,
                "caught": len(hit),
                "of": seeds,
                "low": round(share.low, 3),
                "high": round(share.high, 3),
                "bound": round(float(np.median([f.bound.value for f in found])), 3),
            }
        )
        last = hit[0] if hit else last
        print(fault.name, rungs[-1], by(hit[0]) if hit else "", flush=True)
        if len(hit) == seeds:
            break
    reckoned = None
    if fault in OF_SAMPLING:
        reckoned = tried(training(fault, epsilon, knows=True), epsilon, runs=50).accounted
    return {
        "fault": fault.value,
        "claimed epsilon": epsilon,
        "rungs": rungs,
        "by": by(last) if last else "",
        "accountant, told how it samples": reckoned and round(reckoned, 2),
        "seconds": round(time.perf_counter() - started, 1),
    }


def true_claims(trials: int, runs: int) -> list[dict[str, Any]]:
    """How often true claims are accused."""
    rows = []
    shuffled = PrivateSgd(
        noise=gaussian_noise(3.0, round(STEPS * RATE), DELTA),
        rate=RATE,
        steps=STEPS,
        fault=Fault.SHUFFLED_BATCHES,
        knows=True,
    )
    for epsilon, drawn, right in (
        *((e, Drawn.POISSON, training(Fault.NONE, e)) for e in (3.0, 1.0, 8.0)),
        (3.0, Drawn.SHUFFLED, shuffled),
    ):
        many = trials if right == training(Fault.NONE, 3.0) else trials // 4
        found = [tried(right, epsilon, runs=runs, seed=1000 + seed) for seed in range(many)]
        accused = sum(f.outcome is Outcome.VIOLATED for f in found)
        share = clopper_pearson(accused, many)
        rows.append(
            {
                "epsilon": epsilon,
                "drawn": drawn.value,
                "runs": runs,
                "trials": many,
                "accused": accused,
                "low": round(share.low, 4),
                "high": round(share.high, 4),
                "largest bound": round(max(f.bound.value for f in found), 3),
            }
        )
        print(rows[-1], flush=True)
    return rows


def linear(columns: int) -> nn.Module:
    """A logistic regression without a bias."""
    return nn.Linear(columns, 2, bias=False)


def ours(epsilon: float) -> Any:
    """This package's DP-SGD of a torch module."""
    plain = TorchRecipe(
        module=partial(linear, 4), training=Training(epochs=4, batch_size=50, learning_rate=0.1)
    )
    return dp_sgd(epsilon=epsilon, delta=DELTA).harden(plain)


def opacus(noise: float, x: Any, y: Any, *, seed: int, record: Recorder) -> nn.Module:
    """Opacus's DP-SGD, which records its steps."""
    from opacus import PrivacyEngine
    from torch.utils.data import DataLoader, TensorDataset

    warnings.filterwarnings("ignore")
    torch.manual_seed(seed)
    module = linear(x.shape[1])
    with torch.no_grad():
        module.weight.zero_()
    pairs = TensorDataset(torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(y))
    sgd: Any = torch.optim.SGD(module.parameters(), lr=0.1)
    private, sgd, loader = PrivacyEngine().make_private(
        module=module,
        optimizer=sgd,
        data_loader=DataLoader(pairs, batch_size=round(RATE * len(pairs))),
        noise_multiplier=noise,
        max_grad_norm=1.0,
    )
    record.attach(sgd, rate=1 / len(loader), drawn=Drawn.POISSON)
    loss = nn.CrossEntropyLoss()
    for _ in range(round(STEPS * RATE)):
        for own, labels in loader:
            sgd.zero_grad()
            if len(labels):
                loss(private(own), labels).backward()
            sgd.step()
    return module


def gaps(runs: int, of_opacus: int) -> list[dict[str, Any]]:
    """How near lower bounds come to what is claimed, by maker and by what is seen."""
    rows = []
    makers: dict[str, tuple[Callable[[float], Any], int, tuple[Sight, ...]]] = {
        "numpy": (lambda e: training(Fault.NONE, e), runs, (Sight.SCORES, Sight.WEIGHTS, Sight.STEPS)),
        "reticent's dp_sgd": (ours, runs, (Sight.SCORES, Sight.WEIGHTS)),
        "Opacus": (
            lambda e: partial(opacus, sampled_gaussian_noise(float(e), RATE, STEPS, DELTA)),
            of_opacus,
            (Sight.SCORES, Sight.STEPS),
        ),
    }
    for maker, (make, many, sights) in makers.items():
        for epsilon in (1.0, 3.0, 8.0):
            for sight in sights:
                start = time.perf_counter()
                found = tried(
                    make(epsilon), epsilon, runs=many, sight=sight, outliers=0, world=Crowd(columns=4)
                )
                general, gaussian = found.many_runs, found.gaussian
                assert general is not None and gaussian is not None
                rows.append(
                    {
                        "maker": maker,
                        "epsilon": epsilon,
                        "seen": str(sight),
                        "trainings": found.trainings,
                        "bound": round(general.value, 3),
                        "gap": round(epsilon - general.value, 3),
                        "if Gaussian": round(gaussian.value, 3),
                        "most that could be shown": round(found.reach, 2),
                        "outcome": found.outcome.value,
                        "seconds": round(time.perf_counter() - start, 1),
                    }
                )
                print(rows[-1], flush=True)
    return rows


def page(kept: dict[str, Any]) -> str:
    """The tables as Markdown."""
    lines = [
        "# Is the DP real? Planted faults, true claims, and gaps",
        "",
        f"Written by `python bench/verify_dp.py` on {kept['machine']['processor']}, "
        f"{kept['machine']['cores']} cores. DP-SGD of a logistic regression, 500 records of four columns, "
        f"{STEPS} steps, a tenth of the records a step; δ {DELTA:g}. Caught: by runs alone, whatever "
        "is recorded.",
        "",
        "| fault | claims ε | caught, by trainings | by | the accountant, told how it samples | s |",
        "|---|---|---|---|---|---|",
    ]
    for row in kept["faults"]:
        rungs = ", ".join(
            f"{r['caught']}/{r['of']} [{r['low']:.2f}, {r['high']:.2f}] at {r['trainings']}"
            for r in row["rungs"]
        )
        reckoned = row["accountant, told how it samples"]
        lines.append(
            f"| {row['fault']} | {row['claimed epsilon']} | {rungs} | {row['by'] or 'nothing'} "
            f"| {f'ε {reckoned}' if reckoned else '–'} | {row['seconds']:.0f} |"
        )
    lines += [
        "",
        "## True claims",
        "",
        "| ε | batches | runs a trial | trials | accused | largest lower bound |",
        "|---|---|---|---|---|---|",
    ]
    for row in kept["true claims"]:
        lines.append(
            f"| {row['epsilon']:g} | {row['drawn']} | {row['runs']} | {row['trials']} | {row['accused']} "
            f"[{row['low']:.1%}, {row['high']:.1%}] | {row['largest bound']} |"
        )
    lines += [
        "",
        "## Right implementations: what is claimed less what can be shown",
        "",
        "| maker | ε | seen | trainings | lower bound | gap | if the mechanism is Gaussian | reach | s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in kept["gaps"]:
        lines.append(
            f"| {row['maker']} | {row['epsilon']:g} | {row['seen']} | {row['trainings']} | {row['bound']} "
            f"| {row['gap']} | {row['if Gaussian']} | {row['most that could be shown']} "
            f"| {row['seconds']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, tell, keep."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--quick", action="store_true", help="a few trials, nothing written")
    asked.add_argument("--part", nargs="+", choices=PARTS, default=PARTS, help="what to measure anew")
    given = asked.parse_args()
    quick: bool = given.quick
    torch.set_num_threads(1)
    written = RESULTS / "verify_dp.json"
    kept = json.loads(written.read_text()) if written.exists() else {}
    kept["machine"] = describe()
    for part in given.part:
        if part == "faults":
            kept["faults"] = [caught(fault, 2 if quick else 5) for fault in CLAIMED]
        elif part == "truth":
            kept["true claims"] = true_claims(8 if quick else 200, 50)
        else:
            kept["gaps"] = gaps(60 if quick else 300, 40 if quick else 100)
        if not quick:
            written.write_text(json.dumps(kept, indent=1) + "\n")
    if not quick:
        (RESULTS / "verify_dp.md").write_text(page(kept))


if __name__ == "__main__":
    main()
