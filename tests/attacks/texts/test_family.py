"""Scores of texts: each tells members of a model that remembers, nothing of one that knows nobody, and
agrees with a slow, plain reference.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import pytest

from reticent.attacks import texts as family
from reticent.attacks.attack import TextMembershipAttack
from reticent.attacks.texts import (
    DEFAULT,
    Lowercase,
    MinK,
    MinKPlusPlus,
    Neighbour,
    ReferenceRatio,
    TextLoss,
    ZlibRatio,
)
from reticent.attacks.texts.min_k import standardised
from reticent.errors import DataError, QueryLimit
from reticent.language import MeteredLanguage
from reticent.measure.roc import Roc
from reticent.text_scene import TextScene


def slow(model, text: str) -> np.ndarray:
    """Each token's log-probability, the text read in one piece."""
    tokens = model.encode(text)
    (told,) = model.distributions([tokens])
    return np.array([told[i, tokens[i + 1]] for i in range(len(tokens) - 1)])


def auc(attack: TextMembershipAttack, scene: TextScene) -> float:
    scores = attack.guess(scene)[:120]
    return Roc.of(scores, np.arange(120) < 60).auc().value


@pytest.mark.parametrize("attack", DEFAULT, ids=lambda a: a.name)
def test_members_of_a_model_that_remembers_are_told(attack, heart, texts, text_scene):
    every = texts(160, 0)
    scene = text_scene(
        heart(every[:60]), every[:60], every[60:120], every[120:], reference=heart(every[120:])
    )
    assert auc(attack, scene) > 0.9


@pytest.mark.parametrize("attack", DEFAULT, ids=lambda a: a.name)
def test_nobody_is_told_of_a_model_that_knows_nobody(attack, heart, texts, text_scene):
    found = []
    for seed in range(20):
        every = texts(160, seed)
        model = heart(texts(60, 100 + seed))
        scene = text_scene(model, every[:60], every[60:120], every[120:], reference=heart(texts(60, 200)))
        found.append(auc(attack, scene))
    assert abs(np.mean(found) - 0.5) < 0.04


@pytest.mark.parametrize("attack", DEFAULT, ids=lambda a: a.name)
def test_the_same_seed_gives_the_same_scores(attack, heart, texts, text_scene):
    every = texts(40, 0)

    def scores() -> np.ndarray:
        model = heart(every[:10])
        return attack.guess(
            text_scene(model, every[:10], every[10:20], every[20:], reference=heart(every[30:]))
        )

    np.testing.assert_array_equal(scores(), scores())


def test_every_attack_is_listed():
    assert {type(a).__name__ for a in DEFAULT} == set(family.__all__) - {"DEFAULT"}


REFERENCES: list[tuple[TextMembershipAttack, Callable]] = [
    (TextLoss(), lambda m, r, t: slow(m, t).mean()),
    (ReferenceRatio(), lambda m, r, t: slow(m, t).mean() - slow(r, t).mean()),
    (ZlibRatio(), lambda m, r, t: slow(m, t).sum() / (8 * len(zlib.compress(t.encode())))),
    (Lowercase(), lambda m, r, t: (slow(m, t).sum() - slow(m, t.lower()).sum()) / (len(t) - 1)),
    (MinK(share=0.3), lambda m, r, t: np.sort(slow(m, t))[: int(0.3 * (len(t) - 1))].mean()),
]


@pytest.mark.parametrize(("attack", "plain"), REFERENCES, ids=lambda a: getattr(a, "name", ""))
def test_each_agrees_with_a_slow_reference_however_long_the_text(attack, plain, heart, texts, text_scene):
    every = texts(20, 3)
    # Pieces overlap by one token alone, and this model looks back at two
    model, other = heart(every[:10], longest=200), heart(every[10:], longest=200)
    scene = text_scene(model, every[:10], every[10:], [], reference=other)
    np.testing.assert_allclose(attack.guess(scene), [plain(model, other, t) for t in every])


def test_min_k_plus_plus_agrees_with_a_slow_reference(heart, texts, text_scene):
    every = texts(12, 3)
    model = heart(every[:6], longest=200)
    expected = []
    for text in every:
        tokens = model.encode(text)
        (told,) = model.distributions([tokens])
        scores = []
        for place in range(len(tokens) - 1):
            p = np.exp(told[place])
            mean = sum(p * told[place])
            spread = np.sqrt(sum(p * (told[place] - mean) ** 2))
            scores.append((told[place, tokens[place + 1]] - mean) / max(spread, 1e-6))
        expected.append(np.mean(sorted(scores)[: int(0.2 * len(scores))]))
    found = MinKPlusPlus().guess(text_scene(model, every[:6], every[6:], []))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_a_place_where_all_tokens_are_alike_says_nothing():
    log_probs = np.full((3, 4), -np.log(4))
    np.testing.assert_allclose(standardised(log_probs, np.array([1, 2])), 0, atol=1e-6)
    certain = np.array([[0.0, -np.inf], [0.0, 0.0]])
    assert standardised(certain, np.array([0]))[0] == 0


def test_long_texts_are_read_in_pieces_and_every_token_is_scored_once(heart, texts, text_scene):
    text = " ".join(texts(6, 0))
    model = heart([], longest=7)
    scene = text_scene(model, [text], [text], [])
    assert TextLoss().guess(scene)[0] == pytest.approx(-np.log(model.vocabulary))
    assert scene.target.queries == 2 * -(-(len(text) - 1) // 6)


def test_neighbours_are_the_text_with_some_words_of_known_texts(heart):
    attack = Neighbour(share=0.4, copies=1)
    changed = attack._changed("one two three four five", ["x"], np.random.default_rng(0)).split(" ")
    assert len(changed) == 5
    assert changed.count("x") == 2


def test_what_an_attack_lacks_is_a_sentence(heart, texts, text_scene):
    every = texts(20, 0)
    scene = text_scene(heart(every), every[:10], every[10:], [])
    with pytest.raises(DataError, match="needs a reference"):
        ReferenceRatio().guess(scene)
    with pytest.raises(DataError, match="needs texts that are known to be no members"):
        Neighbour().guess(scene)
    with pytest.raises(DataError, match="text 1 has less than two tokens"):
        TextLoss().guess(text_scene(heart(), ["ab"], ["a"], []))


def test_a_limit_of_queries_is_kept(heart, texts):
    every = texts(20, 0)
    scene = TextScene(MeteredLanguage(heart(every), limit=10), every, np.zeros(20, dtype=bool))
    with pytest.raises(QueryLimit, match="more texts were needed"):
        TextLoss().guess(scene)
    assert scene.target.queries == 0
