"""Plan files: every option can be reached, nothing unknown passes, paths start where the file lies."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from reticent.errors import PlanError
from reticent.plan import AuditPlan, DataSource, ModelSource, read_plan
from reticent.settings import Settings

BARE = """
[model]
path = "model.skops"
[data]
train = "a.csv"
holdout = "b.csv"
"""


def read(folder, text):
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return read_plan(path)


def test_the_same_plan_in_python_and_in_toml_is_equal(tmp_path):
    plan = read(
        tmp_path,
        """
        out = "runs/one"
        cache = "/var/cache/reticent"

        [[model]]
        path = "model.skops"
        recipe = "mine:recipe"

        [[model]]
        path = "http://127.0.0.1:8080/score"
        name = "served"

        [[model]]
        path = "/models/old.pickle"
        trust_pickle = true

        [data]
        train = "train.parquet"
        holdout = "/data/test.csv"
        target = "income"
        drop = ["row"]
        sensitive = ["race", "sex"]
        quasi = ["age"]
        person = "id"

        [audit]
        shadows = 64
        fail_on = "tpr@0.1%>0.01"
        """,
    )
    assert plan == AuditPlan(
        models=(
            ModelSource(path=str(tmp_path / "model.skops"), recipe="mine:recipe"),
            ModelSource(path="http://127.0.0.1:8080/score", name="served"),
            ModelSource(path="/models/old.pickle", trust_pickle=True),
        ),
        data=DataSource(
            train=tmp_path / "train.parquet",
            holdout=Path("/data/test.csv"),
            target="income",
            drop=("row",),
            sensitive=("race", "sex"),
            quasi=("age",),
            person="id",
        ),
        settings=Settings(shadows=64, fail_on="tpr@0.1%>0.01"),
        out=tmp_path / "runs/one",
        cache=Path("/var/cache/reticent"),
    )


def test_a_bare_plan_has_the_defaults(tmp_path):
    plan = read(tmp_path, BARE)
    assert plan.settings == Settings()
    assert plan.out is None
    assert plan.cache is None


def test_paths_start_where_the_plan_lies_not_where_one_stands(tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "plan.toml").write_text(BARE)
    monkeypatch.chdir(tmp_path)
    plan = read_plan(Path("below/plan.toml"))
    assert plan.models[0].path == str(tmp_path / "below" / "model.skops")
    assert plan.data.train == tmp_path / "below" / "a.csv"


OTHER = {
    "attacks": ("lira", "rmia"),
    "access": "labels",
    "shadows": 32,
    "seed": 5,
    "fail_on": "auc>0.6",
    "prior": 0.1,
    "exposed_above": 0.8,
    "population_share": 0.5,
    "copies": "keep",
    "query_limit": 1000,
    "workers": 2,
}


@pytest.mark.parametrize("name", [f.name for f in fields(Settings)])
def test_every_setting_can_be_reached(tmp_path, name):
    value = OTHER[name]
    plan = read(tmp_path, f"{BARE}[audit]\n{name} = {json.dumps(value)}\n")
    assert plan.settings == Settings(**{name: value})
    assert plan.settings != Settings()


@pytest.mark.parametrize(
    ("table", "field"),
    [("model", f) for f in fields(ModelSource)] + [("data", f) for f in fields(DataSource)],
    ids=lambda part: getattr(part, "name", part),
)
def test_every_other_field_can_be_reached(tmp_path, table, field):
    tables = {"model": {"path": "m"}, "data": {"train": "t", "holdout": "h"}}
    value = ["a"] if field.type.startswith("tuple") else field.type == "bool" or "a"
    tables[table][field.name] = value
    plan = read(
        tmp_path,
        "\n".join(
            f"[{name}]\n" + "\n".join(f"{key} = {json.dumps(v)}" for key, v in keys.items())
            for name, keys in tables.items()
        ),
    )
    got = getattr(plan.models[0] if table == "model" else plan.data, field.name)
    assert got in (value, ("a",), tmp_path / "a", str(tmp_path / "a"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BARE + "[extra]\n", "'extra', which means nothing"),
        ("shadows = 4\n" + BARE, "'shadows', which means nothing"),
        (BARE + "[audit]\nshadow = 4\n", "'shadow', which means nothing"),
        (BARE.replace("path =", "url ="), "'url', which means nothing"),
        (BARE + '[audit]\nshadows = "many"\n', "shadows = 'many'"),
        (BARE + "[audit]\nshadows = 4.0\n", "shadows = 4.0"),
        (BARE + "[audit]\nshadows = true\n", "shadows = True"),
        (BARE + "[audit]\nseed = -1\n", "seed = -1"),
        (BARE + "[audit]\nattacks = 'lira'\n", "attacks = 'lira'"),
        (BARE + "[audit]\nattacks = [1]\n", r"attacks = \[1\]"),
        (BARE + "[audit]\naccess = ['labels']\n", "access = "),
        (BARE + "[audit]\naccess = 'all'\n", "choose one of labels"),
        (BARE + "[audit]\nprior = 'half'\n", "prior = 'half'"),
        (BARE + "[audit]\nfail_on = 0.5\n", "fail_on = 0.5"),
        (BARE + "[audit]\nfail_on = 'auc'\n", "does not read"),
        (BARE + "[audit]\nworkers = 2024-01-01\n", "workers = "),
        (BARE.replace('"model.skops"', "1"), "path = 1"),
        (BARE.replace('"model.skops"', '"a"\ntrust_pickle = 1'), "trust_pickle = 1"),
        (BARE + "drop = 'row'\n", "drop = 'row'"),
        ("out = 3\n" + BARE, "out = 3"),
        ("cache = ['a']\n" + BARE, "cache = "),
        ("audit = 3\n" + BARE, r"write \[audit\]"),
        ("model = 'm.skops'\n[data]\ntrain = 'a'\nholdout = 'b'\n", r"write \[model\]"),
        ("model = []\n[data]\ntrain = 'a'\nholdout = 'b'\n", "names no model"),
        ("[model]\npath = 'm'\n", r"lacks a \[data\] table"),
        ("[data]\ntrain = 'a'\nholdout = 'b'\n", r"lacks a \[model\] table"),
        (BARE.replace('holdout = "b.csv"', ""), "lacks 'holdout'"),
        ("[model\n", "not TOML"),
    ],
)
def test_what_means_nothing_is_one_sentence(tmp_path, text, said):
    with pytest.raises(PlanError, match=said) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_no_plan_is_one_sentence(tmp_path):
    with pytest.raises(PlanError, match="there is no plan file"):
        read_plan(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xe9")
    with pytest.raises(PlanError, match="not TOML"):
        read_plan(tmp_path / "latin.toml")


def test_only_addresses_are_remote():
    assert ModelSource(path="https://a.example/score").remote
    assert not ModelSource(path="httpd.skops").remote
