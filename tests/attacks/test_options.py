"""Checks of options: a sentence for what does not fit."""

from __future__ import annotations

import pytest

from reticent.attacks.options import among, number
from reticent.errors import PlanError


def test_a_choice_is_one_of_the_choices() -> None:
    among("mode", "online", ("online", "offline"))
    with pytest.raises(PlanError, match="mode = 'on' was given; choose one of 'online', 'offline'"):
        among("mode", "on", ("online", "offline"))


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf"), "half", None])
def test_a_number_lies_within_its_bounds(value: object) -> None:
    with pytest.raises(PlanError, match=r"a = .* was given; give a number from 0 to 1"):
        number("a", value, low=0, high=1)


def test_a_word_may_stand_for_the_number() -> None:
    number("a", "tuned", low=0, or_else="tuned")
    number("a", 0.5, low=0, high=1)
    with pytest.raises(PlanError, match="give a number from 0 on, or 'tuned'"):
        number("a", "tuneful", low=0, or_else="tuned")
