"""Persons: their records' ranks together, and nothing of those on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.attacks.membership.user_level import by_person
from reticent.measure.roc import Roc

RECORD = st.tuples(st.integers(-3, 3), st.booleans(), st.sampled_from("abcdefg"))


@given(st.lists(RECORD, min_size=1, max_size=40))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_agrees_with_a_plain_loop(drawn: list[tuple[int, bool, str]]) -> None:
    scores, members, people = (np.array(part) for part in zip(*drawn, strict=True))
    expected, truth = [], []
    for person in sorted(set(people)):
        own = [(s, m) for s, m, p in drawn if p == person]
        if len({m for _, m in own}) > 1:
            continue  # nothing true can be said
        ranks = [(sum(o < s for o, _, _ in drawn) + sum(o <= s for o, _, _ in drawn)) / 2 for s, _ in own]
        expected.append(np.mean(ranks) / len(drawn))
        truth.append(own[0][1])
    found, sides = by_person(scores.astype(float), members, people)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_array_equal(sides, truth)


@pytest.mark.parametrize("kind", [int, str, float])
def test_keys_of_persons_may_be_of_any_kind(kind: type) -> None:
    people = np.array([kind(k) for k in (7, 3, 7, 3, 9)])
    found, sides = by_person(np.arange(5.0), np.array([1, 0, 1, 0, 1], dtype=bool), people)
    np.testing.assert_allclose(found, [0.5, 0.3, 0.9])
    np.testing.assert_array_equal(sides, [False, True, True])


def test_no_person_is_left_where_all_are_on_both_sides() -> None:
    found, sides = by_person(np.arange(4.0), np.array([1, 0, 1, 0], dtype=bool), np.array([1, 1, 2, 2]))
    assert found.shape == sides.shape == (0,)


def test_it_does_not_matter_on_what_scale_scores_are() -> None:
    rng = np.random.default_rng(0)
    scores, people = rng.normal(size=60), rng.integers(0, 20, 60)
    members = people % 2 == 0
    found, _ = by_person(scores, members, people)
    np.testing.assert_array_equal(found, by_person(np.exp(3 * scores), members, people)[0])


def test_evidence_adds_up_over_a_persons_records() -> None:
    areas: dict[int, list[float]] = {1: [], 16: []}
    for seed in range(10):
        rng = np.random.default_rng(seed)
        for records, found in areas.items():
            people = np.repeat(np.arange(100), records)
            members = people % 2 == 0
            scores = rng.normal(size=len(people)) + 0.3 * members
            found.append(Roc.of(*by_person(scores, members, people)).auc().value)
    assert np.mean(areas[1]) == pytest.approx(0.584, abs=0.04)  # Φ(0.3 / √2)
    assert np.mean(areas[16]) > 0.77  # Φ(0.3 √16 / √2) = 0.80, ranks lose a little


def test_persons_who_leave_no_trace_are_not_found() -> None:
    areas = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        people = rng.integers(0, 80, 300)  # people with many records and with few
        scores = rng.normal(size=300) + rng.normal(size=80)[people]
        areas.append(Roc.of(*by_person(scores, people < 40, people)).auc().value)
    error = np.std(areas, ddof=1) / np.sqrt(40)
    assert abs(np.mean(areas) - 0.5) < 3 * error
