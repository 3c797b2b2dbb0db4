"""Adversarial regularisation: the watcher learns to tell members, and the model is told how well it does."""

from __future__ import annotations

import pytest
import torch

from reticent.defences import adversarial_regularisation
from reticent.defences.training.adversarial_regularisation import Watched, Watchers
from reticent.errors import ModelError, PlanError
from reticent.shadows.batched.objective import CrossEntropy, Heard


def answers(rows, sure, seed):
    """(1, rows, 3) probabilities, surer or not of the labels, and the labels one-hot."""
    drawn = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (1, rows), generator=drawn)
    targets = torch.nn.functional.one_hot(labels, 3).float()
    return (sure * targets + torch.rand(1, rows, 3, generator=drawn)).softmax(-1), targets


def test_the_watcher_learns_to_tell_sure_answers_from_others():
    watchers = Watchers([0], 3, 32)
    (inside, mine), (outside, theirs) = answers(200, 3.0, 0), answers(200, 0.0, 1)
    before = (
        watchers.logits(inside, mine, slice(0, 1)).mean()
        - watchers.logits(outside, theirs, slice(0, 1)).mean()
    )
    for _ in range(100):
        watchers.learn(inside, mine, torch.ones(1, 200), outside, theirs, slice(0, 1))
    (fresh, own), (strange, other) = answers(200, 3.0, 2), answers(200, 0.0, 3)
    told = (
        watchers.logits(fresh, own, slice(0, 1)).mean() - watchers.logits(strange, other, slice(0, 1)).mean()
    )
    assert told > before + 1


def test_the_term_is_the_success_less_one_half(heard, losses):
    logits, targets, _, moment = heard
    q, theirs = answers(9, 0.0, 5)
    moment = moment._replace(heard=Heard(q.log().expand(2, -1, -1), theirs.expand(2, -1, -1)))
    plain = losses(CrossEntropy(), logits, targets, moment).detach()
    found = losses(Watched(CrossEntropy(), 2.0, 16, 9), logits, targets, moment).detach()
    assert float((found - plain).abs().max()) <= 1.0
    assert float((found - plain).abs().max()) > 0
    again = losses(Watched(CrossEntropy(), 4.0, 16, 9), logits, targets, moment).detach()
    torch.testing.assert_close(again - plain, 2 * (found - plain))


def test_it_needs_a_reference_and_a_network(torch_recipe, logistic, reference, data):
    with pytest.raises(PlanError, match="adversarial_regularisation looks at records from the same source"):
        adversarial_regularisation().harden(torch_recipe)
    with pytest.raises(ModelError, match="a LogisticRegression has none"):
        adversarial_regularisation().harden(logistic, reference)
    with pytest.raises(PlanError, match="adversarial_regularisation was given alpha=0"):
        adversarial_regularisation(alpha=0)
    target = adversarial_regularisation(1.0).harden(torch_recipe, reference).fit(data, 0)
    assert (target.predict(data.features).labels == data.labels).mean() > 0.5
