"""Reads a defence as a plan file holds it: `dp_sgd(epsilon=3) | round_scores(2)`, words and plain
values only."""

from __future__ import annotations

import ast

from reticent import defences
from reticent.defences.defence import Composed, Defence
from reticent.errors import PlanError

TYPES = ("Composed", "DataDefence", "Defence", "OutputDefence", "TrainingDefence", "harden")
"""Names of the package that are no words."""


def words() -> list[str]:
    """Every word there is."""
    return [name for name in defences.__all__ if name not in TYPES]


def read_defence(text: str) -> Defence:
    """Read words joined by `|`, options in brackets. Nothing is evaluated but numbers, words and tuples of
    them.

    Raises:
        PlanError: it does not read, a word that there is not, an option that a word has not.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise PlanError(
            f"the defence {text!r} does not read; write words joined by |, as in 'dp_sgd(epsilon=3) | "
            "round_scores(2)'"
        ) from error
    return _read(tree, text)


def _read(tree: ast.expr, text: str) -> Defence:
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.BitOr):
        return _read(tree.left, text) | _read(tree.right, text)
    if isinstance(tree, ast.Name):
        return _called(tree.id, [], {}, text)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
        named = {k.arg: _value(k.value, text) for k in tree.keywords if k.arg is not None}
        if len(named) == len(tree.keywords):
            return _called(tree.func.id, [_value(a, text) for a in tree.args], named, text)
    raise PlanError(
        f"the defence {text!r} holds {ast.unparse(tree)!r}, which is no word; write words joined by |, "
        "options in brackets"
    )


def _called(word: str, given: list[object], named: dict[str, object], text: str) -> Defence:
    if word not in words():
        raise PlanError(f"there is no defence {word!r}; known: {', '.join(words())}")
    try:
        made: Defence = getattr(defences, word)(*given, **named)
    except TypeError as error:
        raise PlanError(
            f"{word} in {text!r} does not take these options ({error}); see help({word})"
        ) from error
    return made if isinstance(made, Defence) else Composed()


def _value(tree: ast.expr, text: str) -> object:
    try:
        return ast.literal_eval(tree)
    except ValueError as error:
        raise PlanError(
            f"the option {ast.unparse(tree)!r} in {text!r} is no plain value; give a number, a word in "
            "quotes or a tuple"
        ) from error
