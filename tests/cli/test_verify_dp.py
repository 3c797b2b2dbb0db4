"""`reticent verify-dp` in a real process: faults close the gate, and what can't be told does not open it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SHARED = ("--runs", "80", "--outliers", "0", "--workers", "1")
CLAIM = ("--epsilon", "3.05", "--delta", "1e-5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("claims")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)) * [1, 1, 0.01]  # one column that an outlier can have to itself
    table = pd.DataFrame(x, columns=list("abc")).assign(y=rng.integers(0, 2, 200))
    table.to_csv(folder / "own.csv", index=False)
    (folder / "mine.py").write_text(
        "from reticent.faulty import Fault, PrivateSgd\n"
        "right = PrivateSgd(noise=1.27)\n"
        "unclipped = PrivateSgd(noise=1.27, fault=Fault.UNCLIPPED)\n"
        "def odd(x):\n"
        "    return x\n"
    )
    return folder


@pytest.fixture
def verify(reticent):
    return lambda folder, *words: reticent(folder, "verify-dp", *SHARED, *words)


def test_a_fault_ends_with_3(folder: Path, verify) -> None:
    run = verify(folder, "mine:unclipped", *CLAIM)
    assert run.returncode == 3, run.stderr
    assert "violated with 95 % confidence" in run.stdout


def test_a_right_training_on_own_records_is_not_accused(folder: Path, verify) -> None:
    run = verify(folder, "mine:right", *CLAIM, "--data", "own.csv", "--target", "y")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "not refuted" in run.stdout and "by the accountant epsilon" in run.stdout


def test_too_few_runs_for_a_claim_end_with_4(folder: Path, verify) -> None:
    run = verify(folder, "mine:right", "--epsilon", "8", "--delta", "1e-5", "--sight", "scores")
    assert run.returncode == 4, run.stdout + run.stderr
    assert "No power" in run.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mine:right",), "no claim was given"),
        (("mine:right", "--epsilon", "3"), "a claim has both"),
        (("mine:right", *CLAIM, "--sight", "everything"), "give scores, weights or steps"),
        (("mine:absent", *CLAIM), "has no 'absent'"),
        (("mine:odd", *CLAIM), "write it as"),
    ],
)
def test_mistakes_are_sentences(folder: Path, words: tuple[str, ...], said: str, verify) -> None:
    run = verify(folder, *words)
    assert run.returncode == 2, run.stdout
    assert said in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
