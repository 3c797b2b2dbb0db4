"""Anonymeter's figures for tables in a folder, as JSON; bench/release.py runs it in Anonymeter's environment.

python bench/release_peer.py folder     reads original, control and release .csv and task.json there
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator


def told(evaluator: Any, start: float) -> dict[str, Any]:
    results, risk = evaluator.results(), evaluator.risk()
    rates = {
        "originals": results.attack_rate,
        "controls": results.control_rate,
        "naive": results.baseline_rate,
    }
    return {
        **{name: round(rate.value, 4) for name, rate in rates.items()},
        "risk": [round(v, 4) for v in (risk.value, *risk.ci)],
        "seconds": round(time.perf_counter() - start, 1),
    }


def main() -> None:
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    task = json.loads((folder / "task.json").read_text())
    original, control, release = (
        pd.read_csv(folder / f"{name}.csv", keep_default_na=False).astype(task["kinds"])
        for name in ("original", "control", "release")
    )
    sides, count = {"ori": original, "syn": release, "control": control}, task["guesses"]
    found = {}
    for mode, columns in (("multivariate", task["columns"]), ("univariate", 1)):
        start = time.perf_counter()
        single = SinglingOutEvaluator(**sides, n_attacks=count, n_cols=columns)
        found[f"singling out, {mode}"] = told(single.evaluate(mode=mode), start)
    start = time.perf_counter()
    link = LinkabilityEvaluator(**sides, aux_cols=task["halves"], n_attacks=count, n_neighbors=1)
    found["linkability"] = told(link.evaluate(n_jobs=1), start)
    for secret in task["secrets"]:
        start = time.perf_counter()
        known = [name for name in original.columns if name != secret]
        number = bool(pd.api.types.is_numeric_dtype(original[secret]))
        infer = InferenceEvaluator(**sides, aux_cols=known, secret=secret, regression=number, n_attacks=count)
        found[f"inference of {secret}"] = told(infer.evaluate(n_jobs=1), start)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
