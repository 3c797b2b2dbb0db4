"""Privacy models: the papers' own examples, closed forms, and what is monotone."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.stats import wasserstein_distance

from reticent.anonymity import privacy
from reticent.anonymity.hierarchy import MISSING, ROOT, Hierarchy
from reticent.anonymity.privacy import (
    Closeness,
    Diversity,
    EntropyDiversity,
    Levels,
    RecursiveDiversity,
    Rule,
    by_rank,
    earth_mover,
    equal,
    models,
    secret_of,
)
from reticent.errors import DataError, PlanError

sys.path.insert(0, str(Path(__file__).parent))
from tables import trees

COUNTS = st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(lambda c: sum(c) > 0)
TREE = Hierarchy.from_tree({"x": {"y": ["a", "b"], "*": ["c"]}, "*": ["d"]})
DISEASES = Hierarchy.from_tree(
    {
        "respiratory": {
            "infection": ["flu", "pneumonia", "bronchitis"],
            "vascular": ["pulmonary edema", "pulmonary embolism"],
        },
        "digestive": {"stomach": ["ulcer", "cancer", "gastritis"], "colon": ["colitis", "colon cancer"]},
    }
)


def test_the_example_of_li_2007():
    """Salaries 3k to 11k, nine values: {3, 4, 5} is 0.375 away, {6, 8, 11} is 0.167 (section 4.2)."""
    classes = np.zeros((2, 9), dtype=int)
    classes[0, [0, 1, 2]] = 1
    classes[1, [3, 5, 8]] = 1
    np.testing.assert_allclose(earth_mover(classes, np.full(9, 1 / 9), by_rank), [0.375, 1 / 6])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([-2.0, 0.5, 3.0, 40.0, 41.0]), min_size=2, max_size=30), st.data())
def test_the_distance_of_numbers_is_wassersteins_of_ranks(pay, data):
    """Of the table's different values, whatever gaps lie between them."""
    secret, size = secret_of("pay", pay), data.draw(st.integers(1, len(pay)))
    mine = secret.codes[:size]
    whole = np.bincount(secret.codes) / len(pay)
    found = earth_mover(np.bincount(mine, minlength=secret.values)[None], whole, secret.distance)[0]
    rank = np.arange(secret.values) / max(1, secret.values - 1)
    assert found == pytest.approx(wasserstein_distance(rank[mine], rank[secret.codes]), abs=1e-12)


def test_a_hierarchy_puts_diseases_as_far_apart_as_li_2007_does():
    """Flu and bronchitis 1/3, flu and pulmonary embolism 2/3, flu and stomach cancer 3/3 (section 4)."""
    levels = Levels.of(DISEASES, np.arange(10))
    pure = dict(zip(DISEASES.leaves, np.eye(10), strict=True))
    off = [pure["flu"] - pure[other] for other in ("bronchitis", "pulmonary embolism", "cancer")]
    np.testing.assert_allclose(levels(np.array(off)), [1 / 3, 2 / 3, 1])


def test_nine_patients_in_threes_by_hand():
    """Of the first three a ninth of all goes from one half of the tree to the other, at the root's 3/3, and
    2/9 change places in the stomach and 2/9 among infections, at 1/3: 1/9 + 4/27."""
    ill = "ulcer cancer pneumonia gastritis flu bronchitis gastritis bronchitis cancer"
    secret = secret_of("ill", ill.split(), DISEASES)
    counts = np.array([np.bincount(three, minlength=secret.values) for three in secret.codes.reshape(3, 3)])
    found = earth_mover(counts, counts.sum(axis=0) / 9, secret.distance)
    np.testing.assert_allclose(found, [7 / 27, 8 / 27, 5 / 27])


def transport(tree, off) -> float:
    """The least that carrying what is too much to where it lacks costs, as a linear programme."""
    up = [(*path, ROOT) for path in tree.paths]
    height = {}
    for path in up:
        for steps, name in enumerate(path):
            height[name] = max(height.get(name, 0), steps)
    cost = [[height[next(n for n in a if n in b)] / height[ROOT] for b in up] for a in up]
    out = np.repeat(np.eye(len(up)), len(up), axis=1)
    into = np.tile(np.eye(len(up)), len(up))
    return linprog(np.ravel(cost), A_eq=out - into, b_eq=off).fun


@settings(max_examples=30, deadline=None)
@given(trees(), st.data())
def test_the_distance_in_a_hierarchy_is_the_cheapest_transport(tree, data):
    values = st.sampled_from(tree.leaves)
    whole = data.draw(st.lists(values, min_size=1, max_size=20))
    size = data.draw(st.integers(1, len(whole)))
    secret = secret_of("s", whole, tree)
    counts = np.bincount(secret.codes[:size], minlength=secret.values)[None]
    found = earth_mover(counts, np.bincount(secret.codes) / len(whole), secret.distance)[0]
    off = np.array([whole[:size].count(v) / size - whole.count(v) / len(whole) for v in tree.leaves])
    assert found == pytest.approx(transport(tree, off), abs=1e-9)
    assert -1e-12 <= found <= equal(off[None])[0] + 1e-12 <= 1 + 2e-12


@settings(max_examples=30, deadline=None)
@given(COUNTS, COUNTS)
def test_a_flat_hierarchy_is_the_equal_distance(a, b):
    levels = Levels.of(Hierarchy.flat("abcd"), np.arange(4))
    off = np.array([a]) / sum(a) - np.array(b) / sum(b)
    np.testing.assert_allclose(levels(off), equal(off), atol=1e-12)


def test_a_missing_value_in_a_hierarchy_is_like_no_other():
    secret = secret_of("ill", ["flu", None, "bronchitis"], DISEASES)
    off = np.array([[1.0, -1.0, 0.0], [1.0, 0.0, -1.0]])
    np.testing.assert_allclose(secret.distance(off), [1 / 3, 1])
    with pytest.raises(DataError, match="hierarchy of 'ill' lacks the value 'gout'"):
        secret_of("ill", ["flu", "gout"], DISEASES)
    assert MISSING not in DISEASES.leaves


def test_even_classes_have_the_entropy_of_their_number():
    even = np.array([[3, 3, 3, 0]])
    whole = np.ones(4) / 4
    assert EntropyDiversity(3).holds(even, whole, equal)[0]
    assert not EntropyDiversity(3.01).holds(even, whole, equal)[0]


def test_recursive_diversity_compares_the_commonest_with_the_rest():
    counts, whole = np.array([[5, 3, 2]]), np.ones(3) / 3
    assert RecursiveDiversity(2, 1.1).holds(counts, whole, equal)[0]
    assert not RecursiveDiversity(2, 1.0).holds(counts, whole, equal)[0]
    assert not RecursiveDiversity(3, 2.5).holds(counts, whole, equal)[0]


@settings(max_examples=30, deadline=None)
@given(COUNTS, COUNTS)
def test_two_classes_that_fulfil_a_model_do_so_together(a, b):
    """So classes that read the same may be one."""
    whole = (np.array(a) + b + 1) / (sum(a) + sum(b) + 4)
    for model in (Diversity(2), EntropyDiversity(1.7), RecursiveDiversity(2, 1.5), Closeness(0.3)):
        for distance in (by_rank, equal, Levels.of(TREE, np.arange(4))):
            each = model.holds(np.array([a, b]), whole, distance)
            if each.all():
                assert model.holds(np.array([a]) + b, whole, distance)[0]


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
        (lambda: models(np.nan, None, "distinct", 3), "l=nan was given"),
        (lambda: models(np.inf, None, "recursive", 3), "l=inf was given"),
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
