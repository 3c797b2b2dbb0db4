"""Laying out an audit: who is a candidate, who is known, and what would spoil the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.data import Roles
from reticent.errors import DataError, ModelError
from reticent.stage import FEWEST, lay_out


class Model:
    def __init__(self, classes=(0, 1)):
        self.classes = np.array(classes)


def side(first, rows, form="array"):
    x = np.arange(first, first + rows)
    y = x % 2
    return (pd.DataFrame({"a": x, "b": -x}) if form == "table" else np.stack([x, -x], axis=1)), y


def staged(members, nonmembers, *, target=None, roles=None, population_share=0.25, drop_copies=True, seed=0):
    return lay_out(
        target or Model(),
        members,
        nonmembers,
        roles or Roles(),
        population_share=population_share,
        drop_copies=drop_copies,
        seed=seed,
    )


def first_column(stage):
    features = stage.records.features
    return (features["a"].to_numpy() if hasattr(features, "iloc") else features[:, 0]).astype(int)


@given(
    st.integers(FEWEST, 60),
    st.integers(FEWEST, 60),
    st.floats(0, 0.9),
    st.sampled_from(["array", "table"]),
    st.booleans(),
    st.integers(0, 9),
)
@settings(derandomize=True, max_examples=60, deadline=None)
def test_rows_lead_back_to_what_was_handed_over(inside, outside, share, form, drop, seed):
    members, nonmembers = side(0, inside, form), side(1000, outside, form)
    stage = staged(members, nonmembers, population_share=share, drop_copies=drop, seed=seed)
    ids = first_column(stage)
    assert len(stage.records) == inside + outside
    assert (ids == np.where(stage.members, stage.rows, 1000 + stage.rows)).all()
    assert (stage.members == (ids < 1000)).all()
    assert (stage.records.labels == ids % 2).all()
    assert sorted(ids) == [*range(inside), *range(1000, 1000 + outside)]
    assert stage.known.sum() == min(int(share * outside), outside - FEWEST)
    assert not stage.members[stage.known].any()
    assert stage.handed == (inside, outside)
    assert (stage.candidates == np.flatnonzero(~stage.known)).all()


def test_the_order_of_candidates_says_nothing_and_repeats():
    stage = staged(side(0, 2000), side(5000, 2000))
    truth = stage.members[stage.candidates].astype(float)
    place = np.arange(len(truth))
    assert abs(np.corrcoef(truth, place)[0, 1]) < 4 / np.sqrt(len(truth))
    rows = stage.rows[stage.members]
    assert abs(np.corrcoef(rows, np.arange(len(rows)))[0, 1]) < 4 / np.sqrt(len(rows))
    same, other = staged(side(0, 2000), side(5000, 2000)), staged(side(0, 2000), side(5000, 2000), seed=1)
    assert (same.rows == stage.rows).all()
    assert (other.rows != stage.rows).any()


@pytest.mark.parametrize("form", ["array", "table"])
def test_copies_of_members_are_left_out_or_kept(form):
    members, nonmembers = side(0, 50, form), side(40, 50, form)
    dropped = staged(members, nonmembers, population_share=0.0)
    assert dropped.overlap.shared.sum() == 10
    assert dropped.overlap.shared_members.sum() == 10
    assert sorted(dropped.rows[dropped.members]) == list(range(40))  # on both sides, or neither
    assert sorted(dropped.rows[~dropped.members]) == list(range(10, 50))
    assert dropped.handed == (50, 50)
    kept = staged(members, nonmembers, population_share=0.0, drop_copies=False)
    assert len(kept.records) == 100
    assert kept.overlap.shared.sum() == 10


def test_copies_are_found_whatever_the_order_and_types_of_columns():
    (table, y), (other, z) = side(0, 50, "table"), side(40, 50, "table")
    other = other[["b", "a"]].astype({"a": float})
    stage = staged((table, y), (other, z), population_share=0.0)
    assert stage.overlap.shared.sum() == 10
    assert list(stage.records.features.columns) == ["a", "b"]
    assert (stage.records.features["a"] == -stage.records.features["b"]).all()


def test_categories_survive():
    kinds = pd.CategoricalDtype(["u", "v"]), pd.CategoricalDtype(["v", "w"])
    sides = [
        (
            pd.DataFrame({"a": range(i * 50, i * 50 + 50), "c": pd.Series(["v"] * 50, dtype=kinds[i])}),
            [0, 1] * 25,
        )
        for i in (0, 1)
    ]
    assert staged(*sides).records.features["c"].cat.categories.tolist() == ["u", "v", "w"]


def test_people_go_with_their_records():
    sides = [
        (
            pd.DataFrame({"a": range(i * 50, i * 50 + 50), "id": [f"p{i * 50 + j}" for j in range(50)]}),
            [0, 1] * 25,
        )
        for i in (0, 1)
    ]
    stage = staged(*sides, roles=Roles(person="id"))
    assert stage.records.people.tolist() == [f"p{i}" for i in first_column(stage)]


@pytest.mark.parametrize(
    ("members", "nonmembers", "said"),
    [
        (side(0, 2), side(10, 50), "2 members are left"),
        (side(0, 50), side(100, 2), "2 non-members are left"),
        (side(0, 50), side(0, 50), r"0 members are left .* copies of the other side are left out"),
        (side(0, 50), (side(100, 50)[0], np.zeros(3)), "50 rows of features and 3 labels"),
        ((side(0, 50)[0], np.zeros(50, int)), side(100, 50), "same label"),
        ((side(0, 50)[0], np.full(50, 7)), side(100, 50), "none of the model's 2 classes"),
        (side(0, 50), side(100, 50, "table"), "a table and an array"),
        ((np.zeros((50, 2)), [0, 1] * 25), (np.zeros((50, 3)), [0, 1] * 25), "same shape"),
        (
            side(0, 50, "table"),
            (side(100, 50, "table")[0].rename(columns={"b": "z"}), [0, 1] * 25),
            "same columns",
        ),
        (side(0, 50)[0], side(100, 50), "not a pair"),
        (side(0, 50), None, "not a pair"),
    ],
)
def test_what_cannot_be_audited_is_one_sentence(members, nonmembers, said):
    with pytest.raises(DataError, match=said) as caught:
        staged(members, nonmembers)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("classes", [(), (0,)])
def test_a_model_of_one_class_is_refused(classes):
    with pytest.raises(ModelError, match="two or more"):
        staged(side(0, 50), side(100, 50), target=Model(classes))


def test_nobody_is_set_aside_in_part():
    """A person's records are all known to the attacker, or none of them."""
    x = pd.DataFrame({"who": np.arange(600) // 3, "a": np.arange(600.0)})
    y = np.arange(600) % 2
    stage = staged((x[:300], y[:300]), (x[300:], y[300:]), roles=Roles(person="who"), population_share=0.5)
    known, hidden = (set(stage.records.people[side].tolist()) for side in (stage.known, ~stage.known))
    assert not known & hidden
    assert 147 <= stage.known.sum() <= 150


def test_those_with_many_records_are_set_aside_no_more_often():
    """Drawn by person: among those set aside, as many have many records as among all."""
    sizes = np.tile([1, 9], 100)
    x = pd.DataFrame({"who": np.repeat(np.arange(200), sizes), "a": np.arange(1000.0)})
    y = np.arange(1000) % 2
    shares = []
    for seed in range(30):
        roles = Roles(person="who")
        stage = staged((x, y), (x.assign(a=x["a"] + 5000), y), roles=roles, population_share=0.5, seed=seed)
        known = np.unique(stage.records.people[stage.known])
        shares.append((sizes[known] == 9).mean())
    assert abs(np.mean(shares) - 0.5) < 3 * np.std(shares, ddof=1) / np.sqrt(30) + 0.01
