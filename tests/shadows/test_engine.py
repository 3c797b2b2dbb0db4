"""Training and asking shadow models: nothing twice, nothing lost, the same bits however it is run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from reticent.access import Access, Outputs
from reticent.data import Records
from reticent.errors import DataError, ModelError
from reticent.question import Labels, Scores
from reticent.recipe import OneByOne
from reticent.shadows.engine import ask_shadows, seconds_each, shadow_key
from reticent.shadows.plan import Plan
from reticent.targets.sklearn import SklearnRecipe

SCORES = [Scores()]


def records(seed=0, rows=40):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, rows)
    return Records(rng.normal(size=(rows, 3)) + labels[:, None], labels, np.array([0, 1]))


class Mean:
    """Answers by the nearer class mean, so that a model's answers show what it was trained on."""

    access = Access.SCORES
    classes = np.array([0, 1])

    def __init__(self, means, seed):
        self.means, self.seed = means, seed

    def predict(self, x):
        distances = ((np.asarray(x)[:, None] - self.means) ** 2).sum(axis=2)
        return Outputs.from_logits(-distances - self.seed % 7).capped(Access.SCORES)

    def fingerprint(self):
        return repr(self.means.tolist())


class Counting(OneByOne):
    """Counts what it trains, and throws at one model where told to."""

    def __init__(self, option=0, fails_at=None, error=RuntimeError):
        self.option, self.fails_at, self.error, self.trained = option, fails_at, error, []

    def fit(self, data, seed):
        if len(self.trained) == self.fails_at:
            raise self.error("the\ndisk ate it")
        self.trained.append(seed)
        means = np.stack([data.features[data.labels == c].mean(axis=0) for c in (0, 1)])
        return Mean(means + self.option, seed)

    def fingerprint(self):
        return f"counting {self.option}"


@dataclass(frozen=True)
class Shifted(Scores):
    """A question with an option."""

    by: float = 0.0

    def ask(self, target, records):
        return super().ask(target, records) + np.float32(self.by)


def asked(recipe, data, plan, questions=SCORES, *, cache, **options):
    options.setdefault("workers", 1)
    return ask_shadows(recipe, data, plan, questions, cache=cache, **options)


def test_every_model_answers_every_question_about_every_record(tmp_path):
    recipe, data, plan = Counting(), records(), Plan(models=4)
    signals = asked(recipe, data, plan, [Scores(), Labels()], cache=tmp_path)
    masks = plan.masks(len(data))
    assert recipe.trained == plan.seeds()
    for model, (mask, seed) in enumerate(zip(masks, plan.seeds(), strict=True)):
        outputs = Counting().fit(data.take(mask), seed).predict(data.features)
        expected = outputs.log_scores.astype(np.float32)
        assert (signals[Scores()].values[model, :, 0] == expected).all()
        assert (signals[Labels()].values[model, :, 0, 0] == (outputs.labels == data.labels)).all()
    assert (signals[Scores()].members == masks).all()
    assert (signals[Scores()].labels == data.labels).all()


@dataclass(frozen=True)
class Watching(Labels):
    """A question about every third record that is told what the model was trained on."""

    @property
    def part(self):
        return slice(1, None, 3)

    def ask(self, target, records):
        raise AssertionError("this question needs to know more")

    def ask_trained(self, target, data, mask, seed):
        return (mask[self.part] * float(seed % 97))[:, None, None].astype(np.float32)


def test_a_question_may_be_about_some_records_and_be_told_who_was_trained_on(tmp_path):
    data, plan = records(), Plan(models=4)
    found = asked(Counting(), data, plan, [Scores(), Watching()], cache=tmp_path)
    some, masks = found[Watching()], plan.masks(len(data))
    seeds = np.array([seed % 97 for seed in plan.seeds()], dtype=np.float32)
    np.testing.assert_array_equal(some.values[:, :, 0, 0], masks[:, 1::3] * seeds[:, None])
    np.testing.assert_array_equal(some.members, masks[:, 1::3])
    np.testing.assert_array_equal(some.labels, data.labels[1::3])
    assert found[Scores()].records == len(data)


def test_training_is_timed_and_the_time_is_kept(tmp_path):
    class Late(Counting):
        def fit(self, data, seed):
            time.sleep(0.02)
            return super().fit(data, seed)

    data, plan = records(), Plan(models=4)
    asked(Late(), data, plan, cache=tmp_path)
    first = seconds_each(Late(), data, plan, cache=tmp_path)
    assert first > 0.015
    asked(Late(), data, plan, cache=tmp_path)
    assert seconds_each(Late(), data, plan, cache=tmp_path) == first


def test_a_second_call_trains_nothing(tmp_path):
    first = asked(Counting(), records(), Plan(models=4), cache=tmp_path)[Scores()]
    recipe, done = Counting(), []
    second = asked(recipe, records(), Plan(models=4), cache=tmp_path, advance=done.append)[Scores()]
    assert recipe.trained == []
    assert sum(done) == 4
    assert (first.values == second.values).all()


