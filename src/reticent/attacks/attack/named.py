"""What the catalogue and the reports say of every attack."""

from __future__ import annotations

import re
from abc import ABC
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from reticent.access import Access
from reticent.finding import Threat


@dataclass(frozen=True, kw_only=True)
class Named(ABC):
    """What attacks on anything else than membership have in common: what the catalogue says of them.

    Class attributes:
        needs, source, shadows, population, costly, caveat, control, defences: as for `MembershipAttack`.
        price: what it takes, with its usual options.
        elsewhere: why an audit of a classifier does not run it, and what does; empty where it does.
    """

    threat: ClassVar[Threat]
    needs: ClassVar[Access]
    source: ClassVar[str]
    control: ClassVar[str]
    defences: ClassVar[str]
    price: ClassVar[str]
    elsewhere: ClassVar[str] = ""
    shadows: ClassVar[bool] = False
    population: ClassVar[bool] = False
    costly: ClassVar[bool] = False
    caveat: ClassVar[str] = ""

    @classmethod
    def title(cls) -> str:
        """Its name in the catalogue: the class's words in lower case, joined by hyphens."""
        return title_of(cls)

    @classmethod
    def cost(cls) -> str:
        """What it takes with its usual options, for the catalogue."""
        return cls.price

    @property
    def name(self) -> str:
        """Its title, with the options that differ from the defaults."""
        return name_of(self.title(), self)


def title_of(kind: type) -> str:
    """A class's words in lower case, joined by hyphens."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", kind.__name__).lower()


def name_of(title: str, attack: Any) -> str:
    """A title, and in brackets the options of an attack (a dataclass) that differ from the defaults."""
    chosen = [(f.name, getattr(attack, f.name), f.default) for f in fields(attack)]
    options = [f"{name}={getattr(value, 'value', value)}" for name, value, usual in chosen if value != usual]
    return f"{title}({', '.join(options)})" if options else title
