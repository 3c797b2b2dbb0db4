"""`reticent canaries` in a real process: a training that knows its records by heart refutes its claim."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SHARED = ("--train", "train.parquet", "--target", "y", "--count", "300")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("canaries")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(800, 4)), columns=list("abcd")).assign(y=rng.integers(0, 2, 800))
    table.to_parquet(folder / "train.parquet")
    (folder / "mine.py").write_text(
        "from sklearn.tree import DecisionTreeClassifier\nfrom sklearn.dummy import DummyClassifier\n"
        "heart = DecisionTreeClassifier()\nnothing = DummyClassifier()\n"
    )
    return folder


@pytest.fixture
def canaries(reticent):
    return lambda folder, *words: reticent(folder, "canaries", *SHARED, *words)


def test_a_claim_is_refuted_with_3(folder: Path, canaries) -> None:
    run = canaries(folder, "--recipe", "mine:heart", "--claimed-epsilon", "1", "--workers", "1")
    assert run.returncode == 3, run.stderr
    assert "is violated" in run.stdout


def test_a_training_that_learns_nothing_is_not_accused(folder: Path, canaries) -> None:
    run = canaries(folder, "--recipe", "mine:nothing", "--claimed-epsilon", "0.5")
    assert run.returncode == 0, run.stderr
    assert "not refuted" in run.stdout


@pytest.mark.parametrize(
    "words", [("--count", "700"), ("--delta", "2"), ("--recipe", "mine:absent"), ("--runs", "5")]
)
def test_mistakes_are_sentences(folder: Path, words: tuple[str, ...], canaries) -> None:
    run = canaries(folder, "--recipe", "mine:heart", *words)
    assert run.returncode == 2
    assert len(run.stderr.strip().splitlines()) == 1
