"""How long does scoring a million records by 64 shadow models take, and how much memory?

The models' answers lie on disk, memory-mapped: (64 models, 1,000,000 records, 1 variant, classes) float32 of
log-probabilities. Each attack is run in a process of its own, on warm files, three times, the quickest
counting, and set beside two passes over the same array, timed in the same process:

    read       every value read and added up by numpy
    margins    `Answers.margin`: every value read, the margin of every answer computed and written

Memory is how far the process's greatest resident size rises above what it was with everything imported and
opened: the kernel's high-water mark, set back before the attack (`getrusage`'s would begin at the size of the
process that started this one). Pages of the mapped file count in it, though the system may take them back at
any time; "its own" is the largest size without them.

Beside it, two ways that are common elsewhere, at a size at which they end, extrapolated: LiRA by a Python
loop over records, and RMIA by the matrix of all pairs of records and z.

    python bench/scoring.py      writes bench/results/scoring.json and scoring.md; minutes, and 4 GiB of disk
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from machine import describe
from reticent.attacks.attack import SignalsAttack
from reticent.attacks.membership import Base, Bavaria, Calibrated, Lira, Reference, Rmia
from reticent.shadows.signals import Answers, Signals

RESULTS = Path(__file__).parent / "results"
MODELS = 64
ATTACKS: dict[str, SignalsAttack] = {
    attack.name: attack
    for attack in (
        Lira(),
        Lira(mode="offline"),
        Rmia(temperature=1.0),
        Rmia(mode="offline", temperature=1.0, offline_a=0.3),
        Rmia(),
        Bavaria(),
        Base(),
        Calibrated(),
        Reference(),
    )
}


def write_world(folder: Path, records: int, classes: int) -> None:
    """Answers of a target and of 64 models with each record in half of them, a block of records at a time."""
    shape = (MODELS, records, 1, classes)
    values = np.lib.format.open_memmap(folder / "values.npy", "w+", np.float32, shape)
    target = np.lib.format.open_memmap(folder / "target.npy", "w+", np.float32, (1, *shape[1:]))
    members = np.lib.format.open_memmap(folder / "members.npy", "w+", np.bool_, shape[:2])
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, records)
    for start in range(0, records, 20_000):
        block = slice(start, min(start + 20_000, records))
        size = block.stop - block.start
        inside = rng.random((MODELS, size), dtype=np.float32).argsort(axis=0) < MODELS // 2
        logits = rng.standard_normal((MODELS + 1, size, 1, classes), dtype=np.float32)
        gap = np.concatenate([inside, rng.random((1, size)) < 0.5]) + 2.0
        logits[:, np.arange(size), 0, labels[block]] += gap.astype(np.float32)
        logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        values[:, block], target[:, block], members[:, block] = logits[:-1], logits[-1:], inside
    np.save(folder / "labels.npy", labels)
    for array in (values, target, members):
        array.flush()


def opened(folder: Path) -> tuple[Answers, Signals]:
    values, target, members = (
        np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("values", "target", "members")
    )
    labels = np.load(folder / "labels.npy")
    return Answers(target, labels), Signals(values, labels, members)


def quickest(work: Callable[[], object], times: int = 3) -> float:
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


def status(entry: str) -> float:
    """MiB of one of the kernel's counts about this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(entry + ":"))


