"""One hash of whatever could change a result.

A cached figure that outlives its cause is a false all-clear, so keys are made of content: arrays by
their bytes, tables by their columns, options by class, fields and *source code*, functions by their
code and what they close over. Names alone never stand for content.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import types
from collections.abc import Mapping
from functools import cache, partial
from pathlib import PurePath
from typing import Any

import numpy as np


def fingerprint(*parts: object) -> str:
    """Return 32 hex digits that change whenever any of `parts` does.

    Raises:
        TypeError: a part of a kind whose content can't be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        _feed(digest, part)
    return digest.hexdigest()


def _feed(digest: Any, part: object) -> None:
    # Every value is preceded by its kind and its length, so that ("ab", "c") and ("a", "bc") differ.
    if part is None or isinstance(part, bool | int | float | complex | np.generic):
        _put(digest, type(part).__name__, repr(part).encode())
    elif isinstance(part, str | PurePath):
        _put(digest, "text", str(part).encode())
    elif isinstance(part, bytes):
        _put(digest, "bytes", part)
    elif isinstance(part, np.ndarray):
        _feed_array(digest, part)
    elif isinstance(part, Mapping):
        _put(digest, "mapping", str(len(part)).encode())
        for key in sorted(part, key=repr):
            _feed(digest, key)
            _feed(digest, part[key])
    elif isinstance(part, set | frozenset):
        _feed(digest, sorted(part, key=repr))
    elif isinstance(part, list | tuple):
        _put(digest, "sequence", str(len(part)).encode())
        for item in part:
            _feed(digest, item)
    elif isinstance(part, type):
        _put(digest, "class", _source(part).encode())
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
    if array.dtype == object:
        _feed(digest, array.shape)
        _feed(digest, [repr(item) for item in array.ravel()])
        return
    _put(digest, "array", f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")


def _feed_pandas(digest: Any, part: Any) -> None:
    import pandas as pd

    frame = part.to_frame() if isinstance(part, pd.Series | pd.Index) else part
    if not isinstance(frame, pd.DataFrame):
        _put(digest, "pandas", repr(part).encode())
        return
    _feed(digest, [str(c) for c in frame.columns])
    _feed(digest, [str(d) for d in frame.dtypes])
    _feed_array(digest, pd.util.hash_pandas_object(frame, index=False).to_numpy())


def _feed_function(digest: Any, function: types.FunctionType) -> None:
    _put(digest, "function", _source(function).encode())
    _feed(digest, function.__defaults__)
    _feed(digest, function.__kwdefaults__)
    for cell in function.__closure__ or ():
        try:
            _feed(digest, cell.cell_contents)
        except TypeError:  # what it closes over has no readable content: its printed form has to do
            _put(digest, "repr", repr(cell.cell_contents).encode())


def _source(thing: Any) -> str:
    return str(_read_source(thing))


@cache
def _read_source(thing: Any) -> str:
    """Qualified name and source text; compiled things fall back to their library's version."""
    name = f"{thing.__module__}.{thing.__qualname__}"
    library = thing.__module__.partition(".")[0]
    if library not in ("reticent", "__main__"):
        from importlib import metadata

        try:
            return f"{name}=={metadata.version(library.replace('sklearn', 'scikit-learn'))}"
        except metadata.PackageNotFoundError:
            pass
    try:
        return f"{name}\n{inspect.getsource(thing)}"
    except (OSError, TypeError):
        code = getattr(thing, "__code__", None)
        return f"{name}\n{code.co_code.hex() + repr(code.co_consts) if code else ''}"
