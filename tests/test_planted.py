"""Canaries: their form, their space, and how often they end up among texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reticent.errors import DataError
from reticent.planted import Form, Planted, canaries, plant


def test_a_form_knows_its_sentences():
    form = Form("no {digits:1}-{letters:1}!")
    assert (form.size, form.head, form.tail) == (260, "no ", "!")
    everything = form.all()
    assert len(set(everything)) == 260
    assert everything[:2] == ["no 0-a!", "no 0-b!"]
    assert all(form.holds(s) for s in everything)
    assert not any(form.holds(s) for s in ("no 0-a", "no a-a!", "no 0-A!", "No 0-a!"))


@given(st.integers(0, 2**32 - 1))
def test_what_is_drawn_is_of_the_form(seed):
    form = Form("{letters:3} {digits:2}")
    drawn = form.draw(5, seed)
    assert len(drawn) == 5
    assert all(form.holds(s) for s in drawn)
    assert drawn == form.draw(5, seed)


@pytest.mark.parametrize("text", ["", "no place", "{digits:0}", "{digits}", "{words:2}", "{digits:2} {x"])
def test_what_has_no_place_to_fill_is_no_form(text):
    with pytest.raises(DataError, match="give a sentence with places"):
        Form(text)


def test_canaries_are_all_different_and_planted_as_often_as_they_say():
    drawn = canaries("code {digits:2}", (0, 1, 7), each=15)
    assert len({c.sentence for c in drawn}) == 45
    texts = [f"text {i}" for i in range(50)]
    among = plant(texts, drawn, seed=3)
    assert [t for t in among if t.startswith("text")] == texts
    assert all(among.count(c.sentence) == c.times for c in drawn)
    assert among == plant(texts, drawn, seed=3) != plant(texts, drawn, seed=4)


def test_what_is_no_canary_is_said_in_a_sentence():
    with pytest.raises(DataError, match="that is not of the form"):
        Planted(Form("code {digits:2}"), "code 1x", 1)
    with pytest.raises(DataError, match="times = -1"):
        Planted(Form("code {digits:2}"), "code 11", -1)
    with pytest.raises(DataError, match="60 canaries were wanted of 100"):
        canaries("code {digits:2}", (1,), each=60)