class OwnMemory(threading.Thread):
    """Watches how much memory the process has that is not a file's."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.first = self.most = status("RssAnon")
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.005):
            self.most = max(self.most, status("RssAnon"))


def child(folder: Path, name: str) -> dict[str, float]:
    """Run in a process of its own: seconds of the attack and of both passes, and memory in MiB."""
    target, shadows = opened(folder)
    attack, nobody = ATTACKS[name], np.zeros(target.records, dtype=bool)
    attack.score(target.part(slice(100)), shadows.part(slice(100)), nobody[:100])  # loads what loads late
    Path("/proc/self/clear_refs").write_text("5")  # sets the high-water mark back
    before, watch = status("VmRSS"), OwnMemory()
    watch.start()
    seconds = quickest(lambda: attack.score(target, shadows, nobody))
    watch.done.set()
    peak = status("VmHWM")
    return {
        "seconds": seconds,
        "read": quickest(lambda: shadows.values.sum()),
        "margins": quickest(shadows.margin),
        "memory_mib": peak - before,
        "own_mib": watch.most - watch.first,
    }


def loop_lira(target: Answers, shadows: Signals) -> np.ndarray:
    """LiRA by a loop over records, its margins given."""
    x, own, scores = shadows.margin()[..., 0], target.margin()[0, :, 0], []
    for record in range(target.records):
        inside = x[shadows.members[:, record], record]
        outside = x[~shadows.members[:, record], record]
        scores.append(
            norm.logpdf(own[record], inside.mean(), inside.std() + 1e-30)
            - norm.logpdf(own[record], outside.mean(), outside.std() + 1e-30)
        )
    return np.array(scores)


def matrix_rmia(target: Answers, shadows: Signals) -> np.ndarray:
    """RMIA by the matrix of all ratios, the records themselves being the z."""
    p = np.exp(shadows.log_confidence()[..., 0])
    mean = ((p * shadows.members).sum(0) + (p * ~shadows.members).sum(0)) / shadows.models
    ratio = np.exp(target.log_confidence()[0, :, 0]) / mean
    return (ratio[:, None] / ratio[None, :] >= 1.0).mean(axis=1)


def common_ways(folder: Path, records: int) -> list[dict[str, Any]]:
    """Both, at a size at which they end, and ours; a loop grows as the records, pairs as their square."""
    rows = []
    for name, way, ours, size, power in (
        ("LiRA, a Python loop over records", loop_lira, Lira(variance="per-record"), 2_000, 1),
        ("RMIA, the matrix of pairs", matrix_rmia, Rmia(temperature=1.0), 10_000, 2),
    ):
        target, shadows = (each.part(slice(size)) for each in opened(folder))
        nobody = np.zeros(size, dtype=bool)
        theirs = quickest(lambda way=way, t=target, s=shadows: way(t, s), times=1)
        mine = quickest(lambda a=ours, t=target, s=shadows, n=nobody: a.score(t, s, n))
        agree = np.corrcoef(
            *(x.argsort().argsort() for x in (way(target, shadows), ours.score(target, shadows, nobody)))
        )
        rows.append(
            {
                "way": name,
                "records": size,
                "seconds": theirs,
                "ours": mine,
                "rank correlation": float(agree[0, 1]),
                "extrapolated seconds": theirs * (records / size) ** power,
            }
        )
    return rows


def measure(records: int, classes: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        write_world(Path(folder), records, classes)
        opened(Path(folder))[1].values.sum()
        rows = []
        for name in ATTACKS:
            command = [sys.executable, __file__, "--child", name, "--folder", folder]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            rows.append({"attack": name, **found})
            print(classes, name, {k: round(v, 3) for k, v in found.items()}, flush=True)
        return {"classes": classes, "attacks": rows, "common": common_ways(Path(folder), records)}


def write_table(results: dict[str, Any]) -> str:
    """Markdown."""
    machine = results["machine"]
    lines = [
        "# Scoring a million records by 64 shadow models",
        "",
        f"Written by `python bench/scoring.py` on {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB. {results['records']:,} records, {MODELS} models, answers "
        "memory-mapped, files warm; every attack in a process of its own, the quickest of three runs.",
    ]
    for found in results["arrays"]:
        size = results["records"] * MODELS * found["classes"] * 4 / 2**20
        lines += [
            "",
            f"## {found['classes']} classes: an array of {size:,.0f} MiB",
            "",
            "| attack | seconds | × reading the array | × computing margins | memory, MiB | its own, MiB |",
            "|---|---|---|---|---|---|",
        ]
        for row in found["attacks"]:
            lines.append(
                f"| {row['attack']} | {row['seconds']:.2f} | {row['seconds'] / row['read']:.1f} | "
                f"{row['seconds'] / row['margins']:.1f} | {row['memory_mib']:,.0f} | "
                f"{row['own_mib']:,.0f} |"
            )
        lines += ["", "| the common way | records | seconds | ours, same records | at all records |"]
        lines.append("|---|---|---|---|---|")
        for row in found["common"]:
            lines.append(
                f"| {row['way']} | {row['records']:,} | {row['seconds']:.2f} | {row['ours']:.4f} | "
                f"{row['extrapolated seconds']:,.0f} s, extrapolated |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.folder, options.child)))
        return
    arrays = [measure(options.records, classes) for classes in (2, 10)]
    results = {"records": options.records, "models": MODELS, "machine": describe(), "arrays": arrays}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scoring.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (RESULTS / "scoring.md").write_text(write_table(results))


if __name__ == "__main__":
    main()
