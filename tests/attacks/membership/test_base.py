"""BASE: the formula, and its kinship with RMIA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from reticent.attacks.membership.base import Base
from reticent.attacks.membership.rmia import Rmia
from reticent.errors import PlanError


def slow(world: Any, mode: str) -> np.ndarray:
    own, theirs = (np.exp(s.log_confidence().astype(np.float64)) for s in (world.target, world.shadows))
    scores = []
    for r in range(world.target.records):
        chosen = slice(None) if mode == "online" else ~world.shadows.members[:, r]
        scores.append((np.log(own[0, r]) - np.log(theirs[chosen, r].mean(axis=0))).mean())
    return np.array(scores)


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_agrees_with_a_plain_loop(mode: Any, small_world: Any) -> None:
    found = Base(mode=mode).score(small_world.target, small_world.shadows, small_world.nobody)
    np.testing.assert_allclose(found, slow(small_world, mode), atol=1e-5)


def test_orders_records_as_rmia_does_where_sides_are_equal(world: Callable[..., Any]) -> None:
    found = world(0, models=8, records=500)
    base, rmia = (a.score(found.target, found.shadows, found.nobody) for a in (Base(), Rmia(temperature=1.0)))
    assert (np.diff(rmia[np.argsort(base)]) > -0.005).all()


def test_online_does_not_ask_who_trained_on_what(small_world: Any) -> None:
    turned = type(small_world.shadows)(
        small_world.shadows.values, small_world.shadows.labels, ~small_world.shadows.members
    )
    one, other = (
        Base().score(small_world.target, s, small_world.nobody) for s in (small_world.shadows, turned)
    )
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_option_changes_something_and_is_checked(small_world: Any) -> None:
    one, other = (
        Base(mode=m).score(small_world.target, small_world.shadows, small_world.nobody)
        for m in ("online", "offline")
    )
    assert not np.allclose(one, other)
    with pytest.raises(PlanError, match="mode = 'on' was given"):
        Base(mode="on")  # type: ignore[arg-type]
