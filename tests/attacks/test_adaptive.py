"""Who knows of a defence: averages undo noise, copies are asked about, counts read as probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.access import Access, Metered, Outputs
from reticent.attacks.adaptive import Again, CopiesLabels, CopiesScores, as_scores
from reticent.data import Records
from reticent.errors import PlanError


class Sure:
    """Answers the sign of the first column, with fresh noise on its scores where told to."""

    classes = np.array([0, 1])

    def __init__(self, access=Access.SCORES, noise=0.0):
        self.access, self.asked = access, []
        self._rng, self._noise = np.random.default_rng(3), noise

    def predict(self, x):
        self.asked.append(np.asarray(x))
        p = 0.5 + 0.3 * np.sign(x[:, 0]) + self._noise * self._rng.uniform(-1, 1, len(x))
        p = np.clip(p, 0.01, 0.99)
        return Outputs.from_logits(np.log(np.stack([1 - p, p], axis=1))).capped(self.access)

    def fingerprint(self):
        return "sure"


@pytest.fixture
def data():
    x = np.random.default_rng(0).normal(size=(30, 3))
    return Records(x, (x[:, 0] > 0).astype(np.int64), np.array([0, 1]))


def test_asking_again_wears_fresh_noise_off(data):
    target = Sure(noise=0.2)
    once = Again(times=2).ask(Metered(target), data)
    often = Again(times=400).ask(Metered(target), data)
    assert often.shape == (30, 1, 2)
    assert np.abs(np.exp(often[np.arange(30), 0, data.labels]) - 0.8).max() < 0.04
    assert np.abs(np.exp(once[np.arange(30), 0, data.labels]) - 0.8).max() > 0.08


def test_asking_again_counts_where_there_are_labels_only(data):
    answers = Again(times=4).ask(Metered(Sure(Access.LABELS)), data)
    np.testing.assert_allclose(np.exp(answers[np.arange(30), 0, data.labels]), 4.5 / 5, rtol=1e-6)


def test_copies_are_near_and_each_is_a_variant(data):
    target = Sure()
    answers = CopiesScores(copies=5).ask(Metered(target), data)
    assert answers.shape == (30, 5, 2)
    assert all(0 < np.abs(x - data.features).max() < 1.5 for x in target.asked)
    np.testing.assert_array_equal(answers, CopiesScores(copies=5).ask(Metered(Sure()), data))


def test_labels_of_copies_count_the_right_ones(data):
    target = Sure(Access.LABELS)
    answers = np.exp(CopiesLabels(copies=6).ask(Metered(target), data)[:, 0])
    right = sum((x[:, 0] > 0).astype(int) == data.labels for x in target.asked)
    np.testing.assert_allclose(answers[np.arange(30), data.labels], (right + 0.5) / 8, rtol=1e-6)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("question", [CopiesScores(copies=5), CopiesLabels(copies=5), Again(times=5)])
def test_no_more_is_asked_than_was_said(data, question):
    metered = Metered(Sure())
    question.ask(metered, data)
    assert metered.queries == question.queries(len(data))


def test_counts_keep_their_order_and_never_reach_certainty(data):
    few = data.take(np.arange(3))
    scores = as_scores(np.array([0.0, 5.0, 10.0]), 10, few)
    own = np.exp(scores[np.arange(3), 0, few.labels])
    assert 0 < own[0] < own[1] < own[2] < 1


@pytest.mark.parametrize(
    "wrong", [lambda: CopiesScores(copies=0), lambda: CopiesLabels(copies=0), lambda: Again(times=1)]
)
def test_numbers_out_of_range_are_told(wrong):
    with pytest.raises(PlanError):
        wrong()
