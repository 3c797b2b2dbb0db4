"""Metrics of one answer, against their formulas written out."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.access import FLOOR, FloatArray
from reticent.attacks.metrics import Metric


def written_out(metric: Metric, logs: list[float], label: int) -> float:
    """Song & Mittal's formulas for one record, minus sign where a member is low."""
    p = [exp(v) for v in logs]
    if metric is Metric.CORRECTNESS:
        return float(p[label] == max(p))
    if metric is Metric.CONFIDENCE:
        return p[label]
    if metric is Metric.ENTROPY:
        return -sum(-v * log(v) for v in p)
    modified = -(1 - p[label]) * log(p[label])
    modified -= sum(v * log(1 - v) for i, v in enumerate(p) if i != label)
    return -modified


def answers(seed: int, classes: int, records: int = 50) -> FloatArray:
    logits = 2 * np.random.default_rng(seed).normal(size=(records, classes))
    return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))


@pytest.mark.parametrize("metric", Metric)
@given(seed=st.integers(0, 10_000), classes=st.integers(2, 12))
@settings(max_examples=20, derandomize=True, deadline=None)
def test_agrees_with_the_formula(metric: Metric, seed: int, classes: int) -> None:
    logs = answers(seed, classes)
    labels = np.random.default_rng(seed + 1).integers(0, classes, len(logs))
    expected = [written_out(metric, list(row), y) for row, y in zip(logs, labels, strict=True)]
    np.testing.assert_allclose(metric.of(logs, labels), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("metric", Metric)
def test_a_surer_right_answer_looks_more_like_a_member_and_all_are_finite(metric: Metric) -> None:
    own = np.array([FLOOR, 0.1, 0.4, 0.6, 0.9, 0.999, 1 - 1e-9, 1.0])
    logs = np.log(np.maximum(np.stack([own, 1 - own], axis=1), FLOOR))
    found = metric.of(logs.astype(np.float32), np.zeros(len(own), dtype=np.int64))
    assert np.isfinite(found).all()
    likelier = found[own > 0.5]
    assert np.all(np.diff(likelier) >= -1e-6)


def test_only_plain_entropy_takes_a_sure_mistake_for_a_member() -> None:
    logs = np.log([[0.999, 0.001], [0.4, 0.6]])
    wrong = np.array([1, 1])  # the first is a sure mistake, the second half right
    for metric in Metric:
        mistake, hesitant = metric.of(logs, wrong)
        assert (mistake > hesitant) == (metric is Metric.ENTROPY)


def test_modified_entropy_of_two_classes_is_twice_the_uncertain_share_of_the_loss() -> None:
    """With two classes both terms are −(1 − p) log p."""
    p = np.array([0.1, 0.5, 0.8])
    found = Metric.MODIFIED_ENTROPY.of(np.log(np.stack([p, 1 - p], axis=1)), np.zeros(3, dtype=np.int64))
    np.testing.assert_allclose(found, 2 * (1 - p) * np.log(p), rtol=1e-12)


def test_metrics_are_named_by_their_words() -> None:
    assert [str(m) for m in Metric] == ["correctness", "confidence", "entropy", "modified entropy"]
    assert Metric("modified entropy") is Metric.MODIFIED_ENTROPY
