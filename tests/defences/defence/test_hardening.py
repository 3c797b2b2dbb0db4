"""Recipes with a defence in them: the parts act in their places, one model at a time or many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from reticent import defences as d
from reticent.access import Access
from reticent.data import Records
from reticent.defences.defence import (
    Answering,
    DataDefence,
    Prepared,
    harden,
    in_training,
    none,
    on_answers,
)
from reticent.targets.sklearn import SklearnRecipe


@dataclass(frozen=True)
class Shift(DataDefence):
    """A data defence for these tests: moves the first column by so much, told apart by the seed."""

    word: ClassVar[str] = "shift"
    source: ClassVar[str] = "these tests"
    by: float = 1.0

    def protect(self, data, seed):
        x = np.array(data.features)
        x[:, 0] += self.by * (1 + 0 * seed)
        return replace(data, features=x)


def xor(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    return Records(x, ((x[:, 0] > 0) ^ (x[:, 1] > 0)).astype(int), np.arange(2))


def test_the_parts_act_in_their_places():
    recipe, data = SklearnRecipe(DecisionTreeClassifier()), xor()
    defence = Shift(100.0) | d.tree_limits(depth=2) | d.round_scores(1) | d.labels_only()
    hardened = harden(defence, recipe, data)
    assert isinstance(hardened, Answering) and isinstance(hardened.recipe, Prepared)
    target = hardened.fit(data, 0)
    assert target.access == Access.LABELS
    plain = recipe.fit(data, 0)
    moved = replace(data, features=np.asarray(data.features) + np.array([100.0, 0, 0]))
    assert (target.predict(moved.features).labels == plain.predict(data.features).labels).mean() > 0.5
    assert hardened.recipe.recipe.fit(data, 0).model.get_depth() <= 2
    assert on_answers(defence) == defence.parts[2:]
    assert in_training(none(), recipe) is recipe


def test_answers_fitted_on_members_are_guaranteed_nothing():
    private = d.private_forest(epsilon=1.0, bounds={0: (-5, 5), 1: (-5, 5), 2: (-5, 5)})
    recipe = SklearnRecipe(DecisionTreeClassifier())
    assert harden(private | d.round_scores(1), recipe, xor()).guarantee(200).epsilon == 1.0
    assert harden(private | d.memguard(), recipe, xor()).guarantee(200) is None


def test_many_models_prepared_are_those_prepared_alone():
    recipe, data = SklearnRecipe(DecisionTreeClassifier()), xor()
    hardened = harden(Shift(3.0) | d.round_scores(1), recipe, data)
    masks = np.random.default_rng(1).random((3, len(data))) < 0.5
    for mask, seed, target in zip(masks, [4, 5, 6], hardened.fit_many(data, masks, [4, 5, 6]), strict=True):
        alone = hardened.fit(data.take(mask), seed)
        assert np.array_equal(
            target.predict(data.features).log_scores, alone.predict(data.features).log_scores
        )


def test_whatever_changes_a_hardened_recipe_changes_its_fingerprint():
    recipe, data = SklearnRecipe(DecisionTreeClassifier()), xor()
    ways = [
        none(),
        Shift(1.0),
        Shift(2.0),
        d.round_scores(1),
        d.round_scores(2),
        d.tree_limits(),
        d.selena(3, 1),
    ]
    prints = [harden(way, recipe, data).fingerprint() for way in ways]
    prints.append(harden(d.round_scores(2), recipe, xor(seed=9)).fingerprint())
    assert len(set(prints)) == len(prints)
