"""`reticent extract` in a real process: a model's copy judged, then asked about members."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

SHARED = ("--model", "model.skops", "--own", "own.parquet", "--test", "test.parquet", "--target", "y")


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


@pytest.fixture
def extract(reticent):
    return lambda folder, *words: reticent(folder, "extract", *SHARED, *words)


def test_a_copy_is_judged_and_its_page_written(folder: Path, extract) -> None:
    run = extract(folder, "--attack", "equation-solving", "--report", "page.html")
    assert run.returncode == 0, run.stderr
    assert "100.0 %" in run.stdout
    assert "The last copy was made of 4 queries" in run.stdout
    assert "What can be copied of the model" in (folder / "page.html").read_text()


def test_the_copy_is_asked_about_members(folder: Path, extract) -> None:
    run = extract(folder, "--attack", "equation-solving", "--members", "train.parquet")
    assert run.returncode == 0, run.stderr
    assert "loss through equation-solving" in run.stdout
    assert "asking the model about all" in " ".join(run.stdout.split())


def test_a_budget_that_does_not_suffice_ends_with_2_and_the_reason(folder: Path, extract) -> None:
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
def test_mistakes_are_sentences(folder: Path, words: tuple[str, ...], said: str, extract) -> None:
    run = extract(folder, *words)
    assert run.returncode == 2
    assert said in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
