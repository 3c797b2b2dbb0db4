"""Questions: what is asked of every model alike."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.access import Access, Metered, Outputs
from reticent.data import Records
from reticent.errors import ModelError
from reticent.question import Labels, Scores

DATA = Records(np.log([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]]), np.array([1, 1, 0]), np.array([0, 1]))


class Model:
    access = Access.LOGITS
    classes = np.array([0, 1])

    def predict(self, x):
        return Outputs.from_logits(x)


@pytest.mark.parametrize("question", [Scores(), Labels()])
def test_answers_are_an_array_of_records_variants_channels_and_counted(question):
    target = Metered(Model())
    answers = question.ask(target, DATA)
    assert answers.dtype == np.float32
    assert answers.shape == (3, 1, 2 if question == Scores() else 1)
    assert target.queries == question.queries(3) == 3


def test_scores_are_log_probabilities_and_labels_are_right_or_wrong():
    assert Scores().ask(Metered(Model()), DATA)[:, 0] == pytest.approx(DATA.features)
    assert Labels().ask(Metered(Model()), DATA).ravel().tolist() == [1, 0, 1]


def test_where_labels_alone_are_granted_scores_are_refused():
    labels_only = Metered(Model(), Access.LABELS)
    with pytest.raises(ModelError, match="labels only"):
        Scores().ask(labels_only, DATA)
    assert Labels().ask(labels_only, DATA).ravel().tolist() == [1, 0, 1]
    assert Labels.needs < Scores.needs
