"""`reticent anonymise`: a table comes out with its page, and mistakes write nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reticent.anonymity.check import prove
from reticent.anonymity.hierarchy import read_hierarchies
from reticent.anonymity.privacy import Closeness, Diversity


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
    (folder / "trees.toml").write_text(
        '[zip]\nBoston = ["02139", "02140"]\n"*" = ["10001"]\n'
        '[diagnosis]\nill = ["flu", "gout"]\n"*" = ["none"]\n'
    )
    (folder / "diagnosis.csv").write_text("flu;ill;*\ngout;ill;*\n")
    (folder / "less.toml").write_text('[zip]\nBoston = ["02139", "02140"]\n')
    (folder / "key").write_text("k" * 40)
    return folder


@pytest.fixture
def run(folder: Path, reticent):
    """Run the command in the folder; its exit code and what it said on both streams."""
    return lambda words: reticent(folder, "anonymise", "patients.csv", *words.split())


def test_a_table_comes_out_proved_with_its_page(folder: Path, run) -> None:
    code, said, wrong = run(
        "--quasi age,zip --sensitive diagnosis --k 9 --l 2 --t 0.3 --hierarchies trees.toml "
        "--pseudonymise id --key-file key --out safe.csv --report risk.html"
    )
    assert code == 0, wrong
    assert "0 % after" in said
    table = pd.read_csv(folder / "safe.csv", dtype=str)
    trees = {"diagnosis": read_hierarchies(folder / "trees.toml")["diagnosis"]}
    asked = {"sensitive": ["diagnosis"], "models": [Diversity(2), Closeness(0.3)], "hierarchies": trees}
    assert prove(table, ["age", "zip"], 9, **asked).holds
    assert set(table["zip"]) <= {"02139", "02140", "10001", "Boston", "*"}
    assert not table["id"].str.startswith("P").any() and table["id"].nunique() == 300
    page = (folder / "risk.html").read_text()
    assert "Who can be found in patients.csv" in page
    assert "by the hierarchy of diagnosis" in page


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--quasi age,zip", "'id' has another value in each row"),
        ("--quasi age,id", "so it is an identifier"),
        ("--quasi , --drop id", "no quasi-identifiers were named"),
        ("--quasi age --drop id --out patients.csv", "'patients.csv' is named twice and would be lost"),
        ("--quasi age --drop id --report none/risk.html", "there is no folder"),
        ("--quasi age --drop id --k 301", "the table has 300 rows"),
        ("--quasi zip --drop id --hierarchies less.toml", "lacks the value '10001'"),
        ("--quasi age --pseudonymise id --key-file none", "no key file"),
        ("--quasi age --drop id --sensitive diagnosis --l 4", "has 3 values"),
        (
            "--quasi age --drop id --sensitive diagnosis --t 0.2 --hierarchies diagnosis.csv",
            "'diagnosis' lacks the",
        ),
        ("--quasi age --drop id --sensitive diagnosis --hierarchies diagnosis.csv", "nor sensitive with a t"),
        (
            "--quasi age --drop id --sensitive zip --t 0.2 --hierarchies diagnosis.csv",
            "nor sensitive with a t",
        ),
    ],
)
def test_mistakes_are_sentences_and_write_nothing(folder: Path, run, words: str, sentence: str) -> None:
    before = sorted(folder.iterdir())
    code, _, said = run(f"--out none.csv --report none.html {words}")
    assert code == 2
    assert sentence in said
    assert len(said.strip().splitlines()) == 1
    assert sorted(folder.iterdir()) == before and "P0007" in (folder / "patients.csv").read_text()
