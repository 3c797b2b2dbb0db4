"""The distribution of a tree of columns that comes nearest to noisy counts.

On a tree, tables of single columns and of joined pairs that agree with each other are those of some
distribution, and belief propagation is exact (Pearl 1988; Wainwright & Jordan 2008, section 4.1). Among
them the ones nearest to what was measured, in squares weighed by the noise, are found by entropic mirror
descent (McKenna, Sheldon & Miklau 2019, arXiv:1901.09136, algorithm 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.noise import Dice
from reticent.synthesis.selection import Edge

Tables = list[FloatArray]


@dataclass(frozen=True, eq=False)
class Tree:
    """A distribution over columns, each pair of neighbours of which is known.

    Attributes:
        nodes: of each column (its cells,), probabilities.
        edges: pairs of columns that are joined.
        pairs: of each edge (cells of the one, cells of the other), probabilities that agree with `nodes`.
    """

    nodes: tuple[FloatArray, ...]
    edges: tuple[Edge, ...] = ()
    pairs: tuple[FloatArray, ...] = ()

    def sample(self, rows: int, dice: Dice) -> IntArray:
        """(rows, columns) cells, drawn so that counts are those expected but for rounding.

        Each column is shared out among the rows that have one value of its parent, remainders by lot
        (McKenna, Miklau & Sheldon 2021, section 4): independent draws would add noise of their own.
        """
        made = np.zeros((rows, len(self.nodes)), np.int64)
        for column, parent, pair in self._order():
            if parent is None or pair is None:
                made[:, column] = shared_out(rows, self.nodes[column], dice)
                continue
            for value in np.unique(made[:, parent]):
                where = np.flatnonzero(made[:, parent] == value)
                made[where, column] = shared_out(len(where), pair[value], dice)
        return made

    def _order(self) -> list[tuple[int, int | None, FloatArray | None]]:
        """Every column after its parent, with their table, the parent first."""
        order: list[tuple[int, int | None, FloatArray | None]] = []
        for column, parent, edge in _rooted(len(self.nodes), self.edges):
            if edge is None:
                order.append((column, None, None))
                continue
            pair = self.pairs[edge]
            order.append((column, parent, pair if self.edges[edge][0] == parent else pair.T))
        return order


def nearest_tree(
    alone: Sequence[FloatArray],
    edges: Sequence[Edge],
    pairs: Sequence[FloatArray],
    weights: Sequence[FloatArray],
    pair_weight: float,
    *,
    steps: int = 500,
) -> Tree:
    """The tree nearest to measured shares.

    Args:
        alone: of each column (its cells,), its shares with noise.
        pairs: of each edge, its shares with noise.
        weights: of each column (its cells,), one over the variances of `alone`.
        pair_weight: one over the variance of each of `pairs`.
        steps: of mirror descent, at most.
    """
    top = max(pair_weight, max(float(w.max()) for w in weights))
    scaled, scale = [w / top for w in weights], pair_weight / top
    order = _rooted(len(alone), edges)

    def off(nodes: Tables, joint: Tables) -> tuple[float, Tables, Tables]:
        at_nodes: Tables = [w * (m - y) for w, m, y in zip(scaled, nodes, alone, strict=True)]
        at_pairs: Tables = [scale * (m - y) for m, y in zip(joint, pairs, strict=True)]
        squares = [float((g * (m - y)).sum()) for g, m, y in zip(at_nodes, nodes, alone, strict=True)]
        squares += [float((g * (m - y)).sum()) for g, m, y in zip(at_pairs, joint, pairs, strict=True)]
        return sum(squares) / 2, at_nodes, at_pairs

    # Columns independent of each other, to begin with
    at: Tables = [np.log(np.maximum(simplex(y), 1e-9)) for y in alone]
    between: Tables = [np.zeros(p.shape) for p in pairs]
    nodes, joint = _propagated(at, between, edges, order)
    loss, at_nodes, at_pairs = off(nodes, joint)
    step = 1.0
    for _ in range(steps):
        while True:
            new_at: Tables = [t - step * g for t, g in zip(at, at_nodes, strict=True)]
            new_between: Tables = [t - step * g for t, g in zip(between, at_pairs, strict=True)]
            nodes_, joint_ = _propagated(new_at, new_between, edges, order)
            less, new_at_nodes, new_at_pairs = off(nodes_, joint_)
            fall = sum(float((g * (a - b)).sum()) for g, a, b in zip(at_nodes, nodes, nodes_, strict=True))
            fall += sum(float((g * (a - b)).sum()) for g, a, b in zip(at_pairs, joint, joint_, strict=True))
            if loss - less >= fall / 2 or step < 1e-9:  # Armijo
                break
            step /= 2
        done = loss - less <= 1e-7 * loss
        at, between, nodes, joint = new_at, new_between, nodes_, joint_
        loss, at_nodes, at_pairs = less, new_at_nodes, new_at_pairs
        step *= 1.5
        if done:
            break
    return Tree(tuple(nodes), tuple(edges), tuple(joint))


def simplex(values: FloatArray) -> FloatArray:
    """The nearest probabilities to some numbers (Duchi et al. 2008, figure 1)."""
    ordered = np.sort(values)[::-1]
    over = (np.cumsum(ordered) - 1) / np.arange(1, len(values) + 1)
    shares: FloatArray = np.maximum(values - over[np.flatnonzero(ordered > over)[-1]], 0.0)
    return shares


def _propagated(
    at: Tables, between: Tables, edges: Sequence[Edge], order: list[tuple[int, int | None, int | None]]
) -> tuple[Tables, Tables]:
    """Probabilities of columns and of joined pairs, from their logarithms' parts: up to the root and down."""
    up: list[FloatArray] = [t.copy() for t in at]  # what a column and those below it say of it
    said: dict[int, FloatArray] = {}  # of each edge, what it says of the parent
    for column, parent, edge in reversed(order):
        if parent is not None and edge is not None:
            table = between[edge] if edges[edge][0] == parent else between[edge].T
            said[edge] = _log_sum(table + up[column][None, :])
            up[parent] = up[parent] + said[edge]
    whole: list[FloatArray] = list(up)  # with what those above say of it
    joint: Tables = [np.zeros(0)] * len(edges)
    for column, parent, edge in order:
        if parent is not None and edge is not None:
            first = edges[edge][0] == parent
            table = between[edge] if first else between[edge].T
            both = table + up[column][None, :] + (whole[parent] - said[edge])[:, None]
            shares = np.exp(both - both.max())
            shares /= shares.sum()
            joint[edge] = shares if first else shares.T
            whole[column] = up[column] + _log_sum((table + (whole[parent] - said[edge])[:, None]).T)
    nodes = [np.exp(w - w.max()) for w in whole]
    return [n / n.sum() for n in nodes], joint


