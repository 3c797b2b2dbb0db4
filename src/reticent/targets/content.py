"""A hash of what an object holds: the weights of a fitted model, what a function closes over.

`reticent.fingerprint` reads options; a target must be told apart by everything it has learnt. Pickle's
bytes won't do: they change with which objects happen to be shared and with the order of sets, so the same
model loaded twice would be two. This walks what pickling would see (`__reduce_ex__`) and hashes values,
never identities. Nothing is ever unpickled.
"""

from __future__ import annotations

import copyreg
import sys
import sysconfig
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from reticent.fingerprint import fingerprint

_PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic)
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


def content(thing: object) -> str:
    """Return 32 hex digits that are the same wherever `thing` holds the same, and differ where it doesn't.

    Functions count with their code, defaults, what they close over and the globals that they name; classes
    and modules of the user's own with the text of their file, libraries with their version.

    Raises:
        TypeError: it holds something whose content can't be read, such as an open connection.
    """
    try:
        return _Walk().read(thing)
    except RecursionError as error:
        raise TypeError("too deeply nested to be read") from error


def identity(thing: object) -> str:
    """`content`, or where that can't be read a value never seen before: nothing kept is then reused."""
    try:
        return content(thing)
    except TypeError:
        return uuid4().hex


class _Walk:
    def __init__(self) -> None:
        self._open: list[int] = []  # ids of the objects being read: an object may hold itself

    def read(self, thing: object) -> str:
        if isinstance(thing, _PLAIN):
            return fingerprint(thing)
        if id(thing) in self._open:
            return fingerprint("cycle", len(self._open) - self._open.index(id(thing)))
        self._open.append(id(thing))
        try:
            return self._read(thing)
        finally:
            self._open.pop()

    def _read(self, thing: Any) -> str:
        if isinstance(thing, type):
            return fingerprint(thing, self.read(sys.modules.get(thing.__module__)))
        if isinstance(thing, types.ModuleType):
            return self._module(thing)
        if isinstance(thing, np.ndarray):
            return self._array(thing)
        if isinstance(thing, Mapping):
            pairs = sorted(self.read(key) + self.read(value) for key, value in thing.items())
            return fingerprint("mapping", pairs)
        if isinstance(thing, set | frozenset):
            return fingerprint("set", sorted(self.read(item) for item in thing))
        if type(thing) in (list, tuple):
            return fingerprint(type(thing).__name__, [self.read(item) for item in thing])
        if isinstance(thing, types.FunctionType):
            return self._function(thing)
        if isinstance(thing, types.MethodType):
            return fingerprint("method", self.read(thing.__func__), self.read(thing.__self__))
        if callable(getattr(thing, "fingerprint", None)):
            return fingerprint(thing)
        if callable(getattr(thing, "detach", None)):  # a torch tensor
            return self._array(thing.detach().cpu().numpy())
        if callable(getattr(thing, "get_n_calls", None)):  # a search tree of scikit-learn: it counts queries
            return self.read((type(thing), [np.asarray(array) for array in thing.get_arrays()]))
        return self._object(thing)

    def _module(self, module: types.ModuleType) -> str:
        """A library by its version; the user's own modules by their text, and by the modules they use."""
        file = getattr(module, "__file__", None)
        if file is None or file.startswith(_LIBRARIES):
            return fingerprint("library", module.__name__, str(getattr(module, "__version__", "")))
        try:
            text = Path(file).read_bytes()
        except OSError as error:
            raise TypeError(f"the text of the module {module.__name__} can't be read") from error
        used = [item for item in vars(module).values() if isinstance(item, types.ModuleType)]
        # A package holds whichever of its parts happen to be imported already: those don't count.
        own = f"{module.__name__}."
        return fingerprint("module", text, [self.read(m) for m in used if not m.__name__.startswith(own)])

    def _array(self, array: np.ndarray[Any, Any]) -> str:
        if array.dtype.names:  # field by field: the padding between fields is whatever memory held
            fields = [self._array(array[name]) for name in array.dtype.names]
            return fingerprint("fields", array.dtype.names, fields)
        if array.dtype.hasobject or array.dtype.kind == "T":
            return fingerprint("objects", array.shape, [self.read(item) for item in array.ravel().tolist()])
        return fingerprint(np.asarray(array))

    def _function(self, function: types.FunctionType) -> str:
        code = function.__code__
        named: dict[str, str] = {}
        if not code.co_filename.startswith(_LIBRARIES):
            for name in sorted(_names(code) & function.__globals__.keys()):
                named[name] = self.read(function.__globals__[name])
        held = [cell.cell_contents for cell in function.__closure__ or ()]
        held += [function.__defaults__, function.__kwdefaults__]
        return fingerprint("function", self._code(code), [self.read(item) for item in held], named)

    def _code(self, code: types.CodeType) -> str:
        constants = [
            self._code(item) if isinstance(item, types.CodeType) else self.read(item)
            for item in code.co_consts
        ]
        return fingerprint("code", code.co_code, code.co_names, constants)

    def _object(self, thing: Any) -> str:
        reduce = copyreg.dispatch_table.get(type(thing))
        try:
            reduced: Any = reduce(thing) if reduce else thing.__reduce_ex__(4)
        except Exception as error:
            raise TypeError(f"the content of a {type(thing).__qualname__} can't be read") from error
        if isinstance(reduced, str):  # a global, told by its name
            return fingerprint("global", getattr(thing, "__module__", None), reduced)
        make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        parts = [make, arguments, state, list(items or ()), dict(pairs or ())]
        return fingerprint("object", self.read(type(thing)), [self.read(part) for part in parts])


def _names(code: types.CodeType) -> set[str]:
    """Every global that the code may name, inner functions' included (attributes of these names too)."""
    inner = [item for item in code.co_consts if isinstance(item, types.CodeType)]
    return set(code.co_names).union(*(_names(item) for item in inner))
