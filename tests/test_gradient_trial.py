"""Gradients shared and read back, trial by trial, beside the mean public record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

import reticent as rt
from reticent.attacks.gradients import AnalyticLinear
from reticent.attacks.membership import Loss
from reticent.errors import DataError
from reticent.gradient_trial import matched
from reticent.report.page import page
from reticent.targets.torch import TorchTarget


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


def audited(tmp_path, x, y, attacks, prepare=None):
    module = nn.Sequential(nn.Flatten(), nn.Linear(9, 30), nn.ReLU(), nn.Linear(30, 3))
    torch.manual_seed(0)
    target = TorchTarget(module, np.arange(3), prepare=prepare)
    half = len(x) // 2
    return rt.audit(
        target,
        members=(x[:half], y[:half]),
        nonmembers=(x[half:], y[half:]),
        attacks=[Loss(), *attacks],
        cache=tmp_path,
    )


def test_an_audit_reads_the_gradients_of_its_model_back(tmp_path):
    x, y = RNG.random((120, 1, 3, 3)).astype(np.float32), RNG.integers(0, 3, 120)
    audit = audited(tmp_path, x, y, [AnalyticLinear()])
    found = audit["analytic-linear"]
    assert found.figure("recovered").value == 1 and found.exhibit.errors.shape == (10, 1)
    members = x[:60].reshape(60, -1)
    for read in found.exhibit.truth.reshape(10, -1):
        assert (np.abs(members - read).max(axis=1) < 1e-6).any()
    text = page([audit])
    assert "batches read back" in text and text.count("data:image/png") == 1


@pytest.mark.parametrize(
    ("change", "prepare", "said"),
    [
        (lambda x: 3 * x, None, "from 0 to 1"),
        (lambda x: x, lambda x: np.asarray(x, np.float32), "prepared first"),
    ],
)
def test_an_audit_whose_gradients_say_nothing_goes_on(tmp_path, change, prepare, said):
    x, y = change(RNG.random((80, 1, 3, 3)).astype(np.float32)), RNG.integers(0, 3, 80)
    audit = audited(tmp_path, x, y, [AnalyticLinear()], prepare)
    assert said in audit["analytic-linear"].reason and audit["loss"].outcome == "measured"


def test_a_model_that_is_no_module_has_no_gradients(tmp_path):
    x, y = RNG.random((80, 4)), RNG.integers(0, 2, 80)
    audit = rt.audit(
        LogisticRegression().fit(x[:40], y[:40]),
        members=(x[:40], y[:40]),
        nonmembers=(x[40:], y[40:]),
        attacks=[Loss(), AnalyticLinear()],
        cache=tmp_path,
    )
    assert audit["analytic-linear"].outcome == "refused" and audit["loss"].outcome == "measured"
