"""One hash of whatever could change a result.

A cached figure that outlives its cause is a false all-clear, so keys are made of content: arrays by
their bytes, tables by their columns, options by class, fields and *source code*, functions by their
code and what they close over. Names alone never stand for content.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import inspect
import sys
import sysconfig
import types
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from functools import cache, partial
from pathlib import Path, PurePath
from typing import Any

import numpy as np

_TIMES = datetime.date | datetime.time | datetime.timedelta
_PLAIN = bool | int | float | complex | np.generic | Decimal | _TIMES
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("purelib", "platlib")})


def fingerprint(*parts: object) -> str:
    """Return 32 hex digits that change whenever any of `parts` does.

    Raises:
        TypeError: a part of a kind whose content can't be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        for part in parts:
            _feed(digest, part)
    except RecursionError as error:
        raise TypeError("no fingerprint for what holds itself") from error
    return digest.hexdigest()


def _feed(digest: Any, part: object) -> None:
    # Every value is preceded by its kind and its length, so that ("ab", "c") and ("a", "bc") differ.
    if part is None or part is ... or isinstance(part, _PLAIN | slice):
        _put(digest, type(part).__name__, repr(part).encode())
    elif isinstance(part, str | PurePath):
        _put(digest, "text", str(part).encode())
    elif isinstance(part, bytes):
        _put(digest, "bytes", part)
    elif isinstance(part, np.ndarray):
        _feed_array(digest, part)
    elif isinstance(part, Mapping):
        _put(digest, "mapping", str(len(part)).encode())
        for pair in sorted(fingerprint(key, value) for key, value in part.items()):
            digest.update(pair.encode())
    elif isinstance(part, set | frozenset):
        _put(digest, "set", "".join(sorted(fingerprint(item) for item in part)).encode())
    elif isinstance(part, list | tuple):
        _put(digest, "sequence", str(len(part)).encode())
        for item in part:
            _feed(digest, item)
    elif isinstance(part, type):
        _put(digest, "class", _source(part).encode())
    elif isinstance(part, Enum):
        _put(digest, "choice", f"{_source(type(part))}.{part.name}".encode())
    elif callable(getattr(part, "fingerprint", None)):
        _put(digest, "own", part.fingerprint().encode())  # type: ignore[attr-defined]
    elif dataclasses.is_dataclass(part):
        _put(digest, "dataclass", _source(type(part)).encode())
        for field in dataclasses.fields(part):
            _feed(digest, field.name)
            _feed(digest, getattr(part, field.name))
    elif isinstance(part, partial):
        _feed(digest, (part.func, part.args, part.keywords))
    elif isinstance(part, types.MethodType):
        _feed(digest, (part.__func__, part.__self__))
    elif isinstance(part, types.FunctionType):
        _feed_function(digest, part)
    elif isinstance(part, types.CodeType):
        _feed(digest, ("code", part.co_code, part.co_names, part.co_consts))
    elif isinstance(part, types.BuiltinFunctionType):
        _put(digest, "builtin", f"{part.__module__}.{part.__qualname__}".encode())
    elif type(part).__module__.startswith("pandas"):
        _feed_pandas(digest, part)
    elif callable(getattr(part, "get_params", None)):  # a scikit-learn estimator: its class and options
        _put(digest, "estimator", _source(type(part)).encode())
        _feed(digest, part.get_params(deep=False))  # type: ignore[attr-defined]
    else:
        raise TypeError(f"no fingerprint for {type(part).__module__}.{type(part).__qualname__}")


def _put(digest: Any, kind: str, content: bytes) -> None:
    digest.update(f"{kind}:{len(content)}:".encode())
    digest.update(content)


def _feed_array(digest: Any, array: np.ndarray[Any, Any]) -> None:
    _put(digest, "array", f"{array.dtype}{array.shape}".encode())
    if array.dtype == object or array.dtype.kind == "T":  # NumPy's own strings, of any length
        for item in array.ravel().tolist():
            _feed(digest, item)
        return
    digest.update(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")


def _feed_pandas(digest: Any, part: Any) -> None:
    import pandas as pd

    if isinstance(part, pd.api.extensions.ExtensionArray):
        part = pd.Series(part)
    frame = part.to_frame() if isinstance(part, pd.Series | pd.Index) else part
    if not isinstance(frame, pd.DataFrame):
        _put(digest, "pandas", repr(part).encode())
        return
    _put(digest, "table", str(frame.shape).encode())
    for place, (name, dtype) in enumerate(zip(frame.columns, frame.dtypes, strict=True)):
        _put(digest, "column", f"{name!r}{dtype}".encode())
        if isinstance(dtype, pd.CategoricalDtype):  # models read the codes: categories not in use count too
            _feed(digest, (dtype.ordered, dtype.categories.to_numpy()))
        column = frame.iloc[:, place]
        if dtype == np.object_ and pd.api.types.infer_dtype(column, skipna=False) != "string":
            _feed_array(digest, column.to_numpy())  # pandas would hash 1 as "1" here, and None as NaN
        else:
            _feed_array(digest, pd.util.hash_pandas_object(column, index=False).to_numpy())


def _feed_function(digest: Any, function: types.FunctionType) -> None:
    _put(digest, "function", _source(function).encode())
    _feed(digest, function.__code__)  # two lambdas may stand on one line of source
    _feed(digest, function.__defaults__)
    _feed(digest, function.__kwdefaults__)
    _feed(digest, [cell.cell_contents for cell in function.__closure__ or ()])


def _source(thing: Any) -> str:
    return str(_read_source(thing))


@cache
def _read_source(thing: Any) -> str:
    """Qualified name, its library's version and, unless that library is installed for good, its source.

    A package that is being worked on keeps its version while its source changes.
    """
    from importlib import metadata

    name, library = f"{thing.__module__}.{thing.__qualname__}", thing.__module__.partition(".")[0]
    if library == "reticent":
        return f"{name}\n{_own_source()}"
    try:
        name += f"=={metadata.version(library.replace('sklearn', 'scikit-learn'))}"
    except (metadata.PackageNotFoundError, ValueError):
        pass
    else:
        if str(getattr(sys.modules.get(thing.__module__), "__file__", "")).startswith(_INSTALLED):
            return name
    try:
        return f"{name}\n{inspect.getsource(thing)}"
    except (OSError, TypeError):  # typed in at a prompt
        return f"{name}\n{fingerprint(_members(thing)) if isinstance(thing, type) else ''}"


@cache
def _own_source() -> str:
    """A hash of this package's source, but for what only shows results.

    An attack leans on functions of other files, so its own text does not tell whether it is what it was.
    """
    digest, home = hashlib.blake2b(digest_size=16), Path(__file__).parent
    for path in sorted(home.rglob("*.py")):
        if path.relative_to(home).parts[0] not in ("cli", "report"):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _members(kind: type) -> dict[str, object]:
    """What a class without source defines: its methods' code and its plain values."""
    found: dict[str, object] = {}
    for name, value in vars(kind).items():
        if isinstance(value, types.FunctionType):
            found[name] = value.__code__
        elif isinstance(value, str | _PLAIN):
            found[name] = value
    return found
