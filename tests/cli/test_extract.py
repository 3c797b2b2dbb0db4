"""`reticent extract` in a real process: a model's copy judged, then asked about members."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

COMMAND = [sys.executable, "-c", "from reticent.cli import main; main()", "extract"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extract")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(600, 3)), columns=list("abc"))
    table["y"] = (table["a"] - table["b"] + rng.normal(size=600) > 0).astype(int)
    for name, start in (("train", 0), ("own", 200), ("test", 400)):
        table[start : start + 200].to_parquet(folder / f"{name}.parquet")
    model = LogisticRegression(C=1.0).fit(table[["a", "b", "c"]][:200], table["y"][:200])
    skops.io.dump(model, folder / "model.skops")
    return folder


def extract(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RETICENT_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    shared = ("--model", "model.skops", "--own", "own.parquet", "--test", "test.parquet", "--target", "y")
    return subprocess.run(
        [*COMMAND, *shared, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_a_copy_is_judged_and_its_page_written(folder: Path) -> None:
    run = extract(folder, "--attack", "equation-solving", "--report", "page.html")
    assert run.returncode == 0, run.stderr
    assert "100.0 %" in run.stdout
    assert "The last copy was made of 4 queries" in run.stdout
    assert "What can be copied of the model" in (folder / "page.html").read_text()


def test_the_copy_is_asked_about_members(folder: Path) -> None:
    run = extract(folder, "--attack", "equation-solving", "--members", "train.parquet")
    assert run.returncode == 0, run.stderr
    assert "loss through equation-solving" in run.stdout
    assert "asking the model about all" in " ".join(run.stdout.split())


def test_a_budget_that_does_not_suffice_ends_with_2_and_the_reason(folder: Path) -> None:
    run = extract(folder, "--attack", "equation-solving", "--budget", "2")
    assert run.returncode == 2
    assert "was refused" in run.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--attack", "lira"), "copies no model"),
        (("--attack", "equation-solving", "--then", "lowd-meek"), "tells no members"),
        (("--attack", "steal"), "there is no attack"),
        (("--attack", "equation-solving", "--own", "none.parquet"), "none.parquet"),
    ],
)
def test_mistakes_are_sentences(folder: Path, words: tuple[str, ...], said: str) -> None:
    run = extract(folder, *words)
    assert run.returncode == 2
    assert said in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