def _log_sum(table: FloatArray) -> FloatArray:
    top = table.max(axis=1)
    summed: FloatArray = top + np.log(np.exp(table - top[:, None]).sum(axis=1))
    return summed


def _rooted(columns: int, edges: Sequence[Edge]) -> list[tuple[int, int | None, int | None]]:
    """(column, its parent, their edge), parents first; columns that nothing joins have none."""
    order: list[tuple[int, int | None, int | None]] = []
    seen: set[int] = set()
    for root in range(columns):
        if root in seen:
            continue
        seen.add(root)
        order.append((root, None, None))
        at = len(order) - 1
        while at < len(order):
            here = order[at][0]
            for number, pair in enumerate(edges):
                if here in pair and (other := pair[0] + pair[1] - here) not in seen:
                    seen.add(other)
                    order.append((other, here, number))
            at += 1
    return order


def shared_out(rows: int, shares: FloatArray, dice: Dice) -> IntArray:
    """(rows,) values in an order drawn at random, as many of each as its share says, remainders by lot."""
    total = float(shares.sum())
    wanted = rows * (shares / total if total > 0 else np.full(len(shares), 1 / len(shares)))
    whole = np.floor(wanted).astype(np.int64)
    if left := rows - int(whole.sum()):
        # Without replacement, by weight: the smallest of exponential times (Efraimidis & Spirakis 2006)
        weight = np.maximum(wanted - whole, 1e-12)
        times = -np.log1p(-dice.uniform(len(weight))) / weight
        whole[np.argsort(times)[:left]] += 1
    return dice.shuffled(np.repeat(np.arange(len(shares)), whole))
