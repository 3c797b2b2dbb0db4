"""Identifiers: each kind with its check, however it is written, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reticent.identifiers import KINDS, Identifier, Span, identifiers, luhn, spans, tagged


def kinds(text: str) -> list[str]:
    return sorted(i.kind for i in identifiers(text))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Write to Ann.Lee+x@mail.example.ORG.", "e-mail", "ann.lee+x@mail.example.org"),
        ("call +44 20 7946 0958 now", "phone", "442079460958"),
        ("call (212) 555-0187, please", "phone", "2125550187"),
        ("card 4111 1111 1111 1111;", "card", "4111111111111111"),
        ("card 4111-1111-1111-1111.", "card", "4111111111111111"),
        ("from 192.168.0.255.", "IP address", "192.168.0.255"),
        ("from 2001:0db8:0:0:0:0:0:1", "IP address", "2001:0db8:0:0:0:0:0:1"),
        ("born 1987-02-28", "date", "1987-02-28"),
        ("born 28/2/1987", "date", "1987-02-28"),
        ("born 2.28.1987", "date", "1987-02-28"),
        ("born 1/2/1987", "date", "1/2/1987"),
        ("SSN 219-09-9999", "US SSN", "219099999"),
        ("pay GB82 WEST 1234 5698 7654 32 today", "IBAN", "gb82west12345698765432"),
        ("NHS 943 476 5919", "NHS number", "9434765919"),
    ],
)
def test_each_is_found_in_one_form(text, kind, value):
    assert identifiers(text) == {Identifier(kind, value)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "256.1.1.1",
        "1.2.3.4.5",
        "1987-02-30",
        "31/31/1987",
        "000-12-3456",
        "666-12-3456",
        "912-12-3456",
        "123-00-3456",
        "123-45-0000",
        "GB82 WEST 1234 5698 7654 33",
        "943 476 5918",
        "a@b",
        "@example.org",
        "+0 123 456 789",
        "12345",
    ],
)
def test_what_fails_its_check_is_none(text):
    assert identifiers(text) == frozenset()


@given(st.integers(10**11, 10**17), st.integers(0, 9))
def test_exactly_one_last_digit_passes_luhn_and_is_found(number, last):
    passing = [d for d in "0123456789" if luhn(f"{number}{d}")]
    assert len(passing) == 1
    found = [i.value for i in identifiers(f"no. {number}{last}!") if i.kind == "card"]
    assert found == ([f"{number}{last}"] if str(last) in passing and len(str(number)) >= 12 else [])


@given(st.text(max_size=200))
def test_any_text_is_read(text):
    assert {i.kind for i in identifiers(text)} <= set(KINDS)


@given(st.text("0123456789-+. ()/:@abAB", max_size=60))
def test_what_is_found_is_found_again_when_written_twice(text):
    assert identifiers(f"{text}\n{text}") == identifiers(text)


@given(st.lists(st.sampled_from(["a@b.org", "1987-02-28", "hello", "4111 1111 1111 1111"]), max_size=6))
def test_tags_stand_where_identifiers_stood(words):
    tags = {"a@b.org": "<E-MAIL>", "1987-02-28": "<DATE>", "4111 1111 1111 1111": "<CARD>"}
    text = "; ".join(words)
    assert tagged(text, spans(text)) == "; ".join(tags.get(word, word) for word in words)
    assert {s.kind for s in spans(text)} == {i.kind for i in identifiers(text)}


def test_what_overlaps_gives_way_to_the_longest():
    assert tagged("abcdefgh", [Span(1, 4, "card"), Span(3, 5, "date")]) == "a<CARD>fgh"
