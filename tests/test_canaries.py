"""Canaries: fair coins, bounds that hold, and a training that knows its records by heart caught."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reticent.access import Access, Outputs
from reticent.canaries import CanaryPlan, many_runs, one_run
from reticent.canary import Canary, with_canaries
from reticent.data import Records
from reticent.errors import DataError, PlanError
from reticent.progress import Quiet
from reticent.recipe import OneByOne
from reticent.shadows import engine


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    """Small models are trained sooner than a second process starts."""
    monkeypatch.setattr(engine, "_cores", lambda: 1)


def records(rows=300, classes=3, seed=0):
    """Every record is another point, and its label is drawn at random."""
    rng = np.random.default_rng(seed)
    return Records(rng.normal(size=(rows, 2)), rng.integers(0, classes, rows), np.arange(classes))


class Answering:
    access = Access.SCORES

    def __init__(self, classes, answer):
        self.classes, self.answer = classes, answer

    def predict(self, x):
        return Outputs.from_scores(self.answer(np.asarray(x)))

    def fingerprint(self):
        return "unused"


class ByHeart(OneByOne):
    """Answers with the label of the nearest record it was trained on."""

    def __init__(self, noise=0.0):
        self.noise = noise

    def fit(self, data, seed):
        x, y, classes = data.features.astype(np.float32), data.labels, len(data.classes)
        rng = np.random.default_rng(seed)

        def answer(asked):
            asked = asked.astype(np.float32)
            distances = (x**2).sum(axis=1) - 2 * asked @ x.T
            scores = np.full((len(asked), classes), 0.1 / (classes - 1))
            scores[np.arange(len(asked)), y[distances.argmin(axis=1)]] = 0.9
            scores += rng.exponential(self.noise, scores.shape) if self.noise else 0
            return scores / scores.sum(axis=1, keepdims=True)

        return Answering(data.classes, answer)

    def fingerprint(self):
        return f"by heart {self.noise}"


class Constant(OneByOne):
    """Answers noise that depends on the seed alone: nothing to give away, epsilon 0."""

    def fit(self, data, seed):
        rng = np.random.default_rng(seed)
        classes = len(data.classes)
        return Answering(data.classes, lambda asked: rng.dirichlet(np.ones(classes), len(asked)))

    def fingerprint(self):
        return "constant"


def audited(kind, *args, cache, **options):
    return kind(*args, cache=cache, progress=Quiet(), **options)


# Coins


def test_coins_are_fair_and_independent_and_all_else_is_always_in():
    plan = CanaryPlan(models=200, canaries=100, references=3, seed=1)
    masks = plan.masks(250)
    assert masks.shape == (plan.trainings, 250) == (203, 250)
    assert masks[:, :150].all()
    assert not masks[200:, 150:].any()
    coins = masks[:200, 150:].astype(float)
    assert coins.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(coins.size))
    for axis, others in ((0, 200), (1, 100)):  # sums vary as those of independent coins: halves would not
        variance = coins.sum(axis=axis).var(ddof=1)
        assert variance == pytest.approx(others / 4, rel=0.5)
    for shifted in (np.roll(coins, 1, axis=0), np.roll(coins, 1, axis=1)):
        assert np.corrcoef(coins.ravel(), shifted.ravel())[0, 1] == pytest.approx(
            0, abs=4 / np.sqrt(coins.size)
        )


def test_coins_repeat_with_the_seed_and_no_other():
    a, b = CanaryPlan(models=2, canaries=50), CanaryPlan(models=2, canaries=50, seed=1)
    assert (a.masks(100) == CanaryPlan(models=2, canaries=50).masks(100)).all()
    assert (a.masks(100) != b.masks(100)).any()
    assert a.seeds() == CanaryPlan(models=2, canaries=50).seeds() != b.seeds()
    assert len(CanaryPlan(models=2, canaries=5, references=3).seeds()) == 5


# Canaries


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_another_label_is_never_the_label(classes):
    data = records(classes=classes)
    for seed in range(20):
        planted = with_canaries(data, 100, Canary.MISLABELLED, seed)
        natural = with_canaries(data, 100, Canary.NATURAL, seed)
        assert (planted.features == natural.features).all()
        assert (planted.labels[:200] == natural.labels[:200]).all()
        assert (planted.labels[200:] != natural.labels[200:]).all()
        assert np.isin(planted.labels, np.arange(classes)).all()


def test_natural_canaries_are_the_records_in_another_order():
    data = records()
    natural = with_canaries(data, 100, Canary.NATURAL, 0)
    order = np.lexsort(data.features.T), np.lexsort(natural.features.T)
    assert (data.features[order[0]] == natural.features[order[1]]).all()
    assert (data.labels[order[0]] == natural.labels[order[1]]).all()


def test_wrong_labels_are_all_as_likely():
    data = Records(np.zeros((6000, 1)), np.zeros(6000, np.int64), np.arange(4))
    labels = with_canaries(data, 3000, Canary.MISLABELLED, 0).labels[3000:]
    counts = np.bincount(labels, minlength=4)
    assert counts[0] == 0
    assert np.abs(counts[1:] - 1000).max() < 5 * np.sqrt(1000 * 2 / 3)


def test_tables_and_people_are_kept():
    table = pd.DataFrame({"a": np.arange(40.0), "c": pd.Categorical(["u", "v"] * 20)})
    data = Records(table, np.arange(40) % 2, np.array([0, 1]), np.arange(40))
    planted = with_canaries(data, 10, Canary.MISLABELLED, 0)
    assert (planted.people == planted.features["a"]).all()
    assert planted.features["c"].dtype == table["c"].dtype


@pytest.mark.parametrize("canaries", [0, -1, 151])
def test_too_many_or_no_canaries_are_refused(canaries):
    with pytest.raises(DataError, match="give at most half"):
        with_canaries(records(300), canaries, Canary.NATURAL, 0)


def test_one_class_leaves_no_other_label():
    with pytest.raises(DataError, match="natural canaries"):
        with_canaries(records(classes=1), 10, Canary.MISLABELLED, 0)
    with_canaries(records(classes=1), 10, Canary.NATURAL, 0)


# One run


@pytest.mark.parametrize("canary", list(Canary))
@pytest.mark.parametrize("references", [0, 1, 2])
def test_a_training_that_learns_by_heart_is_refuted(tmp_path, canary, references):
    found = audited(
        one_run,
        ByHeart(),
        records(600),
        canaries=300,
        canary=canary,
        references=references,
        claimed_epsilon=1.0,
        cache=tmp_path,
    )
    assert found.violated
    assert found.bound.value > 1.0
    assert "is violated" in found.sentence
    assert found.trainings == 1 + references
    assert found.scores.shape == found.included.shape == (300,)
    assert found.scores[found.included].mean() > found.scores[~found.included].mean()


def test_a_training_that_learns_nothing_is_hardly_ever_refuted(tmp_path):
    """Epsilon is 0, so each bound above it is wrong: 1 in 20 may be, and 3 standard deviations."""
    data = records(120)
    worlds = [
        audited(one_run, Constant(), data, canaries=60, claimed_epsilon=0.0, seed=seed, cache=tmp_path)
        for seed in range(60)
    ]
    wrong = sum(world.violated for world in worlds)
    assert wrong <= 60 * 0.05 + 3 * np.sqrt(60 * 0.05 * 0.95)
    assert sum(w.bound.value > 0.5 for w in worlds) <= 3
    assert "not refuted" in next(w for w in worlds if not w.violated).sentence


def test_without_a_claim_nothing_is_violated(tmp_path):
    found = audited(one_run, ByHeart(), records(400), canaries=200, cache=tmp_path)
    assert not found.violated
    assert found.sentence.startswith("Epsilon is at least")


def test_an_audit_repeats_and_trains_nothing_twice(tmp_path):
    class Counted(ByHeart):
        trained = 0

        def fit(self, data, seed):
            Counted.trained += 1
            return super().fit(data, seed)

    first = audited(one_run, Counted(), records(), canaries=100, cache=tmp_path)
    assert Counted.trained == 2
    second = audited(one_run, Counted(), records(), canaries=100, cache=tmp_path)
    assert Counted.trained == 2
    assert first == second
    assert (first.scores == second.scores).all()
    natural = audited(one_run, Counted(), records(), canaries=100, canary=Canary.NATURAL, cache=tmp_path)
    assert Counted.trained == 4
    assert (natural.scores != first.scores).any()


def test_scores_are_the_margins_of_the_canaries_alone(tmp_path):
    found = audited(one_run, ByHeart(), records(), canaries=100, references=0, cache=tmp_path)
    planted = with_canaries(records(), 100, Canary.MISLABELLED, 0)
    mask = CanaryPlan(models=1, canaries=100).masks(300)[0]
    assert (found.included == mask[200:]).all()
    model = ByHeart().fit(planted.take(mask), 0)
    scores = np.exp(model.predict(planted.features).log_scores)[np.arange(200, 300), planted.labels[200:]]
    np.testing.assert_allclose(found.scores, np.log(scores / (1 - scores)), atol=1e-5)


def test_references_see_no_canary_and_are_what_scores_are_set_against(tmp_path):
    found = audited(one_run, ByHeart(), records(), canaries=100, references=2, cache=tmp_path)
    plain = audited(one_run, ByHeart(), records(), canaries=100, references=0, cache=tmp_path)
    planted = with_canaries(records(), 100, Canary.MISLABELLED, 0)
    without = ByHeart().fit(planted.take(np.arange(200)), 0)
    scores = np.exp(without.predict(planted.features).log_scores)[np.arange(200, 300), planted.labels[200:]]
    assert (found.included == plain.included).all()
    np.testing.assert_allclose(found.scores, plain.scores - np.log(scores / (1 - scores)), atol=1e-5)


# Many runs


def test_many_runs_refute_one_that_learns_by_heart(tmp_path):
    found = audited(many_runs, ByHeart(noise=0.01), records(30), runs=60, claimed_epsilon=1.0, cache=tmp_path)
    assert found.violated
    assert (found.trainings, found.canaries) == (60, 1)
    assert found.scores.shape == found.included.shape == (60,)
    assert found.bound.value <= np.log(60)  # so few runs can show no more


def test_many_runs_hardly_ever_refute_one_that_learns_nothing(tmp_path):
    wrong = sum(
        audited(
            many_runs, Constant(), records(10), runs=40, claimed_epsilon=0.0, seed=s, cache=tmp_path
        ).violated
        for s in range(20)
    )
    assert wrong <= 3


def test_too_few_runs_are_refused(tmp_path):
    with pytest.raises(PlanError, match="at least 20"):
        audited(many_runs, Constant(), records(), runs=19, cache=tmp_path)
