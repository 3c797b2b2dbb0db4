"""Private training of the same usefulness: found where it can be, a row with the reason where not."""

from __future__ import annotations

import numpy as np
from sklearn.tree import DecisionTreeClassifier
from torch import nn

import reticent as rt
from reticent.data import Records
from reticent.defences import dropout, round_scores
from reticent.frontier_trial import tuning as tuning_of
from reticent.frontier_trial.layout import Layout
from reticent.frontier_trial.tuning import TUNED_ON, Tuning
from reticent.progress import Quiet
from reticent.shadows.batched import Training
from reticent.targets.sklearn import SklearnRecipe
from reticent.targets.torch import TorchRecipe


def people(rows=500, seed=0, classes=3, wrong=0.2):
    """Classes by the largest of the first columns; some labels drawn anew."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 6)).astype(np.float32)
    y = x[:, :classes].argmax(axis=1)
    anew = rng.random(rows) < wrong
    y[anew] = rng.integers(0, classes, int(anew.sum()))
    return Records(x, y, np.arange(classes))


def net():
    return nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 3))


def test_private_training_of_the_same_usefulness_stands_beside_the_rest(tmp_path):
    training = Training(epochs=15, batch_size=64, learning_rate=0.2, momentum=0.9)
    recipe = TorchRecipe(module=net, training=training)
    found = rt.frontier(recipe, people(900), [dropout(0.3)], shadows=4, workers=1, cache=tmp_path)
    last = found.rows[-1]
    assert last.role == "private"
    assert last.guarantee.epsilon > 0
    assert "noise tuned on the reference to an accuracy of" in last.note
    assert last.trainings >= 4 + 2
    assert found.rows[-1].leak("auc")[1].value < found.undefended.leak("auc")[1].value


def test_it_counts_the_models_that_it_took_to_find_and_stops_there(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning_of, "NOISES", (2.0, 0.5))
    monkeypatch.setattr(tuning_of, "WAYS", ((1, 1),))
    recipe = TorchRecipe(module=net, training=Training(epochs=1, batch_size=64, learning_rate=0.2))
    layout = Layout.of(people(600), None, canaries=20, models=4, seed=0)
    tuning = Tuning(recipe=recipe, layout=layout, cache=tmp_path, workers=1, progress=Quiet())
    ways = tuning.ways()
    content = tuning.reach(0.0)
    assert content.trainings == TUNED_ON and str(content.defence) == str(ways[0])
    never = tuning.reach(2.0)
    assert len(ways) == 2
    assert never.trainings == TUNED_ON * len(ways) and never.right >= content.right


def test_what_can_not_be_trained_so_is_a_row_with_the_reason(tmp_path):
    tree = SklearnRecipe(DecisionTreeClassifier())
    found = rt.frontier(tree, people(), [round_scores(1)], shadows=8, workers=1, cache=tmp_path)
    assert found.rows[-1].role == "private" and "torch module" in found.rows[-1].reason
