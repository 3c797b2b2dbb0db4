"""Raw answers in every shape that models give them."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.access import Access
from reticent.errors import ModelError
from reticent.targets.answers import read_answers

TWO = np.array(["no", "yes"])
THREE = np.array([0, 1, 2])


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_one_number_of_two_classes_is_the_second_ones(shape):
    chance = np.array([0.2, 0.5, 0.9]).reshape(shape)
    outputs = read_answers(chance, TWO, Access.SCORES, records=3)
    np.testing.assert_allclose(np.exp(outputs.log_scores), [[0.8, 0.2], [0.5, 0.5], [0.1, 0.9]])
    logit = np.log(chance / (1 - chance))
    from_logits = read_answers(logit, TWO, Access.LOGITS, records=3)
    np.testing.assert_allclose(from_logits.log_scores, outputs.log_scores)


def test_labels_become_positions():
    outputs = read_answers(["yes", "no"], TWO, Access.LABELS, records=2)
    assert outputs.labels.tolist() == [1, 0]
    assert outputs.log_scores is None
    assert read_answers([[2.0], [0.0]], THREE, Access.LABELS, records=2).labels.tolist() == [2, 0]


def test_torch_tensors_with_gradients_are_read():
    torch = pytest.importorskip("torch")
    logits = torch.zeros(2, 3, requires_grad=True)
    outputs = read_answers(logits, THREE, Access.LOGITS, records=2)
    np.testing.assert_allclose(np.exp(outputs.log_scores), 1 / 3)


@pytest.mark.parametrize(
    ("values", "access", "says"),
    [
        (np.full((2, 3), 1 / 3), Access.SCORES, "2, 3"),  # a record too few
        (np.full((3, 4), 1 / 4), Access.SCORES, "3 classes"),
        (np.full(3, 0.5), Access.SCORES, "3 classes"),
        (np.full((3, 3), 0.5), Access.SCORES, "sum to one"),
        (np.full((3, 3), np.nan), Access.SCORES, "not probabilities"),
        (np.full((3, 3), np.nan), Access.LOGITS, "not finite"),
        (["no", "no", "yes"], Access.SCORES, "scores were expected"),
        ([7, 0, 1], Access.LABELS, "none of its 3 classes"),
        ([[0, 1], [1, 0], [1, 1]], Access.LABELS, "a label a record"),
        ([[1], [1, 2], [3]], Access.SCORES, "no array"),
        (0.5, Access.SCORES, "one row a record"),
    ],
)
def test_what_is_no_answer_is_refused(values, access, says):
    with pytest.raises(ModelError, match=says):
        read_answers(values, THREE, access, records=3)
