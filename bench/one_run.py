"""How much epsilon one training run shows, on the idealised Gaussian of two papers' tables.

Question: m canaries, each put in by a fair coin; the attacker sees N(1, σ²) for one put in, N(0, σ²)
for one left out. How much of the true ε does each bound show, and how does that compare with the
published figures of Steinke et al. (arXiv:2305.08846) and Mahloujifar et al. (arXiv:2410.22235)?

Three readings of every bound:
    expected   the number of right guesses at its expectation, rounded down; the best number of guesses
    sampled    simulated runs, the number of guesses fixed beforehand (the best at expectation): what an
               auditor would get, and how often it exceeds the truth
    selected   the same runs, the best over twenty numbers of guesses of that very run, not paid for: no valid
               bound, computed because it is what the published f-DP figures agree with (how many standard
               deviations apart stands in the results)
and "default": simulated runs with the number of guesses that `audit_one_run` takes when told nothing.

    python bench/one_run.py          writes bench/results/one_run.json; about a minute on one core
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr, stdtrit

from machine import describe
from reticent.measure.epsilon import EpsilonBound, gaussian_epsilon
from reticent.measure.one_run import (
    default_guesses,
    one_run_epsilon,
    one_run_epsilon_fdp,
    one_run_epsilon_sharp,
)

DELTA = 1e-5
RUNS = 60
BOUNDS: dict[str, Callable[..., EpsilonBound]] = {
    "steinke": one_run_epsilon,
    "sharp": one_run_epsilon_sharp,
    "gaussian f-DP": one_run_epsilon_fdp,
}
SETTINGS = [  # σ, canaries, what the papers print for Steinke et al. and for f-DP
    (0.5, 10**5, 4.99, 8.16),
    (1.0, 10**5, 2.61, 3.61),
    (2.0, 10**5, 1.33, 1.59),
    (4.0, 10**6, 0.61, 0.82),
]


@lru_cache(None)
def epsilon(bound: str, right: int, guesses: int, canaries: int) -> float:
    return BOUNDS[bound](right, guesses, canaries, delta=DELTA).value


def expected_right(sigma: float, canaries: int, guesses: int) -> int:
    """The expected number right, rounded down, where the attacker abstains in a band around ½."""
    low, high = 0.0, 100.0
    for _ in range(80):
        middle = (low + high) / 2
        said = canaries * (ndtr((0.5 - middle) / sigma) + ndtr(-(0.5 + middle) / sigma))
        low, high = (middle, high) if said > guesses else (low, middle)
    return int(canaries * ndtr((0.5 - low) / sigma))


def right_guesses(sigma: float, canaries: int, seed: int) -> np.ndarray:
    """One simulated run: how many of the r surest guesses, half of each kind, are right, for every r."""
    rng = np.random.default_rng(seed)
    included = rng.random(canaries) < 0.5
    ranked = included[np.argsort(-(included + sigma * rng.normal(size=canaries)))]
    half = canaries // 2
    top, bottom = np.cumsum(ranked[:half]), np.cumsum(~ranked[::-1][:half])
    both = np.empty(2 * half, dtype=np.int64)
    both[0::2] = top + np.append(0, bottom[:-1])
    both[1::2] = top + bottom
    return np.append(0, both)


def mean_with_interval(values: np.ndarray) -> dict[str, float]:
    half = -stdtrit(values.size - 1, 0.025) * values.std(ddof=1) / np.sqrt(values.size)
    mean = float(values.mean())
    return {"mean": mean, "low": mean - half, "high": mean + half, "sd": float(values.std(ddof=1))}


def measure(sigma: float, canaries: int, published: dict[str, float]) -> dict[str, Any]:
    truth = gaussian_epsilon(1 / sigma, delta=DELTA)
    numbers = np.unique(np.geomspace(100, canaries / 4, 200).astype(int)).tolist()
    twenty = np.unique(np.geomspace(30, canaries / 4, 20).astype(int)).tolist()
    runs = [right_guesses(sigma, canaries, seed) for seed in range(RUNS)]
    default = default_guesses(canaries)
    rows: dict[str, Any] = {}
    for bound in BOUNDS:
        at_expectation = {r: epsilon(bound, expected_right(sigma, canaries, r), r, canaries) for r in numbers}
        best = max(at_expectation, key=lambda r: at_expectation[r])
        sampled = np.array([epsilon(bound, int(run[best]), best, canaries) for run in runs])
        selected = np.array([max(epsilon(bound, int(run[r]), r, canaries) for r in twenty) for run in runs])
        usual = default.top + default.bottom
        by_default = np.array([epsilon(bound, int(run[usual]), usual, canaries) for run in runs])
        rows[bound] = {
            "published": published.get(bound),
            "guesses": best,
            "expected": at_expectation[best],
            "sampled": mean_with_interval(sampled),
            "sampled above truth": float(np.mean(sampled > truth)),
            "selected, not valid": mean_with_interval(selected),
            "selected above truth": float(np.mean(selected > truth)),
            "published less selected, in sd": (
                (published[bound] - selected.mean()) / selected.std(ddof=1) if bound in published else None
            ),
            "default guesses": usual,
            "default": mean_with_interval(by_default),
        }
    return {"sigma": sigma, "canaries": canaries, "epsilon": truth, "bounds": rows}


def main() -> None:
    start, table = time.perf_counter(), []
    head = f"{'σ':>4} {'m':>8} {'true ε':>7}  {'bound':<14}{'published':>9}{'expected':>9}{'guesses':>8}"
    print(f"{head}  {'sampled, with 95 % interval':<28}{'default':>8}  {'selected ± sd (not valid)':<26}")
    for sigma, canaries, steinke, fdp in SETTINGS:
        found = measure(sigma, canaries, {"steinke": steinke, "gaussian f-DP": fdp})
        table.append(found)
        for name, row in found["bounds"].items():
            said = f"{row['published']:.2f}" if row["published"] else "—"
            sampled, selected = row["sampled"], row["selected, not valid"]
            interval = f"{sampled['mean']:.2f} [{sampled['low']:.2f}, {sampled['high']:.2f}]"
            print(
                f"{sigma:>4} {canaries:>8} {found['epsilon']:>7.2f}  {name:<14}{said:>9}"
                f"{row['expected']:>9.2f}{row['guesses']:>8}  {interval:<28}{row['default']['mean']:>8.2f}"
                f"  {selected['mean']:.2f} ± {selected['sd']:.2f}",
                flush=True,
            )
    result = {
        "question": "epsilon shown by one run on the idealised Gaussian",
        "delta": DELTA,
        "level": 0.95,
        "runs": RUNS,
        "seconds": round(time.perf_counter() - start, 1),
        "machine": describe(),
        "table": table,
    }
    path = Path(__file__).parent / "results" / "one_run.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
