"""Private naive Bayes: scikit-learn's without noise, its sensitivity by brute force, an audit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.naive_bayes import CategoricalNB, GaussianNB

from reticent.errors import DataError, PlanError
from reticent.measure.epsilon import epsilon_lower_bound
from reticent.noise import Dice, laplace_noised
from reticent.private_models import PrivateNaiveBayes
from reticent.private_models.columns import read_columns
from reticent.private_models.naive_bayes import GRID, sums

MIXED = {"age": (0, 100), "town": ("a", "b", "c"), "pay": (-5, 5)}


def people(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, rows)
    town = np.where(rng.random(rows) < 0.6, np.array(["a", "b", "c"])[y], "a")
    table = pd.DataFrame({"age": rng.normal(30 + 15 * y, 12), "town": town, "pay": rng.normal(y - 1, 1)})
    return table, y


def made(epsilon=1.0, **options):
    return PrivateNaiveBayes(
        epsilon, **({"bounds": MIXED, "classes": (0, 1, 2), "random_state": 0} | options)
    )


def test_of_numbers_it_is_scikit_learns_without_noise():
    table, y = people()
    x = table[["age", "pay"]].clip([0, -5], [100, 5])
    ours = made(1e8, bounds={"age": (0, 100), "pay": (-5, 5)}).fit(x, y)
    plain = GaussianNB(var_smoothing=0).fit(x, y)
    np.testing.assert_allclose(ours.predict_proba(x), plain.predict_proba(x), atol=2e-3)
    np.testing.assert_allclose(ours.mean_ * [50, 5] + [50, 0], plain.theta_, atol=1e-3)


def test_of_words_it_is_scikit_learns_without_noise():
    """There is one category more here, of words that were not told of."""
    table, y = people()
    ours = made(1e8, bounds={"town": ("a", "b", "c")}).fit(table[["town"]], y)
    codes = table["town"].map({"a": 0, "b": 1, "c": 2}).to_numpy()[:, None]
    plain = CategoricalNB(alpha=1.0, min_categories=4).fit(codes, y)
    np.testing.assert_allclose(ours.predict_proba(table[["town"]]), plain.predict_proba(codes), atol=1e-4)


cell = st.one_of(st.none(), st.floats(), st.sampled_from(["a", "b", "z"]))


@settings(max_examples=15, deadline=None)
@given(st.tuples(cell, cell, cell), st.integers(0, 2))
def test_no_record_adds_more_than_the_sensitivity(row, label):
    table, y = people(5)
    more = pd.DataFrame([*table.to_numpy().tolist(), list(row)], columns=table.columns, dtype=object)
    columns = read_columns(MIXED, table)
    before, most = sums(columns, table, y, 3)
    after, same = sums(columns, more, np.append(y, label), 3)
    assert most == same
    assert np.abs(after - before).sum() <= most
    assert before.dtype.kind == "i"


def test_the_sensitivity_is_met_by_the_record_that_is_furthest_out():
    table, y = people(5)
    columns = read_columns(MIXED, table)
    more = pd.concat([table, pd.DataFrame({"age": [1e9], "town": ["a"], "pay": [-1e9]})], ignore_index=True)
    before, most = sums(columns, table, y, 3)
    after, _ = sums(columns, more, np.append(y, 0), 3)
    assert np.abs(after - before).sum() >= most - 2
    assert most / GRID == pytest.approx(1 + 1 + 2 * 1.5, rel=1e-5)


@pytest.mark.parametrize(("lie", "caught"), [(1, False), (4, True), (1e6, True)])
def test_an_audit_finds_no_more_than_was_promised_and_catches_what_lies(lie, caught):
    """What is released is a vector; the likelihood ratio of with and without a record is the best score."""
    table, y = people(20)
    more = pd.concat([table, pd.DataFrame({"age": [0], "town": ["c"], "pay": [5]})], ignore_index=True)
    columns, dice, trials, told = read_columns(MIXED, table), Dice(0), 2_000, []
    (without, most), (extra, _) = sums(columns, table, y, 3), sums(columns, more, np.append(y, 0), 3)
    for truth in (without, extra):
        noisy = laplace_noised(np.tile(truth, (trials, 1, 1)), most, 1.0 * lie, dice)
        told.append(np.abs(noisy - without).sum(axis=(1, 2)) - np.abs(noisy - extra).sum(axis=(1, 2)))
    members = np.repeat([False, True], trials)
    found = epsilon_lower_bound(np.concatenate(told).astype(float), members, level=0.999).value
    assert (found > 1.0) == caught


@settings(max_examples=15, deadline=None)
@given(st.floats(0.001, 100), st.integers(0, 100))
def test_with_any_noise_it_answers_probabilities(epsilon, seed):
    table, y = people(30)
    told = made(epsilon, random_state=seed).fit(table, y).predict_proba(table)
    assert np.isfinite(told).all()
    np.testing.assert_allclose(told.sum(axis=1), 1)


def test_the_order_of_records_does_not_matter_and_the_seed_does():
    table, y = people()
    order = np.random.default_rng(1).permutation(len(y))
    one, other = made().fit(table, y), made().fit(table.iloc[order], y[order])
    np.testing.assert_array_equal(one.predict_proba(table), other.predict_proba(table))
    assert not np.array_equal(one.mean_, made(random_state=1).fit(table, y).mean_)
    unforeseen = [made(random_state=None).fit(table, y).mean_ for _ in range(2)]
    assert not np.array_equal(*unforeseen)
    assert clone(one).get_params() == one.get_params()


def test_it_learns_and_tells_its_guarantee():
    table, y = people(3_000)
    assert made(2.0).fit(table, y).score(table, y) > 0.65
    assert (made(2.0).guarantee().epsilon, made(2.0).guarantee().delta) == (2.0, 0.0)


def test_classes_that_nobody_has_and_tables_that_do_not_fit():
    table, y = people()
    assert made(classes=range(9)).fit(table, y).predict_proba(table).shape == (400, 9)
    with pytest.raises(DataError, match="bounds were given for the column 'town'"):
        made().fit(table, y).predict(table[["age", "pay"]])
    with pytest.raises(PlanError, match="epsilon=-1; give"):
        made(-1).fit(table, y)
    with pytest.raises(PlanError, match="no bounds"):
        made(bounds=None).fit(table, y)
