"""Attacks on a release: a copy gives all away, a table of other people nothing that is not guessed anyway."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reticent import testing
from reticent.attacks import release
from reticent.attacks.catalogue import named
from reticent.attacks.release import ExactCopies, InferenceRisk, Linkability, SinglingOut
from reticent.errors import DataError, PlanError
from reticent.release import ReleaseScene, Table, read_tables


def people(rows, seed):
    """People of whom numbers tell one from another, and whose illness nothing tells."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.normal(size=rows),
            "town": rng.choice(["Graz", "Linz", "Wels"], rows),
            "pay": rng.normal(size=rows),
            "ill": rng.choice(["yes", "no"], rows),
        }
    )
    return table.mask(rng.random(table.shape) < 0.05)


def tables(**frames):
    return read_tables(frames)


def test_every_attack_in_the_folder_is_listed():
    listed = {getattr(release, name) for name in release.__all__ if name != "DEFAULT"}
    assert set(testing.leaves(release)) == listed == {type(a) for a in release.DEFAULT}


@pytest.mark.parametrize("attack", release.DEFAULT, ids=lambda a: a.name)
def test_it_says_what_it_is(attack):
    testing.says_what_it_is(attack)
    assert attack.caveat
    assert named(attack.name) == attack


# Singling out


@pytest.mark.parametrize("columns", [1, 2, 4])
def test_every_predicate_holds_for_one_row_of_the_release_each_for_another(columns):
    (table,) = tables(release=people(200, 0))
    found = SinglingOut(columns=columns).guess(ReleaseScene(table, guesses=50)).predicates
    rows = [table.where(p).tolist() for p in found]
    assert 30 <= len(found) <= 50
    assert {len(r) for r in rows} == {1}
    assert len({r[0] for r in rows}) == len(found)
    assert {len({c.column for c in p}) for p in found} == {columns}


@pytest.mark.parametrize(
    ("column", "singled"),
    [
        ([1, 2, 2, 9, 9], {0}),  # the least, and once alike; two have the greatest
        ([1, 1, 5, 9, 9], {2}),
        ([1, 1, 9, 9, None], {4}),
        (["a", "b", "b", "c", "b"], {0, 3}),
        ([1, 1, 2, 2, 2], set()),
    ],
    ids=str,
)
def test_by_one_column_it_finds_extremes_single_values_and_what_is_missing_once(column, singled):
    (table,) = tables(release=pd.DataFrame({"only": column}))
    found = SinglingOut(columns=1).guess(ReleaseScene(table, guesses=99)).predicates
    assert {int(table.where(p)[0]) for p in found} == singled


def test_a_number_is_bounded_on_the_side_where_it_lies_farther_out():
    (table,) = tables(release=pd.DataFrame({"n": np.arange(99.0), "m": np.arange(99.0)[::-1]}))
    for predicate in SinglingOut(columns=2).guess(ReleaseScene(table, guesses=40)).predicates:
        for condition in predicate:
            assert condition.sign == (">=" if condition.value > 49 else "<=")


def test_where_all_rows_are_alike_nobody_is_singled_out():
    (table,) = tables(release=pd.DataFrame({"a": [1] * 40, "b": ["x"] * 40}))
    for columns in (1, 2):
        assert SinglingOut(columns=columns).guess(ReleaseScene(table, guesses=5)).predicates == ()


def test_predicates_of_more_columns_than_there_are_are_a_sentence():
    (table,) = tables(release=people(50, 0))
    with pytest.raises(DataError, match=r"predicates of 5 columns were asked for, and the release has 4"):
        SinglingOut(columns=5).guess(ReleaseScene(table, guesses=5))


def test_a_missing_value_is_a_condition_like_any_other():
    (table,) = tables(release=pd.DataFrame({"a": [None, 1.0, 2.0, 3.0], "b": ["x", None, "x", "x"]}))
    found = SinglingOut(columns=2).guess(ReleaseScene(table, guesses=4)).predicates
    missing = {int(table.where(p)[0]): c.column for p in found for c in p if c.sign == "missing"}
    assert missing == {0: 0, 1: 1}


