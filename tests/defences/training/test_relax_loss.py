"""RelaxLoss: beside the algorithm as it is printed, batch by batch; the loss is held where it was asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from reticent.defences import relax_loss
from reticent.defences.training.relax_loss import Relaxed
from reticent.errors import ModelError, PlanError
from reticent.shadows.batched.objective import CrossEntropy


def printed(logits, labels, alpha, upper, epoch):
    """Algorithm 1 of arXiv:2207.05801, of one model's batch: the number whose gradient is followed."""
    each = cross_entropy(logits, labels, reduction="none")
    loss = each.mean()
    if epoch % 2 == 0:
        return (loss - alpha).abs()
    if loss > alpha:
        return loss
    classes, p = logits.shape[1], logits.softmax(1).detach()
    own = p[torch.arange(len(labels)), labels].clamp(max=upper)
    flat = ((1 - own) / (classes - 1))[:, None].expand(-1, classes).clone()
    flat[torch.arange(len(labels)), labels] = own
    wrong = (p.argmax(1) != labels).float()
    soft = -(flat * logits.log_softmax(1)).sum(1)
    return (wrong * soft - each).mean()


@pytest.mark.parametrize("epoch", [0, 1])
@pytest.mark.parametrize("alpha", [0.1, 1.2, 5.0])
def test_its_gradient_is_the_algorithms(heard, losses, alpha, epoch):
    logits, targets, labels, moment = heard
    total = losses(Relaxed(CrossEntropy(), alpha, 0.4), logits, targets, moment._replace(epoch=epoch))
    (found,) = torch.autograd.grad(((total * moment.held).sum(1) / moment.held.sum(1)).sum(), logits)
    for model, size in enumerate((7, 5)):
        own = logits[model, :size].detach().requires_grad_()
        (expected,) = torch.autograd.grad(printed(own, labels[model, :size], alpha, 0.4, epoch), own)
        torch.testing.assert_close(found[model, :size], expected)


def test_the_training_loss_stays_where_it_is_held(torch_recipe, data):
    longer = replace(torch_recipe, training=replace(torch_recipe.training, epochs=60))
    at = {}
    for alpha in (0.0, 0.6):
        target = relax_loss(alpha).harden(longer).fit(data, 0) if alpha else longer.fit(data, 0)
        logs = target.predict(data.features).log_scores
        at[alpha] = float(-logs[np.arange(len(data)), data.labels].mean())
    assert at[0.0] < 0.35
    assert at[0.6] == pytest.approx(0.6, abs=0.15)


def test_bad_numbers_and_wrong_models_are_told(logistic):
    with pytest.raises(PlanError, match="relax_loss was given alpha=-1"):
        relax_loss(-1)
    with pytest.raises(ModelError, match="relax_loss changes each step of a network's training"):
        relax_loss().harden(logistic)
