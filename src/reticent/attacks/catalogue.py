"""Finding an attack by its name: what the command line and plan files do."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from typing import Any, get_origin, get_type_hints

from reticent.access import Access
from reticent.attacks import (
    attribute,
    detector,
    extraction,
    gradients,
    inversion,
    membership,
    memorisation,
    poison,
    property,
    release,
    texts,
    weights,
)
from reticent.attacks.attack import (
    Attack,
    AttributeAttack,
    InversionAttack,
    MembershipAttack,
    PropertyAttack,
    ReleaseAttack,
)
from reticent.errors import PlanError

_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_BRACKETED = rf"[(\[](?:{_QUOTED}|[^()\[\]'\"])*[)\]]"
_PIECE = rf"(?:{_QUOTED}|{_BRACKETED}|[^,()\[\]'\"])"
_OPTION = re.compile(rf"{_PIECE}+")
_FORM = re.compile(rf"[^(]*(?:\((?P<options>(?:{_PIECE}|,)*)\))?")
"""A title and, in brackets, options parted by commas; commas within quotes and brackets part nothing."""

_KINDS: dict[Any, tuple[Any, str]] = {
    bool: (bool, "True or False"),
    int: (int, "a whole number"),
    float: (int | float, "a number"),
}


FAMILIES = (
    membership,
    detector,
    texts,
    poison,
    attribute,
    inversion,
    property,
    gradients,
    release,
    weights,
    memorisation,
    extraction,
)

DEFAULT: tuple[Attack, ...] = tuple(attack for family in FAMILIES for attack in family.DEFAULT)
"""Every attack of every family, once."""


def catalogue() -> tuple[type[Attack], ...]:
    """Every attack, family by family, in the order of each one's list."""
    found = (getattr(family, name) for family in FAMILIES for name in family.__all__)
    return tuple(t for t in found if isinstance(t, type) and issubclass(t, Attack))


def needed(attack: type[Attack]) -> str:
    """What has to be granted for it to run, in a word."""
    return "the release" if issubclass(attack, ReleaseAttack) else str(attack.needs)


def named(text: str) -> Attack:
    """The attack that `text` names, with its options: "lira", "lira(mode=offline)",
    "robustness(radii=(0.1, 0.2), copies=8)".

    Raises:
        PlanError: no such attack, no such option, or a value that does not fit it.
    """
    types = {t.title(): t for t in catalogue()}
    title = text.partition("(")[0].strip().lower().replace("_", "-")
    if title not in types:
        raise PlanError(f"there is no attack {text!r}; those there are: {', '.join(types)}")
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise PlanError(f"the options of {text!r} do not read; write them like {title}(option=value)")
    attack, options = types[title], dict[str, Any]()
    hints = get_type_hints(attack)
    known = [f.name for f in fields(attack)]
    for pair in _OPTION.findall(form["options"] or ""):
        key, _, value = (part.strip() for part in pair.partition("="))
        if key not in known:
            raise PlanError(f"{title} has no option {key!r}; those it has: {', '.join(known) or 'none'}")
        if key in options:
            raise PlanError(f"{title} was given {key} twice; give it once")
        options[key] = _value(key, value, hints[key])
    return attack(**options)


def worth_running(
    *, secrets: bool = False, properties: bool = False, pictures: bool = False
) -> tuple[Attack, ...]:
    """Every attack that has something to go by: those on membership always, those on sensitive columns where
    there are such columns (`secrets`), those that estimate a share where `properties` are named, those that
    draw pictures where the records are `pictures`.
    """
    families: tuple[type[Attack], ...] = (MembershipAttack,)
    families += ((AttributeAttack,) if secrets else ()) + ((InversionAttack,) if pictures else ())
    return tuple(
        a
        for a in DEFAULT
        if isinstance(a, families) or (properties and isinstance(a, PropertyAttack) and a.estimates)
    )


def left_out(
    names: Sequence[str], attacks: Sequence[Attack], worth: Sequence[Attack] = membership.DEFAULT
) -> tuple[Attack, ...]:
    """The costly attacks that nobody named: rows of the report, so that nobody thinks they found nothing."""
    return () if names else tuple(a for a in worth if a.costly and a not in attacks)


def chosen(
    names: Sequence[str], granted: Access, worth: Sequence[Attack] = membership.DEFAULT
) -> tuple[Attack, ...]:
    """The attacks named ("all" for every one worth running), or else those worth it at the rung granted.

    A costly attack runs unnamed only where the rung allows nothing stronger: with labels alone.
    """
    if tuple(names) == ("all",):
        return tuple(worth)
    if names:
        return tuple(dict.fromkeys(named(n) for n in names))
    labels_only = granted == Access.LABELS
    return tuple(a for a in worth if not a.costly or (labels_only and a.needs == Access.LABELS))


def _value(key: str, text: str, hint: Any) -> Any:
    """What is written, as the option's type has it: words need no quotes, and one of several no brackets."""
    value: Any = text
    with suppress(ValueError, SyntaxError):
        value = ast.literal_eval(text)
    if get_origin(hint) is tuple:
        return tuple(value) if isinstance(value, list | tuple) else (value,)
    kind = _KINDS.get(hint)
    if kind and (not isinstance(value, kind[0]) or (isinstance(value, bool) and hint is not bool)):
        raise PlanError(f"{key} = {value!r} was given; give {kind[1]}")
    return value
