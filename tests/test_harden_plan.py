"""Hardening's plan files: every option can be reached, nothing unknown passes, paths start at the file."""

from __future__ import annotations

from dataclasses import fields

import pytest

from reticent.defences import dp_sgd, l2, round_scores
from reticent.errors import PlanError
from reticent.harden_plan import Hardening, HardenPlan, RecipeSource, read_harden_plan
from reticent.plan import DataSource

BARE = """
[model]
path = "model.skops"
[data]
train = "a.csv"
holdout = "b.csv"
[harden]
defences = ["l2(1e-3)"]
"""


def read(folder, text):
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return read_harden_plan(path)


def test_the_same_plan_in_python_and_in_toml_is_equal(tmp_path):
    plan = read(
        tmp_path,
        """
        out = "runs/one"
        cache = "/var/cache/reticent"
        [model]
        recipe = "mine:recipe"
        name = "visits"
        [data]
        train = "train.parquet"
        holdout = "/data/test.csv"
        target = "income"
        [harden]
        defences = ["l2(1e-3)", "dp_sgd(epsilon=3) | round_scores(2)"]
        max_leak = "tpr@0.1% high < 0.005"
        shadows = 64
        canaries = 100
        parts = false
        private = false
        seed = 7
        workers = 1
        """,
    )
    expected = HardenPlan(
        model=RecipeSource(recipe="mine:recipe", name="visits"),
        data=DataSource(
            train=tmp_path / "train.parquet", holdout=tmp_path.__class__("/data/test.csv"), target="income"
        ),
        harden=Hardening(
            defences=("l2(1e-3)", "dp_sgd(epsilon=3) | round_scores(2)"),
            max_leak="tpr@0.1% high < 0.005",
            shadows=64,
            canaries=100,
            parts=False,
            private=False,
            seed=7,
            workers=1,
        ),
        out=tmp_path / "runs/one",
        cache=tmp_path.__class__("/var/cache/reticent"),
    )
    assert plan == expected
    assert plan.harden.read == (l2(1e-3), dp_sgd(epsilon=3) | round_scores(2))
    default = Hardening(defences=("l2(1e-3)",))
    changed = {f.name for f in fields(Hardening) if getattr(plan.harden, f.name) != getattr(default, f.name)}
    assert changed == {f.name for f in fields(Hardening)}  # an option that this test does not try is an error


def test_a_bare_plan_has_the_rest_from_the_defaults(tmp_path):
    plan = read(tmp_path, BARE)
    assert plan.model.path == str(tmp_path / "model.skops")
    assert plan.harden == Hardening(defences=("l2(1e-3)",))
    assert plan.out is None and plan.cache is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('path = "model.skops"', "", r"\[model\] in the plan needs a recipe or a path"),
        ('path = "model.skops"', 'path = "a.skops"\nrecipe = "m:r"', "one of the two"),
        ('["l2(1e-3)"]', "[]", "name at least one"),
        ('["l2(1e-3)"]', '["12(1e-3)"]', "12"),
        ('["l2(1e-3)"]', '["stronger()"]', "there is no defence 'stronger'; known: "),
        ('["l2(1e-3)"]', '["l2(strenth=1)"]', "l2 in .* does not take these options"),
        ('["l2(1e-3)"]', '["l2(1e-3)"]\nmax_leak = "little"', "the limit 'little' does not read"),
        ('["l2(1e-3)"]', '["l2(1e-3)"]\nshadows = 7', "7"),
        ('["l2(1e-3)"]', '["l2(1e-3)"]\nshadow = 8', "shadow"),
        ("[harden]", "[hardened]", "harden"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path, old, new, said):
    assert old in BARE
    with pytest.raises(PlanError, match=said) as error:
        read(tmp_path, BARE.replace(old, new))
    assert "\n" not in str(error.value)


def test_a_plan_that_is_not_there_is_told(tmp_path):
    with pytest.raises(PlanError, match=r"plan\.toml"):
        read_harden_plan(tmp_path / "plan.toml")
