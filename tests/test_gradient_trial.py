"""Gradients shared and read back, trial by trial, beside the mean public record."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import reticent as rt
from reticent.attacks.gradients import AnalyticLinear
from reticent.errors import DataError
from reticent.gradient_trial import matched
from reticent.measure.estimate import Withheld


def net(trial):
    torch.manual_seed(trial)
    return nn.Sequential(nn.Flatten(), nn.Linear(9, 30), nn.Sigmoid(), nn.Linear(30, 3))


def convolved(trial):
    torch.manual_seed(trial)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2, 3))


RNG = np.random.default_rng(0)
X, Y, PUBLIC = RNG.random((12, 1, 3, 3)), RNG.integers(0, 3, 12), RNG.random((30, 1, 3, 3))


def test_single_records_are_read_back_and_the_control_is_not():
    done = []
    (found,) = rt.leak_gradients(net, X, Y, [AnalyticLinear()], public=PUBLIC, advance=done.append)
    assert found.errors.shape == found.control.shape == (12, 1)
    assert found.figure("recovered").low > 0.7
    assert found.figure("recovered control").value == 0
    assert found.figure("labels").value == 1
    assert sum(done) == 12
    np.testing.assert_allclose(found.records[:, 0], X, atol=1e-5)


def test_batches_are_matched_record_by_record():
    (found,) = rt.leak_gradients(net, X, Y, [AnalyticLinear()], public=PUBLIC, batch=4)
    assert found.errors.shape == (3, 4)
    order = matched(X[[2, 0, 1]], X[:3])
    np.testing.assert_array_equal(X[[2, 0, 1]][order], X[:3])


def test_an_attack_that_can_not_run_says_why_and_the_others_go_on():
    (found,) = rt.leak_gradients(convolved, X[:2], Y[:2], [AnalyticLinear()], public=PUBLIC)
    assert "not fully connected" in found.reason
    assert isinstance(found.figure("recovered"), Withheld)


@pytest.mark.parametrize("wrong", [{"batch": 13}, {"public": np.zeros((3, 1, 4, 4))}, {"y": Y[:5]}])
def test_what_does_not_fit_is_a_sentence(wrong):
    given = {"y": Y, "public": PUBLIC, "batch": 1, **wrong}
    with pytest.raises(DataError, match="give at least a batch"):
        rt.leak_gradients(
            net, X, given["y"], [AnalyticLinear()], public=given["public"], batch=given["batch"]
        )


def test_no_such_figure():
    (found,) = rt.leak_gradients(net, X[:2], Y[:2], [AnalyticLinear()], public=PUBLIC)
    with pytest.raises(ValueError, match="no figure"):
        found.figure("auc")
