"""What stands verbatim in a text, against a search that tries everything."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.measure.suffix_array import SuffixArray, symbols


def slow(text: str, corpus: list[str], most: int) -> list[int]:
    """From every place the longest part that is found, by trying all lengths."""
    return [
        max(
            length
            for length in range(min(most, len(text) - i) + 1)
            if any(text[i : i + length] in c for c in [*corpus, ""]) or not length
        )
        for i in range(len(text))
    ]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text("ab\x00é", max_size=12), max_size=4), st.text("abé\x00c", max_size=15), st.integers(0, 9)
)
def test_it_finds_what_a_slow_search_finds(corpus, text, most):
    found = SuffixArray.of(corpus).reach(symbols(text), most=most)
    assert found.tolist() == slow(text, corpus, most)


@settings(max_examples=50, deadline=None)
@given(st.text("ab", max_size=60))
def test_suffixes_are_in_order(text):
    array = SuffixArray.of([text])
    suffixes = [array.text[i:].tolist() for i in array.order]
    assert suffixes == sorted(suffixes)


def test_nothing_runs_over_from_one_text_into_the_next():
    assert SuffixArray.of(["one", "two"]).reach(symbols("onetwo")).tolist() == [3, 2, 1, 3, 2, 1]


def test_tokens_are_symbols_like_any_other():
    array = SuffixArray.of_symbols([np.array([70_000, 3, 3]), np.array([5])])
    assert array.reach(np.array([3, 3, 5, 70_000, 3])).tolist() == [2, 1, 1, 2, 1]


@pytest.mark.parametrize("text", ["a" * 20_000, "".join(map(chr, range(33, 20_033)))])
def test_texts_that_repeat_themselves_or_never_do_take_no_longer_than_others(text):
    start = time.perf_counter()
    array = SuffixArray.of([text])
    assert array.reach(symbols(text[:500])).max() == 500
    assert time.perf_counter() - start < 10
