"""Copies from records of another kind, and which of them are asked about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reticent.access import Access
from reticent.attacks.extraction import Knockoff
from reticent.attacks.extraction.knockoff import drawn, learnt, reward
from reticent.targets.function import FunctionTarget

MODEL = FunctionTarget(
    lambda x: np.searchsorted([-0.5, 0.5], x[:, 0] + 0.3 * x[:, 1]), np.arange(3), Access.LABELS
)


def test_another_kind_of_records_makes_a_copy(scene):
    own = np.random.default_rng(0).normal(size=(50, 2))
    other = np.random.default_rng(1).uniform(-4, 4, size=(5000, 2))
    asked = replace(scene(MODEL, own, limit=1000), pool=other)
    copies = list(Knockoff().copies(asked))
    assert asked.target.queries == 1000
    fresh = np.random.default_rng(9).normal(size=(4000, 2))
    assert (copies[-1].predict(fresh).labels == MODEL.function(fresh)).mean() > 0.95


def test_what_the_pool_never_shows_is_not_copied(scene):
    own = np.random.default_rng(0).normal(size=(50, 2))
    beside = np.random.default_rng(1).normal(size=(3000, 2)) + np.array([6.0, 0.0])
    copy = list(Knockoff().copies(replace(scene(MODEL, own, limit=400), pool=beside)))[-1]
    fresh = np.random.default_rng(9).normal(size=(4000, 2))
    assert (copy.predict(fresh).labels == MODEL.function(fresh)).mean() < 0.6


def test_kinds_are_drawn_as_often_as_they_are_wanted():
    kind = np.repeat([0, 1, 2], [1000, 100, 500])
    wanted = np.log([1.0, 2.0, 1.0])
    rng = np.random.default_rng(0)
    free = np.ones(1600, dtype=bool)
    counts = sum(np.bincount(kind[drawn(kind, free, wanted, 20, rng)], minlength=3) for _ in range(200))
    np.testing.assert_allclose(counts / counts.sum(), [0.25, 0.5, 0.25], atol=0.03)
    free[:1000] = False
    chosen = drawn(kind, free, wanted, 50, rng)
    assert len(set(chosen.tolist())) == 50
    assert (chosen >= 1000).all()


def test_sure_seldom_and_unexpected_answers_are_worth_most():
    answers = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    before = np.array([0.9, 0.1])
    expected = np.array([[0.99, 0.01], [0.99, 0.01], [0.5, 0.5]])
    worth = reward(answers, before, expected)
    assert worth.argmax() == 1
    assert ((worth >= 0) & (worth <= 1)).all()
    np.testing.assert_array_equal(reward(answers[:1], before, expected[:1]), [0.0])


def test_a_kind_that_pays_is_wanted_more():
    wanted = learnt(np.zeros(3), np.array([0, 0, 1, 1]), np.array([1.0, 0.8, 0.1, 0.1]), 0.5)
    assert wanted[0] > wanted[2] == 0 > wanted[1]


def test_the_same_seed_gives_the_same_copy(scene):
    own = np.random.default_rng(0).normal(size=(300, 2))
    one, other = (list(Knockoff().copies(scene(MODEL, own, limit=200)))[-1] for _ in range(2))
    assert one.fingerprint() == other.fingerprint()
