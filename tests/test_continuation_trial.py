"""Texts written on: chances that are right, members beside texts never seen, and what can't be asked."""

from __future__ import annotations

import numpy as np
import pytest

import reticent as rt
from reticent.access import Access
from reticent.attacks.memorisation import GreedyContinuation, SampledContinuation, TruncatedContinuation
from reticent.continuation_trial import extractable
from reticent.errors import DataError
from reticent.exhibit import Exhibit
from reticent.measure.estimate import Withheld

RNG = np.random.default_rng(0)
LETTERS = list("abcdefghijklmnopqrstuvwxyz ")
TEXTS = ["".join(RNG.choice(LETTERS, 40)) for _ in range(80)]
SEEN, UNSEEN = TEXTS[:40], TEXTS[40:]
EVERY = GreedyContinuation(), SampledContinuation(), TruncatedContinuation(top_k=3)
SIZE = {"beginning": 10, "rest": 12}


@pytest.mark.parametrize("attack", EVERY, ids=lambda a: a.title())
def test_what_is_known_by_heart_is_written_on_and_nothing_else(attack, remembers):
    (found,) = rt.continue_texts(remembers(SEEN), SEEN, UNSEEN, attacks=[attack], **SIZE)
    assert found.outcome == "measured"
    assert isinstance(found.evidence, Exhibit)
    assert found.figure("n=100, p=0.5").value == 1
    assert found.figure("n=100, p=0.5 unseen").value == 0
    first = found.exhibit.beside()[0]
    assert (first.figure, first.without) == (found.figure("n=1, p=0.5"), found.figure("n=1, p=0.5 unseen"))
    assert {len(a) for a in found.exhibit.arrays().values()} == {40}
    assert found.exhibit.strips() == ()
    assert "40 training texts and 40" in found.exhibit.note()


def test_a_model_of_other_texts_writes_neither_on(remembers):
    model = remembers(["other texts altogether"])
    for found in rt.continue_texts(model, SEEN, UNSEEN, attacks=EVERY, **SIZE):
        assert found.figure("n=100, p=0.5").value == found.figure("n=100, p=0.5 unseen").value == 0


@pytest.mark.parametrize(
    ("attack", "scheme"),
    [
        (SampledContinuation(), {}),
        (TruncatedContinuation(top_k=2), {"top_k": 2}),
        (TruncatedContinuation(top_k=0, temperature=0.6), {"temperature": 0.6}),
        (TruncatedContinuation(top_k=3, temperature=2.0), {"top_k": 3, "temperature": 2.0}),
    ],
    ids=lambda v: getattr(v, "name", ""),
)
def test_chances_are_as_often_as_draws_come_out(attack, scheme, remembers):
    model = remembers(["abcde1", "abcde1", "abcde2", "abcde3"], doubt=0.2)
    beginning, rest = model.encode("abcde"), model.encode("1")[1:]
    (chance,) = np.exp(attack.log_chances(model, [beginning], [rest]))
    made = model.generate([beginning] * 4000, length=1, seed=1, **scheme)
    share = np.mean([m.tolist() == rest.tolist() for m in made])
    assert 0.1 < chance < 0.9
    assert share == pytest.approx(chance, abs=4 * np.sqrt(chance * (1 - chance) / 4000))


def test_a_token_that_the_scheme_cuts_off_is_never_drawn(remembers):
    model = remembers(["abcde1", "abcde1", "abcde2"])
    beginning, rest = model.encode("abcde"), model.encode("2")[1:]
    assert TruncatedContinuation(top_k=1).log_chances(model, [beginning], [rest])[0] == -np.inf
    assert TruncatedContinuation(top_k=2).log_chances(model, [beginning], [rest])[0] > -2
    assert GreedyContinuation().log_chances(model, [beginning], [rest])[0] == -np.inf


def test_rests_of_different_lengths_are_each_taken_whole(remembers):
    model = remembers(["abcdefgh", "klmnopqr"])
    beginnings = [model.encode("abcde"), model.encode("klmno")]
    rests = [model.encode("fgh")[1:], model.encode("p")[1:]]
    for attack in EVERY:
        both = attack.log_chances(model, beginnings, rests)
        alone = [attack.log_chances(model, [b], [r])[0] for b, r in zip(beginnings, rests, strict=True)]
        np.testing.assert_allclose(both, alone)
        assert (both > -2).all()


def test_tries_are_enough_where_one_of_them_surely_enough_succeeds():
    chances = np.array([0.5, 0.1, 1e-12, 1.0, 0.0])
    with np.errstate(divide="ignore"):
        logs = np.log(chances)
    for n, p in ((1, 0.5), (3, 0.8), (22, 0.9), (10**12, 0.6)):
        expected = [1 - (1 - c) ** n >= p if c > 1e-9 else -np.expm1(-n * c) >= p for c in chances]
        assert extractable(logs, n, p).tolist() == expected


def test_too_few_texts_and_other_names_give_no_figure(remembers):
    (found,) = rt.continue_texts(remembers(SEEN), SEEN[:5], UNSEEN, attacks=EVERY[:1], **SIZE)
    assert isinstance(found.figure("n=1, p=0.5"), Withheld)
    for name in ("recited", "n=0, p=0.5", "n=1, p=1", "n=one, p=0.5"):
        with pytest.raises(ValueError, match="no figure is called"):
            found.figure(name)


def test_what_the_rung_does_not_grant_is_refused_and_the_others_go_on(remembers):
    model = remembers(SEEN)
    greedy, sampled, cut = rt.continue_texts(model, SEEN, UNSEEN, attacks=EVERY, access=Access.LABELS, **SIZE)
    assert (greedy.outcome, sampled.outcome, cut.outcome) == ("measured", "refused", "refused")
    assert "log-probabilities of tokens are needed" in sampled.reason
    (spent,) = rt.continue_texts(model, SEEN, UNSEEN, attacks=EVERY[:1], limit=50, **SIZE)
    assert "raise the query limit" in spent.reason


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"corpus": []}, "none of the 0 texts of the corpus has 22 tokens"),
        ({"unseen": ["short"]}, "none of the 1 texts of the unseen has 22 tokens"),
        ({"beginning": 300}, "the model reads 200; give a shorter beginning"),
        ({"rest": 0}, "give at least a token each"),
    ],
)
def test_bad_input_is_a_sentence(given, said, remembers):
    with pytest.raises(DataError, match=said):
        rt.continue_texts(remembers(SEEN), **{"corpus": SEEN, "unseen": UNSEEN, **SIZE, **given})
