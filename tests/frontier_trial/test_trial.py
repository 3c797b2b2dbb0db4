"""The frontier on models whose leak is known: none, all, or hidden; nothing trained twice, nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import reticent as rt
from reticent.access import Access, Outputs
from reticent.canary import Canary
from reticent.data import Records
from reticent.defences import (
    dp_sgd,
    early_stopping,
    gaussian_noise,
    l2,
    labels_only,
    memguard,
    memoise,
    round_scores,
    selena,
    temperature,
)
from reticent.errors import DataError, PlanError
from reticent.recipe import OneByOne
from reticent.targets.sklearn import SklearnRecipe


def people(rows=500, seed=0, classes=3, wrong=0.2):
    """Classes by the largest of the first columns; some labels drawn anew."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 6)).astype(np.float32)
    y = x[:, :classes].argmax(axis=1)
    anew = rng.random(rows) < wrong
    y[anew] = rng.integers(0, classes, int(anew.sum()))
    return Records(x, y, np.arange(classes))


class Rule:
    """Knows the rule, and is the surer of some by another rule; the data taught it nothing."""

    access, classes = Access.SCORES, np.arange(3)

    def __init__(self, seed):
        self.direction = np.random.default_rng(seed).normal(size=(6, 3))

    def predict(self, x):
        x = np.asarray(x)
        return Outputs.from_logits(3 * x[:, :3] + 0.5 * np.sin(x @ self.direction)).capped(Access.SCORES)

    def fingerprint(self):
        return repr(self.direction.tolist())


class Deaf(OneByOne):
    """Trains models that have not seen the data; counts them, and stops where told to."""

    def __init__(self, stops_at=None):
        self.stops_at, self.trained = stops_at, []

    def fit(self, data, seed):
        if len(self.trained) == self.stops_at:
            raise KeyboardInterrupt
        self.trained.append(seed)
        return Rule(seed)

    def fingerprint(self):
        return "deaf"


def tree():
    return SklearnRecipe(DecisionTreeClassifier())


@pytest.fixture
def front(tmp_path):
    """Eight models a defence, one process, a cache of its own."""
    return partial(rt.frontier, shadows=8, workers=1, cache=tmp_path, private=False)


def test_of_models_that_saw_no_data_nothing_is_found(tmp_path):
    held = []
    for seed in range(12):
        found = rt.frontier(
            Deaf(),
            people(300, seed),
            [round_scores(2)],
            shadows=8,
            canaries=60,
            seed=seed,
            workers=1,
            cache=tmp_path,
            private=False,
        )
        held += [leak.low <= 0.5 for row in found.rows for leak in [row.leak("auc")[1]]]
        held += [told.figure("auc").low <= 0.5 for row in found.rows for told in row.clean]
    assert np.mean(held) > 0.9


def test_what_a_tree_knows_by_heart_is_found_on_every_road(front):
    found = front(tree(), people(800), [labels_only(), round_scores(0)], canaries=150)
    for row in found.measured:
        assert row.leak("auc")[1].low > 0.75, row.name
    assert found["labels_only()"].leak("auc")[0].endswith("on labels")
    assert found.undefended.accuracy.low > 0.4
    assert {t.attack for t in found.undefended.clean} == {"lira", "lira (hinge)", "loss"}


def test_noise_drawn_afresh_is_worn_off_by_asking_again(front):
    noise = gaussian_noise(1.0)
    found = front(tree(), people(800), [noise, noise | memoise()], canaries=150)
    fresh, kept = found.rows[1], found.rows[2]
    again = next(t for t in fresh.canaries if t.attack == "lira asked again").figure("auc")
    once = next(t for t in fresh.canaries if t.attack == "lira").figure("auc")
    assert again.low > once.high
    assert fresh.leak("auc")[0].endswith("asked again")
    assert not any("asked again" in t.attack for t in kept.canaries)


def test_a_defence_that_hides_is_caught(front):
    """MemGuard moves scores and keeps labels: a mislabelled canary stays known by its label."""
    found = front(tree(), people(800), [memguard()], canaries=150)
    assert found[memguard()].leak("auc")[1].low > 0.8


def test_defences_of_answers_share_their_models(front):
    recipe = Deaf()
    found = front(recipe, people(), [round_scores(1), labels_only(), temperature(2.0), gaussian_noise(0.1)])
    assert len(recipe.trained) == 8 + 1  # one to find out what it answers
    assert [row.trainings for row in found.rows] == [8, 0, 0, 0, 0]


def test_parts_stand_beside_the_whole_once(front):
    whole = l2(1e-2) | round_scores(1)
    found = front(SklearnRecipe(LogisticRegression()), people(), [whole, round_scores(1)])
    assert [(row.name, row.role) for row in found.rows] == [
        ("none()", "baseline"),
        (str(whole), "asked"),
        (str(round_scores(1)), "asked"),
        (str(l2(1e-2)), "part"),
    ]
    alone = front(SklearnRecipe(LogisticRegression()), people(), [whole], parts=False)
    assert [row.role for row in alone.rows] == ["baseline", "asked"]
    assert alone[whole].leak("auc")[1] == found[whole].leak("auc")[1]


