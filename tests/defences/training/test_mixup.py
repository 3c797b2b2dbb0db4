"""MixUp and MMD: the term by its definition, pair by pair; nothing learnt of the reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reticent.defences import mixup, mmd
from reticent.defences.training.mixup import Alike, discrepancy
from reticent.errors import ModelError, PlanError
from reticent.shadows.batched.objective import CrossEntropy, Heard


def slowly(p, mine, q, theirs):
    """The mean over classes that both know of MMD², by loops."""

    def kernel(a, b):
        return float(torch.exp(-(a - b).square().sum() / 2))

    found = []
    for c in range(mine.shape[1]):
        a, b = [i for i in range(len(p)) if mine[i, c]], [i for i in range(len(q)) if theirs[i, c]]
        if a and b:
            within = np.mean([kernel(p[i], p[j]) for i in a for j in a])
            without = np.mean([kernel(q[i], q[j]) for i in b for j in b])
            across = np.mean([kernel(p[i], q[j]) for i in a for j in b])
            found.append(within + without - 2 * across)
    return np.mean(found)


def test_the_discrepancy_is_the_definition(heard):
    logits, targets, _, _ = heard
    p = logits.detach().double().softmax(-1)
    q = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(4)).double().softmax(-1)
    theirs = torch.nn.functional.one_hot(torch.arange(18).view(2, 9) % 2, 3).double()  # the third class lacks
    found = discrepancy(p, targets.double(), q, theirs)
    expected = [slowly(p[m], targets[m], q[m], theirs[m]) for m in range(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_equal_answers_have_none(heard):
    logits, targets, _, _ = heard
    p = logits.softmax(-1)
    np.testing.assert_allclose(discrepancy(p, targets, p, targets).detach(), 0, atol=1e-6)


def test_rows_that_hold_no_record_do_not_count(heard, losses):
    logits, targets, _, moment = heard
    others = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(4))
    theirs = torch.nn.functional.one_hot(torch.arange(18).view(2, 9) % 3, 3).float()
    moment = moment._replace(heard=Heard(others, theirs))
    objective = Alike(CrossEntropy(), 3.0, 9)
    whole = losses(objective, logits, targets, moment)[1, :5]
    moved = logits.detach().clone()
    moved[1, 5:] += 10
    again = losses(objective, moved, targets, moment)[1, :5]
    torch.testing.assert_close(whole.detach(), again)


def test_mixup_and_mmd_go_together(torch_recipe, reference, data):
    recipe = mmd().harden(mixup(0.5).harden(torch_recipe), reference)
    assert recipe.training.mixing.alpha == 0.5
    assert recipe.training.objective.reference == 128
    assert np.isfinite(recipe.fit(data, 0).predict(data.features).log_scores).all()


def test_bad_numbers_wrong_models_and_no_reference_are_told(logistic, torch_recipe):
    with pytest.raises(PlanError, match="mixup was given alpha=0"):
        mixup(0)
    with pytest.raises(PlanError, match="mmd was given weight=-1"):
        mmd(-1)
    with pytest.raises(PlanError, match="mmd looks at records from the same source"):
        mmd().harden(torch_recipe)
    for word in (mixup(), mmd()):
        with pytest.raises(ModelError, match="changes each step of a network's training"):
            word.harden(logistic)
