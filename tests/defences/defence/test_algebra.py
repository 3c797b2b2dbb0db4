"""The algebra: composing is associative, nothing is its unit, and what acts first must stand first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reticent import defences as d
from reticent.canary import Canary
from reticent.defences.defence import (
    Composed,
    DataDefence,
    Stage,
    canary_of,
    none,
)
from reticent.errors import PlanError


@dataclass(frozen=True)
class Shift(DataDefence):
    """A data defence for these tests: moves the first column by so much, told apart by the seed."""

    word: ClassVar[str] = "shift"
    source: ClassVar[str] = "these tests"
    by: float = 1.0

    def protect(self, data, seed):
        x = np.array(data.features)
        x[:, 0] += self.by * (1 + 0 * seed)
        return replace(data, features=x)


SINGLE = [
    Shift(1.0),
    d.l2(1e-2),
    d.tree_limits(leaf=5),
    d.dp_sgd(epsilon=3),
    d.round_scores(2),
    d.labels_only(),
    d.memguard(),
    none(),
    d.hamp(),
]


@given(st.sampled_from(SINGLE), st.sampled_from(SINGLE), st.sampled_from(SINGLE))
def test_composing_is_associative_and_nothing_is_its_unit(a, b, c):
    def written(compose):
        try:
            return compose()
        except PlanError:
            return "wrong order"

    left, right = written(lambda: (a | b) | c), written(lambda: a | (b | c))
    assert left == right
    assert (a | none()).parts == (none() | a).parts == a.parts
    if left != "wrong order":
        stages = [part.stage for part in left.parts]
        assert stages == sorted(stages)


def test_what_acts_later_can_not_stand_first():
    with pytest.raises(PlanError, match="round_scores works on the answers and dp_sgd on the training"):
        d.round_scores(2) | d.dp_sgd(epsilon=3)
    with pytest.raises(PlanError, match=r"write shift\(by=2.0\) \| l2\(\)"):
        d.l2() | Shift(2.0)


def test_a_defence_reads_as_it_is_written():
    assert str(d.dp_sgd(epsilon=3) | d.round_scores(places=1)) == "dp_sgd(epsilon=3) | round_scores(places=1)"
    assert str(none()) == "none()"
    with pytest.raises(TypeError):
        d.l2() | "round_scores"  # type: ignore[operator]


def test_twins_are_put_in_where_a_part_calls_for_them():
    assert canary_of(d.l2()) is Canary.MISLABELLED
    assert canary_of(d.l2() | d.selena() | d.labels_only()) is Canary.TWINS


def test_stages_are_in_order():
    assert Stage.DATA < Stage.TRAINING < Stage.ANSWERS
    assert Composed().parts == ()


def test_a_long_option_is_shown_by_a_name_of_its_own():
    one, other = (
        d.synthesise(1.0, domain=tuple((f"column {i}", 0.0, high) for i in range(20))) for high in (1.0, 2.0)
    )
    assert len(str(one)) < 80 < len(repr(one.domain))
    assert str(one) != str(other)
    assert str(one) == str(d.synthesise(1.0, domain=one.domain))
