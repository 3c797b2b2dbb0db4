"""Signals: statistics of log-probabilities, whatever the classes, however extreme, block by block."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp

from reticent.shadows import signals
from reticent.shadows.signals import Answers, Signals, log_confidence, margin


def slow_margin(log_scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """One record at a time, in float64, from the formula."""
    out = np.empty(log_scores.shape[:-1])
    for place in np.ndindex(out.shape):
        row, label = log_scores[place].astype(np.float64), labels[place[-2]]
        out[place] = row[label] - logsumexp(np.delete(row, label))
    return out


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0])
def test_margin_is_the_formula(classes: int, scale: float) -> None:
    rng = np.random.default_rng(classes)
    labels = rng.integers(0, classes, 20)
    logs = log_softmax(scale * rng.normal(size=(3, 20, 2, classes)), axis=-1).astype(np.float32)
    expected = slow_margin(logs, labels)
    np.testing.assert_allclose(margin(logs, labels), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(margin(logs[0], labels), expected[0], rtol=1e-5, atol=1e-5)


def test_margin_grows_where_probabilities_have_long_been_one() -> None:
    logits = np.array([[0.0, -x, -x - 1] for x in (20, 40, 80, 160)])
    logs = log_softmax(logits, axis=-1).astype(np.float32)[:, None]
    found = margin(logs, np.zeros(4, dtype=np.int64))[:, 0]
    np.testing.assert_allclose(found, [x - np.log1p(np.exp(-1)) for x in (20, 40, 80, 160)], rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 5])
def test_log_confidence_is_the_true_classs_entry(classes: int) -> None:
    rng = np.random.default_rng(0)
    labels, logs = rng.integers(0, classes, 9), rng.normal(size=(4, 9, 2, classes)).astype(np.float32)
    expected = np.stack([logs[:, r, :, label] for r, label in enumerate(labels)], axis=1)
    np.testing.assert_array_equal(log_confidence(logs, labels), expected)


def test_statistics_leave_the_answers_as_they_are() -> None:
    rng = np.random.default_rng(0)
    for classes in (2, 4):
        logs = rng.normal(size=(2, 5, 1, classes)).astype(np.float32)
        before = logs.copy()
        margin(logs, np.zeros(5, dtype=np.int64))
        log_confidence(logs, np.zeros(5, dtype=np.int64))[:] = 7
        np.testing.assert_array_equal(logs, before)


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_blocks_cover_all_records_once_and_change_nothing(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 50)
    answers = Answers(rng.normal(size=(2, 50, 1, 3)).astype(np.float32), labels)
    whole = answers.margin()
    monkeypatch.setattr(signals, "BLOCK", block)
    np.testing.assert_array_equal(np.concatenate([np.arange(50)[b] for b in answers.blocks()]), np.arange(50))
    np.testing.assert_array_equal(answers.margin(), whole)
    assert whole.dtype == np.float32 and whole.shape == (2, 50, 1)


def test_parts_and_leaving_one_out_keep_records_and_models_together() -> None:
    rng = np.random.default_rng(0)
    everyone = Signals(rng.normal(size=(4, 6, 1, 2)), rng.integers(0, 2, 6), rng.random((4, 6)) < 0.5)
    part = everyone.part(slice(2, 4))
    assert np.shares_memory(part.values, everyone.values)
    np.testing.assert_array_equal(part.members, everyone.members[:, 2:4])
    target, rest = everyone.leave_one_out(1)
    np.testing.assert_array_equal(target.values[0], everyone.values[1])
    np.testing.assert_array_equal(rest.members, everyone.members[[0, 2, 3]])


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        Answers(np.zeros((1, 3, 1, 2)), np.zeros(4, dtype=np.int64))
    with pytest.raises(ValueError, match="members"):
        Signals(np.zeros((1, 3, 1, 2)), np.zeros(3, dtype=np.int64), np.zeros((2, 3), dtype=bool))
