"""Each record is blurred by itself: its form stays, its columns share epsilon, and crowds are still heard."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from reticent import defences as d
from reticent.data import Records
from reticent.defences.reading import read_defence
from reticent.errors import DataError, PlanError
from reticent.measure.gaussian import discrete_gaussian_sigma
from reticent.synthesis.local import GRID, frequencies

DOMAIN = (("age", 0, 99), ("town", ("Graz", "Linz", "Wels")))


def people(rows=500, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {"age": rng.integers(0, 100, rows), "town": rng.choice(["Graz", "Linz", "Wels"], rows)}
    )
    return Records(table, rng.integers(0, 2, rows), np.array(["no", "yes"]))


def test_records_keep_their_form_and_their_number():
    data = people()
    blurred = d.randomise(3.0, DOMAIN).protect(data, 1)
    assert blurred.features.dtypes.equals(data.features.dtypes) and len(blurred) == len(data)
    assert blurred.features["age"].between(0, 99).all()
    assert (blurred.labels != data.labels).any() and (blurred.features["town"] != data.features["town"]).any()


def test_every_column_and_the_label_share_epsilon():
    data = people(30_000)
    blurred = d.randomise(3.0, DOMAIN).protect(data, 1)
    # ε 1 each: the truth is said with e/(e + k − 1)
    for same, values in (
        (blurred.labels == data.labels, 2),
        ((blurred.features["town"] == data.features["town"]).to_numpy(), 3),
    ):
        assert same.mean() == pytest.approx(math.e / (math.e + values - 1), abs=0.015)
    codes = pd.Categorical(blurred.features["town"], categories=["Graz", "Linz", "Wels"]).codes.astype(int)
    told = frequencies(codes, 3, 1.0)
    truth = data.features["town"].value_counts(normalize=True)
    assert all(
        t.low - 0.01 < truth[c] < t.high + 0.01 for t, c in zip(told, ["Graz", "Linz", "Wels"], strict=True)
    )


def test_with_plenty_of_epsilon_records_stay_as_they_are():
    data = people()
    assert d.randomise(1e6, DOMAIN).protect(data, 0).fingerprint() == data.fingerprint()


def test_a_record_is_blurred_the_same_whoever_follows():
    # Only whole records, one by one, are changed: the seed and the place decide
    way = d.randomise(2.0, DOMAIN)
    one, again, other = (way.protect(people(), seed).fingerprint() for seed in (1, 1, 2))
    assert one == again != other
    assert way.alone


def test_it_guarantees_a_record_where_all_of_it_is_blurred():
    said = d.randomise(2.0, DOMAIN).guarantee(100)
    assert (said.epsilon, said.delta, said.against) == (2.0, 0.0, "changing one record for any other")
    assert str(said) == "ε 2"
    assert d.randomise(2.0, DOMAIN, untouched=("town",)).guarantee(100) is None


def test_with_a_delta_all_numbers_share_it_and_the_rest_is_as_it_was():
    table = pd.DataFrame({f"n{i}": np.full(400, 0.5) for i in range(30)} | {"town": ["Graz"] * 400})
    data = Records(table, np.arange(400) % 2, np.array(["no", "yes"]))
    domain = (*((f"n{i}", -100.0, 101.0) for i in range(30)), ("town", ("Graz", "Linz")))
    pure, mixed = d.randomise(4.0, domain), d.randomise(4.0, domain, delta=1e-4)
    blurred, other = pure.protect(data, 1), mixed.protect(data, 1)
    assert other.features["town"].equals(blurred.features["town"])
    assert (other.labels == blurred.labels).all()
    # 30 numbers have 30 of 32 parts of epsilon and all of delta
    sigma = discrete_gaussian_sigma(4.0 * 30 / 32, 1e-4, GRID, 30) / GRID * 201
    numbers = other.features.drop(columns="town").to_numpy()
    law = norm(0.5, sigma)
    assert (numbers <= -100).mean() == pytest.approx(law.cdf(-100), abs=0.02)
    assert (np.abs(numbers) < 50).mean() == pytest.approx(law.cdf(50) - law.cdf(-50), abs=0.02)
    said = mixed.guarantee(400)
    assert (said.epsilon, said.delta, said.against) == (4.0, 1e-4, "changing one record for any other")


def test_columns_can_be_left_as_they_are():
    data = people()
    blurred = d.randomise(1.0, DOMAIN, untouched=("age", "the label")).protect(data, 0)
    assert (blurred.features["age"] == data.features["age"]).all() and (blurred.labels == data.labels).all()
    assert (blurred.features["town"] != data.features["town"]).any()
    labels = d.randomise(1.0, untouched=("age", "town")).protect(data, 0)
    assert labels.features.equals(data.features) and (labels.labels != data.labels).any()


def test_plans_can_write_it():
    way = read_defence("randomise(4, (('age', 0, 99), ('town', ('Graz', 'Linz'))), ('age',), delta=1e-6)")
    assert way.epsilon == 4 and way.untouched == ("age",) and way.delta == 1e-6
    assert read_defence(str(way)) == way


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"epsilon": -1}, PlanError, "give one above 0"),
        ({"domain": DOMAIN[:1]}, PlanError, "was not told what 'town' may hold"),
        ({"domain": (DOMAIN[0], ("town", ("Graz",)))}, DataError, "values out of its domain"),
        ({"delta": 1.0}, PlanError, "give 0, or a share below one over the records"),
        ({"delta": 0.1}, PlanError, "is not below one over 500 records"),
        ({"untouched": "age"}, PlanError, "give a tuple of columns"),
        ({"untouched": ("pay",)}, PlanError, "'pay' as it is, and the records have no such column"),
        ({"untouched": ("age", "town", "the label")}, PlanError, "leave the defence out"),
    ],
)
def test_mistakes_are_sentences(options, error, sentence):
    with pytest.raises(error, match=sentence):
        d.randomise(**{"epsilon": 1.0, "domain": DOMAIN, **options}).protect(people(), 0)


def test_numbers_that_are_missing_are_refused():
    data = people()
    data.features["age"] = data.features["age"].astype(float).mask(data.features["age"] < 5)
    with pytest.raises(DataError, match="cells that are no number; fill them in before"):
        d.randomise(1.0, DOMAIN).protect(data, 0)