def test_what_a_model_can_not_carry_is_a_row_with_the_reason(front):
    found = front(
        SklearnRecipe(RandomForestClassifier(5)), people(), [l2(1e-2), dp_sgd(3.0), round_scores(1)]
    )
    reasons = {row.name: row.reason for row in found.rows}
    assert "has none of these" in reasons[str(l2(1e-2))]
    assert "torch module" in reasons[str(dp_sgd(3.0))]
    assert not reasons[str(round_scores(1))] and found[round_scores(1)].measured


def test_twins_are_put_in_for_those_that_vouch_for_each_other(front):
    found = front(SklearnRecipe(LogisticRegression()), people(), [selena(models=4, left_out=2)])
    row = found[selena(models=4, left_out=2)]
    assert row.defence.parts[0].canary is Canary.TWINS
    assert row.canaries[0].scores.shape == found.undefended.canaries[0].scores.shape
    assert row.canaries[0].members.mean() == 0.5


def test_an_interrupted_frontier_goes_on_where_it_was(front):
    first = Deaf(stops_at=6)
    with pytest.raises(KeyboardInterrupt):
        front(first, people(), [round_scores(1)])
    second = Deaf()
    resumed = front(second, people(), [round_scores(1)])
    assert len(first.trained) + len(second.trained) == 8 + 2  # each tried one to find out what it answers
    third = Deaf()
    again = front(third, people(), [round_scores(1)])
    assert len(third.trained) == 1
    assert again.json() == resumed.json()


KILLED = """
import sys
import numpy as np
from sklearn.tree import DecisionTreeClassifier
import reticent as rt
from reticent.defences import round_scores, l2, labels_only
from reticent.targets.sklearn import SklearnRecipe
from sklearn.neural_network import MLPClassifier
rng = np.random.default_rng(0)
x, y = rng.normal(size=(1500, 6)), rng.integers(0, 3, 1500)
recipe = SklearnRecipe(MLPClassifier((64,), max_iter=60, n_iter_no_change=60))
print("begun", flush=True)
front = rt.frontier(recipe, (x, y), [l2(1e-2), labels_only()], shadows=8, workers=1, cache=sys.argv[1],
                    private=False)
print(front.json())
"""


def test_killed_anywhere_it_ends_with_the_same_figures(tmp_path):
    def begun(cache):
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path / cache)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    for after in (1.0, 2.5):
        stopped = begun("one")
        assert stopped.stdout.readline() == "begun\n"
        time.sleep(after)
        stopped.send_signal(signal.SIGKILL)
        stopped.communicate()
    found, _ = begun("one").communicate(timeout=200)
    whole, _ = begun("two").communicate(timeout=200)
    without = [[line for line in text.splitlines() if '"seconds"' not in line] for text in (found, whole)]
    assert len(without[0]) > 20
    assert without[0] == without[1]


def test_holdout_is_not_trained_on(front):
    seen: set[bytes] = set()

    class Watched(Deaf):
        def fit(self, data, seed):
            if len(data) > 150:
                seen.update(row.tobytes() for row in data.features)
            return super().fit(data, seed)

    aside = people(200, seed=9)
    found = front(Watched(), people(400), [round_scores(1)], holdout=aside)
    assert len(seen) == 400 and not seen & {row.tobytes() for row in aside.features}
    assert found.records == (400, 20, 100, 100)
    assert found.undefended.right.shape == (8, 100)


def test_pairs_are_records(front):
    data = people(400)
    found = front(Deaf(), (data.features, data.labels), [round_scores(1)])
    assert found.classes == 3
    assert found.records == (240, 20, 80, 80)


@pytest.mark.parametrize(
    ("data", "options", "error", "said"),
    [
        (people(100), {}, DataError, "100 records were given; give at least 200"),
        (people(400), {"holdout": people(30)}, DataError, "30 records are held out; give at least 40"),
        (
            people(400),
            {"canaries": 200},
            DataError,
            "200 canaries were asked for and models are trained on 240",
        ),
        (people(400), {"shadows": 7}, PlanError, "7"),
        (np.zeros((400, 3)), {}, DataError, "the data are not a pair"),
    ],
)
def test_a_mistake_is_one_sentence(front, data, options, error, said):
    with pytest.raises(error, match=said):
        front(Deaf(), data, [round_scores(1)], **options)


def test_no_defences_is_a_mistake(front):
    with pytest.raises(PlanError, match=r"no defences were given; give a list of them"):
        front(Deaf(), people(), [])


def test_a_broken_recipe_is_a_row_with_the_reason_for_each(front):
    class Broken(Deaf):
        def fit(self, data, seed):
            if len(data) > 120:
                raise RuntimeError("the disk\nate it")
            return super().fit(data, seed)

        def fingerprint(self):
            return "broken"

    found = front(Broken(), people(500), [round_scores(1), early_stopping()])
    assert all("ate it" in row.reason or "early_stopping" in row.reason for row in found.rows)
    assert found.best("auc < 0.6").row is None
