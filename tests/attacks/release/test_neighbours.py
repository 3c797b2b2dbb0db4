"""Nearest rows: as a plain loop over Gower's coefficient finds them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reticent.attacks.release import neighbours
from reticent.attacks.release.neighbours import distances, near
from reticent.release import read_tables


def mixed(rows, seed):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "number": rng.normal(size=rows).round(1),
            "whole": rng.integers(0, 5, rows),
            "word": rng.choice(["a", "b", "c"], rows),
            "same": np.ones(rows),
        }
    )
    return table.mask(rng.random(table.shape) < 0.15).assign(same=1.0)


def plain(a, b, numbers, low, high):
    """Gower's distance of two rows, written out."""
    total = 0.0
    for x, y, number, least, most in zip(a, b, numbers, low, high, strict=True):
        if np.isnan(x) or np.isnan(y):
            total += np.isnan(x) != np.isnan(y)
        elif number:
            total += min(1.0, abs(x - y) / (most - least if most > least else 1))
        else:
            total += x != y
    return total


def test_the_nearest_rows_are_those_of_a_plain_loop():
    people, release = read_tables({"people": mixed(40, 0), "release": mixed(60, 1)})
    low, high = np.nanmin(release.values, axis=0), np.nanmax(release.values, axis=0)
    for count in (1, 3, 60, 100):
        found = np.concatenate(list(near(people, release, count)))
        for i, person in enumerate(people.values):
            far = np.array([plain(person, row, release.numbers, low, high) for row in release.values])
            kth = np.sort(far)[min(count, 60) - 1]
            np.testing.assert_array_equal(found[i], far <= kth + 1e-6)


def test_distances_count_each_column_from_nought_to_one():
    ours, theirs = np.array([[0.2, 1.0, np.nan]]), np.array([[0.5, 2.0, 0.0], [9.0, 1.0, np.nan]])
    found = distances(ours, theirs, np.array([True, False, True]))
    np.testing.assert_allclose(found, [[0.3 + 1 + 1, 1 + 0 + 0]], rtol=1e-6)


def test_equally_near_rows_all_count():
    people, release = read_tables(
        {"people": pd.DataFrame({"a": [1]}), "release": pd.DataFrame({"a": [1, 7, 1, 5]})}
    )
    (found,) = near(people, release, 1)
    assert found.tolist() == [[True, False, True, False]]


def test_only_the_columns_that_are_known_of_people_count():
    people, release = read_tables({"people": mixed(30, 2), "release": mixed(50, 3)})
    some = ["word", "number"]
    whole = np.concatenate(list(near(people.only(some), release, 2)))
    part = np.concatenate(list(near(people.only(some), release.only(some), 2)))
    np.testing.assert_array_equal(whole, part)


@pytest.mark.parametrize("block", [1, 130, 1 << 24])
def test_blocks_change_nothing(block, monkeypatch):
    people, release = read_tables({"people": mixed(30, 4), "release": mixed(50, 5)})
    whole = np.concatenate(list(near(people, release, 2)))
    monkeypatch.setattr(neighbours, "BLOCK", block)
    parts = list(near(people, release, 2))
    assert max(len(p) for p in parts) == min(30, max(1, block // 50))
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_column_that_the_release_never_fills_is_far_from_whoever_has_it():
    people, release = read_tables(
        {
            "people": pd.DataFrame({"a": [3.0, np.nan], "b": [1, 2]}),
            "release": pd.DataFrame({"a": [np.nan, np.nan], "b": [2, 1]}),
        }
    )
    assert np.concatenate(list(near(people, release, 1))).tolist() == [[False, True], [True, False]]
