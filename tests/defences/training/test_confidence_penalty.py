"""Confidence penalty: cross-entropy less the answer's entropy."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Categorical
from torch.nn.functional import cross_entropy

from reticent.defences import confidence_penalty, label_smoothing
from reticent.defences.training.confidence_penalty import Unsure
from reticent.errors import ModelError, PlanError
from reticent.shadows.batched.objective import CrossEntropy


def test_the_loss_is_the_definition(heard, losses):
    logits, targets, labels, moment = heard
    found = losses(Unsure(CrossEntropy(), 0.7), logits, targets, moment)
    plain = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view_as(found)
    torch.testing.assert_close(found, plain - 0.7 * Categorical(logits=logits).entropy())


def test_it_goes_around_what_stood_before_it(torch_recipe):
    both = (label_smoothing(0.2) | confidence_penalty(0.1)).parts
    recipe = torch_recipe
    for part in both:
        recipe = part.harden(recipe)
    assert recipe.training.objective.inner.amount == 0.2
    assert recipe.training.objective.alone


def test_scikit_learn_is_told_what_it_can_carry(logistic):
    with pytest.raises(ModelError, match="label_smoothing is what it can carry"):
        confidence_penalty().harden(logistic)


def test_a_weight_out_of_range_is_told():
    with pytest.raises(PlanError, match="confidence_penalty was given alpha=0"):
        confidence_penalty(0)
