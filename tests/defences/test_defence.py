"""The algebra: composing is associative, nothing is its unit, and what acts first must stand first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from reticent import defences as d
from reticent.access import Access
from reticent.canary import Canary
from reticent.data import Records
from reticent.defences.defence import (
    Answering,
    Composed,
    DataDefence,
    Prepared,
    Stage,
    canary_of,
    harden,
    in_training,
    none,
    on_answers,
)
from reticent.errors import ModelError, PlanError
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


SINGLE = [
    Shift(1.0),
    d.l2(1e-2),
    d.tree_limits(leaf=5),
    d.dp_sgd(epsilon=3),
    d.round_scores(2),
    d.labels_only(),
    d.memguard(),
    none(),
    d.hamp(),
]


@given(st.sampled_from(SINGLE), st.sampled_from(SINGLE), st.sampled_from(SINGLE))
def test_composing_is_associative_and_nothing_is_its_unit(a, b, c):
    def written(compose):
        try:
            return compose()
        except PlanError:
            return "wrong order"

    left, right = written(lambda: (a | b) | c), written(lambda: a | (b | c))
    assert left == right
    assert (a | none()).parts == (none() | a).parts == a.parts
    if left != "wrong order":
        stages = [part.stage for part in left.parts]
        assert stages == sorted(stages)


def test_what_acts_later_can_not_stand_first():
    with pytest.raises(PlanError, match="round_scores works on the answers and dp_sgd on the training"):
        d.round_scores(2) | d.dp_sgd(epsilon=3)
    with pytest.raises(PlanError, match=r"write shift\(by=2.0\) \| l2\(\)"):
        d.l2() | Shift(2.0)


def test_a_defence_reads_as_it_is_written():
    assert str(d.dp_sgd(epsilon=3) | d.round_scores(places=1)) == "dp_sgd(epsilon=3) | round_scores(places=1)"
    assert str(none()) == "none()"
    with pytest.raises(TypeError):
        d.l2() | "round_scores"  # type: ignore[operator]


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


def test_twins_are_put_in_where_a_part_calls_for_them():
    assert canary_of(d.l2()) is Canary.MISLABELLED
    assert canary_of(d.l2() | d.selena() | d.labels_only()) is Canary.TWINS


def test_scores_are_needed_where_scores_are_changed(target):
    only = d.labels_only().wrap(target)
    with pytest.raises(ModelError, match="round_scores changes scores and the model answers labels only"):
        d.round_scores(2).wrap(only)


def test_stages_are_in_order():
    assert Stage.DATA < Stage.TRAINING < Stage.ANSWERS
    assert Composed().parts == ()


def test_a_long_option_is_shown_by_a_name_of_its_own():
    one, other = (
        d.synthesise(1.0, domain=tuple((f"column {i}", 0.0, high) for i in range(20))) for high in (1.0, 2.0)
    )
    assert len(str(one)) < 80 < len(repr(one.domain))
    assert str(one) != str(other)
    assert str(one) == str(d.synthesise(1.0, domain=one.domain))
