"""Gradients shared and read back, trial by trial, beside the mean public record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

import reticent as rt
from reticent.attacks.gradients import AnalyticLinear
from reticent.errors import DataError
from reticent.gradient_trial import matched


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
    told = found.exhibit
    assert told.errors.shape == told.control.shape == (12, 1)
    assert found.figure("recovered").low > 0.7
    assert found.figure("recovered control").value == 0
    assert found.figure("labels").value == 1
    assert sum(done) == 12
    np.testing.assert_allclose(told.records[:, 0], X, atol=1e-5)


def test_batches_are_matched_record_by_record():
    (found,) = rt.leak_gradients(net, X, Y, [AnalyticLinear()], public=PUBLIC, batch=4)
    assert found.exhibit.errors.shape == (3, 4)
    order = matched(X[[2, 0, 1]], X[:3])
    np.testing.assert_array_equal(X[[2, 0, 1]][order], X[:3])


def test_an_attack_that_can_not_run_says_why_and_the_others_go_on():
    (refused,) = rt.leak_gradients(convolved, X[:2], Y[:2], [AnalyticLinear()], public=PUBLIC)
    assert refused.outcome == "refused" and "not fully connected" in refused.reason
    with pytest.raises(LookupError, match="not fully connected"):
        refused.figure("recovered")


@dataclass(frozen=True, kw_only=True)
class Broken(AnalyticLinear):
    """Throws."""

    def reconstruct(self, observation, seed):
        raise ZeroDivisionError("by mistake")


def test_an_attack_that_breaks_fails_and_the_others_go_on():
    broken, found = rt.leak_gradients(net, X[:6], Y[:6], [Broken(), AnalyticLinear()], public=PUBLIC)
    assert broken.outcome == "failed" and "ZeroDivisionError" in broken.reason
    assert found.outcome == "measured"


def test_one_record_is_read_back_after_several_local_steps():
    (found,) = rt.leak_gradients(net, X, Y, [AnalyticLinear()], public=PUBLIC, steps=5, step_size=0.1)
    assert found.figure("recovered").low > 0.7


def test_a_reader_sees_each_figure_beside_its_control_and_the_pictures():
    (found,) = rt.leak_gradients(net, X, Y, [AnalyticLinear()], public=PUBLIC)
    recovered, labels, errors = found.exhibit.beside()
    assert (recovered.figure, recovered.without) == (
        found.figure("recovered"),
        found.figure("recovered control"),
    )
    assert labels.figure.value == 1 and labels.without.value < 0.8
    assert errors.figure.high < errors.without.low and errors.worse == "lower"
    there, read = found.exhibit.strips()
    np.testing.assert_allclose(there.pictures, X[:10])
    np.testing.assert_allclose(read.pictures, X[:10], atol=1e-5)
    flat = rt.leak_gradients(net, X.reshape(12, 9), Y, [AnalyticLinear()], public=PUBLIC.reshape(30, 9))
    assert flat[0].exhibit.strips() == ()
    assert set(found.exhibit.arrays()) == {"errors", "control", "labels_right"}


@pytest.mark.parametrize(
    "wrong",
    [{"batch": 13}, {"batch": 0}, {"public": np.zeros((3, 1, 4, 4))}, {"public": PUBLIC[:0]}, {"y": Y[:5]}],
)
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
