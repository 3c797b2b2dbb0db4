"""`reticent synthesise` in a real process: the table and its page are written, and mistakes are sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

DOMAIN = """
[age]
low = 0
high = 99
bins = 10
whole = true

[town]
categories = ["Graz", "Linz"]

[ill]
categories = [false, true]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("synthesise"), np.random.default_rng(0)
    age = rng.integers(0, 100, 1500)
    table = pd.DataFrame(
        {"age": age, "town": rng.choice(["Graz", "Linz"], 1500), "ill": rng.random(1500) < age / 100}
    )
    table.to_parquet(folder / "people.parquet")
    table.assign(age=99 - age).to_parquet(folder / "others.parquet")
    table.head(50).to_csv(folder / "few.csv", index=False)
    table.assign(name=[f"n{i}" for i in range(1500)]).to_parquet(folder / "texts.parquet")
    (folder / "domain.toml").write_text(DOMAIN)
    (folder / "narrow.toml").write_text(DOMAIN.replace("99", "49"))
    return folder


@pytest.fixture
def run(reticent):
    return lambda folder, *words: reticent(folder, "synthesise", *words)


def test_the_table_and_its_page_are_written(folder: Path, run) -> None:
    words = ("people.parquet", "--epsilon", "2", "--domain", "domain.toml", "--out", "made.parquet")
    done = run(folder, *words, "--seed", "1", "--report", "page.html", "--secret", "ill", "--guesses", "100")
    assert done.returncode == 0, done.stderr
    assert "ε 2 at δ 1e-05, for adding or removing one record" in done.stdout
    made, page = pd.read_parquet(folder / "made.parquet"), (folder / "page.html").read_text()
    assert list(made.columns) == ["age", "town", "ill"] and abs(len(made) - 1200) < 200
    assert made["age"].between(0, 99).all() and made["ill"].dtype == bool
    for said in ("Guarantee", "ε 2 at δ 1e-05", "300 others were set aside", "singling-out", "linkability"):
        assert said in page
    assert "inference-risk on ill" in page and "keep it with them" in page
    for name in ("made.parquet", "page.html"):
        assert (folder / name).stat().st_mode & 0o077 == 0


def test_the_domain_may_come_from_a_public_table_and_that_is_said(folder: Path, run) -> None:
    words = ("people.parquet", "--epsilon", "2", "--public-domain", "others.parquet", "--out", "public.csv")
    done = run(folder, *words, "--rows", "20")
    assert done.returncode == 0, done.stderr
    assert "The guarantee rests on others.parquet being public" in done.stdout
    assert len(pd.read_csv(folder / "public.csv")) == 20


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("people.parquet", "--domain", "domain.toml"), "give --epsilon"),
        (("people.parquet", "--domain", "domain.toml", "--epsilon", "0"), "give one above 0"),
        (("people.parquet", "--domain", "domain.toml", "--epsilon", "1", "--delta", "0.1"), "below one over"),
        (("people.parquet", "--domain", "narrow.toml", "--epsilon", "1"), "widen the bounds"),
        (("people.parquet", "--epsilon", "1"), "as in [age] with categories"),
        (("texts.parquet", "--domain", "domain.toml", "--epsilon", "1"), "the domain lacks 'name'"),
        (("people.parquet", "--public-domain", "people.parquet", "--epsilon", "1"), "the people themselves"),
        (("texts.parquet", "--public-domain", "texts.parquet", "--epsilon", "1"), "free text or a key"),
        (("few.csv", "--domain", "domain.toml", "--epsilon", "1"), "50 rows were given"),
        (("none.csv", "--domain", "domain.toml", "--epsilon", "1"), "there is no file"),
        (("people.parquet", "--domain", "no.toml", "--epsilon", "1"), "there is no domain file"),
    ],
)
def test_mistakes_are_sentences_and_leave_nothing_behind(
    folder: Path, words: tuple[str, ...], sentence: str, run
) -> None:
    done = run(folder, *words, "--out", "none.parquet")
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert not (folder / "none.parquet").exists()


def test_other_kinds_of_file_are_refused_before_anything_is_made(folder: Path, run) -> None:
    words = ("people.parquet", "--domain", "domain.toml", "--epsilon", "1", "--out")
    assert "neither Parquet" in run(folder, *words, "made.xlsx").stderr
    assert "to write to; make it first" in run(folder, *words, "nowhere/made.csv").stderr
