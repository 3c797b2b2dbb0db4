"""A language model behind a meter: what the rung grants, and what is counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from reticent.access import Access
from reticent.errors import QueryLimit, TargetError
from reticent.language import MeteredLanguage


@dataclass(frozen=True)
class Parrot:
    """Repeats its prompt, and finds every token as likely as every other."""

    access: Access = Access.LOGITS
    vocabulary: int = 4
    longest: int = 8

    def encode(self, text):
        return np.array([int(c) for c in text])

    def decode(self, tokens):
        return "".join(map(str, tokens))

    def log_probs(self, texts):
        return tuple(np.full(len(t) - 1, -np.log(4)) for t in texts)

    def distributions(self, texts):
        return (np.full((len(t), 4), -np.log(4)) for t in texts)

    def generate(self, prompts, *, length, temperature=1.0, top_k=0, seed=0):
        return tuple(np.resize(p, length) for p in prompts)

    def fingerprint(self):
        return "parrot"


def test_every_text_and_token_is_counted():
    asked = MeteredLanguage(Parrot())
    texts = [asked.encode("012"), asked.encode("3")]
    assert [len(f) for f in asked.log_probs(texts)] == [2, 0]
    assert [f.shape for f in asked.distributions(texts)] == [(3, 4), (1, 4)]
    made = asked.generate(texts, length=5)
    assert [asked.decode(m) for m in made] == ["01201", "33333"]
    assert asked.queries == 6
    assert asked.tokens == 3 * 4 + 10


@pytest.mark.parametrize("granted", [Access.LABELS, Access.SCORES])
def test_what_the_rung_does_not_grant_is_refused_and_not_counted(granted):
    asked = MeteredLanguage(Parrot(), granted)
    with pytest.raises(TargetError, match="those of the whole vocabulary are needed, and"):
        asked.distributions([np.array([0, 1])])
    if granted < Access.SCORES:
        with pytest.raises(
            TargetError, match="log-probabilities of tokens are needed, and labels are granted"
        ):
            asked.log_probs([np.array([0, 1])])
    assert asked.generate([np.array([1])], length=1)
    assert asked.queries == 1


def test_no_more_is_granted_than_the_model_has():
    assert MeteredLanguage(Parrot(access=Access.LABELS), Access.WEIGHTS).access == Access.LABELS


def test_nothing_is_asked_beyond_the_limit():
    asked = MeteredLanguage(Parrot(), limit=3)
    asked.log_probs([np.array([0, 1])] * 2)
    with pytest.raises(QueryLimit, match="2 more texts were needed and 1 of 3 are left"):
        asked.generate([np.array([0])] * 2, length=1)
    assert asked.queries == 2
    assert len(asked.log_probs([np.array([0, 1])])) == 1
