"""Identifiers of people in a text, by their form and, where there is one, their check digit.

    e-mail        local part, @, a domain with a top level of two letters or more
    phone         + and a country code, or North American ten digits with separators, 7 to 15 digits (E.164)
    card          13 to 19 digits, in groups or not, that pass Luhn's check (ISO/IEC 7812-1)
    IP address    four numbers to 255, or eight groups of hexadecimal digits (no short form)
    date          year-month-day, or day or month first with a slash or full stop, that is a day of the
    calendar
    US SSN        three, two and four digits with hyphens, none of the ranges never issued (SSA, 2011)
    IBAN          two letters, two digits, 11 to 30 more, remainder 1 by 97 (ISO 13616)
    NHS number    ten digits in groups of 3, 3 and 4, remainder by 11 (NHS Data Dictionary)

A form says nothing of whether somebody has the number: one in ten of all random numbers passes Luhn's check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

Kind = Literal["e-mail", "phone", "card", "IP address", "date", "US SSN", "IBAN", "NHS number"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Identifier:
    """One identifier, however it was written.

    Attributes:
        kind: what it is.
        value: in one form: digits alone, small letters; dates as year-month-day where that is told.
    """

    kind: Kind
    value: str


def identifiers(text: str) -> frozenset[Identifier]:
    """Every identifier in a text, once."""
    return frozenset(
        Identifier(kind, value)
        for kind, (form, read) in _FORMS.items()
        for found in form.finditer(text)
        if (value := read(found[0]))
    )


@dataclass(frozen=True, order=True)
class Span:
    """Where an identifier stands in a text.

    Attributes:
        start, end: characters from `start` to before `end`.
        kind: what it is.
    """

    start: int
    end: int
    kind: str


def spans(text: str) -> list[Span]:
    """Every identifier in a text, wherever it stands; they may overlap."""
    return sorted(
        Span(*found.span(), kind)
        for kind, (form, read) in _FORMS.items()
        for found in form.finditer(text)
        if read(found[0])
    )


def tagged(text: str, found: Iterable[Span]) -> str:
    """The text with a tag such as <E-MAIL> in place of each identifier; where some overlap, all of what they
    cover gives way to the tag of the longest."""
    parts: list[str] = []
    past = 0
    for start, end, kind in _joined(found):
        parts += [text[past:start], f"<{kind.upper().replace(' ', '-')}>"]
        past = end
    return "".join([*parts, text[past:]])


def _joined(found: Iterable[Span]) -> Iterator[tuple[int, int, str]]:
    groups: list[list[Span]] = []
    for span in sorted(found):
        if groups and span.start < max(s.end for s in groups[-1]):
            groups[-1].append(span)
        else:
            groups.append([span])
    for group in groups:
        longest = max(group, key=lambda s: s.end - s.start)
        yield group[0].start, max(s.end for s in group), longest.kind


def luhn(digits: str) -> bool:
    """Whether digits pass Luhn's check: every second from the right doubled, the sum of all digits by 10."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


def _card(text: str) -> str:
    digits = _digits(text)
    return digits if 13 <= len(digits) <= 19 and len(set(digits)) > 1 and luhn(digits) else ""


def _phone(text: str) -> str:
    digits = _digits(text)
    return digits if 7 <= len(digits) <= 15 else ""


def _ip(text: str) -> str:
    if "." in text and max(map(int, text.split("."))) > 255:
        return ""
    return text.lower()


def _date(text: str) -> str:
    """The day that is meant; where two are possible the text as it stands, so that no order is guessed."""
    one, other, last = (int(part) for part in re.split(r"[-/.]", text))
    orders = [(one, other, last)] if one > 31 else [(last, other, one), (last, one, other)]
    days = {day for order in orders if (day := _day(*order))}
    return days.pop() if len(days) == 1 else (text if days else "")


def _day(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""


def _ssn(text: str) -> str:
    area, group, serial = text.split("-")
    issued = area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"
    return _digits(text) if issued else ""


def _iban(text: str) -> str:
    plain = text.replace(" ", "")
    numbers = "".join(str(int(c, 36)) for c in plain[4:] + plain[:4])
    return plain.lower() if 15 <= len(plain) <= 34 and int(numbers) % 97 == 1 else ""


def _nhs(text: str) -> str:
    digits = _digits(text)
    check = 11 - sum(int(d) * weight for d, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return digits if check % 11 == int(digits[-1]) else ""


def _digits(text: str) -> str:
    return "".join(c for c in text if c in "0123456789")


_FORMS: dict[Kind, tuple[re.Pattern[str], Callable[[str], str]]] = {
    "e-mail": (
        re.compile(r"(?<![\w.+-])[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}\b"),
        str.lower,
    ),
    "phone": (
        re.compile(
            r"(?<![\w+])(?:\+[1-9](?:[ .-]?[0-9]){6,14}|\(?[2-9][0-9]{2}\)?[ .-][0-9]{3}[.-][0-9]{4})(?!\w)"
        ),
        _phone,
    ),
    "card": (re.compile(r"(?<![\w+.-])[0-9](?:[ -]?[0-9]){12,18}(?![\w-])"), _card),
    "IP address": (
        re.compile(
            r"(?<![\w.:])(?:(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}"
            r"|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){7})(?![\w:]|\.[0-9])"
        ),
        _ip,
    ),
    "date": (
        re.compile(
            r"(?<![\w./-])(?:[12][0-9]{3}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}([/.])[0-9]{1,2}\1[12][0-9]{3})(?![\w/-])"
        ),
        _date,
    ),
    "US SSN": (re.compile(r"(?<![\w-])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![\w-])"), _ssn),
    "IBAN": (re.compile(r"(?<!\w)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}(?!\w)"), _iban),
    "NHS number": (re.compile(r"(?<![\w-])[0-9]{3} [0-9]{3} [0-9]{4}(?![\w-])"), _nhs),
}
