"""What models say: fast statistics against plain ones, whole or in blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.access import Outputs
from reticent.shadows import signals
from reticent.shadows.signals import Answers, Signals, log_confidence, margin


def log_scores(models, records, variants, classes, *, spread=3.0, seed=0):
    logits = np.random.default_rng(seed).normal(scale=spread, size=(models * records * variants, classes))
    logs = Outputs.from_logits(logits).log_scores
    return logs.reshape(models, records, variants, classes).astype(np.float32)


def made(models=4, records=9, variants=2, classes=3, **options):
    rng = np.random.default_rng(1)
    values = log_scores(models, records, variants, classes, **options)
    members = rng.random((models, records)) < 0.5
    return Signals(values, rng.integers(0, classes, records), members)


def slow_margin(values, labels):
    """In double precision, by definition, one at a time."""
    out = np.empty(values.shape[:3])
    for model, record, variant in np.ndindex(out.shape):
        row = values[model, record, variant].astype(np.float64)
        others = np.delete(row, labels[record])
        out[model, record, variant] = row[labels[record]] - np.logaddexp.reduce(others)
    return out


@given(
    st.integers(1, 3),
    st.integers(1, 6),
    st.integers(1, 3),
    st.integers(2, 6),
    st.sampled_from([0.1, 3.0, 40.0]),
    st.integers(0, 99),
)
@settings(derandomize=True, max_examples=80, deadline=None)
def test_statistics_are_those_of_their_definition(models, records, variants, classes, spread, seed):
    values = log_scores(models, records, variants, classes, spread=spread, seed=seed)
    labels = np.random.default_rng(seed).integers(0, classes, records)
    answers = Answers(values, labels)
    exact = slow_margin(values, labels)
    if classes == 2:  # where p_0 rounds to one its logarithm says nothing, in either form
        exact = (values[..., 0].astype(np.float64) - values[..., 1]) * (1 - 2 * labels)[:, None]
    np.testing.assert_allclose(answers.margin(), exact, rtol=1e-5, atol=1e-5)
    own = np.take_along_axis(values, labels[None, :, None, None], axis=3)[..., 0]
    assert (answers.log_confidence() == own).all()


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_margins_are_finite_where_one_class_has_all(classes):
    logits = np.zeros((2, classes))
    logits[:, 0] = 1e4
    logs = Outputs.from_logits(logits).log_scores.astype(np.float32)[None, :, None, :]
    sure, wrong = margin(logs, np.array([0, 1]))[0, :, 0]
    assert sure == pytest.approx(1e4 - np.log(classes - 1), rel=1e-5)
    assert wrong == pytest.approx(-1e4, rel=1e-5)
    assert log_confidence(logs, np.array([0, 1]))[0, :, 0] == pytest.approx([0, -1e4])


def test_the_margin_is_the_log_odds():
    scores = np.array([[0.2, 0.3, 0.5]])
    logs = np.log(scores)[None, :, None, :]
    assert margin(logs, np.array([2])).item() == pytest.approx(0)
    assert margin(logs, np.array([0])).item() == pytest.approx(np.log(0.2 / 0.8))
    assert margin(logs[..., :2] - np.log(0.5), np.array([1])).item() == pytest.approx(np.log(0.3 / 0.2))


@pytest.mark.parametrize("classes", [2, 5])
def test_blocks_give_what_the_whole_gives(monkeypatch, classes):
    answers = made(records=23, classes=classes)
    whole = margin(answers.values, answers.labels), log_confidence(answers.values, answers.labels)
    for block in (1, 40, 100, 10**9):
        monkeypatch.setattr(signals, "BLOCK", block)
        covered = np.concatenate([np.arange(23)[b] for b in answers.blocks()])
        assert covered.tolist() == list(range(23))
        np.testing.assert_array_equal(answers.margin(), whole[0])
        np.testing.assert_array_equal(answers.log_confidence(), whole[1])


def test_nothing_that_was_given_is_changed():
    for classes in (2, 4):
        answers = made(classes=classes)
        before = answers.values.copy()
        answers.values.setflags(write=False)  # as a memory-mapped array is
        answers.margin()
        answers.log_confidence()
        assert (answers.values == before).all()


def test_leaving_one_out_parts_target_from_shadows():
    whole = made(models=4)
    target, rest = whole.leave_one_out(2)
    assert target.models == 1
    assert rest.models == 3
    assert (target.values[0] == whole.values[2]).all()
    assert (rest.values == whole.values[[0, 1, 3]]).all()
    assert (rest.members == whole.members[[0, 1, 3]]).all()
    assert not hasattr(target, "members")  # the truth stays behind


def test_parts_and_prefixes_keep_things_together():
    whole = made(models=4, records=9)
    for index in (slice(2, 5), np.array([4, 0, 7])):
        part = whole.part(index)
        assert (part.values == whole.values[:, index]).all()
        assert (part.labels == whole.labels[index]).all()
        assert (part.members == whole.members[:, index]).all()
    first = whole.first(2)
    assert (first.models, first.records) == (2, 9)
    assert (first.members == whole.members[:2]).all()


def test_shapes_that_do_not_go_together_are_refused():
    values = np.zeros((2, 3, 1, 2))
    with pytest.raises(ValueError, match="expected"):
        Answers(values, np.zeros(4, int))
    with pytest.raises(ValueError, match="expected"):
        Answers(values[0], np.zeros(3, int))
    with pytest.raises(ValueError, match="members of shape"):
        Signals(values, np.zeros(3, int), np.zeros((3, 3), bool))
