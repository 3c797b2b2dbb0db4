"""Hierarchies: the same tree however it is written, its lowest common nodes, and what is no tree."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.anonymity.hierarchy import ROOT, Hierarchy, read_hierarchies
from reticent.errors import DataError, PlanError

TREE = {"gov": {"near": ["city", "county"], "*": ["federal"]}, "*": ["none"], "self": ["inc", "own"]}


def test_nodes_cover_runs_of_leaves():
    tree = Hierarchy.from_tree(TREE)
    for number, node in enumerate(tree.nodes):
        under = [i for i, path in enumerate(tree.paths) if node in (*path, ROOT)]
        assert under == list(range(tree.first[number], tree.first[number] + tree.sizes[number]))


def test_the_lowest_node_over_leaves_is_the_one_a_person_would_name():
    tree = Hierarchy.from_tree(TREE)
    at = {leaf: i for i, leaf in enumerate(tree.leaves)}
    for a in tree.leaves:
        for b in tree.leaves:
            low, high = sorted((at[a], at[b]))
            node, _ = tree.common(np.array([low]), np.array([high]))
            above = [n for n in (*tree.paths[at[a]], ROOT) if n in (*tree.paths[at[b]], ROOT)]
            assert tree.nodes[node[0]] == above[0]


def test_a_tree_reads_the_same_from_every_file(tmp_path):
    (tmp_path / "h.toml").write_text('[job]\n"*" = ["none"]\ngov = ["federal", "local"]\n')
    (tmp_path / "job.csv").write_text("none;*\nfederal;gov;*\nlocal;gov;*\n")
    trees = [read_hierarchies(tmp_path / name)["job"] for name in ("h.toml", "job.csv")]
    trees.append(Hierarchy.from_paths([("none",), ("federal", "gov"), ("local", "gov")]))
    assert trees[0] == trees[1] == trees[2]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Hierarchy.flat(["a", "a"]), "holds the value 'a' twice"),
        (lambda: Hierarchy.from_paths([("a", "x", "y"), ("b", "x", "z")]), "the node 'x' in two places"),
        (lambda: Hierarchy.from_paths([("a", "b"), ("b", "x")]), "both a value and a node 'b'"),
        (lambda: Hierarchy.from_tree({"x": [1, 2]}), "a list of values or a table of nodes"),
        (lambda: Hierarchy.from_tree({"x": "abc"}), "a list of values or a table of nodes"),
    ],
)
def test_what_is_no_tree_is_refused(make, sentence):
    with pytest.raises(PlanError, match=sentence):
        make()


def test_a_value_that_is_not_there_is_named():
    with pytest.raises(DataError, match="hierarchy of 'job' lacks the value 'pilot'"):
        Hierarchy.from_tree(TREE).code(["city", "pilot"], "job")


def test_files_that_do_not_read_are_refused(tmp_path):
    (tmp_path / "bad.toml").write_text("x = [")
    with pytest.raises(PlanError, match="are not TOML"):
        read_hierarchies(tmp_path / "bad.toml")
    with pytest.raises(PlanError, match="don't read"):
        read_hierarchies(tmp_path / "none.toml")
