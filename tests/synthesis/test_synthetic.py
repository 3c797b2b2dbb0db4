"""A synthetic table by its public face: its guarantee, its seed, and a sentence for each mistake."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reticent as rt
from reticent.errors import DataError, PlanError
from reticent.progress import Quiet
from reticent.synthesis.likeness import distance, independence
from reticent.synthesis.synthetic import guaranteed

DOMAIN = {
    "age": rt.Numbers(0, 99, 10, whole=True),
    "sex": rt.Categories(("f", "m")),
    "ill": rt.Categories((False, True), missing=True),
}


def people(rows=600, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.integers(0, 100, rows)
    ill = pd.Series(rng.random(rows) < age / 100).astype(object).mask(rng.random(rows) < 0.05)
    return pd.DataFrame({"ill": ill, "age": age, "sex": rng.choice(["f", "m"], rows)})


def made(**options):
    return rt.synthesise(
        people(), **{"domain": DOMAIN, "epsilon": 3.0, "seed": 1, "progress": Quiet(), **options}
    )


def test_the_table_says_what_it_guarantees():
    table = made()
    assert table.guarantee.epsilon == pytest.approx(3.0, rel=1e-4) and table.guarantee.epsilon <= 3.0
    assert table.guarantee.delta == 1e-5
    assert list(table.table.columns) == ["ill", "age", "sex"]
    assert (table.domain.encode(table.table) >= 0).all()
    assert "ε 3 at δ 1e-05, for adding or removing one record" in str(table)
    assert guaranteed((), 1e-5) is None


@pytest.mark.parametrize(
    "options", [{}, {"within": "sex"}, {"pairs": False}, {"within": "sex", "pairs": False}]
)
def test_the_same_seed_makes_the_same_table(options):
    one, again, other = made(**options), made(**options), made(**options, seed=2)
    pd.testing.assert_frame_equal(one.table, again.table)
    assert not one.table.equals(other.table)
    assert one.within == options.get("within")


def test_without_a_seed_no_two_tables_are_alike():
    assert not made(seed=None).table.equals(made(seed=None).table)


def test_rows_can_be_asked_for():
    assert len(made(rows=37).table) == 37
    assert len(made().table) != 600 or len(made(seed=5).table) != 600


def test_without_privacy_it_says_so_aloud():
    with pytest.warns(UserWarning, match="without differential privacy: it guarantees nothing"):
        table = made(epsilon=None)
    assert table.guarantee is None and table.spent == ()
    assert "guarantees nothing" in str(table)
    assert distance(table.table, people(), table.domain).columns < 0.01


def test_pairs_are_kept_unless_columns_are_drawn_alone():
    table = people(5000)
    known = rt.Domain.of(DOMAIN)
    kept, alone = (
        rt.synthesise(table, domain=known, epsilon=20.0, pairs=p, seed=0, progress=Quiet())
        for p in (True, False)
    )
    assert len(kept.pairs) == 2 and alone.pairs == ()
    apart = independence(table, known).pairs
    assert distance(alone.table, table, known).pairs == pytest.approx(apart, rel=0.25)
    assert distance(kept.table, table, known).pairs < 0.7 * apart


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"epsilon": 0}, PlanError, "give one above 0"),
        ({"epsilon": -1.0}, PlanError, "give one above 0"),
        ({"delta": 0.0}, PlanError, "below one over the records"),
        ({"delta": 0.01}, PlanError, "is not below one over 600 records"),
        ({"epsilon": 1e-4}, PlanError, "give a larger epsilon or fewer columns"),
        ({"rows": 0}, PlanError, "ask for one at least"),
        ({"within": "town"}, PlanError, "there is no such column"),
        ({"domain": {**DOMAIN, "age": rt.Numbers(0, 50)}}, DataError, "out of its domain"),
        ({"domain": {"age": DOMAIN["age"]}}, DataError, "the domain lacks"),
        ({"domain": {**DOMAIN, "x": rt.Numbers(0, 1)}}, DataError, "the table lacks 'x'"),
        (
            {"domain": {**DOMAIN, "age": rt.Numbers(0, 99, 4000), "x": rt.Numbers(0, 1, 4000)}},
            PlanError,
            "together have 16,000,000 cells",
        ),
    ],
)
def test_mistakes_are_sentences(options, error, sentence):
    with pytest.raises(error, match=sentence):
        made(**options)


def test_few_rows_are_refused_and_epsilon_must_be_stated():
    with pytest.raises(DataError, match="99 rows were given"):
        rt.synthesise(people(99), domain=DOMAIN, epsilon=1.0)
    with pytest.raises(TypeError, match="epsilon"):
        rt.synthesise(people(), domain=DOMAIN)
