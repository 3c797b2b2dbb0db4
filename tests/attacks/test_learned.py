"""The shadow-trained judge: finds what is planted, invents nothing, never compares a model with itself."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.access import BoolArray, FloatArray
from reticent.attacks.learned import _averages, _halves, train_on_shadows
from reticent.measure.roc import Roc
from reticent.shadows.plan import Plan


def world(
    shift: float, *, models: int = 8, records: int = 400, seed: int = 0
) -> tuple[FloatArray, BoolArray, FloatArray, BoolArray]:
    """Answers of shadow models and a target: records differ far more than members do from the rest."""
    rng = np.random.default_rng([seed, 77])
    members = np.vstack([Plan(models=models, seed=seed).masks(records), rng.random((1, records)) < 0.5])
    ease = rng.normal(0, 10, (records, 3))
    answers = ease + rng.normal(size=(models + 1, records, 3)) + shift * members[:, :, None]
    answers = answers.astype(np.float32)
    return answers[:-1], members[:-1], answers[-1], members[-1]


def auc(shift: float, seed: int, *, compare: bool = True, models: int = 8) -> float:
    shadows, members, target, truth = world(shift, seed=seed, models=models)
    judge = train_on_shadows(shadows, members, seed=0, compare=compare)
    return Roc.of(judge(target), truth).auc().value


@pytest.mark.parametrize("models", [4, 8, 16])
def test_a_planted_shift_is_found_where_answers_alone_hide_it(models: int) -> None:
    assert np.mean([auc(2.0, seed, models=models) for seed in range(3)]) > 0.95
    assert np.mean([auc(2.0, seed, models=models, compare=False) for seed in range(3)]) < 0.8


def test_nothing_is_found_where_nothing_leaks() -> None:
    areas = [auc(0.0, seed) for seed in range(20)]
    assert abs(np.mean(areas) - 0.5) < 3 * 0.029 / np.sqrt(20)  # 0.029: one AUC's spread at 400 records


@pytest.mark.parametrize("models", [2, 3])
def test_too_few_models_are_not_compared(models: int) -> None:
    rng = np.random.default_rng(0)
    members = rng.random((models, 300)) < 0.5
    answers = rng.normal(size=(models, 300, 2)) + 2.0 * members[:, :, None]
    judge = train_on_shadows(answers, members, seed=0)
    assert judge.averages is None
    assert Roc.of(judge(answers[0]), members[0]).auc().value > 0.9


def test_halves_hold_as_many_members_and_others_of_each_record() -> None:
    members = Plan(models=16).masks(50)
    half = _halves(members, np.random.default_rng(0))
    assert np.all((half & members).sum(axis=0) == 4)
    assert np.all((half & ~members).sum(axis=0) == 4)


def test_averages_agree_with_a_slow_reference() -> None:
    rng = np.random.default_rng(0)
    answers, members = rng.normal(size=(8, 7, 2)), Plan(models=8).masks(7)
    asked = _halves(members, rng)
    found = _averages(answers, members, asked)
    for side, own in enumerate((asked & ~members, asked & members)):
        for record in range(7):
            chosen = [answers[m, record] for m in range(8) if own[m, record]]
            np.testing.assert_allclose(found[side, record], np.mean(chosen, axis=0))


def test_a_record_that_all_models_trained_on_is_compared_all_the_same() -> None:
    rng = np.random.default_rng(0)
    members = rng.random((6, 40)) < 0.5
    members[:, :3] = True
    answers = rng.normal(size=(6, 40, 2)) + 3.0 * members[:, :, None]
    judge = train_on_shadows(answers, members, seed=0)
    assert np.isfinite(judge(answers[0])).all()


def test_no_model_is_compared_with_itself() -> None:
    """A model that stands among its own others teaches to spot the comparison, which costs power."""
    assert np.mean([auc(1.0, seed, models=4) for seed in range(5)]) > 0.825  # 0.80 to 0.81 where one does


def test_the_same_seed_gives_the_same_bits() -> None:
    shadows, members, target, _ = world(1.0)
    first, again, other = (train_on_shadows(shadows, members, seed=s)(target) for s in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
