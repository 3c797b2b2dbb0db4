"""Copies made of nothing but the records' shape and range."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reticent.access import Access
from reticent.attacks.extraction import DataFree
from reticent.attacks.extraction.data_free import centred, logits
from reticent.attacks.extraction.student import Student
from reticent.errors import DataError
from reticent.targets.function import FunctionTarget

SLOPE = np.array([2.0, -3.0, 1.0, 0.5])


def half(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(x @ SLOPE)))


MODEL = FunctionTarget(half, np.arange(2))


def own() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, size=(50, 4))


def test_a_small_model_is_copied_without_a_record(scene):
    asked = scene(MODEL, own(), limit=12_000)
    copies = list(DataFree().copies(asked))
    assert len(copies) == 5
    assert 12_000 - 64 * 7 < asked.target.queries <= 12_000
    fresh = np.random.default_rng(9).uniform(-1, 1, size=(4000, 4))
    agreement = [(c.predict(fresh).labels == (half(fresh) > 0.5)).mean() for c in copies]
    assert agreement[-1] > 0.93


def test_every_record_asked_about_lies_within_the_range(scene):
    seen = []

    def watched(x):
        seen.append(x)
        return half(x)

    list(DataFree().copies(scene(FunctionTarget(watched, np.arange(2)), own(), limit=1000)))
    asked = np.concatenate(seen)
    assert (asked >= own().min(axis=0)).all()
    assert (asked <= own().max(axis=0)).all()


def test_the_gradient_felt_is_the_true_one_on_average(scene):
    asked = scene(MODEL, own())
    student = Student.of(asked)
    net = student.net()
    record = torch.tensor([[0.1, 0.2, -0.1, 0.3]])
    draw = torch.Generator().manual_seed(0)
    felt = DataFree(step=1e-4)._slope(asked, student, net, record.repeat(6000, 1), draw).mean(0).numpy()

    def differ(x: np.ndarray) -> float:
        told = np.column_stack([1 - half(x), half(x)])
        ours = centred(net(student.rows(torch.as_tensor(x, dtype=torch.float32))).log_softmax(1))
        return float((ours - logits(told)).abs().sum().detach())

    true = []
    for column in range(4):
        ahead, behind = (record.double().numpy() + s * 1e-2 * np.eye(4)[[column]] for s in (1, -1))
        true.append((differ(ahead) - differ(behind)) / 2e-2)
    assert np.corrcoef(felt, true)[0, 1] > 0.95


def test_centred_logits_are_those_of_the_model():
    raw = np.random.default_rng(0).normal(size=(7, 3))
    scores = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(logits(scores).numpy(), raw - raw.mean(axis=1, keepdims=True), atol=1e-5)


def test_categories_are_refused(scene, people):
    table, _ = people(100, 0)
    with pytest.raises(DataError, match="the records hold categories"):
        list(
            DataFree().copies(scene(FunctionTarget(lambda t: np.full((len(t), 2), 0.5), np.arange(2)), table))
        )


def test_a_budget_below_a_round_is_said(scene):
    with pytest.raises(DataError, match="100 queries are allowed and a round takes 448"):
        list(DataFree().copies(scene(MODEL, own(), limit=100)))


def test_labels_alone_do_not_suffice():
    assert DataFree.needs == Access.SCORES
