"""Poison tried: it makes members plainer where models remember copies, and nothing where they look at
none."""

from __future__ import annotations

import numpy as np
import pytest

import reticent as rt
from reticent.attacks.poison import TruthSerum
from reticent.data import Records
from reticent.errors import DataError, PlanError
from reticent.exhibit import Exhibit
from reticent.measure.estimate import Withheld
from reticent.poison_trial import Poisoned, PoisonPlan
from reticent.targets.function import FunctionRecipe


def people(count: int = 400) -> Records:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 6))
    return Records(x, (x[:, 0] + rng.normal(size=count) > 0).astype(np.int64), np.arange(2))


def forest(x, y, seed):
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(30, min_samples_leaf=2, random_state=seed).fit(x, y)


def constant(x, y, seed):
    rng = np.random.default_rng(seed)
    p = rng.random()
    return lambda asked: np.tile([p, 1 - p], (len(asked), 1))


def test_everybody_is_in_half_and_the_poison_in_all():
    plan = PoisonPlan(models=8, poison=5, seed=1)
    masks = plan.masks(25)
    assert masks[:, 20:].all()
    np.testing.assert_array_equal(masks[:, :20].sum(axis=0), 4)
    np.testing.assert_array_equal(PoisonPlan(models=8, seed=1).masks(20), masks[:, :20])
    assert len(set(plan.seeds())) == 8


def test_poison_makes_members_plainer(tmp_path):
    asked = {"people": 20, "models": 16, "workers": 1, "cache": tmp_path}
    found = rt.poison(FunctionRecipe(forest), people(), TruthSerum(copies=6), **asked)
    evidence = found.evidence
    assert isinstance(evidence, Poisoned)
    assert isinstance(evidence, Exhibit)
    assert evidence.scores.shape == (16, 20)
    with_poison, without = found.figure("auc"), found.figure("auc control")
    assert with_poison.value > without.value + 0.04
    assert found.cost.trainings == 32
    assert "16 models, 20 people aimed at" in evidence.note()
    assert [b.worse for b in evidence.beside()] == ["higher", "higher", "lower"]
    again = rt.poison(FunctionRecipe(forest), people(), TruthSerum(copies=6), **asked)
    np.testing.assert_array_equal(again.evidence.scores, evidence.scores)


def test_models_that_look_at_no_record_tell_nothing(tmp_path):
    found = rt.poison(FunctionRecipe(constant), people(), people=20, models=16, workers=1, cache=tmp_path)
    auc = found.figure("auc")
    assert auc.low < 0.5 < auc.high


def test_figures_are_what_the_scores_say():
    rng = np.random.default_rng(0)
    members = rng.random((20, 60)) < 0.5
    scores = members + rng.normal(size=members.shape)
    evidence = Poisoned(
        scores=scores,
        control=rng.normal(size=members.shape),
        members=members,
        right=np.full(20, 0.8),
        right_control=np.linspace(0.85, 0.95, 20),
    )
    assert evidence.figure("auc").value == pytest.approx(0.76, abs=0.05)
    assert evidence.figure("auc control").value == pytest.approx(0.5, abs=0.04)
    assert evidence.figure("tpr@1%").value > evidence.figure("tpr@1% control").value
    assert evidence.figure("accuracy").value == pytest.approx(0.8)
    assert evidence.figure("accuracy control").value == pytest.approx(0.9)
    assert isinstance(evidence.figure("tpr@0.1%"), Withheld)
    with pytest.raises(ValueError, match="no figure is called 'aucs'"):
        evidence.figure("aucs")


@pytest.mark.parametrize(("count", "aimed"), [(100, 1), (100, 30)])
def test_too_few_records_are_refused(count, aimed, tmp_path):
    with pytest.raises(DataError, match="four times as many records"):
        rt.poison(FunctionRecipe(forest), people(count), people=aimed, cache=tmp_path)


@pytest.mark.parametrize("models", [2, 7])
def test_models_come_in_even_numbers(models, tmp_path):
    with pytest.raises(PlanError, match="give an even number from 4 on"):
        rt.poison(FunctionRecipe(forest), people(), people=20, models=models, cache=tmp_path)