@pytest.mark.parametrize(
    ("recipe", "data", "plan", "question"),
    [
        (Counting(option=1), records(), Plan(models=4), Scores()),
        (Counting(), records(seed=1), Plan(models=4), Scores()),
        (Counting(), records(rows=41), Plan(models=4), Scores()),
        (Counting(), records(), Plan(models=6), Scores()),
        (Counting(), records(), Plan(models=4, seed=1), Scores()),
        (Counting(), records(), Plan(models=4), Labels()),
        (Counting(), records(), Plan(models=4), Shifted(by=1.0)),
    ],
    ids=["recipe", "data", "records", "models", "seed", "question", "a question's option"],
)
def test_whatever_changes_the_answers_trains_again(tmp_path, recipe, data, plan, question):
    asked(Counting(), records(), Plan(models=4), [Scores(), Shifted()], cache=tmp_path)
    recipe.trained = []
    asked(recipe, data, plan, [question], cache=tmp_path)
    assert len(recipe.trained) == plan.models


def test_the_key_is_of_content_alone():
    data = records()
    key = shadow_key(Counting(), data, Plan(models=4))
    assert key == shadow_key(Counting(), records(), Plan(models=4))
    others = [records(seed=1), data.take(np.arange(40)[::-1])]
    assert key not in [shadow_key(Counting(), other, Plan(models=4)) for other in others]
    flipped = Records(data.features, 1 - data.labels, data.classes)
    assert key != shadow_key(Counting(), flipped, Plan(models=4))


def test_a_recipe_that_throws_keeps_finished_models_and_says_so_in_a_sentence(tmp_path):
    broken = Counting(fails_at=3)
    with pytest.raises(ModelError, match=r"training shadow models 3 to 3 \(RuntimeError") as caught:
        asked(broken, records(), Plan(models=6), cache=tmp_path)
    assert "\n" not in str(caught.value)
    mended, done = Counting(), []
    signals = asked(mended, records(), Plan(models=6), cache=tmp_path, advance=done.append)[Scores()]
    assert mended.trained == Plan(models=6).seeds()[3:]
    assert done[0] == 3
    assert sum(done) == 6
    fresh = asked(Counting(), records(), Plan(models=6), cache=tmp_path / "fresh")[Scores()]
    assert (signals.values == fresh.values).all()


@pytest.mark.parametrize("error", [DataError, MemoryError])
def test_what_already_speaks_to_the_user_is_not_wrapped(tmp_path, error):
    with pytest.raises(error):
        asked(Counting(fails_at=0, error=error), records(), Plan(models=2), cache=tmp_path)


def test_a_recipe_that_makes_too_few_models_is_found_out(tmp_path):
    class Short(Counting):
        together = 4

        def fit_many(self, data, masks, seeds):
            return super().fit_many(data, masks[:-1], seeds[:-1])

    with pytest.raises(ModelError):
        asked(Short(), records(), Plan(models=4), cache=tmp_path)


@pytest.mark.parametrize("together", [1, 3, 8])
def test_groups_change_nothing(tmp_path, together):
    recipe = Counting()
    recipe.together = together
    grouped = asked(recipe, records(), Plan(models=8), cache=tmp_path / "a")[Scores()]
    single = asked(Counting(), records(), Plan(models=8), cache=tmp_path / "b")[Scores()]
    assert (grouped.values == single.values).all()


def test_one_worker_and_two_give_the_same_bits(tmp_path):
    recipe = SklearnRecipe(LogisticRegression(C=0.5))
    done: list[int] = []
    one = asked(recipe, records(), Plan(models=6), cache=tmp_path / "1")[Scores()]
    two = asked(recipe, records(), Plan(models=6), cache=tmp_path / "2", workers=2, advance=done.append)
    assert one.values.tobytes() == two[Scores()].values.tobytes()
    assert sum(done) == 6


SLOW = """
import sys, time
from pathlib import Path
import numpy as np
from sklearn.linear_model import LogisticRegression
from reticent.data import Records
from reticent.question import Scores
from reticent.shadows.engine import ask_shadows
from reticent.shadows.plan import Plan
from reticent.targets.sklearn import SklearnRecipe

class Slow(SklearnRecipe):
    def fit(self, data, seed):
        time.sleep(60 if list(Path(sys.argv[1]).rglob("*.00001.done")) else 0)
        return super().fit(data, seed)

rng = np.random.default_rng(0)
labels = rng.integers(0, 2, 40)
data = Records(rng.normal(size=(40, 3)) + labels[:, None], labels, np.array([0, 1]))
ask_shadows(Slow(LogisticRegression()), data, Plan(models=4), [Scores()], cache=Path(sys.argv[1]), workers=1)
"""


def test_a_killed_process_goes_on_where_it_was(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path / "killed")])
    try:
        deadline = time.monotonic() + 120
        while not list(Path(tmp_path).rglob("*.00001.done")):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()

    class Counted(SklearnRecipe):
        trained = 0

        def fit(self, data, seed):
            Counted.trained += 1
            return super().fit(data, seed)

    recipe = Counted(LogisticRegression())
    resumed = asked(recipe, records(), Plan(models=4), cache=tmp_path / "killed")[Scores()]
    assert Counted.trained == 2
    fresh = asked(recipe, records(), Plan(models=4), cache=tmp_path / "fresh")[Scores()]
    assert resumed.values.tobytes() == fresh.values.tobytes()
