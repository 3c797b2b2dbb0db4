"""Finding an attack by its name: what the command line and plan files do."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from reticent.access import Access
from reticent.attacks import membership
from reticent.attacks.attack import MembershipAttack
from reticent.errors import PlanError

_FORM = re.compile(r"(?P<title>[A-Za-z_-]+)(?:\((?P<options>[^()]*)\))?")


def catalogue() -> tuple[type[MembershipAttack], ...]:
    """Every attack, in the order of the family's list."""
    found = (getattr(membership, name) for name in membership.__all__)
    return tuple(t for t in found if isinstance(t, type) and issubclass(t, MembershipAttack))


def named(text: str) -> MembershipAttack:
    """The attack that `text` names, with its options: "lira", "lira(mode=offline)".

    Raises:
        PlanError: no such attack, or no such option.
    """
    match = _FORM.fullmatch(text.strip())
    types = {t.title(): t for t in catalogue()}
    title = match["title"].lower().replace("_", "-") if match else ""
    if match is None or title not in types:
        raise PlanError(f"there is no attack {text!r}; those there are: {', '.join(types)}")
    attack, options = types[title], {}
    known = [f.name for f in fields(attack)]
    for pair in filter(None, (match["options"] or "").split(",")):
        key, _, value = (part.strip() for part in pair.partition("="))
        if key not in known:
            raise PlanError(f"{title} has no option {key!r}; those it has: {', '.join(known) or 'none'}")
        options[key] = _value(value)
    return attack(**options)


def left_out(names: Sequence[str], attacks: Sequence[MembershipAttack]) -> tuple[MembershipAttack, ...]:
    """The costly attacks that nobody named: rows of the report, so that nobody thinks they found nothing."""
    return () if names else tuple(a for a in membership.DEFAULT if a.costly and a not in attacks)


def chosen(names: Sequence[str], granted: Access) -> tuple[MembershipAttack, ...]:
    """The attacks named ("all" for every one), or else those that are worth running at the rung granted.

    A costly attack runs unnamed only where the rung allows nothing stronger: with labels alone.
    """
    if tuple(names) == ("all",):
        return membership.DEFAULT
    if names:
        return tuple(dict.fromkeys(named(n) for n in names))
    labels_only = granted == Access.LABELS
    return tuple(a for a in membership.DEFAULT if not a.costly or (labels_only and a.needs == Access.LABELS))


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
