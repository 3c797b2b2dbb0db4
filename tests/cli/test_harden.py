"""`reticent harden` as a user meets it: a real process, a plan file, a model chosen, written and opened."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import reticent as rt

COMMAND = [sys.executable, "-c", "from reticent.cli import main; main()"]

PLAN = """
out = "out"
[model]
recipe = "mine:recipe"
name = "visits"
[data]
train = "train.parquet"
holdout = "test.csv"
target = "kind"
[harden]
defences = ["l2(0.03)", "round_scores(1)", "dp_sgd(epsilon=3)"]
shadows = 4
canaries = 40
private = false
workers = 1
"""

RECIPE = """
from sklearn.linear_model import LogisticRegression
from reticent.targets.sklearn import SklearnRecipe
recipe = SklearnRecipe(LogisticRegression(C=100.0))
"""

SLOW = """
from sklearn.neural_network import MLPClassifier
from reticent.targets.sklearn import SklearnRecipe
recipe = SklearnRecipe(MLPClassifier((32,), max_iter=300))
"""


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 5))
    table = pd.DataFrame(x, columns=list("abcde"))
    table["kind"] = np.where(x[:, 0] + 0.5 * rng.normal(size=500) > 0, "yes", "no")
    table[:300].to_parquet(tmp_path / "train.parquet")
    table[300:].to_csv(tmp_path / "test.csv", index=False)
    (tmp_path / "mine.py").write_text(RECIPE)
    (tmp_path / "plan.toml").write_text(PLAN)
    return tmp_path


def begun(folder, *words):
    environment = {**os.environ, "RETICENT_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*COMMAND, *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_model_is_chosen_written_and_opened(folder, reticent):
    code, out, err = reticent(folder, "harden", "plan.toml", "--max-leak", "auc < 0.99")
    assert code == 0, err
    assert "Report: " in out and "Model: " in out and "not run" in out
    kept = json.loads((folder / "out/frontier.json").read_text())
    names = [row["defence"] for row in kept["rows"]]
    assert names[0] == "none()" and len(names) == 4
    assert "torch module" in next(row["reason"] for row in kept["rows"] if "dp_sgd" in row["defence"])
    chosen = re.search(r"^(\S+): accuracy", out.replace("\n", " ").split("html ")[1]).group(1)
    card = (folder / "out/model/MODEL_CARD.md").read_text()
    assert "# visits" in card and f"`{chosen}`" in card and "Of 4 models trained like it" in card
    target = rt.open_hardened(folder / "out/model")
    table = pd.read_csv(folder / "test.csv")
    found = target.predict(table.drop(columns="kind"))
    assert (target.classes[found.labels] == table["kind"].to_numpy()).mean() > 0.7
    assert not list((folder / "out").rglob("*.pkl")) + list((folder / "out").rglob("*.joblib"))
    audited, told, err = reticent(
        folder,
        *("audit", "--model", "out/model", "--train", "train.parquet", "--holdout", "test.csv"),
        *("--target", "kind", "--attack", "loss", "--out", "audit"),
    )
    assert audited in (0, 1), err
    assert "loss" in told


def test_where_none_is_good_enough_it_ends_with_three_and_keeps_the_report(folder, reticent):
    code, out, _ = reticent(folder, "harden", "plan.toml", "--max-leak", "auc < 0.3")
    assert code == 3
    assert "None of 4 defences leaks as little as auc < 0.3; the least is" in out.replace("\n", " ")
    assert (folder / "out/report.html").is_file()
    assert not (folder / "out/model").exists()


def test_without_a_limit_nothing_is_chosen(folder, reticent):
    code, out, _ = reticent(folder, "harden", "plan.toml", "--out", "elsewhere")
    assert code == 0
    assert (folder / "elsewhere/report.html").is_file()
    assert not (folder / "elsewhere/model").exists()
    assert "Model:" not in out


def test_interrupted_it_says_so_and_goes_on(folder, reticent):
    (folder / "mine.py").write_text(SLOW)
    process = begun(folder, "harden", "plan.toml")
    cache = folder / "cache"
    until = time.monotonic() + 60
    while not list(cache.rglob("*.done")) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "stopped; run the same command again" in err and "Traceback" not in err
    done = len(list(cache.rglob("*.done")))
    assert done
    code, _, err = reticent(folder, "harden", "plan.toml")
    assert code == 0, err
    assert len(list(cache.rglob("*.done"))) > done


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"round_scores(1)"', '"round(1)"', "there is no defence 'round'"),
        ("mine:recipe", "mine:absent", "mine"),
        ('target = "kind"', 'target = "sort"', "sort"),
        ("shadows = 4", "shadows = 5", "5"),
        ("test.csv", "absent.csv", "absent.csv"),
        ("canaries = 40", "canaries = 400", "400 canaries were asked for"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_two(folder, old, new, said, reticent):
    text = (folder / "plan.toml").read_text()
    assert old in text
    (folder / "plan.toml").write_text(text.replace(old, new))
    code, _, err = reticent(folder, "harden", "plan.toml")
    assert code == 2
    assert said in err.replace("\n", " ") and "Traceback" not in err


def test_help_says_what_it_does(folder, reticent):
    code, out, _ = reticent(folder, "harden", "--help")
    assert code == 0
    for word in ("--max-leak", "--out", "--shadows", "--seed"):
        assert word in out
