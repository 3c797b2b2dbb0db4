"""Mondrian in plain Python, class by class: the slow reference of `reticent.anonymity.mondrian`.

It makes the same classes by the same rule (k alone, strict) with lists and dictionaries, and shares no code
with it. The benchmark measures it beside ours; the tests compare the classes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    """A column of numbers: (values,) rising."""

    values: list[float]


class Tree:
    """A column of categories.

    Attributes:
        down: for each leaf, the nodes from the root to it.
        sizes: leaves under each node, a node being the path to it.
        firsts: the first of them.
    """

    def __init__(self, down: list[tuple[str, ...]]) -> None:
        self.down = down
        self.sizes: dict[tuple[str, ...], int] = {}
        self.firsts: dict[tuple[str, ...], int] = {}
        for leaf, path in enumerate(down):
            for depth in range(1, len(path) + 1):
                self.sizes[path[:depth]] = self.sizes.get(path[:depth], 0) + 1
                self.firsts.setdefault(path[:depth], leaf)


def mondrian(rows: list[tuple[int, ...]], kinds: list[Number | Tree], k: int) -> list[list[int]]:
    """Classes of positions in `rows`, each a tuple of codes."""
    classes, open_ = [], [(list(range(len(rows))), frozenset())]
    while open_:
        members, barred = open_.pop()
        widths = [
            0.0 if j in barred else width([rows[i][j] for i in members], kind) for j, kind in enumerate(kinds)
        ]
        if max(widths) <= 0:
            classes.append(members)
            continue
        j = widths.index(max(widths))
        sides = cut(members, [rows[i][j] for i in members], kinds[j], k)
        open_ += [(side, frozenset()) for side in sides] if len(sides) > 1 else [(members, barred | {j})]
    return classes


def width(codes: list[int], kind: Number | Tree) -> float:
    low, high = min(codes), max(codes)
    if low == high:
        return 0.0
    if isinstance(kind, Number):
        return (kind.values[high] - kind.values[low]) / (kind.values[-1] - kind.values[0])
    return kind.sizes[common(low, high, kind)] / len(kind.down)


def common(low: int, high: int, tree: Tree) -> tuple[str, ...]:
    shared = []
    for a, b in zip(tree.down[low], tree.down[high], strict=False):
        if a != b:
            break
        shared.append(a)
    return tuple(shared)


def cut(members: list[int], codes: list[int], kind: Number | Tree, k: int) -> list[list[int]]:
    groups: dict[int, list[int]] = {}
    depth = 0 if isinstance(kind, Number) else len(common(min(codes), max(codes), kind)) + 1
    for i, code in zip(members, codes, strict=True):
        key = code if isinstance(kind, Number) else kind.firsts[kind.down[code][:depth]]
        groups.setdefault(key, []).append(i)
    ordered = [groups[key] for key in sorted(groups)]
    return halves(ordered, len(members), k) if isinstance(kind, Number) else children(ordered, k)


def halves(groups: list[list[int]], total: int, k: int) -> list[list[int]]:
    best, left = None, 0
    for place, group in enumerate(groups):
        right = total - left
        if left >= k and right >= k and (best is None or abs(right - left) < best[0]):
            best = abs(right - left), place
        left += len(group)
    if best is None:
        return []
    sides = groups[: best[1]], groups[best[1] :]
    return [[i for group in side for i in group] for side in sides]


def children(groups: list[list[int]], k: int) -> list[list[int]]:
    own = [g for g in groups if len(g) >= k]
    rest = [i for g in groups if len(g) < k for i in g]
    if 0 < len(rest) < k and own:
        smallest = min(own, key=len)
        own.remove(smallest)
        rest += smallest
    return own + ([rest] if rest else [])
