"""The independent check: what we release passes, and every planted fault is found."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.anonymity.check import prove
from reticent.anonymity.hierarchy import Hierarchy
from reticent.anonymity.privacy import Closeness, Diversity, EntropyDiversity, RecursiveDiversity, secret_of
from reticent.errors import DataError

sys.path.insert(0, str(Path(__file__).parent))
from tables import trees

TREE = {"job": Hierarchy.from_tree({"gov": ["city", "state"], "*": ["none"]})}
ORIGINAL = pd.DataFrame(
    {
        "age": [30, 35, 31, 60, 61, 62],
        "job": ["city", "state", "city", "none", "none", "none"],
        "ill": list("abcaab"),
    }
)
RELEASED = pd.DataFrame(
    {"age": ["[30, 35]"] * 3 + ["[60, 62]"] * 3, "job": ["gov"] * 3 + ["none"] * 3, "ill": list("abcaab")}
)
QUASI = ("age", "job")


def faults(released=RELEASED, k=3, models=()):
    return prove(
        released, QUASI, k, sensitive=("ill",), models=models, hierarchies=TREE, original=ORIGINAL
    ).faults


def test_a_sound_release_passes():
    assert (
        faults(models=(Diversity(2), EntropyDiversity(1.8), RecursiveDiversity(2, 2.1), Closeness(0.25)))
        == ()
    )


@pytest.mark.parametrize(
    ("cell", "row", "value", "sentence"),
    [
        ("age", 0, "[30, 34]", "fewer than 3 rows"),
        ("age", slice(0, 2), "[31, 35]", "1 cells of 'age' don't cover"),
        ("job", slice(0, 2), "none", "3 cells of 'job' don't cover"),
        ("job", slice(0, 2), "gouv", "3 cells of 'job' are no names"),
    ],
)
def test_a_planted_fault_is_found(cell, row, value, sentence):
    spoilt = RELEASED.copy()
    spoilt.loc[row, cell] = value
    assert any(sentence in fault for fault in faults(spoilt))


@pytest.mark.parametrize(
    "model", [Diversity(3), EntropyDiversity(2.5), RecursiveDiversity(2, 1.5), Closeness(0.16)], ids=str
)
def test_a_class_that_breaks_a_model_is_found(model):
    assert any("classes break" in fault for fault in faults(models=(model,)))


def test_numbers_are_as_far_as_their_ranks():
    """Li et al. 2007, section 4.2: {3, 4, 5} of 3 to 11 is 0.375 from all, {6, 8, 11} 0.167."""
    table = pd.DataFrame({"q": ["x"] * 3 + ["y"] * 3 + ["z"] * 3, "pay": [3, 4, 5, 6, 8, 11, 7, 9, 10]})
    assert len(prove(table, ["q"], 3, sensitive=["pay"], models=[Closeness(0.374)]).faults) == 1
    assert prove(table, ["q"], 3, sensitive=["pay"], models=[Closeness(0.376)]).holds


def test_categories_are_as_far_as_their_hierarchy_says():
    """{a, b, c} and {a, a, b} of half a, third b, sixth c: a sixth goes from a to c or back."""
    tree = {"ill": Hierarchy.from_tree({"mild": ["a", "c"], "*": ["b"]})}

    def asked(t, released=RELEASED):
        return prove(released, QUASI, 3, sensitive=("ill",), models=[Closeness(t)], hierarchies=tree).faults

    assert asked(1 / 12) == ()
    assert asked(1 / 12 - 1e-3) == ("2 classes break t = 0.08233333333333333 in 'ill'",)
    faults = asked(0.5, RELEASED.assign(ill=[*"abcaa", "d"]))
    assert faults == ("1 values of 'ill' are not in its hierarchy",)
    gone = RELEASED.assign(ill=[*"abca", None, None])  # two thirds of the second class, a third of all
    assert asked(0.34, gone) == () and len(asked(0.32, gone)) == 1


@settings(max_examples=20, deadline=None)
@given(trees(), st.data())
def test_the_check_is_as_far_in_a_hierarchy_as_what_makes_classes(tree, data):
    values = st.lists(st.sampled_from([*tree.leaves, None]), min_size=3, max_size=12)
    table = pd.DataFrame({"q": "a", "s": data.draw(values)}).assign(s=lambda t: t["s"].astype(object))
    table.loc[: data.draw(st.integers(0, 1)), "q"] = "b"
    if table["s"].isna().all():
        return
    secret = secret_of("s", table["s"], tree)
    shares = [pd.Series(secret.codes[table["q"] == q]).value_counts(normalize=True) for q in "ab"]
    whole = pd.Series(secret.codes).value_counts(normalize=True)
    off = [share.reindex(range(secret.values), fill_value=0) - whole.sort_index() for share in shares]
    far = secret.distance(pd.DataFrame(off).to_numpy()).max()
    for t, holds in ((far + 1e-5, True), (far - 1e-5, False)):
        if 0 < t < 1:
            proof = prove(table, ["q"], 1, sensitive=["s"], models=[Closeness(t)], hierarchies={"s": tree})
            assert proof.holds is holds


def test_missing_cells_are_a_class_of_their_own():
    table = pd.DataFrame({"q": [None, None, "a"]})
    proof = prove(table, ["q"], 2)
    assert (proof.classes, proof.smallest, proof.holds) == (2, 1, False)


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(DataError, match="no column 'z'"):
        prove(RELEASED, ["z"], 2)
