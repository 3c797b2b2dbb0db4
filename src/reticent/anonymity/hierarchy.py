"""How the values of a column are made more general: a tree, from each value up to `*`.

The leaves stand in such an order that every node covers a run of them, so a set of values is known by its
first and last leaf, and its most particular common name is the lowest node over both.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from reticent.access import IntArray
from reticent.errors import DataError, PlanError

ROOT = "*"
"""The node over everything: it says nothing."""

MISSING = "(missing)"
"""The leaf of a missing value."""

Nested = Mapping[str, "Nested"] | Sequence[str]
"""A tree as a plan holds it: names of nodes, and lists of values at the end. Values named under `*` hang
directly where it stands."""

Path_ = tuple[str, ...]


@dataclass(frozen=True)
class Hierarchy:
    """A tree of values.

    Attributes:
        paths: (leaves,) for each value its own name and then those of the nodes above it, the root left out.
            Values that share a node stand together.
    """

    paths: tuple[Path_, ...]

    def __post_init__(self) -> None:
        leaves = [path[0] for path in self.paths]
        if (
            twice := {name for name in leaves if leaves.count(name) > 1}
            if len(set(leaves)) < len(leaves)
            else ()
        ):
            raise PlanError(f"a hierarchy holds the value {min(twice)!r} twice; name each value once")
        above: dict[str, Path_] = {}
        for path in self.paths:
            for place, node in enumerate(path[1:], 1):
                if (
                    node == ROOT
                    or node in path[:place]
                    or above.setdefault(node, path[place:]) != path[place:]
                ):
                    raise PlanError(
                        f"a hierarchy holds the node {node!r} in two places; give each node a name of its own"
                    )
        if clash := sorted(set(leaves) & (above.keys() | {ROOT})):
            raise PlanError(f"a hierarchy calls both a value and a node {clash[0]!r}; rename the node")

    @classmethod
    def flat(cls, values: Iterable[str]) -> Hierarchy:
        """Every value directly under the root: it is said, or nothing is."""
        return cls(tuple((value,) for value in values))

    @classmethod
    def from_paths(cls, paths: Iterable[Sequence[str]]) -> Hierarchy:
        """Lines as ARX writes them: a value, then what it becomes step by step; the last `*` may lack."""
        cut = [tuple(p[:-1] if len(p) > 1 and p[-1] == ROOT else p) for p in paths]
        # Together by their topmost node, then the next, in the order in which nodes are first met.
        met: dict[str, int] = {}
        for path in cut:
            for node in path:
                met.setdefault(node, len(met))
        return cls(tuple(sorted(cut, key=lambda path: [met[node] for node in reversed(path)])))

    @classmethod
    def from_tree(cls, tree: Nested) -> Hierarchy:
        """Nested names: `{"employed": {"state": ["federal", "local"], "*": ["private"]}, "*": ["none"]}`.

        Raises:
            PlanError: a value or node named twice, or neither a table nor a list of texts.
        """
        return cls.from_paths(_paths(tree, ()))

    def with_missing(self) -> Hierarchy:
        """The same with a last leaf for missing values, which are like no other."""
        return Hierarchy((*self.paths, (MISSING,)))

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """The values, in order."""
        return tuple(path[0] for path in self.paths)

    @cached_property
    def ancestors(self) -> IntArray:
        """(depth + 1, leaves) the node over each leaf at each depth, the root first; a leaf goes on below
        itself."""
        depth = max((len(p) for p in self.paths), default=0)
        found = np.zeros((depth + 1, len(self.paths)), dtype=np.int64)
        number = {name: i for i, name in enumerate(self.nodes)}
        for leaf, path in enumerate(self.paths):
            down = [number[name] for name in reversed(path)]
            found[1:, leaf] = down + [down[-1]] * (depth - len(down))
        return found

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """Every name, the root first."""
        return (ROOT, *dict.fromkeys(name for path in self.paths for name in reversed(path)))

    @cached_property
    def sizes(self) -> IntArray:
        """(nodes,) how many leaves each node covers."""
        counts = np.zeros(len(self.nodes), dtype=np.int64)
        for path in self.paths:
            for name in (ROOT, *path):
                counts[self._number[name]] += 1
        return counts

    @cached_property
    def _number(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.nodes)}

    @cached_property
    def first(self) -> IntArray:
        """(nodes,) the first leaf that each node covers."""
        firsts = np.zeros(len(self.nodes), dtype=np.int64)
        for leaf in reversed(range(len(self.paths))):
            for name in (ROOT, *self.paths[leaf]):
                firsts[self._number[name]] = leaf
        return firsts

    @cached_property
    def heights(self) -> IntArray:
        """(nodes,) steps from each node down to the lowest leaf under it; a leaf has none."""
        steps = np.zeros(len(self.nodes), dtype=np.int64)
        for path in self.paths:
            for height, name in enumerate((*path, ROOT)):
                steps[self._number[name]] = max(steps[self._number[name]], height)
        return steps

    @cached_property
    def above(self) -> IntArray:
        """(nodes,) the node over each; the root is over itself."""
        over = np.zeros(len(self.nodes), dtype=np.int64)
        for path in self.paths:
            for name, node in zip(path, (*path[1:], ROOT), strict=True):
                over[self._number[name]] = self._number[node]
        return over

    def common(self, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
        """The lowest node over leaves `low` to `high` (sets,), and its depth (0: the root)."""
        node, depth = np.zeros_like(low), np.zeros_like(low)
        for level in range(1, len(self.ancestors)):
            a, b = self.ancestors[level, low], self.ancestors[level, high]
            node, depth = np.where(a == b, a, node), np.where(a == b, level, depth)
        return node, depth

    def code(self, values: Sequence[str], column: str) -> IntArray:
        """(values,) positions of the leaves.

        Raises:
            DataError: the hierarchy lacks a value.
        """
        place = {leaf: i for i, leaf in enumerate(self.leaves)}
        for value in values:
            if value not in place:
                raise DataError(
                    f"the hierarchy of {column!r} lacks the value {value!r}; add it, under '*' where it is "
                    "like no other"
                )
        return np.array([place[value] for value in values], dtype=np.int64)


def _paths(tree: Nested, above: Path_) -> list[Path_]:
    if isinstance(tree, Mapping):
        found: list[Path_] = []
        for name, below in tree.items():
            found += _paths(below, above if name == ROOT else (str(name), *above))
        return found
    if isinstance(tree, Sequence) and not isinstance(tree, str) and all(isinstance(v, str) for v in tree):
        return [(value, *above) for value in tree]
    raise PlanError(
        f"a hierarchy holds {tree!r} where a list of values or a table of nodes is expected; write "
        'node = ["value", "value"]'
    )


def read_hierarchies(path: Path) -> dict[str, Hierarchy]:
    """Read hierarchies: a TOML file with a table a column, or a CSV file of one column named as the file.

    A line of the CSV is a value, then what it becomes step by step, with commas or semicolons between.

    Raises:
        PlanError: it does not read, or holds no tree.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"the hierarchies {str(path)!r} don't read; give a TOML or CSV file") from error
    if path.suffix == ".csv":
        lines = csv.reader(text.splitlines(), delimiter=";" if ";" in text else ",")
        return {path.stem: Hierarchy.from_paths([line for line in lines if line])}
    try:
        trees = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"the hierarchies {str(path)!r} are not TOML ({error}); mend that line") from error
    return {column: Hierarchy.from_tree(tree) for column, tree in trees.items()}
