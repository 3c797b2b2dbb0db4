"""`reticent anonymise` in a real process: a table comes out with its page, and mistakes write nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reticent.anonymity.check import prove

COMMAND = [sys.executable, "-c", "from reticent.cli import main; main()", "anonymise", "patients.csv"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("anonymise"), np.random.default_rng(0)
    pd.DataFrame(
        {
            "id": [f"P{i:04d}" for i in range(300)],
            "age": rng.integers(20, 90, 300),
            "zip": rng.choice(["02139", "02140", "10001"], 300),
            "diagnosis": rng.choice(["flu", "gout", "none"], 300),
        }
    ).to_csv(folder / "patients.csv", index=False)
    (folder / "zip.toml").write_text('[zip]\nBoston = ["02139", "02140"]\n"*" = ["10001"]\n')
    (folder / "less.toml").write_text('[zip]\nBoston = ["02139", "02140"]\n')
    (folder / "key").write_text("k" * 40)
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*COMMAND, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_a_table_comes_out_proved_with_its_page(folder: Path) -> None:
    words = ["--quasi", "age,zip", "--sensitive", "diagnosis", "--k", "9", "--l", "2", "--t", "0.5"]
    words += ["--hierarchies", "zip.toml", "--pseudonymise", "id", "--key-file", "key"]
    made = run(folder, *words, "--out", "safe.csv", "--report", "risk.html")
    assert made.returncode == 0, made.stderr
    assert "0 % after" in made.stdout
    table = pd.read_csv(folder / "safe.csv", dtype=str)
    assert prove(table, ["age", "zip"], 9).holds
    assert set(table["zip"]) <= {"02139", "02140", "10001", "Boston", "*"}
    assert not table["id"].str.startswith("P").any() and table["id"].nunique() == 300
    assert "Who can be found in patients.csv" in (folder / "risk.html").read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--quasi", "age,zip"], "'id' has another value in each row"),
        (["--quasi", "age,id"], "so it is an identifier"),
        (["--quasi", " ", "--drop", "id"], "no quasi-identifiers were named"),
        (["--quasi", "age", "--drop", "id", "--k", "301"], "the table has 300 rows"),
        (["--quasi", "zip", "--drop", "id", "--hierarchies", "less.toml"], "lacks the value '10001'"),
        (["--quasi", "age", "--pseudonymise", "id", "--key-file", "none"], "no key file"),
        (["--quasi", "age", "--drop", "id", "--sensitive", "diagnosis", "--l", "4"], "has 3 values"),
    ],
)
def test_mistakes_are_sentences_and_write_nothing(folder: Path, words: list[str], sentence: str) -> None:
    made = run(folder, *words, "--out", "none.csv", "--report", "none.html")
    assert made.returncode == 2
    assert sentence in made.stderr
    assert len(made.stderr.strip().splitlines()) == 1
    assert not (folder / "none.csv").exists() and not (folder / "none.html").exists()
