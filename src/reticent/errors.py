"""What can go wrong, as one short tree.

    ReticentError              anything this package raises on purpose
    ├── UserError              a mistake that a user can mend; the command line exits with 2
    │   ├── DataError          the records, their columns or labels
    │   ├── ModelError         the model file, its classes, what it answers
    │   ├── PlanError          an option, a plan file, a threshold
    │   └── MissingExtra       an optional library that is not installed
    ├── TargetError            the model under audit threw, or its endpoint failed
    │   └── QueryLimit         the queries allowed are spent
    └── StorageError           a disk that is full or can't be written

Every message is one sentence: what was given, what was expected, what to do.
"""

from __future__ import annotations

import re


class ReticentError(Exception):
    """Anything this package raises on purpose."""

    exit_code = 1


class UserError(ReticentError):
    """A mistake that a user can mend."""

    exit_code = 2


class DataError(UserError):
    """The records, their columns or their labels are not as expected."""


class ModelError(UserError):
    """The model file, its classes or its answers are not as expected."""


class PlanError(UserError):
    """An option, a plan file or a threshold that does not read."""


class MissingExtra(UserError):
    """An optional library is not installed; the message holds the command that installs it."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library} is needed here and not installed: run  pip install 'reticent[{extra}]'")


class TargetError(ReticentError):
    """The model under audit threw, or its endpoint failed; what was learnt so far is kept."""

    exit_code = 2


class QueryLimit(TargetError):
    """The queries allowed are spent."""


class StorageError(ReticentError):
    """A folder or disk that can't be written."""


def said(error: BaseException, *, longest: int = 100) -> str:
    """What another library's error said, in one line, without what it quotes: that may be of a record."""
    text = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "…", " ".join(str(error).split()))
    return f"{type(error).__name__}: {text[:longest]}" if text else type(error).__name__
