"""The budget spent is the budget stated, and what is measured comes to the truth as it grows."""

from __future__ import annotations

import math
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.measure.estimate import clopper_pearson_bounds
from reticent.measure.zcdp import zcdp_epsilon, zcdp_rho
from reticent.noise import Dice, DiscreteGaussian
from reticent.synthesis import mechanism
from reticent.synthesis.mechanism import measure, measure_within
from reticent.synthesis.selection import counts

SHAPE = (3, 4, 2, 3)
CHAIN = ((0, 1), (1, 2), (2, 3))


def chained(rows, seed=0):
    """Cells whose columns are a chain: each tells the next."""
    rng = np.random.default_rng(seed)
    cells = np.zeros((rows, 4), np.int64)
    cells[:, 0] = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    for c in range(1, 4):
        law = np.random.default_rng(c).dirichlet(np.full(SHAPE[c], 0.2), SHAPE[c - 1])
        cells[:, c] = (rng.random(rows)[:, None] > law[cells[:, c - 1]].cumsum(axis=1)[:, :-1]).sum(axis=1)
    return cells


def apart(one, other, pair, shape=SHAPE):
    a, b = (counts(t, shape, pair) / len(t) for t in (one, other))
    return np.abs(a - b).sum() / 2


@settings(max_examples=8, deadline=None)
@given(st.floats(0.3, 10), st.booleans(), st.booleans())
def test_the_budget_spent_is_the_budget_stated(epsilon, pairs, within):
    rho, cells = zcdp_rho(epsilon, 1e-6), chained(200)
    if within:
        made = measure_within(cells, SHAPE, 2, rho, Dice(0), pairs=pairs)
    else:
        made = measure(cells, SHAPE, rho, Dice(0), pairs=pairs)
    spent = sum(entry.rho for entry in made.spent)
    assert spent <= rho * (1 + 1e-12)
    assert spent == pytest.approx(rho, rel=1e-2)
    assert zcdp_epsilon(spent, 1e-6) <= epsilon * (1 + 1e-9)


def test_dp_accounting_finds_no_more_spent_than_stated():
    accounting = pytest.importorskip("dp_accounting")
    from dp_accounting import rdp

    epsilon, delta = 1.0, 1e-5
    made = measure(chained(300), SHAPE, zcdp_rho(epsilon, delta), Dice(0))
    accountant = rdp.RdpAccountant(np.concatenate([np.linspace(1.1, 10, 200), np.geomspace(10, 2000, 800)]))
    for entry in made.spent:
        if entry.what.startswith("choice"):
            accountant.compose(accounting.dp_event.ZCDpEvent(entry.rho))
        else:
            accountant.compose(accounting.dp_event.GaussianDpEvent(1 / math.sqrt(2 * entry.rho)))
    assert accountant.get_epsilon(delta) == pytest.approx(epsilon, rel=2e-3)


def test_without_noise_a_tree_comes_back_exactly():
    cells = chained(5000)
    made = measure(cells, SHAPE, None, Dice(0))
    assert made.rows == 5000 and made.spent == ()
    assert set(made.pairs) == set(CHAIN)
    for pair, table in zip(made.tree.edges, made.tree.pairs, strict=True):
        np.testing.assert_allclose(table, counts(cells, SHAPE, pair) / 5000)
    drawn = made.sample(5000, Dice(1))
    assert max(apart(drawn, cells, pair) for pair in CHAIN) < 0.003


@pytest.mark.parametrize("within", [None, 2])
def test_marginals_come_to_the_truth_as_epsilon_grows(within):
    cells, off = chained(4000), []
    for epsilon in (0.05, 1.0, 50.0):
        rho, each = zcdp_rho(epsilon, 1e-6), []
        for seed in range(2):
            if within is None:
                made = measure(cells, SHAPE, rho, Dice(seed))
            else:
                made = measure_within(cells, SHAPE, within, rho, Dice(seed))
            drawn = made.sample(4000, Dice(seed))
            each.append(np.mean([apart(drawn, cells, pair) for pair in CHAIN]))
        off.append(np.mean(each))
    assert off[0] > 3 * off[1] > 3 * off[2]
    assert off[2] < 0.01


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 5), st.booleans())
def test_the_domain_is_never_left(seed, epsilon, within):
    cells, rho = chained(150, seed), zcdp_rho(epsilon, 1e-5)
    if within:
        made = measure_within(cells, SHAPE, 1, rho, Dice(seed))
    else:
        made = measure(cells, SHAPE, rho, Dice(seed))
    drawn = made.sample(77, Dice(seed))
    assert drawn.shape == (77, 4)
    assert (drawn >= 0).all() and (drawn < np.array(SHAPE)).all()


