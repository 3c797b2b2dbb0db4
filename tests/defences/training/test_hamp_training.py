"""HAMP in training: soft labels of the entropy that was asked for, and a reward for unsure answers."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Categorical

from reticent.defences import hamp, hamp_training
from reticent.defences.training.hamp import HighEntropy, top_probability
from reticent.errors import ModelError, PlanError
from reticent.shadows.batched.objective import CrossEntropy


@given(st.floats(0.02, 0.98), st.integers(2, 200))
def test_the_soft_label_has_the_entropy_asked_for(gamma, classes):
    top = top_probability(gamma, classes)
    rest = (1 - top) / (classes - 1)
    entropy = -top * math.log(top) - (classes - 1) * (rest * math.log(rest) if rest > 0 else 0)
    assert entropy == pytest.approx(gamma * math.log(classes), abs=1e-6)
    assert top > rest


def test_the_loss_is_kl_to_the_soft_label_up_to_a_constant(heard, losses):
    logits, targets, labels, moment = heard
    found = losses(HighEntropy(CrossEntropy(), 0.6, 0.2), logits, targets, moment)
    top = top_probability(0.6, 3)
    soft = torch.full_like(logits, (1 - top) / 2).scatter(-1, labels[..., None], top).detach()
    answered = Categorical(logits=logits)
    kl = (soft * (soft.log() - answered.logits)).sum(-1)
    constant = Categorical(probs=soft).entropy()
    torch.testing.assert_close(found, kl + constant - 0.2 * answered.entropy())


def test_hamp_is_both_halves():
    assert [part.word for part in hamp(0.5, 0.05).parts] == ["hamp_training", "hamp_answers"]


def test_bad_numbers_and_wrong_models_are_told(logistic):
    with pytest.raises(PlanError, match="hamp_training was given gamma=1"):
        hamp_training(gamma=1)
    with pytest.raises(ModelError, match="a LogisticRegression has none; label_smoothing"):
        hamp_training().harden(logistic)
