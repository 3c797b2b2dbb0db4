"""A translator behind a meter, and texts that tokens must give back."""

from __future__ import annotations

import pytest

from reticent.errors import DataError, QueryLimit
from reticent.recitation import MeteredTranslator, check_round_trip, sentence_log_probs


class Upper:
    def translate(self, texts):
        return tuple(t.upper() for t in texts)


def test_translations_are_counted_and_limited():
    asked = MeteredTranslator(Upper(), limit=3)
    assert asked.translate(["a", "b"]) == ("A", "B")
    with pytest.raises(QueryLimit, match="2 more texts were needed and 1 of 3 are left"):
        asked.translate(["a", "b"])
    assert asked.translate(["c"]) == ("C",)
    assert asked.queries == 3


def test_texts_that_tokens_do_not_give_back_are_told(remembers):
    model = remembers([])
    check_round_trip(model, ["as it is"])
    model.decode = lambda tokens: "something else"
    with pytest.raises(DataError, match="2 of 2 training texts are not what the model's tokens decode to"):
        check_round_trip(model, ["as it is", "as it was"])


def test_a_sentence_is_as_likely_as_its_tokens_together(remembers):
    model = remembers(["abc"])
    (found,) = sentence_log_probs(model, ["abc"])
    assert found == pytest.approx(sum(model.log_probs([model.encode("abc")])[0]))
