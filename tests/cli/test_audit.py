"""The command line as a user meets it: real processes, real files, and every kind of bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

COMMAND = [sys.executable, "-c", "from reticent.cli import main; main()"]
FEW = ("--shadows", "2", "--attack", "loss", "--attack", "lira")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows its records by heart, and both sides of the data in two formats."""
    folder = tmp_path_factory.mktemp("user")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": rng.integers(18, 80, 600).astype(float),
            "job": rng.choice(["cook", "clerk", "nurse"], 600),
            "hours": rng.normal(40, 8, 600),
            "income": rng.choice(["low", "high"], 600),
        }
    )
    table.loc[::17, "age"] = np.nan
    train, test = table[:300], table[300:]
    train.to_parquet(folder / "train.parquet")
    test.to_csv(folder / "test.csv", index=False)
    columns = make_column_transformer((OneHotEncoder(), ["job"]), (StandardScaler(), ["hours"]))
    model = make_pipeline(columns, DecisionTreeClassifier(random_state=0))
    model.fit(train.drop(columns="income"), train["income"])
    skops.io.dump(model, folder / "model.skops")
    joblib.dump(model, folder / "model.joblib")
    strict = make_pipeline(
        make_column_transformer((StandardScaler(), ["age", "hours"])), LogisticRegression(max_iter=200)
    )
    strict.fit(train.dropna().drop(columns="income"), train.dropna()["income"])
    skops.io.dump(strict, folder / "strict.skops")
    return folder


@pytest.fixture
def audit(reticent):
    def audit(folder: Path, *more, **changes):
        options = {
            "model": "model.skops",
            "train": "train.parquet",
            "holdout": "test.csv",
            "target": "income",
        }
        words = [w for k, v in {**options, "target": "income", **changes}.items() for w in (f"--{k}", v)]
        return reticent(folder, "audit", *words, *FEW, *more)

    return audit


def sentence(run, code: int = 2) -> str:
    """The one sentence of a run that failed as it should."""
    assert run.returncode == code, run.stderr + run.stdout
    assert "Traceback" not in run.stderr
    lines = run.stderr.strip().splitlines()
    assert len(lines) == 1, run.stderr
    assert lines[0].startswith("reticent: ")
    return lines[0]


def test_the_main_job(folder: Path, audit) -> None:
    run = audit(folder, "--out", "runs/income")
    assert run.returncode == 0, run.stderr
    out = folder / "runs/income"
    assert {p.name for p in out.iterdir()} >= {
        "report.html",
        "findings.json",
        "summary.md",
        "junit.xml",
        "evidence",
    }
    assert out.stat().st_mode & 0o077 == 0
    assert "lira" in (out / "report.html").read_text()


def test_a_sensitive_column_is_guessed_at(folder: Path, audit) -> None:
    run = audit(folder, "--sensitive", "job", "--attack", "csmia", "--json")
    assert run.returncode == 0, run.stderr
    (found,) = [f for f in json.loads(run.stdout)["audits"][0]["findings"] if f["secret"]]
    assert found["secret"] == "job"
    assert set(found["figures"]) >= {"right", "imputed", "leak"}


def test_the_share_of_a_property_is_guessed_at(folder: Path, audit) -> None:
    run = audit(folder, "--property", "age = 40", "--attack", "share-regression", "--json")
    assert run.returncode == 0, run.stderr
    (told,) = [
        f for f in json.loads(run.stdout)["audits"][0]["findings"] if f["attack"] == "share-regression"
    ]
    assert told["secret"] == "age = 40.0" and "do not make up samples" in told["reason"]


@pytest.mark.parametrize(
    ("words", "said"),
    [("pay=high", "'pay'"), ("job", "column=value"), ("age=old", "age holds numbers")],
)
def test_a_property_that_can_not_be_is_a_sentence(folder: Path, words: str, said: str, audit) -> None:
    assert said in sentence(audit(folder, "--property", words))


def test_a_sensitive_column_that_is_not_there_is_a_sentence(folder: Path, audit) -> None:
    assert "'pay'" in sentence(audit(folder, "--sensitive", "pay"))


def test_json_is_json_and_nothing_else(folder: Path, audit) -> None:
    run = audit(folder, "--json")
    found = json.loads(run.stdout)
    assert found["schema"].startswith("reticent.findings/")


def test_a_gate_closes_with_3_and_opens_with_0(folder: Path, audit) -> None:
    assert audit(folder, "--fail-on", "auc>0.55").returncode == 3
    assert audit(folder, "--fail-on", "auc>0.999").returncode == 0


