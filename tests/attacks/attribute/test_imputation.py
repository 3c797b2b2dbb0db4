"""Imputation: what can be guessed without a model is guessed, and the label is used where it helps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reticent.attacks.attribute.imputation import best_imputation, impute
from reticent.data import Records


def people(seed, *, by):
    """A secret that is copied, for nine in ten, from the column or from the label."""
    rng = np.random.default_rng(seed)
    column, label = rng.integers(0, 2, 600), rng.integers(0, 2, 600)
    secret = np.where(rng.random(600) < 0.9, {"column": column, "label": label}[by], rng.integers(0, 2, 600))
    records = Records(pd.DataFrame({"a": column, "noise": rng.normal(size=600)}), label, np.arange(2))
    known = np.where(np.arange(600) < 300, secret, -1)
    return records, secret, known


@pytest.mark.parametrize("by", ["column", "label"])
def test_it_finds_whatever_the_secret_hangs_on(by):
    records, secret, known = people(0, by=by)
    right = best_imputation(records, known, 2, 0)[300:].argmax(axis=1) == secret[300:]
    assert right.mean() > 0.88  # at best .95


def test_without_the_label_the_label_does_not_help():
    records, secret, known = people(1, by="label")
    right = impute(records, known, 2, with_label=False, seed=0)[300:].argmax(axis=1) == secret[300:]
    assert abs(right.mean() - 0.5) < 3 * 0.5 / np.sqrt(300)


def test_hidden_values_are_not_looked_at():
    records, _, known = people(2, by="column")
    one = impute(records, known, 2, with_label=True, seed=0)
    assert np.array_equal(one, impute(records, known.copy(), 2, with_label=True, seed=0))
    assert np.allclose(np.exp(one).sum(axis=1), 1, atol=0.01)


@pytest.mark.parametrize("values", [2, 4])
def test_a_value_never_known_is_unlikely_and_one_alone_is_certain_of_nothing(values):
    records, _, known = people(3, by="column")
    only = np.where(known >= 0, 1, -1)
    scores = impute(records, only, values, with_label=True, seed=0)
    assert (scores.argmax(axis=1) == 1).all()
    assert np.isfinite(scores).all()
