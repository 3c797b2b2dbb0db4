"""Every attack on a property: found where planted, silent where shuffled, and what it says of itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import numpy as np
import pytest

from reticent.attacks import property as properties
from reticent.attacks.attack import PropertyAttack
from reticent.finding import Finding, Threat

TITLES = [a.title() for a in properties.DEFAULT]
Try = Callable[..., list[list[Finding]]]

FAINT = {"permutation-invariant": 0.6, "loss-test": 0.65}
"""Accuracies asked of attacks that learn from few models, or from none."""


def pooled(findings: list[Finding], *, control: bool = False) -> float:
    """Accuracy over all seeds."""
    told = [f.exhibit.shuffled if control else f.exhibit.told for f in findings]
    return float(np.mean(np.concatenate([t.nearest == t.world for t in told if t is not None])))


def leaves() -> list[type[PropertyAttack]]:
    found = []
    for file in iter_modules(properties.__path__, f"{properties.__name__}."):
        for kind in vars(import_module(file.name)).values():
            own = isinstance(kind, type) and issubclass(kind, PropertyAttack) and kind.__module__ == file.name
            if own and not inspect.isabstract(kind):
                found.append(kind)
    return found


def test_every_attack_in_the_folder_is_listed_and_runs_by_default() -> None:
    assert len(leaves()) == 7
    assert {k.__name__ for k in leaves()} == set(properties.__all__) - {"DEFAULT"}
    assert {type(a) for a in properties.DEFAULT} == set(leaves())


@pytest.mark.parametrize("attack", leaves(), ids=lambda k: k.title())
def test_it_says_what_it_is(attack: type[PropertyAttack]) -> None:
    assert is_dataclass(attack) and attack.__dataclass_params__.frozen
    assert all(f.kw_only for f in fields(attack))
    assert attack.__doc__ and not attack.__doc__.startswith(f"{attack.__name__}(")
    assert attack.source and attack.caveat and attack.threat is Threat.PROPERTY
    assert attack().name == attack.title()
    assert all(q.needs <= attack.needs for q in attack().questions)


@pytest.mark.parametrize("title", TITLES)
def test_it_finds_a_planted_property(planted: dict[str, list[Finding]], title: str) -> None:
    assert pooled(planted[title]) > FAINT.get(title, 0.75)


@pytest.mark.parametrize("title", TITLES)
def test_it_finds_nothing_where_the_property_is_shuffled(
    planted: dict[str, list[Finding]], title: str
) -> None:
    victims = sum(len(f.exhibit.shuffled.world) for f in planted[title])
    assert abs(pooled(planted[title], control=True) - 0.5) < 3 * 0.5 / np.sqrt(victims)


def test_the_same_seed_gives_the_same_bits(
    planted: dict[str, list[Finding]], try_attacks: Try, tmp_path: Path
) -> None:
    attacks = tuple(a for a in properties.DEFAULT if not a.poison)
    for attack, (again,) in zip(attacks, try_attacks(attacks, tmp_path, 1), strict=True):
        before = planted[attack.title()][0]
        assert before.evidence is not None and again.evidence is not None
        np.testing.assert_array_equal(before.exhibit.told.guesses, again.exhibit.told.guesses)
