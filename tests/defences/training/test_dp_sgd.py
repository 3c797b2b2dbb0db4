"""DP-SGD and DP-FTRL as defences: what they set, what they guarantee, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from reticent import defences as d
from reticent.errors import ModelError, PlanError
from reticent.measure.accounting import gaussian_epsilon, sampled_gaussian_epsilon


def normalised():
    return nn.Sequential(nn.Linear(5, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 3))


def test_a_wanted_epsilon_is_met_and_hardly_undercut(torch_recipe):
    guarantee = d.dp_sgd(epsilon=3, delta=1e-4).harden(torch_recipe).guarantee(1000)
    assert 2.97 < guarantee.epsilon <= 3
    assert "PLD accountant" in guarantee.by
    assert "Poisson samples" in guarantee.by


def test_the_epsilon_of_given_noise_is_the_accountants(torch_recipe):
    guarantee = d.dp_sgd(noise=1.2, delta=1e-4, batch_size=50, epochs=3).harden(torch_recipe).guarantee(1000)
    assert guarantee.epsilon == sampled_gaussian_epsilon(1.2, 0.05, 60, 1e-4)


def test_each_record_of_an_ordered_training_enters_one_tree_an_epoch(torch_recipe):
    """Eight batches: a tree of eight leaves, and so four nodes over each of them."""
    guarantee = (
        d.dp_ftrl(noise=4.0, delta=1e-4, batch_size=125, epochs=2).harden(torch_recipe).guarantee(1000)
    )
    assert guarantee.epsilon == gaussian_epsilon(4.0, 2 * 4, 1e-4)


def test_models_are_trained_and_differ_by_their_seed(torch_recipe, data):
    for word in (d.dp_sgd(noise=0.5, delta=1e-3), d.dp_ftrl(noise=0.5, delta=1e-3)):
        hardened = word.harden(torch_recipe)
        one, two = (hardened.fit(data, seed).predict(data.features).log_scores for seed in (0, 1))
        assert np.isfinite(one).all()
        assert not np.allclose(one, two)


def test_a_delta_that_promises_nothing_is_explained(torch_recipe, data):
    hardened = d.dp_sgd(noise=1.0, delta=0.05).harden(torch_recipe)
    with pytest.warns(UserWarning, match=r"delta=0.05 is not below one over 120 records.*give delta below"):
        hardened.fit(data, 0)


def test_batch_normalisation_is_refused_before_anything_is_trained(torch_recipe):
    with pytest.raises(ModelError, match="GroupNorm"):
        d.dp_sgd(epsilon=3).harden(replace(torch_recipe, module=normalised))


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (d.mixup(), "mixup blends two records into one; leave one of the two out"),
        (d.early_stopping(), "early stopping looks at their losses; give fewer epochs instead"),
        (d.relax_loss(), "this loss draws on several records at once; leave one of the two out"),
    ],
)
def test_what_lets_a_record_reach_further_is_refused_on_either_side(torch_recipe, before, said):
    for parts in ((before, d.dp_sgd(epsilon=3)), (d.dp_sgd(epsilon=3), before)):
        with pytest.raises(PlanError, match=said):
            parts[1].harden(parts[0].harden(torch_recipe))


def test_scikit_learn_has_no_steps_to_make_private(logistic):
    with pytest.raises(ModelError, match="dp_sgd changes each step of a network's training"):
        d.dp_sgd(epsilon=3).harden(logistic)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epsilon": 0},
        {"epsilon": -1},
        {"epsilon": 3, "noise": 1},
        {},
        {"epsilon": 3, "delta": 1},
        {"epsilon": 3, "clip": 0},
        {"epsilon": 3, "epochs": 0},
        {"epsilon": 3, "batch_size": -5},
        {"epsilon": 3, "learning_rate": 0},
    ],
)
@pytest.mark.parametrize("word", [d.dp_sgd, d.dp_ftrl])
def test_numbers_out_of_range_are_told(word, wrong):
    with pytest.raises(PlanError, match=r"dp_(sgd|ftrl) was given .*; give"):
        word(**wrong)
