"""Smartnoise's MST on cells, run by bench/synthesis.py in an environment that has smartnoise-synth."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pandas as pd
from snsynth import Synthesizer

folder = Path(sys.argv[1])
task = json.loads((folder / "task.json").read_text())
cells = pd.read_csv(folder / "cells.csv")
start = time.perf_counter()
maker = Synthesizer.create("mst", epsilon=task["epsilon"], delta=task["delta"])
maker.fit(cells, preprocessor_eps=0.0, nullable=False, categorical_columns=list(cells.columns))
made = maker.sample(len(cells))
seconds = round(time.perf_counter() - start, 2)
made.to_csv(folder / "made.csv", index=False)
print(json.dumps({"seconds": seconds}))