def test_within_a_column_all_that_goes_with_it_is_kept():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, 6000)
    cells = np.stack([(rng.random(6000) < 0.2 + 0.6 * label).astype(int) for _ in range(3)] + [label], axis=1)
    made = measure_within(cells, (2, 2, 2, 2), 3, None, Dice(0))
    drawn = made.sample(6000, Dice(0))
    assert max(apart(drawn, cells, (c, 3), (2, 2, 2, 2)) for c in range(3)) < 0.003
    assert {(0, 3), (1, 3), (2, 3)} <= set(made.pairs)
    assert made.rows == 6000


def test_rare_values_that_noise_could_have_made_stand_together():
    cells = np.repeat(np.arange(50), [2000] + [0] * 49)[:, None]
    made = measure(cells, (50,), zcdp_rho(1.0, 1e-6), Dice(0))
    assert len(made.cells[0]) < 5 and sum(len(group) for group in made.cells[0]) == 50
    all_kept = measure(cells, (50,), None, Dice(0))
    assert len(all_kept.cells[0]) == 50


def test_the_number_of_people_is_measured_too():
    cells, rho = chained(1000), zcdp_rho(0.5, 1e-6)
    rows = [measure(cells, SHAPE, rho, Dice(seed), pairs=False).rows for seed in range(30)]
    assert len(set(rows)) > 5
    assert abs(np.mean(rows) - 1000) < 20


def outcomes(rows, rho, worlds):
    """How often a run on a table of few rows says there are at least so many."""
    cells = np.zeros((rows, 1), np.int64)
    return np.array([measure(cells, (1,), rho, Dice((rows, seed))).rows for seed in range(worlds)])


def audited(rho, worlds=800, delta=1e-2):
    """The epsilon that outcomes on two neighbouring tables prove, with 99 % confidence."""
    one, other = outcomes(5, rho, worlds), outcomes(6, rho, worlds)
    half, best = worlds // 2, 0.0
    # The event is chosen on one half of the worlds and measured on the other
    at = max(range(4, 9), key=lambda t: (other[:half] >= t).mean() - (one[:half] >= t).mean())
    for a, b in ((one < at, other < at), (other >= at, one >= at)):
        low, _ = clopper_pearson_bounds(int(a[half:].sum()), worlds - half, 0.005)
        _, high = clopper_pearson_bounds(int(b[half:].sum()), worlds - half, 0.005)
        if low > delta:
            best = max(best, math.log((float(low) - delta) / float(high)))
    return best


def test_neighbouring_tables_can_not_be_told_better_than_stated():
    epsilon, delta = 1.0, 1e-2
    assert audited(zcdp_rho(epsilon, delta)) <= epsilon


@pytest.mark.parametrize("fault", [0.1, 0.5])
def test_noise_that_is_left_out_or_too_little_is_caught(fault):
    epsilon, delta, full = 1.0, 1e-2, mechanism._gaussian
    rho = zcdp_rho(epsilon, delta)

    def less(rho, times):
        noise = full(rho, times)
        return replace(noise, sigma=noise.sigma * fault)

    with patch.object(mechanism, "_gaussian", less):
        proved = audited(rho, worlds=400) if fault < 0.5 else 0.0
        made = measure(chained(300), SHAPE, rho, Dice(0))
    # The ledger reads the noise that is drawn with, and so says it too
    assert zcdp_epsilon(sum(entry.rho for entry in made.spent), delta) > epsilon
    assert proved > epsilon or fault == 0.5


def test_the_same_dice_throw_the_same_table():
    cells, rho = chained(300), zcdp_rho(1.0, 1e-5)
    one, again, other = (measure(cells, SHAPE, rho, Dice(s)).sample(300, Dice(s)) for s in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_noise_of_a_column_is_that_of_its_share():
    rho = 0.3
    made = measure(chained(300), SHAPE, rho, Dice(0))
    sigma = math.sqrt(4 * 3 / (2 * rho))
    assert made.spent[0].rho == DiscreteGaussian(sigma).rho
    assert [entry.what.split()[0] for entry in made.spent] == ["column"] * 4 + ["choice"] * 3 + [
        "columns"
    ] * 3
