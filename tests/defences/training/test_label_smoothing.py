"""Label smoothing: torch's own, and weights that mean the same of scikit-learn's models."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from torch.nn.functional import cross_entropy

from reticent.defences import label_smoothing
from reticent.defences.training.label_smoothing import Smoothed
from reticent.errors import ModelError, PlanError
from reticent.shadows.batched.objective import CrossEntropy
from reticent.targets.sklearn import SklearnRecipe


def test_the_loss_is_torchs_own(heard, losses):
    logits, targets, labels, moment = heard
    found = losses(Smoothed(CrossEntropy(), 0.3), logits, targets, moment)
    expected = cross_entropy(logits.flatten(0, 1), labels.flatten(), label_smoothing=0.3, reduction="none")
    np.testing.assert_allclose(found.flatten().detach(), expected.detach(), rtol=1e-5)


def test_a_naive_bayes_learns_every_class_of_every_record(bayes, data):
    """Its priors are the mean of the smoothed labels, its means weighed by them: closed forms."""
    amount = 0.3
    model = label_smoothing(amount).harden(bayes).fit(data, 0).model
    soft = (1 - amount) * np.eye(3)[data.labels] + amount / 3
    np.testing.assert_allclose(model.class_prior_, soft.mean(axis=0), rtol=1e-6)
    means = (soft.T @ data.features) / soft.sum(axis=0)[:, None]
    np.testing.assert_allclose(model.theta_, means, atol=1e-5)


def test_answers_are_less_sure(logistic, torch_recipe, data):
    for recipe in (logistic, torch_recipe):
        sure, unsure = (
            np.exp(r.fit(data, 0).predict(data.features).log_scores).max(axis=1).mean()
            for r in (recipe, label_smoothing(0.5).harden(recipe))
        )
        assert unsure < sure - 0.1


def test_each_model_has_its_own_records(bayes, data):
    masks = np.random.default_rng(0).random((2, len(data))) < 0.5
    hardened = label_smoothing(0.2).harden(bayes)
    both = list(hardened.fit_many(data, masks, [4, 5]))
    alone = hardened.fit(data.take(masks[1]), 5)
    asked = data.features[:10]
    np.testing.assert_allclose(both[1].predict(asked).log_scores, alone.predict(asked).log_scores, rtol=1e-6)


def test_what_cannot_weigh_records_is_told(data):
    hardened = label_smoothing().harden(SklearnRecipe(KNeighborsClassifier()))
    with pytest.raises(ModelError, match="a KNeighborsClassifier can't weigh records"):
        hardened.fit(data, 0)


@pytest.mark.parametrize("amount", [0.0, 1.0])
def test_an_amount_out_of_range_is_told(amount):
    with pytest.raises(PlanError, match="label_smoothing was given amount="):
        label_smoothing(amount)
