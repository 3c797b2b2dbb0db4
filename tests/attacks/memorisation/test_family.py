"""Every attack of the family says what it is, repeats itself, and is refused what it can't do."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from reticent import testing
from reticent.attacks import memorisation
from reticent.attacks.attack import RecitationAttack
from reticent.attacks.memorisation import (
    Divergence,
    Enumeration,
    FreeGeneration,
    GreedyContinuation,
    RankedGeneration,
    SampledExposure,
    ShortestPath,
    TranslationGlitch,
    TruncatedContinuation,
)
from reticent.attacks.memorisation.divergence import after_repetition
from reticent.attacks.memorisation.glitch import nonsense
from reticent.errors import DataError, PlanError
from reticent.language import MeteredLanguage
from reticent.planted import Form
from reticent.recitation import CanaryScene, MeteredTranslator, RecitationScene

WRITERS = (
    FreeGeneration(texts=6, length=9),
    RankedGeneration(texts=6, kept=3, length=9),
    Divergence(texts=6, length=9),
)


def test_every_attack_in_the_folder_is_listed():
    testing.every_leaf_is_listed(memorisation)
    assert set(testing.leaves(memorisation)) == {type(a) for a in memorisation.DEFAULT}


@pytest.mark.parametrize("attack", memorisation.DEFAULT, ids=lambda a: a.name)
def test_it_says_what_it_is(attack):
    testing.says_what_it_is(attack)


@pytest.mark.parametrize("attack", WRITERS, ids=lambda a: a.title())
def test_the_same_seed_writes_the_same_texts_at_the_rung_it_names(attack, remembers):
    def written(seed: int) -> list[str]:
        target = MeteredLanguage(remembers(["the company was the one"]), attack.needs)
        return [r.text for r in attack.recite(RecitationScene(target, seed=seed))]

    assert isinstance(attack, RecitationAttack)
    assert written(1) == written(1) != written(2)


@pytest.mark.parametrize(
    ("attack", "options"),
    [
        (FreeGeneration, {"texts": 0}),
        (FreeGeneration, {"temperature": -1}),
        (RankedGeneration, {"kept": 500}),
        (RankedGeneration, {"rank": "length"}),
        (Divergence, {"words": ()}),
        (Divergence, {"words": (" a",)}),
        (Divergence, {"repeats": 1}),
        (Enumeration, {"most": 1}),
        (ShortestPath, {"most": 0}),
        (SampledExposure, {"draws": 2}),
        (TruncatedContinuation, {"temperature": 0}),
        (TruncatedContinuation, {"top_k": -1}),
        (TranslationGlitch, {"tags": ()}),
        (TranslationGlitch, {"longest": 2}),
    ],
)
def test_options_that_make_no_sense_are_a_sentence(attack, options):
    with pytest.raises(PlanError, match=f"{next(iter(options))} = "):
        attack(**options)


def test_the_shortest_path_lists_likeliest_first_whatever_stands_around(remembers):
    form = Form("no {digits:1}, {letters:1}{digits:1}. end")
    model = remembers(["no 3, k7. end"] * 3 + ["no 4, b1. end", "no 4, b2. and"])
    scene = CanaryScene(MeteredLanguage(model), form)
    path, every = list(ShortestPath().fillings(scene)), list(Enumeration().fillings(scene))
    assert path[0].sentence == "no 3, k7. end"
    np.testing.assert_allclose([f.log_prob for f in path], [f.log_prob for f in every])
    assert {f.sentence for f in path} == set(form.all())
    few = CanaryScene(MeteredLanguage(model), form)
    next(ShortestPath().fillings(few))
    assert few.target.queries < 200 < form.size


def test_a_tokenizer_that_joins_symbols_has_no_path(remembers):
    class Joins(type(remembers([]))):
        def encode(self, text):
            return super().encode(text.replace("11", "z"))

    scene = CanaryScene(MeteredLanguage(Joins([])), Form("no {digits:2}."))
    with pytest.raises(DataError, match="joins symbols of the form's places"):
        list(ShortestPath().fillings(scene))


def test_a_form_without_a_token_before_it_has_no_path(remembers):
    class Bare(type(remembers([]))):
        def encode(self, text):
            return super().encode(text)[1:]

    scene = CanaryScene(MeteredLanguage(Bare([])), Form("{digits:2}."))
    with pytest.raises(DataError, match="begin the form with a word"):
        next(ShortestPath().fillings(scene))


def test_drawn_fillings_are_of_the_form(remembers):
    scene = CanaryScene(MeteredLanguage(remembers([])), Form("no {digits:2}."))
    drawn = list(SampledExposure(draws=50).fillings(scene))
    assert len(drawn) == 50
    assert all(scene.form.holds(f.sentence) for f in drawn)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("poem poem poem and then", "and then"),
        (", poem, poem\npoems of old", "poems of old"),
        ("poem", ""),
        ("", ""),
        ("something else, poem", "something else, poem"),
    ],
)
def test_what_follows_the_repetition_is_what_is_not_the_word(text, left):
    assert after_repetition(text, "poem") == left


def test_a_repetition_leaves_room_for_what_follows(remembers):
    class Listens(type(remembers([]))):
        asked = 0

        def generate(self, prompts, **options):
            self.asked = max(self.asked, *(len(p) for p in prompts))
            return super().generate(prompts, **options)

    model = Listens([], longest=40)
    target = MeteredLanguage(model)
    list(Divergence(repeats=100, texts=2, length=2, words=("word",)).recite(RecitationScene(target)))
    assert 15 < model.asked <= 20


def test_rank_by_reference_finds_what_only_the_target_finds_likely(remembers):
    common, secret = "common words of everyone", "secret plan of the target"
    target = remembers([common, secret], doubt=1e-6)
    scene = RecitationScene(MeteredLanguage(target), ("",), remembers([common], doubt=1e-6))
    ranked = RankedGeneration(rank="reference", texts=20, kept=5, length=40)
    assert {r.text for r in ranked.recite(scene)} == {secret}
    with pytest.raises(DataError, match="needs a reference model"):
        list(ranked.recite(RecitationScene(MeteredLanguage(target))))


def test_rank_by_zlib_puts_repetition_last(remembers):
    target = remembers(["ababababababababababab,", "brown fox jumps over."] * 5, doubt=1e-6)
    scene = RecitationScene(MeteredLanguage(target))
    ranked = [r.text for r in RankedGeneration(texts=20, kept=20, length=30).recite(scene)]
    assert "abab" in ranked[-1]
    assert ranked[0] == "brown fox jumps over."


def test_nonsense_is_short_enough_and_of_every_kind():
    made = list(islice(nonsense(20, 0), 31))
    assert made[0] == ""
    assert max(map(len, made)) <= 20
    assert len(set(made)) > 20
    assert made[1][:2] == made[1][3:5]
    assert made == list(islice(nonsense(20, 0), 31))


def test_every_language_is_asked_nonsense():
    asked = []

    class Listens:
        def translate(self, texts):
            asked.extend(texts)
            return tuple(texts)

    found = list(TranslationGlitch(tags=("<a>", "<b>"), texts=40).recite(MeteredTranslator(Listens()), 0))
    assert len(found) == len(asked) == 80
    assert [t[:3] for t in asked] == ["<a>"] * 40 + ["<b>"] * 40


def test_greedy_writes_what_is_likeliest(remembers):
    model = remembers(["abcdefg", "abcdefg", "abcdexx"])
    given, rest = model.encode("abcde"), model.encode("fg")[1:]
    assert GreedyContinuation().log_chances(MeteredLanguage(model), [given], [rest])[0] == 0
