"""SELENA: nobody is vouched for by a model that was shown them."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.access import Access, Outputs
from reticent.canary import Canary
from reticent.defences import selena
from reticent.errors import ModelError, PlanError
from reticent.recipe import OneByOne


class Rote:
    """Knows by heart who it was shown: 0.9 of the label for them, even for others."""

    access, classes = Access.SCORES, np.arange(3)

    def __init__(self, known):
        self.known = known

    def predict(self, x):
        p = np.full((len(x), 3), 1 / 3)
        for i, row in enumerate(np.asarray(x)):
            if row.tobytes() in self.known:
                p[i] = 0.05
                p[i, self.known[row.tobytes()]] = 0.9
        return Outputs.from_logits(np.log(p)).capped(Access.SCORES)

    def fingerprint(self):
        return "rote"


class ByHeart(OneByOne):
    """Trains `Rote`, and keeps what its students were taught."""

    def __init__(self):
        self.taught = []

    def fit(self, data, seed):
        labels = zip(data.features, data.labels, strict=True)
        return Rote({row.tobytes(): int(label) for row, label in labels})

    def fit_soft(self, data, masks, seeds, targets):
        for mask, seed, soft in zip(masks, seeds, targets, strict=True):
            self.taught.append(soft)
            yield self.fit(data.take(mask), seed)

    def fingerprint(self):
        return "by heart"


def test_no_record_is_vouched_for_by_a_model_that_saw_it(data):
    recipe = ByHeart()
    selena(models=8, left_out=3).harden(recipe).fit(data, 0)
    np.testing.assert_allclose(recipe.taught[0], 1 / 3)


def test_twins_vouch_for_each_other(data):
    """Which is why its canaries are twins: the one's label comes through models that were shown the other."""
    recipe = ByHeart()
    twice = data.take(np.repeat(np.arange(len(data)), 2))
    selena(models=8, left_out=3).harden(recipe).fit(twice, 0)
    own = recipe.taught[0][np.arange(len(twice)), twice.labels]
    assert own.mean() > 0.6
    assert selena().canary is Canary.TWINS


def test_each_record_is_left_out_of_as_many_models_as_was_said(data):
    class Counting(ByHeart):
        shown = np.zeros(len(data))

        def fit_many(self, data, masks, seeds):
            Counting.shown += masks.sum(axis=0)
            return super().fit_many(data, masks, seeds)

    selena(models=8, left_out=3).harden(Counting()).fit(data, 0)
    np.testing.assert_array_equal(Counting.shown, 5)


def test_students_of_networks_learn_the_classes(torch_recipe, data, reference):
    target = selena(models=5, left_out=2).harden(torch_recipe).fit(data, 0)
    assert (target.predict(reference.features).labels == reference.labels).mean() > 0.5


def test_bad_numbers_and_models_without_scores_are_told(data):
    with pytest.raises(PlanError, match="give fewer left out than models"):
        selena(models=5, left_out=5)
    with pytest.raises(PlanError, match="selena splits 3 records among 25 models"):
        selena(models=25, left_out=24).harden(ByHeart()).fit(data.take(np.arange(3)), 0)

    class Labels(Rote):
        access = Access.LABELS

        def predict(self, x):
            return super().predict(x).capped(Access.LABELS)

    class ByLabel(ByHeart):
        def fit(self, data, seed):
            return Labels({})

    with pytest.raises(ModelError, match="selena averages probabilities and the model answers labels only"):
        selena(models=3, left_out=1).harden(ByLabel()).fit(data, 0)
