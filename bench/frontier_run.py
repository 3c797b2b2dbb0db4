"""What the benches of frontiers share: their options, the run, and what is kept of it."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import reticent as rt
from machine import describe
from reticent.data import Records
from reticent.defences.defence import Defence
from reticent.progress import Bars
from reticent.targets.torch import TorchRecipe

RESULTS = Path(__file__).parent / "results"


def asked(names: Iterable[str]) -> argparse.Namespace:
    """The command's options: one of the names, how many shadow models, where they are kept."""
    options = argparse.ArgumentParser()
    options.add_argument("name", choices=list(names))
    options.add_argument("--shadows", type=int, default=32)
    options.add_argument("--cache", type=Path, default=None)
    return options.parse_args()


def run(
    given: argparse.Namespace,
    recipe: TorchRecipe,
    data: Records,
    defences: Sequence[Defence],
    *,
    stem: str,
    title: str,
    private: bool = True,
) -> rt.Frontier:
    """Measure, tell, keep.

    Args:
        stem: of the files in bench/results, which end in the name.
        title: of the page.
        private: tune private training to the usefulness of the rest.
    """
    resumed = given.cache is not None and given.cache.exists() and any(given.cache.iterdir())
    start = time.perf_counter()
    front = rt.frontier(
        recipe,
        data,
        defences,
        shadows=given.shadows,
        private=private,
        cache=given.cache,
        progress=Bars() if os.environ.get("BARS") else None,
    )
    seconds = round(time.perf_counter() - start)
    table = front.table
    print(table.drop(columns=["reason"]).round(4).to_string())
    for row in front.rows:
        if row.reason or row.note:
            print(f"{row.name}: {row.reason or row.note}")
    print(f"{seconds} s")
    there = RESULTS / f"{stem}_{given.name}.json"
    kept = {
        "machine": describe(),
        "data": given.name,
        "records": dict(zip(("ordinary", "canaries", "test", "reference"), front.records, strict=True)),
        "shadows": given.shadows,
        "seconds": seconds,
        "resumed": resumed,  # if so, the seconds are those of the last part alone
        "seconds of the last whole run": seconds if not resumed else _whole(there),
        "figure": front.figure,
        "rows": json.loads(table.to_json(orient="records", double_precision=5)),
        "guarantees": {row.name: row.guarantee.by for row in front.rows if row.guarantee},
        "notes": {row.name: row.note for row in front.rows if row.note},
    }
    there.write_text(json.dumps(kept, indent=1) + "\n")
    front.report(there.with_suffix(".html"), name=title)
    return front


def _whole(there: Path) -> int | None:
    """How long the last run took that was not resumed."""
    kept = json.loads(there.read_text()) if there.exists() else {}
    found: int | None = kept.get("seconds of the last whole run", kept.get("seconds"))
    return found