# Linking


def linked(attack, table, originals):
    halves = originals.only(["age", "town"]), originals.only(["pay", "ill"])
    one, other = attack.guess(ReleaseScene(table, halves)).near
    return (one & other).any(axis=1)


def test_both_halves_of_a_copied_person_lead_to_the_copy():
    table, others = tables(release=people(200, 0), others=people(200, 1))
    assert linked(Linkability(), table, table).all()
    assert linked(Linkability(), table, others).mean() < 0.1


def test_more_neighbours_link_more_people():
    table, others = tables(release=people(200, 0), others=people(200, 1))
    few, many = (linked(Linkability(neighbours=k), table, others).mean() for k in (1, 20))
    assert few < many


def test_a_bit_stands_for_a_row_of_the_release():
    table, _ = tables(release=people(203, 0), others=people(3, 1))
    scene = ReleaseScene(table, (table.only(["age"]), table.only(["pay"])))
    one, _ = Linkability().guess(scene).near
    bits = np.unpackbits(one, axis=1, count=203).astype(bool)
    known = ~np.isnan(table.column("age"))
    np.testing.assert_array_equal(bits[known].argmax(axis=1), np.flatnonzero(known))


# Inferring


def guessed(table, others, secret, **options):
    known = others.only([n for n in others.names if n != secret])
    return InferenceRisk(**options).guess(ReleaseScene(table, (known,), secret)).values


@pytest.mark.parametrize("secret", ["ill", "pay"])
def test_the_secret_of_a_copied_person_is_read_off_the_copy(secret):
    table, others = tables(release=people(200, 0), others=people(200, 1))
    truth = table.column(secret)
    known = ~np.isnan(truth)
    right = (guessed(table, table, secret) == truth)[known]
    assert right.mean() > 0.95
    assert (guessed(table, others, secret) == others.column(secret)).mean() < 0.65


def test_of_several_nearest_it_is_the_commonest_category_and_the_middle_number():
    table, asked = tables(
        release=pd.DataFrame(
            {"a": [1, 1, 1, 9], "word": ["x", "y", "y", "z"], "number": [1.0, 2.0, 9.0, 50.0]}
        ),
        asked=pd.DataFrame({"a": [1, 9], "word": ["y", "z"], "number": [2.0, 50.0]}),
    )
    both = InferenceRisk().guess(ReleaseScene(table, (asked.only(["a"]),), "word")).values
    np.testing.assert_array_equal(both, asked.column("word"))
    middle = InferenceRisk().guess(ReleaseScene(table, (asked.only(["a"]),), "number")).values
    assert middle.tolist() == [2.0, 50.0]
    all_four = InferenceRisk(neighbours=4).guess(ReleaseScene(table, (asked.only(["a"]),), "number")).values
    assert all_four.tolist() == [5.5, 5.5]


def test_rows_that_lack_the_secret_tell_nothing_of_it():
    table, asked = tables(
        release=pd.DataFrame({"a": [1, 2], "s": [None, "x"]}), asked=pd.DataFrame({"a": [1], "s": ["x"]})
    )
    told = InferenceRisk().guess(ReleaseScene(table, (asked.only(["a"]),), "s")).values
    assert told.tolist() == asked.column("s").tolist()


# Copies


def test_who_stands_in_the_release_is_found_whole_and_nobody_else():
    table, others = tables(release=people(100, 0), others=people(100, 1))
    mixture = Table(np.concatenate([table.values[:30], others.values]), table.names, table.numbers)
    assert ExactCopies().guess(ReleaseScene(table, (mixture,))).found.tolist() == [True] * 30 + [False] * 100


@pytest.mark.parametrize(
    "make",
    [lambda: SinglingOut(columns=0), lambda: Linkability(neighbours=0), lambda: InferenceRisk(neighbours=0)],
)
def test_impossible_options_are_refused(make):
    with pytest.raises(PlanError):
        make()