def test_a_plan_file_does_the_same_as_options(folder: Path, audit, reticent) -> None:
    plan = folder / "audit.toml"
    plan.write_text(
        'out = "runs/plan"\n[model]\npath = "model.skops"\n'
        '[data]\ntrain = "train.parquet"\nholdout = "test.csv"\ntarget = "income"\n'
        '[audit]\nshadows = 2\nattacks = ["loss", "lira"]\n'
    )
    by_plan, by_options = reticent(folder, "audit", "audit.toml", "--json"), audit(folder, "--json")
    facts = [json.loads(r.stdout)["audits"][0]["provenance"]["fingerprints"] for r in (by_plan, by_options)]
    assert facts[0] == facts[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": "salary"}, "no column 'salary'"),
        ({"target": "job"}, "none of the model's"),
        ({"train": "nothing.parquet"}, "no file"),
        ({"model": "nothing.skops"}, "no model file"),
        ({"model": "model.joblib"}, "trust-pickle"),
        ({"model": "train.parquet"}, "no kind of model file"),
    ],
)
def test_a_wrong_word_is_a_sentence(folder: Path, changes: dict[str, str], words: str, audit) -> None:
    assert words in sentence(audit(folder, **changes))


def test_a_trusted_pickle_is_opened(folder: Path, audit) -> None:
    assert audit(folder, "--trust-pickle", model="model.joblib").returncode == 0


def test_missing_columns(folder: Path, audit) -> None:
    pd.read_csv(folder / "test.csv").drop(columns="hours").to_csv(folder / "narrow.csv", index=False)
    assert "hours" in sentence(audit(folder, holdout="narrow.csv"))


def test_missing_values_that_the_model_cannot_take(folder: Path, audit) -> None:
    assert "ValueError: Input X contains NaN" in sentence(audit(folder, model="strict.skops"))


def test_members_that_are_the_nonmembers(folder: Path, audit) -> None:
    assert "copies of the other side" in sentence(audit(folder, holdout="train.parquet"))


def test_one_class_and_two_records(folder: Path, audit) -> None:
    table = pd.read_parquet(folder / "train.parquet")
    table[table["income"] == "low"].to_parquet(folder / "one.parquet")
    table[:2].to_parquet(folder / "two.parquet")
    assert "same label" in sentence(audit(folder, train="one.parquet"))
    assert "at least" in sentence(audit(folder, holdout="two.parquet"))


