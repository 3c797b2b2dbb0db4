"""How far records lie from where a model changes its mind, found by asking for labels alone.

Records made of numbers are measured by HopSkipJump (Chen, Jordan & Wainwright 2020, arXiv:1904.02144),
in spreads of the columns; records with bits or categories by the fewest changes that are found to alter
the label. Both start from another record that the model answers differently and walk towards the record
measured. All records walk side by side: each step is one batch over all of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.attacks.perturb import Kind, Sheet

FEWEST = 40
"""Queries a record that a distance takes at least."""

DONORS = 500
"""Records among which each one's starting point is looked for."""

BISECTIONS, STRIDES, PROBES = 6, 4, 10
"""Queries of one search along a line, of one choice of a stride, and of the first estimate of a normal."""

Away = Callable[[FloatArray], BoolArray]
"""Says of points (records, columns of the sheet) whether the model names another class there than each
record's own."""


def nearest_foes(
    sheet: Sheet, answered: IntArray, labels: IntArray, rng: np.random.Generator
) -> tuple[FloatArray, BoolArray]:
    """Find for each record the nearest of some others that the model does not answer with its label.

    Args:
        answered: (records,) classes that the model named.
        labels: (records,) true classes.

    Returns:
        Their values (records, columns), and (records,) False where there is none: the record stands in.
    """
    from scipy.spatial.distance import cdist

    chosen = rng.permutation(len(sheet))[:DONORS]
    number = sheet.movable[sheet.kinds[sheet.movable] == Kind.NUMBER]
    other = sheet.movable[sheet.kinds[sheet.movable] != Kind.NUMBER]
    numbers = np.nan_to_num((sheet.values[:, number] - sheet.centre[number]) / sheet.spread[number])
    others = np.nan_to_num(sheet.values[:, other], nan=-1.0)
    far = cdist(numbers, numbers[chosen], "sqeuclidean")
    if len(other):
        far += len(other) * cdist(others, others[chosen], "hamming")
    foe = answered[chosen] != labels[:, None]
    nearest = chosen[np.where(foe, far, np.inf).argmin(axis=1)]
    found = foe.any(axis=1)
    return np.where(found[:, None], sheet.values[nearest], sheet.values), found


