"""Keys of content: everything that could change a result changes the key, and nothing else does."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

from reticent.access import Access
from reticent.fingerprint import fingerprint


@dataclass(frozen=True)
class Options:
    share: float = 0.5
    inner: object = None


@dataclass(frozen=True)
class OtherOptions:
    share: float = 0.5
    inner: object = None


def frame(column, **options):
    return pd.DataFrame({"a": pd.Series(column, **options)})


def category(values, **options):
    return pd.DataFrame({"a": pd.Categorical(values, **options)})


def closing_over(value):
    return lambda x: x + value


def ragged(*items):
    array = np.empty(len(items), object)
    array[:] = items
    return array


def with_default(x, y=1):
    return x + y


LONG = np.arange(2000.0)
OTHER = np.where(LONG == 1000, -1.0, LONG)  # printed, the two look alike
BESIDE = [lambda x: x + 1, lambda x: x + 2]  # of one line of source
TREE = DecisionTreeClassifier

DIFFERENT = {
    "where a text ends": (("ab", "c"), ("a", "bc")),
    "how parts are grouped": ((["a"], "b"), (["a", "b"],)),
    "None and its name": ((None,), ("None",)),
    "bool and int": ((True,), (1,)),
    "int and float": ((1,), (1.0,)),
    "text and bytes": (("a",), (b"a",)),
    "a set and a list": (({1, 2},), ([1, 2],)),
    "a mapping's value": (({"a": 1},), ({"a": 2},)),
    "a mapping's keys": (({"a": 1, "b": 2},), ({"a": 2, "b": 1},)),
    "a date": ((date(2020, 1, 1),), (date(2020, 1, 2),)),
    "a choice": ((Access.LABELS,), (Access.SCORES,)),
    "array bytes": ((np.array([1, 2]),), (np.array([1, 3]),)),
    "array dtype": ((np.zeros(2, np.int64),), (np.zeros(2, np.float64),)),
    "array byte order": ((np.zeros(2, "<i4"),), (np.zeros(2, ">i4"),)),
    "array shape": ((np.zeros((2, 3)),), (np.zeros((3, 2)),)),
    "array field names": ((np.zeros(2, [("a", "f4")]),), (np.zeros(2, [("b", "f4")]),)),
    "array order": ((np.array([[1, 2], [3, 4]]),), (np.array([[1, 3], [2, 4]]),)),
    "object array items": ((ragged("a", None),), (ragged("a", "None"),)),
    "object array kinds": ((ragged("1"),), (ragged(1),)),
    "long arrays within an array": ((ragged(LONG),), (ragged(OTHER),)),
    "missing of two kinds": ((ragged(None),), (ragged(np.nan),)),
    "numpy strings": (
        (np.array(["a"], np.dtypes.StringDType()),),
        (np.array(["b"], np.dtypes.StringDType()),),
    ),
    "table values": ((frame([1, 2]),), (frame([1, 3]),)),
    "table row order": ((frame([1, 2]),), (frame([2, 1]),)),
    "table dtype": ((frame([1, 2]),), (frame([1.0, 2.0]),)),
    "table missing": ((frame([1.0, np.nan]),), (frame([1.0, 0.0]),)),
    "nullable missing": ((frame([1, None], dtype="Int64"),), (frame([1, 0], dtype="Int64"),)),
    "text missing": ((frame(["a", None]),), (frame(["a", "nan"]),)),
    "object missing of two kinds": (
        (frame(["a", None], dtype=object),),
        (frame(["a", np.nan], dtype=object),),
    ),
    "mixed objects": ((frame([1, "b"], dtype=object),), (frame(["1", "b"], dtype=object),)),
    "long arrays in a column": ((frame([LONG], dtype=object),), (frame([OTHER], dtype=object),)),
    "table column name": ((pd.DataFrame({"a": [1]}),), (pd.DataFrame({"b": [1]}),)),
    "table column name's kind": ((pd.DataFrame({0: [1]}),), (pd.DataFrame({"0": [1]}),)),
    "table column order": (
        (pd.DataFrame({"a": [1], "b": [2]}),),
        (pd.DataFrame({"b": [2], "a": [1]}),),
    ),
    "table width": ((pd.DataFrame({"a": [1]}),), (pd.DataFrame({"a": [1], "b": [1]}),)),
    "category values": ((category(["x", "y"]),), (category(["y", "x"]),)),
    "categories not in use": ((category(["x"]),), (category(["x"], categories=["x", "z"]),)),
    "category order": (
        (category(["x", "y"], categories=["x", "y"]),),
        (category(["x", "y"], categories=["y", "x"]),),
    ),
    "ordered categories": ((category(["x", "y"]),), (category(["x", "y"], ordered=True),)),
    "category and text": ((category(["x"]),), (frame(["x"]),)),
    "long pandas array": ((pd.array(LONG),), (pd.array(OTHER),)),
    "series": ((pd.Series([1, 2]),), (pd.Series([1, 3]),)),
    "an option": ((Options(0.5),), (Options(0.6),)),
    "a nested option": ((Options(inner=Options(0.5)),), (Options(inner=Options(0.6)),)),
    "the class of options": ((Options(),), (OtherOptions(),)),
    "class": ((Options,), (OtherOptions,)),
    "function source": ((lambda x: x + 1,), (lambda x: x + 2,)),
    "functions of one line": ((BESIDE[0],), (BESIDE[1],)),
    "function default": ((lambda x, y=1: x,), (lambda x, y=2: x,)),
    "function keyword default": ((lambda x, *, y=1: x,), (lambda x, *, y=2: x,)),
    "function closure": ((closing_over(1),), (closing_over(2),)),
    "function closing over arrays": ((closing_over(LONG),), (closing_over(OTHER),)),
    "partial": ((functools.partial(with_default, 1),), (functools.partial(with_default, 2),)),
    "partial keyword": ((functools.partial(with_default, y=1),), (functools.partial(with_default, y=2),)),
    "estimator class": ((TREE(),), (AdaBoostClassifier(),)),
    "estimator option": ((TREE(max_depth=1),), (TREE(max_depth=2),)),
    "nested estimator option": (
        (AdaBoostClassifier(TREE(max_depth=1)),),
        (AdaBoostClassifier(TREE(max_depth=2)),),
    ),
}


@pytest.mark.parametrize(("a", "b"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_each_ingredient_changes_the_key(a, b):
    assert fingerprint(*a) != fingerprint(*b)


def everything():
    return [
        {"b": {frozenset({"x", "yy", "zzz"}), frozenset({"ab", "cd"})}, "a": {"p", "q", "r"}},
        np.array([["a", None], [1.5, True]], object),
        np.arange(6).reshape(2, 3),
        pd.DataFrame({"n": [1.0, np.nan], "t": ["x", None], "c": pd.Categorical(["u", "v"]), "o": [1, "b"]}),
        Options(inner=Options()),
        BESIDE[0],
        closing_over({"s", "t", "u"}),
        AdaBoostClassifier(TREE(max_depth=3)),
        Access.LOGITS,
    ]


def test_equal_content_has_an_equal_key_here_and_in_other_processes():
    assert fingerprint(everything()) == fingerprint(everything())
    here = Path(__file__)
    code = (
        f"import sys; sys.path.insert(0, {str(here.parent)!r}); import {here.stem} as t; "
        "from reticent.fingerprint import fingerprint; print(fingerprint(t.everything()))"
    )
    keys = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert len(keys) == 1


@given(st.dictionaries(st.text(max_size=3), st.integers()), st.randoms(use_true_random=False))
@settings(derandomize=True, max_examples=50, deadline=None)
def test_mappings_and_sets_have_no_order(mapping, random):
    items = list(mapping.items())
    random.shuffle(items)
    assert fingerprint(mapping) == fingerprint(dict(items))
    assert fingerprint(set(mapping)) == fingerprint({key for key, _ in items})


@given(st.lists(st.text(max_size=2), max_size=4), st.lists(st.text(max_size=2), max_size=4))
@settings(derandomize=True, max_examples=200, deadline=None)
def test_lists_of_texts_share_a_key_only_if_equal(a, b):
    assert (fingerprint(a) == fingerprint(b)) == (a == b)
    assert (fingerprint(*a) == fingerprint(*b)) == (a == b)


def test_a_layout_in_memory_is_no_content():
    array = np.arange(12).reshape(3, 4)
    assert fingerprint(array) == fingerprint(np.asfortranarray(array))
    table = pd.DataFrame({"a": [1, 2, 3]})
    assert fingerprint(table[1:]) == fingerprint(table[1:].reset_index(drop=True))


def test_a_thing_that_says_its_own_is_believed():
    class Told:
        def __init__(self, name):
            self.name = name

        def fingerprint(self):
            return self.name

    assert fingerprint(Told("a")) == fingerprint(Told("a")) != fingerprint(Told("b"))


def test_a_class_without_source_is_told_by_what_it_defines():
    def made(returned, constant=1):
        space = {"__name__": "prompt"}
        exec(f"class Made:\n  share = {constant}\n  def f(self): return {returned}", space)
        return space["Made"]

    assert fingerprint(made(1)) == fingerprint(made(1))
    assert len({fingerprint(made(1)), fingerprint(made(2)), fingerprint(made(1, 2))}) == 3


def holding_itself():
    def f(n):
        return f(n - 1) if n else 0

    return f


@pytest.mark.parametrize(
    "unknown",
    [
        object(),
        (x for x in ()),
        [object()],
        {"a": object()},
        ragged(object()),
        closing_over(object()),
        holding_itself(),
    ],
    ids=["object", "generator", "in a list", "in a mapping", "in an array", "in a closure", "holds itself"],
)
def test_what_cannot_be_read_has_no_key(unknown):
    with pytest.raises(TypeError, match="no fingerprint"):
        fingerprint(unknown)
