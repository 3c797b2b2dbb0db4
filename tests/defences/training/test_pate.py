"""PATE: one record reaches one teacher, votes are as noisy as was said, and epsilon is composed."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from reticent.access import Access, Outputs
from reticent.defences import pate
from reticent.errors import PlanError
from reticent.measure.accounting import gaussian_epsilon
from reticent.recipe import OneByOne


class Constant:
    access, classes = Access.LABELS, np.arange(3)

    def __init__(self, label):
        self.label = label

    def predict(self, x):
        return Outputs.from_labels(np.full(len(x), self.label))

    def fingerprint(self):
        return "constant"


class Watching(OneByOne):
    """Teachers that answer `label`; keeps who each was shown, and what the student was."""

    def __init__(self, label=2):
        self.label, self.shown, self.student = label, [], None

    def fit(self, data, seed):
        self.student = data
        return Constant(self.label)

    def fit_many(self, data, masks, seeds):
        self.shown += list(masks)
        return (Constant(self.label) for _ in masks)

    def fingerprint(self):
        return "watching"


def test_each_record_has_one_teacher(data, reference):
    recipe = Watching()
    pate(noise=1.0, teachers=10).harden(recipe, reference).fit(data, 0)
    np.testing.assert_array_equal(np.sum(recipe.shown, axis=0), 1)
    assert 5 <= len(recipe.shown) <= 10


def test_the_student_sees_reference_records_and_no_member(data, reference):
    recipe = Watching()
    pate(noise=1e-3, teachers=10, questions=30).harden(recipe, reference).fit(data, 0)
    known = {row.tobytes() for row in reference.features}
    assert len(recipe.student) == 30
    assert all(row.tobytes() in known for row in recipe.student.features)
    assert (recipe.student.labels == 2).all()


def test_the_votes_are_as_noisy_as_was_said(data, reference):
    """Ten votes to none, noise of 10 on each count: how often the noise wins is a matter of counting."""
    recipe = Watching()
    many = replace(
        reference, features=np.repeat(reference.features, 100, 0), labels=np.repeat(reference.labels, 100)
    )
    pate(noise=10 / math.sqrt(2), teachers=10, questions=8000).harden(recipe, many).fit(data, 0)
    votes = np.array([0, 0, len(recipe.shown)])
    drawn = votes + np.random.default_rng(1).normal(0, 10, (200_000, 3))
    expected = np.mean(drawn.argmax(axis=1) == 2)
    assert np.mean(recipe.student.labels == 2) == pytest.approx(expected, abs=0.02)


def test_what_is_guaranteed_is_the_composition_of_the_votes(reference):
    bought = pate(epsilon=3.0, delta=1e-4, questions=50).harden(Watching(), reference).guarantee(1000)
    assert 2.97 < bought.epsilon <= 3.0
    said = pate(noise=5.0, delta=1e-4, questions=500).harden(Watching(), reference).guarantee(1000)
    assert said.epsilon == gaussian_epsilon(5.0, 80, 1e-4)  # no more is asked than there are records


def test_too_few_records_no_reference_and_no_privacy_are_told(data, reference):
    with pytest.raises(PlanError, match="pate shares 30 records out among 20 teachers"):
        pate(noise=1.0).harden(Watching(), reference).fit(data.take(np.arange(30)), 0)
    with pytest.raises(PlanError, match="give reference="):
        pate(noise=1.0).harden(Watching())
    with pytest.raises(PlanError, match="pate was given epsilon=-3"):
        pate(epsilon=-3)
    with pytest.raises(PlanError, match="at least two of each"):
        pate(noise=1.0, teachers=1)