def cost(sheet: Sheet, columns: IntArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """What it counts to change `a` into `b` in these columns, elementwise, 0 to 1.

    A bit or category counts 1, a number the spreads between the two, 1 at most; so does a missing value.
    """
    spreads = np.abs(a - b) / sheet.spread[columns]
    whole = np.where(sheet.kinds[columns] == Kind.NUMBER, spreads, np.ceil(spreads))
    missing = np.where(np.isnan(a) & np.isnan(b), 0.0, 1.0)
    return np.where(np.isnan(spreads), missing, np.minimum(whole, 1.0))


def fewest_changes(
    sheet: Sheet, start: FloatArray, away: Away, queries: int, rng: np.random.Generator
) -> FloatArray:
    """Return (records,) the cost of the cheapest changes found that keep the point away.

    Greedy, from above: random parts of the changes are taken back, and stay so wherever the model still
    names another class; the parts are halved when it does not, down to single columns.

    Args:
        start: (records, columns) points that are away.
        queries: labels asked for each record.
    """
    columns = sheet.movable
    own, point = sheet.values[:, columns], start[:, columns].copy()
    price = cost(sheet, columns, own, point)
    values, share = sheet.values.copy(), np.full(len(own), 0.5)
    for _ in range(queries):
        draw = np.where(price > 0, rng.random(price.shape, dtype=np.float32), 2)
        back = draw <= np.maximum(share, draw.min(axis=1))[:, None]
        values[:, columns] = np.where(back, own, point)
        kept = away(values)
        point[kept], price[kept] = values[kept][:, columns], np.where(back[kept], 0, price[kept])
        share = np.where(kept, share, np.maximum(share / 2, 1e-6))
    total: FloatArray = price.sum(axis=1)
    return total


def hop_skip_jump(
    sheet: Sheet, start: FloatArray, away: Away, queries: int, rng: np.random.Generator
) -> FloatArray:
    """Return (records,) Euclidean distances to the boundary, in spreads of the columns.

    Each round estimates the boundary's normal by random probes around the nearest point known to be away,
    strides along it, and searches the line back to the record. A closer point replaces the old one.

    Args:
        start: (records, columns) points that are away.
        queries: labels asked for each record, at least FEWEST − 1.
    """
    columns = sheet.movable
    spread, missing = sheet.spread[columns], np.isnan(sheet.values[:, columns])
    own: FloatArray = np.nan_to_num(sheet.values[:, columns] / spread)
    point: FloatArray = start[:, columns] / spread
    point = np.where(missing | np.isnan(point), own, point)
    low = np.where(missing, own, sheet.low[columns] / spread)  # what is missing stays where it is
    high = np.where(missing, own, sheet.high[columns] / spread)
    values = sheet.values.copy()

    def asked(points: FloatArray) -> BoolArray:
        values[:, columns] = np.where(missing, np.nan, points * spread)
        return away(values)

    point = _search(own, point, asked, 2 * BISECTIONS)
    for number, probes in enumerate(_rounds(queries - 2 * BISECTIONS), start=1):
        distance = _length(point - own)
        radius = distance / (10 if number == 1 else max(len(columns), 1))
        normal = _normal(point, radius, probes, asked, (low, high), rng)
        best = point
        for halving in reversed(range(STRIDES)):  # the longest stride that stays away is kept
            stride = distance / np.sqrt(number) / 2**halving
            tried = np.clip(point + stride[:, None] * normal, low, high)
            best = np.where(asked(tried)[:, None], tried, best)
        best = _search(own, best, asked, BISECTIONS)
        point = np.where((_length(best - own) < distance)[:, None], best, point)
    return _length(point - own)


def _rounds(queries: int) -> list[int]:
    """Probes of each round: growing with its number's root, all queries used."""
    rounds, spent = 0, 0.0
    while spent <= queries:
        rounds += 1
        spent += PROBES * np.sqrt(rounds) + STRIDES + BISECTIONS
    rounds -= 1
    probes = queries - rounds * (STRIDES + BISECTIONS)
    weight = np.sqrt(np.arange(1, rounds + 1))
    ends = np.rint(probes * weight.cumsum() / weight.sum()).astype(int)
    return [int(count) for count in np.diff(ends, prepend=0)]


def _search(own: FloatArray, point: FloatArray, asked: Away, steps: int) -> FloatArray:
    """The point nearest to each record, on the line between them, that is still found away."""
    near: FloatArray
    far: FloatArray
    near, far = np.zeros((len(own), 1), own.dtype), np.ones((len(own), 1), own.dtype)
    for _ in range(steps):
        middle = (near + far) / 2
        kept = asked(own + middle * (point - own))[:, None]
        near, far = np.where(kept, near, middle), np.where(kept, middle, far)
    return own + far * (point - own)


def _normal(
    point: FloatArray,
    radius: FloatArray,
    probes: int,
    asked: Away,
    box: tuple[FloatArray, FloatArray],
    rng: np.random.Generator,
) -> FloatArray:
    """Unit normals (records, columns), towards where the model names another class.

    The mean of random directions, each weighed by whether it leads away, less the mean weight (which
    lowers the estimate's variance: section III of the paper).
    """
    weighed, plain, weights = np.zeros_like(point), np.zeros_like(point), np.zeros((len(point), 1))
    for _ in range(probes):
        direction: FloatArray = rng.standard_normal(point.shape, dtype=np.float32)
        direction /= _length(direction)[:, None]
        tried = np.clip(point + radius[:, None] * direction, *box)
        direction = tried - point
        weight = np.where(asked(tried), 1.0, -1.0)[:, None]
        weighed += weight * direction
        plain += direction
        weights += weight
    normal = weighed - weights / probes * plain
    one_sided = np.abs(weights) == probes  # all probes agree: their mean is all there is
    normal = np.where(one_sided, weights * plain, normal)
    return normal / np.maximum(_length(normal), 1e-12)[:, None]


def _length(rows: FloatArray) -> FloatArray:
    length: FloatArray = np.sqrt((rows * rows).sum(axis=1))
    return length
