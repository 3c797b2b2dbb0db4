"""Adversarial training: a model that answers the same nearby."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from reticent.defences import adversarial_training, dp_sgd
from reticent.errors import ModelError, PlanError


def test_it_withstands_what_moves_the_undefended_model(torch_recipe, data):
    longer = replace(torch_recipe, training=replace(torch_recipe.training, epochs=30))
    hardened = adversarial_training(0.3).harden(longer)
    lost = []
    for recipe in (longer, hardened):
        module = recipe.fit(data, 0).module.eval()
        x, y = torch.as_tensor(data.features).requires_grad_(), torch.as_tensor(data.labels)
        (slope,) = torch.autograd.grad(cross_entropy(module(x), y), x)
        with torch.no_grad():
            still, moved = (cross_entropy(module(at), y) for at in (x, x + 0.3 * slope.sign()))
        lost.append(float(moved - still))
    assert lost[1] < 0.7 * lost[0]


def test_it_goes_with_private_training_either_way_round(torch_recipe, data):
    for first, second in (
        (dp_sgd(noise=1.0, delta=1e-3), adversarial_training(0.1, steps=2)),
        (adversarial_training(0.1, steps=2), dp_sgd(noise=1.0, delta=1e-3)),
    ):
        recipe = second.harden(first.harden(torch_recipe))
        assert recipe.training.adversary.radius == 0.1
        assert (
            recipe.guarantee(len(data)).epsilon
            == dp_sgd(noise=1.0, delta=1e-3).harden(torch_recipe).guarantee(len(data)).epsilon
        )
        assert np.isfinite(recipe.fit(data, 0).predict(data.features).log_scores).all()


def test_bad_numbers_and_wrong_models_are_told(logistic):
    with pytest.raises(PlanError, match="adversarial_training was given radius=0"):
        adversarial_training(0)
    with pytest.raises(PlanError, match="give low below high"):
        adversarial_training(0.1, low=1, high=0)
    with pytest.raises(ModelError, match="a LogisticRegression has none"):
        adversarial_training().harden(logistic)