def test_truncated_files(folder: Path, audit) -> None:
    for name, option in (("train.parquet", "train"), ("model.skops", "model")):
        whole = (folder / name).read_bytes()
        (folder / f"cut-{name}").write_bytes(whole[: len(whole) // 2])
        sentence(audit(folder, **{option: f"cut-{name}"}))


def test_an_unknown_key_in_a_plan(folder: Path, reticent) -> None:
    (folder / "bad.toml").write_text(
        '[model]\npath = "model.skops"\n[data]\ntrain = "a"\nholdout = "b"\nfoo = 1\n'
    )
    assert "'foo'" in sentence(reticent(folder, "audit", "bad.toml"))


def test_a_threshold_that_does_not_read(folder: Path, audit) -> None:
    assert "'tpr>high'" in sentence(audit(folder, "--fail-on", "tpr>high"))


def test_a_recipe_that_throws(folder: Path, audit) -> None:
    (folder / "mine.py").write_text("def train(X, y, seed):\n    raise RuntimeError('no')\n")
    assert "RuntimeError: no" in sentence(audit(folder, "--recipe", "mine:train"))


class Endpoint(BaseHTTPRequestHandler):
    """A scoring endpoint in several moods, by its path."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/hangs":
            time.sleep(60)
        if self.path == "/fails":
            self.send_error(500)
            return
        rows = asked["instances"]
        body = (
            b"rubbish"
            if self.path == "/rubbish"
            else json.dumps({"probabilities": [[0.7, 0.3]] * len(rows)}).encode()
        )
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_endpoint_is_audited_without_shadow_models(folder: Path, endpoint: str, audit) -> None:
    run = audit(folder, "--json", model=f"{endpoint}/score")
    assert run.returncode == 0, run.stderr
    outcomes = {f["attack"]: f["outcome"] for f in json.loads(run.stdout)["audits"][0]["findings"]}
    assert outcomes == {"loss": "measured", "lira": "refused", "blind": "measured"}


@pytest.mark.parametrize("mood", ["fails", "rubbish"])
def test_an_endpoint_in_a_bad_mood_is_a_sentence(folder: Path, endpoint: str, mood: str, audit) -> None:
    sentence(audit(folder, model=f"{endpoint}/{mood}"))


def test_a_full_disk_is_a_sentence(folder: Path, audit) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    shim = folder / "full"
    shim.mkdir(exist_ok=True)
    (shim / "sitecustomize.py").write_text(
        "import os, errno\ndef full(fd):\n    raise OSError(errno.ENOSPC, 'full')\nos.fsync = full\n"
    )
    words = ["--model", "model.skops", "--train", "train.parquet", "--holdout", "test.csv"]
    words += ["--target", "income", "--seed", "5", *FEW]
    environment = {**os.environ, "PYTHONPATH": str(shim), "RETICENT_CACHE": str(folder / "cache")}
    command = [*COMMAND, "audit", *words]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
    assert "no space is left" in sentence(run, 1)
    assert audit(folder, "--seed", "5").returncode == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_goes_on(folder: Path, how: signal.Signals, reticent) -> None:
    work = folder / how.name
    work.mkdir()
    for name in ("model.skops", "train.parquet", "test.csv"):
        (work / name).write_bytes((folder / name).read_bytes())
    (work / "slow.py").write_text(
        "import time\nfrom sklearn.dummy import DummyClassifier\n"
        "def train(X, y, seed):\n"
        "    time.sleep(0.5)\n"
        "    open('trained', 'a').write('.')\n"
        "    return DummyClassifier().fit(X, y)\n"
    )
    words = ["audit", "--model", "model.skops", "--train", "train.parquet", "--holdout", "test.csv"]
    words += ["--target", "income", "--recipe", "slow:train", "--shadows", "12", "--attack", "lira"]
    environment = {**os.environ, "RETICENT_CACHE": str(work / "cache"), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*COMMAND, *words],
        cwd=work,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 220
    while len(list(work.glob("cache/signals/*/*.done"))) < 3:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)
    if how is signal.SIGKILL:
        os.killpg(process.pid, how)
        process.communicate()
    else:
        process.send_signal(how)
        _, errors = process.communicate(timeout=60)
        assert "run the same command again" in errors
        assert "Traceback" not in errors
        assert process.returncode == 1
    time.sleep(1.0)  # workers that were told to stop have stopped
    finished = len(list(work.glob("cache/signals/*/*.done")))
    assert 3 <= finished < 12
    (work / "trained").write_text("")
    again = reticent(work, *words)
    assert again.returncode == 0, again.stderr
    assert len((work / "trained").read_text()) == 12 - finished


def test_torch_weights_with_their_recipe(folder: Path, reticent) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_model

    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(300, 6)).astype(np.float32), rng.integers(0, 2, 300)
    np.savez(folder / "inside.npz", x=x[:150], y=y[:150])
    np.savez(folder / "outside.npz", x=x[150:], y=y[150:])
    (folder / "net.py").write_text(
        "from functools import partial\nfrom torch import nn\n"
        "from reticent.shadows.batched import Training\nfrom reticent.targets.torch import TorchRecipe\n"
        "def make():\n    return nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 2))\n"
        "recipe = TorchRecipe(module=make, training=Training(epochs=150, batch_size=50, learning_rate=0.5))\n"
    )
    sys.path.insert(0, str(folder))
    try:
        from net import recipe
    finally:
        sys.path.remove(str(folder))
    from reticent.data import records

    target = recipe.fit(records(x[:150], y[:150], np.array([0, 1])), 0)
    save_model(target.module, str(folder / "weights.safetensors"))
    words = ["--model", "weights.safetensors", "--recipe", "net:recipe", "--train", "inside.npz"]
    words += ["--holdout", "outside.npz", "--shadows", "4", "--json"]
    run = reticent(folder, "audit", *words, *(w for n in ("rmia", "gradient-norm") for w in ("--attack", n)))
    assert run.returncode == 0, run.stderr
    found = {f["attack"]: f for f in json.loads(run.stdout)["audits"][0]["findings"]}
    assert found["gradient-norm"]["outcome"] == "measured"
    assert found["rmia"]["figures"]["auc"]["low"] > 0.55
    assert torch.get_num_threads() >= 1


def test_an_onnx_file(folder: Path, audit) -> None:
    pytest.importorskip("onnxruntime")
    from skl2onnx import to_onnx

    table, test = pd.read_parquet(folder / "train.parquet"), pd.read_csv(folder / "test.csv")
    for name, part in (("onnx-train.csv", table), ("onnx-test.csv", test)):
        part[["hours", "income"]].to_csv(folder / name, index=False)
    tree = DecisionTreeClassifier(random_state=0).fit(table[["hours"]].to_numpy(np.float32), table["income"])
    model = to_onnx(tree, np.zeros((1, 1), np.float32), options={"zipmap": False})
    (folder / "tree.onnx").write_bytes(model.SerializeToString())
    run = audit(folder, "--json", model="tree.onnx", train="onnx-train.csv", holdout="onnx-test.csv")
    assert run.returncode == 0, run.stderr
    found = {f["attack"]: f for f in json.loads(run.stdout)["audits"][0]["findings"]}
    assert found["loss"]["figures"]["auc"]["low"] > 0.55
    assert "recipe" in found["lira"]["reason"]


def test_two_models_side_by_side(folder: Path, audit) -> None:
    run = audit(folder, "--model", "model.joblib", "--trust-pickle", "--out", "runs/two")
    assert run.returncode == 0, run.stderr
    page = (folder / "runs/two/report.html").read_text()
    assert "model.skops" in page and "model.joblib" in page
