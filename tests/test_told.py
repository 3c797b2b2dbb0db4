"""Figures of what an attack said of many models: by slow references, or withheld where nothing shows them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from reticent.errors import PlanError
from reticent.measure.estimate import Withheld
from reticent.told import Told, advantage, auc, tpr_at

RNG = np.random.default_rng(0)
MEMBERS = np.stack([RNG.permutation(np.repeat([True, False], 200)) for _ in range(8)])


def told(seed=0):
    """Scores of eight models on four hundred records, which know nothing of the members."""
    return Told("lira", np.random.default_rng(seed).normal(size=MEMBERS.shape), MEMBERS)


scores = st.lists(st.integers(-3, 3), min_size=8, max_size=40)


@given(scores, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_figures_are_those_of_a_slow_reference(drawn, random):
    values = np.array(drawn, dtype=float)
    members = np.zeros(len(values), dtype=bool)
    members[random.sample(range(len(values)), len(values) // 2)] = True
    assert auc(values, members) == pytest.approx(roc_auc_score(members, values))
    false, true, _ = roc_curve(members, values, drop_intermediate=False)
    assert advantage(values, members) == pytest.approx(np.max(true - false))
    for rate in (0.1, 0.3):
        allowed = [t for f, t in zip(false, true, strict=True) if f <= rate + 1e-12]
        assert tpr_at(rate)(values, members) == pytest.approx(max(allowed))


def test_of_scores_that_know_nothing_the_interval_holds_one_half():
    held = 0
    for seed in range(40):
        figure = told(seed).figure("auc")
        held += figure.low <= 0.5 <= figure.high
    assert held >= 34  # of 40 at 95 %, P < 1 % by chance


def test_a_rate_that_the_others_do_not_resolve_is_withheld():
    found = told().figure("tpr@0.01%")
    assert isinstance(found, Withheld)
    assert "1,600 answers" in found.reason
    assert told().point("tpr@0.01%") is None


def test_a_figure_nobody_knows_is_told():
    with pytest.raises(PlanError, match=r"there is no figure 'precision'"):
        told().figure("precision")
