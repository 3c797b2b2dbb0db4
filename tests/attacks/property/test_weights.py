"""Weights come back as they were, and in one order whatever order their units stood in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from reticent.access import Access, Metered
from reticent.attacks.property.weights import Weights, layers, ordered, pack, unpack
from reticent.data import Records
from reticent.errors import ModelError
from reticent.shadows.batched import seeded
from reticent.targets.sklearn import SklearnTarget
from reticent.targets.torch import TorchTarget


def target(build: Callable[[], nn.Module], seed: int = 0) -> TorchTarget:
    return TorchTarget(seeded(build, seed), [0, 1])


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3, bias=False), nn.Tanh(), nn.Linear(3, 2))


@pytest.mark.parametrize("records", [1, 7, 1_000])
def test_dealt_over_records_and_back(records: int) -> None:
    model = target(perceptron)
    asked = Records(np.zeros((records, 4)), np.zeros(records, np.int64), np.array([0, 1]))
    answer = Weights().ask(Metered(model), asked)
    assert answer.shape[:2] == (records, 1)
    for got, own in zip(unpack(answer.reshape(1, -1)), layers(model), strict=True):
        np.testing.assert_array_equal(got[0], own)


def test_a_layer_without_bias_has_nought_for_it() -> None:
    found = layers(target(perceptron))
    assert [m.shape for m in found] == [(5, 5), (3, 6), (2, 4)]
    assert not found[1][:, -1].any()


def test_order_is_the_same_whatever_it_was() -> None:
    rng = np.random.default_rng(0)
    rows = np.stack([pack(layers(target(perceptron, seed))) for seed in range(3)])
    before = unpack(rows)
    after = [m.copy() for m in before]
    for model in range(3):
        for layer, following in ((0, 1), (1, 2)):
            order = rng.permutation(len(after[layer][model]))
            after[layer][model] = after[layer][model][order]
            after[following][model, :, :-1] = after[following][model][:, order]
    assert any((a != b).any() for a, b in zip(before, after, strict=True))
    for first, second in zip(ordered(before), ordered(after), strict=True):
        np.testing.assert_array_equal(first, second)


def test_ordered_models_answer_as_before() -> None:
    matrices = layers(target(perceptron))
    x = torch.from_numpy(np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32))
    found = [m[0] for m in ordered([m[None] for m in matrices])]
    for kind, (a, b, c) in (("own", matrices), ("ordered", found)):
        hidden = np.maximum(x.numpy() @ a[:, :-1].T + a[:, -1], 0)
        answer = np.tanh(hidden @ b[:, :-1].T) @ c[:, :-1].T + c[:, -1]
        np.testing.assert_allclose(answer, target(perceptron).logits(x.numpy()), rtol=1e-4, atol=1e-5)
        assert kind


@pytest.mark.parametrize(
    "model",
    [
        SklearnTarget(LogisticRegression().fit([[0.0], [1.0]], [0, 1])),
        target(lambda: nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))),
    ],
    ids=["sklearn", "layer norm"],
)
def test_other_models_are_refused(model: object) -> None:
    with pytest.raises(ModelError, match="weights of a multilayer perceptron are needed"):
        layers(model)


def test_below_its_rung_it_is_refused() -> None:
    asked = Records(np.zeros((2, 4)), np.zeros(2, np.int64), np.array([0, 1]))
    with pytest.raises(PermissionError):
        Weights().ask(Metered(target(perceptron), Access.LOGITS), asked)
