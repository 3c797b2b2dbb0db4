"""Every attack of the family passes the checks of the public kit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reticent import testing
from reticent.attacks import membership
from reticent.attacks.attack import MembershipAttack
from reticent.attacks.membership import DetuningPoint, Quantile, ResponseSweep, Rmia, Shokri

DEPENDENT: dict[type[MembershipAttack], dict[str, MembershipAttack]] = {
    Rmia: {"offline_a": Rmia(mode="offline")},  # the online mode averages over both sides, and has no a
    Quantile: {"level": Quantile(head="pinball")},  # the Gaussian head has no level
}
"""Options that matter only to an attack with another option set."""

IDLE = {
    Shokri: {"seed": "draws among rows only from 40,000 on, and worlds here are smaller"},
    ResponseSweep: {"seed": "draws for columns of words only, and the worlds' columns are numbers"},
    DetuningPoint: {"seed": "draws for columns of words only, and the worlds' columns are numbers"},
}
"""Options that change nothing in small worlds, and why."""

CHECKS = [check for check in testing.CHECKS if check is not testing.options_matter]
ATTACKS = testing.leaves(membership)


def titles(thing: object) -> str:
    return str(thing.title() if isinstance(thing, type) else getattr(thing, "__name__", thing))  # type: ignore[attr-defined]


def test_every_attack_in_the_folder_is_listed() -> None:
    assert len(ATTACKS) > 20
    testing.every_leaf_is_listed(membership)


@pytest.mark.parametrize("attack", ATTACKS, ids=titles)
@pytest.mark.parametrize("check", CHECKS, ids=titles)
def test_it_passes(check: Callable[[MembershipAttack], None], attack: type[MembershipAttack]) -> None:
    check(attack())


@pytest.mark.parametrize("attack", ATTACKS, ids=titles)
def test_every_option_matters(attack: type[MembershipAttack]) -> None:
    dependent = DEPENDENT.get(attack, {})
    testing.options_matter(attack(), idle={*dependent, *IDLE.get(attack, {})})
    for name, where in dependent.items():
        others = {field for field in where.__dataclass_fields__ if field != name}
        testing.options_matter(where, idle=others)
