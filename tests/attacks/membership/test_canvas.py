"""Response canvas: which inputs lie on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from reticent.access import Access, Metered, Outputs
from reticent.attacks.membership.canvas import Canvas, ResponseCanvas, _tiles
from reticent.data import Records
from reticent.errors import DataError

CLASSES = np.array([0, 1])


class Remembers:
    """Answers one chance for all, and keeps what it was asked."""

    access = Access.SCORES
    classes = CLASSES

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def predict(self, x: Any) -> Outputs:
        self.asked.append(x)
        return Outputs.from_scores(np.tile([0.25, 0.75], (len(x), 1)))

    def fingerprint(self) -> str:
        return "remembers"


def ask(question: Canvas, features: Any) -> tuple[Any, list[Any]]:
    target = Remembers()
    metered = Metered(target)
    labels = np.arange(len(features)) % 2
    answers = question.ask(metered, Records(features, labels, CLASSES))
    assert metered.queries == question.queries(len(features))
    own = np.log(0.75) - np.log(0.25)
    np.testing.assert_allclose(answers[:, :, 0], np.where(labels == 1, own, -own)[:, None].repeat(
        answers.shape[1], axis=1), rtol=1e-5)  # fmt: skip
    return answers, target.asked


def test_every_cell_disturbs_its_region_alone_and_further_with_the_radius() -> None:
    x = np.random.default_rng(0).normal(size=(300, 10))
    answers, asked = ask(Canvas(regions=4, radii=(0.1, 0.2), seed=3), x)
    assert answers.shape == (300, 9, 1)
    np.testing.assert_array_equal(asked[0], x)
    touched = []
    for near, far in zip(asked[1::2], asked[2::2], strict=True):
        columns = np.flatnonzero((near != x).any(axis=0))
        np.testing.assert_array_equal(columns, np.flatnonzero((far != x).any(axis=0)))
        assert np.all(np.abs(far - x) >= np.abs(near - x))
        touched += columns.tolist()
    assert sorted(touched) == list(range(10))


def test_chosen_columns_are_regions_of_their_own() -> None:
    rng = np.random.default_rng(0)
    text = rng.choice(["x", "y"], 80)
    table = pd.DataFrame({"a": rng.normal(size=80), "b": text, "c": rng.normal(size=80)})
    answers, asked = ask(Canvas(columns=("b", "a"), radii=(1.0,)), table)
    assert answers.shape == (80, 3, 1)
    changed = [[n for n in table if not copy[n].equals(table[n])] for copy in asked]
    assert changed == [[], ["b"], ["a"]]


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match="'height'"):
        ask(Canvas(columns=("height",)), pd.DataFrame({"a": [1.0, 2.0]}))
    with pytest.raises(DataError, match="'height'"):
        ask(Canvas(columns=("height",)), np.ones((2, 2)))


@pytest.mark.parametrize(
    ("shape", "axes"), [((5, 8, 9), (1, 2)), ((5, 8, 9, 3), (1, 2)), ((5, 3, 8, 9), (2, 3))]
)
@pytest.mark.parametrize("count", [1, 2, 4, 6, 7])
def test_tiles_part_a_picture_into_rectangles(
    shape: tuple[int, ...], axes: tuple[int, int], count: int
) -> None:
    tiles = _tiles(shape, axes, count)
    assert sorted(np.concatenate(tiles)) == list(range(int(np.prod(shape[1:]))))
    for tile in tiles:
        pixels = np.unravel_index(tile, shape[1:])
        sides = [len(set(pixels[axis - 1].tolist())) for axis in axes]
        channels = shape[6 - sum(axes)] if len(shape) == 4 else 1
        assert len(tile) == sides[0] * sides[1] * channels


def test_the_tiles_of_a_picture_fade_to_their_mean() -> None:
    pictures = np.random.default_rng(0).normal(size=(40, 8, 8, 3))
    _, asked = ask(Canvas(regions=4, radii=(0.5, 1.0)), pictures)
    mean = pictures.mean(axis=0)
    corner = (slice(None), slice(0, 4), slice(0, 4))
    np.testing.assert_allclose(asked[1][corner], (0.5 * pictures + 0.5 * mean)[corner])
    np.testing.assert_allclose(asked[2][corner], np.broadcast_to(mean, pictures.shape)[corner])
    rest = np.ones((8, 8), dtype=bool)
    rest[:4, :4] = False
    np.testing.assert_array_equal(asked[2][:, rest], pictures[:, rest])


def test_more_regions_than_columns_do_no_harm() -> None:
    x = np.random.default_rng(0).normal(size=(30, 2))
    answers, asked = ask(Canvas(regions=5, radii=(0.5,)), x)
    assert answers.shape == (30, 6, 1)
    assert sum(not np.array_equal(copy, x) for copy in asked) == 2


def test_the_seed_deals_the_columns_and_the_noise() -> None:
    x = np.random.default_rng(0).normal(size=(30, 6))
    first, again, other = (ask(Canvas(seed=seed), x)[1][1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_attack_hands_its_options_on() -> None:
    attack = ResponseCanvas(regions=3, columns=("a",), radii=(0.5,), seed=2)
    assert attack.questions == (Canvas(regions=3, columns=("a",), radii=(0.5,), seed=2),)
