"""A model under questions: once each, and a failure is remembered with its reason."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.access import Access, Metered, Outputs
from reticent.attacks.membership import Lira
from reticent.data import Records
from reticent.errors import StorageError, TargetError
from reticent.hearing import Hearing, threw, unmeasured
from reticent.progress import Quiet
from reticent.question import Labels, Scores

RECORDS = Records(np.zeros((5, 2)), np.zeros(5, int), np.arange(2))


class Model:
    access = Access.SCORES
    classes = np.arange(2)

    def __init__(self, error=None):
        self.error, self.asked = error, 0

    def predict(self, x):
        self.asked += 1
        if self.error:
            raise self.error
        return Outputs.from_scores(np.full((len(x), 2), 0.5))

    def fingerprint(self):
        return "model"


def test_a_question_is_put_once():
    model = Model()
    hearing = Hearing(Metered(model), RECORDS, Quiet())
    hearing.ask([Scores(), Labels(), Scores()])
    hearing.ask([Scores()])
    assert model.asked == 2
    assert hearing.answers[Scores()].values.shape == (1, 5, 1, 2)
    assert hearing.why_not([Scores(), Labels()]) == ""


@pytest.mark.parametrize("error", [ValueError("odd"), TargetError("it is down"), MemoryError()])
def test_a_failure_is_remembered_and_nothing_is_lost(error):
    hearing = Hearing(Metered(Model(error)), RECORDS, Quiet())
    hearing.ask([Scores()])
    assert hearing.why_not([Labels(), Scores()])
    assert Scores() not in hearing.answers


def test_a_full_disk_stops_everything():
    hearing = Hearing(Metered(Model(StorageError("the disk is full"))), RECORDS, Quiet())
    with pytest.raises(StorageError):
        hearing.ask([Scores()])


def test_a_refusal_says_what_was_refused():
    found = unmeasured(Lira(), "refused", "no recipe", secret="")
    assert (found.attack, found.outcome, found.reason) == ("lira", "refused", "no recipe")
    assert found.about.startswith("Likelihood-ratio attack")


def test_what_threw_is_one_sentence_without_values():
    said = threw(ValueError("could not convert 'Jane Roe'"), "during the attack")
    assert "Jane" not in said
    assert "\n" not in said
