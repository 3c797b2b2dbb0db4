"""Privacy models: the papers' own examples, closed forms, and what is monotone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from reticent.anonymity import privacy
from reticent.anonymity.privacy import (
    Closeness,
    Diversity,
    EntropyDiversity,
    RecursiveDiversity,
    Rule,
    earth_mover,
    models,
    secret_of,
)
from reticent.errors import DataError, PlanError

COUNTS = st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(lambda c: sum(c) > 0)


def test_the_example_of_li_2007():
    """Salaries 3k to 11k, nine values: {3, 4, 5} is 0.375 away, {6, 8, 11} is 0.167 (section 4.2)."""
    classes = np.zeros((2, 9), dtype=int)
    classes[0, [0, 1, 2]] = 1
    classes[1, [3, 5, 8]] = 1
    np.testing.assert_allclose(earth_mover(classes, np.full(9, 1 / 9), ordered=True), [0.375, 1 / 6])


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_the_distance_of_numbers_is_wassersteins(a, b):
    whole = np.array(b) / sum(b)
    found = earth_mover(np.array([a]), whole, ordered=True)[0]
    place = np.arange(4) / 3
    assert found == pytest.approx(wasserstein_distance(place, place, a, b), abs=1e-12)


def test_even_classes_have_the_entropy_of_their_number():
    even = np.array([[3, 3, 3, 0]])
    whole = np.ones(4) / 4
    assert EntropyDiversity(3).holds(even, whole, ordered=False)[0]
    assert not EntropyDiversity(3.01).holds(even, whole, ordered=False)[0]


def test_recursive_diversity_compares_the_commonest_with_the_rest():
    counts, whole = np.array([[5, 3, 2]]), np.ones(3) / 3
    assert RecursiveDiversity(2, 1.1).holds(counts, whole, ordered=False)[0]
    assert not RecursiveDiversity(2, 1.0).holds(counts, whole, ordered=False)[0]
    assert not RecursiveDiversity(3, 2.5).holds(counts, whole, ordered=False)[0]


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_two_classes_that_fulfil_a_model_do_so_together(a, b):
    """So classes that read the same may be one."""
    whole = (np.array(a) + b + 1) / (sum(a) + sum(b) + 4)
    for model in (Diversity(2), EntropyDiversity(1.7), RecursiveDiversity(2, 1.5), Closeness(0.3)):
        for ordered in (True, False):
            each = model.holds(np.array([a, b]), whole, ordered=ordered)
            if each.all():
                assert model.holds(np.array([a]) + b, whole, ordered=ordered)[0]


def test_many_classes_are_asked_in_blocks_with_one_answer(monkeypatch):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"s": rng.choice(list("abcdef"), 300)})
    group = np.sort(rng.integers(0, 50, 300))
    rule = Rule(2, (Diversity(3), Closeness(0.4)), (secret_of("s", table["s"]),))
    whole = rule.holds(np.arange(300), group, 50)
    monkeypatch.setattr(privacy, "CELLS", 13)
    np.testing.assert_array_equal(rule.holds(np.arange(300), group, 50), whole)
    assert whole.any() and not whole.all()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Rule(1), "k=1 was given"),
        (lambda: models(2.5, None, "distinct", 3), "l=2.5 was given"),
        (lambda: models(1, None, "distinct", 3), "l=1 was given"),
        (lambda: models(None, 1.0, "distinct", 3), "between 0 and 1"),
        (lambda: models(None, 0.0, "distinct", 3), "between 0 and 1"),
        (lambda: models(2, None, "much", 3), "give 'distinct', 'entropy' or 'recursive'"),
        (lambda: models(2, None, "recursive", 0), "c=0 was given"),
        (
            lambda: Rule(2, (Diversity(4),), (secret_of("s", ["a", "b", "c"]),)),
            "3 values; give 3 or less",
        ),
        (lambda: Rule(2, (EntropyDiversity(2),), (secret_of("s", ["a", "a", "b"]),)), "too little entropy"),
        (
            lambda: Rule(2, (RecursiveDiversity(2, 1),), (secret_of("s", ["a", "a", "b"]),)),
            "diverse in the",
        ),
    ],
)
def test_what_can_not_be_had_is_a_sentence(make, sentence):
    with pytest.raises(PlanError, match=sentence.replace("(", r"\(")):
        make()


def test_a_missing_secret_is_a_value():
    assert secret_of("s", ["a", None, "a"]).values == 2
    assert secret_of("s", [2.0, None, 1.0]).codes.tolist() == [1, 2, 0]
    with pytest.raises(DataError, match="is empty"):
        secret_of("s", [None, None])
