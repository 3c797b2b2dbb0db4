"""Synthetic records stand in for records: same form, nobody's, and what they guarantee holds of any model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

import reticent as rt
from reticent import defences as d
from reticent.data import Records
from reticent.defences.defence import DataDefence, harden
from reticent.defences.reading import read_defence
from reticent.errors import DataError, PlanError
from reticent.recipe import Guarantee
from reticent.targets.sklearn import SklearnRecipe

DOMAIN = (("age", 0, 99, 10), ("pay", 0.0, 1.0, 8), ("town", ("Graz", "Linz", None)))


def people(rows=600, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.integers(0, 100, rows)
    table = pd.DataFrame(
        {
            "age": age,
            "pay": rng.random(rows).astype(np.float32),
            "town": pd.Series(rng.choice(["Graz", "Linz"], rows)).mask(rng.random(rows) < 0.1),
            "kind": pd.Categorical(rng.choice(["a", "b"], rows), categories=["a", "b", "c"]),
            "new": rng.random(rows) < 0.5,
        }
    )
    labels = (rng.random(rows) < age / 100).astype(int)
    return Records(table, labels, np.array(["no", "yes"]), people=np.arange(rows))


def arrays(rows=400):
    x = np.random.default_rng(1).random((rows, 2)).astype(np.float32)
    return Records(x, (x[:, 0] > 0.5).astype(int), np.arange(2))


@dataclass(frozen=True)
class Jumble(DataDefence):
    """Changes records together."""

    word: ClassVar[str] = "jumble"
    source: ClassVar[str] = "these tests"

    def protect(self, data, seed):
        return data


@pytest.mark.parametrize("by_class", [True, False])
@pytest.mark.parametrize("epsilon", [None, 2.0])
def test_records_keep_their_form_and_are_nobody_s(epsilon, by_class):
    data = people()
    made = d.synthesise(epsilon, domain=DOMAIN, by_class=by_class).protect(data, 3)
    assert made.features.dtypes.equals(data.features.dtypes)
    assert list(made.features.columns) == list(data.features.columns)
    assert made.people is None and made.aside is None
    assert set(made.labels) <= {0, 1} and len(made.labels) == len(made.features)
    assert made.features["age"].between(0, 99).all() and made.features["pay"].between(0, 1).all()
    assert set(made.features["town"].dropna()) <= {"Graz", "Linz"}
    assert (len(made) == len(data)) == (epsilon is None) or abs(len(made) - len(data)) < 200


def test_arrays_are_tables_of_numbered_columns():
    made = d.synthesise(5.0, domain=(("0", 0, 1), ("1", 0, 1))).protect(arrays(), 0)
    assert made.features.dtype == np.float32 and made.features.shape[1] == 2
    assert ((made.features[:, 0] > 0.5) == made.labels).mean() > 0.85


def test_the_same_seed_makes_the_same_records():
    way = d.synthesise(1.0, domain=DOMAIN)
    one, again, other = (way.protect(people(), seed).fingerprint() for seed in (1, 1, 2))
    assert one == again != other


def test_a_model_learns_from_records_made_class_by_class():
    recipe = SklearnRecipe(DecisionTreeClassifier(max_depth=3))
    data, test = arrays(2000), arrays(500)
    target = harden(d.synthesise(2.0, domain=(("0", 0, 1), ("1", 0, 1))), recipe).fit(data, 0)
    assert (target.predict(test.features).labels == test.labels).mean() > 0.9


def test_what_is_made_is_guaranteed_whatever_model_learns_from_it():
    recipe = SklearnRecipe(DecisionTreeClassifier())
    way = d.synthesise(2.0, 1e-6, domain=DOMAIN)
    said = harden(way | d.round_scores(1), recipe, people()).guarantee(500)
    assert (said.epsilon, said.delta, said.against) == (2.0, 1e-6, "adding or removing one record")
    assert harden(d.synthesise(None, domain=DOMAIN), recipe).guarantee(500) is None


def test_the_least_epsilon_that_holds_is_said():
    recipe = SklearnRecipe(DecisionTreeClassifier())
    made, blurred = d.synthesise(2.0, domain=DOMAIN), d.randomise(1.0, DOMAIN)

    def said(way):
        guarantee = harden(way, recipe).guarantee(500)
        return None if guarantee is None else guarantee.epsilon

    assert said(blurred | made) == 1.0
    assert said(made | blurred) == 2.0  # blurring records that are nobody's says nothing of the people
    assert said(d.randomise(3.0, DOMAIN) | made) == 2.0
    assert said(Jumble() | made) is None
    assert said(made | Jumble()) == 2.0


def test_a_private_training_counts_where_records_were_changed_alone():
    class Private(SklearnRecipe):
        def guarantee(self, records):
            return Guarantee(0.5, 1e-5)

    recipe = Private(DecisionTreeClassifier())
    assert harden(d.randomise(1.0, DOMAIN), recipe).guarantee(500).epsilon == 0.5
    assert harden(d.synthesise(1.0, domain=DOMAIN), recipe).guarantee(500).epsilon == 1.0
    assert harden(Jumble(), recipe).guarantee(500) is None


def test_plans_can_write_it():
    written = "synthesise(epsilon=1, domain=(('age', 0, 99, 10), ('town', ('Graz', 'Linz', None))))"
    way = read_defence(written)
    assert way.domain[0] == ("age", 0, 99, 10)
    assert read_defence(str(way)) == way and hash(way) is not None
    with pytest.raises(PlanError, match="epsilon"):
        read_defence("synthesise()")


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"epsilon": 0}, PlanError, "give one above 0"),
        ({"epsilon": 1.0, "delta": 2.0}, PlanError, "below one over the records"),
        ({"epsilon": 1.0, "domain": DOMAIN[:2]}, PlanError, "was not told what 'town' may hold"),
        ({"epsilon": 1.0, "domain": DOMAIN[1:]}, PlanError, r"give domain=\(\('age', low, high\),\)"),
        ({"epsilon": 1.0, "domain": (*DOMAIN, ("x", 0, 1))}, PlanError, "the records have no such column"),
        ({"epsilon": 1.0, "domain": (("age",),)}, PlanError, "for a column"),
        ({"epsilon": 1.0, "domain": (("age", "young", "old"),)}, PlanError, "bins after them"),
        ({"epsilon": 1.0, "domain": (("age", 0, 50), *DOMAIN[1:])}, DataError, "out of its domain"),
        ({"epsilon": 1.0, "domain": DOMAIN, "delta": 0.1}, PlanError, "is not below one over 600 records"),
    ],
)
def test_mistakes_are_sentences(options, error, sentence):
    with pytest.raises(error, match=sentence):
        d.synthesise(**options).protect(people(), 0)


def test_pictures_and_few_records_are_refused():
    pictures = Records(np.zeros((200, 4, 4)), np.zeros(200, int), np.arange(2))
    with pytest.raises(DataError, match="it is for tables alone"):
        d.synthesise(1.0).protect(pictures, 0)
    with pytest.raises(DataError, match="60 rows were given"):
        d.synthesise(1.0, domain=DOMAIN).protect(people(60), 0)


def test_a_domain_of_its_own_type_serves_too():
    known = rt.Domain.of({"0": rt.Numbers(0, 1), "1": rt.Numbers(0, 1)})
    one, other = (d.synthesise(1.0, domain=x) for x in (known, (("0", 0, 1), ("1", 0, 1))))
    assert one.protect(arrays(), 0).fingerprint() == other.protect(arrays(), 0).fingerprint()
    assert (
        replace(one, pairs=False).protect(arrays(), 0).fingerprint() != one.protect(arrays(), 0).fingerprint()
    )
