"""Where runs and findings live: folders only their owner can read, files that are whole or absent.

Per-record scores reveal who was a member, so every folder is 0700. A file is written aside, synced and
renamed: a crash leaves the old one or none. Keys are fingerprints of everything that could change the
content (`reticent.fingerprint`), so a cell is never stale.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

import numpy as np

from reticent.errors import StorageError


def default_cache() -> Path:
    """`RETICENT_CACHE`, else the user's cache folder."""
    named = os.environ.get("RETICENT_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reticent"


def private_folder(path: Path) -> Path:
    """Make the folder, readable by its owner alone.

    Raises:
        StorageError: it can't be made.
    """
    with storage_errors(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_uid == os.getuid():
            path.chmod(0o700)
    return path


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a full or read-only disk into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(
                f"no space is left where {str(path)!r} is written; free some and run the same command again: "
                "what was finished is kept"
            ) from error
        raise StorageError(
            f"{str(path)!r} can't be written ({os.strerror(error.errno) if error.errno else error}); "
            "give a folder that can"
        ) from error


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file aside, sync it and rename it into place.

    Raises:
        StorageError: the disk is full or can't be written; the old file, if any, is untouched.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with storage_errors(path):
        try:
            with aside.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    write_whole(path, lambda file: file.write(text.encode()))


class Cells:
    """Arrays kept by key, each with a few plain facts."""

    def __init__(self, folder: Path) -> None:
        self.folder = private_folder(folder)

    def keep(self, key: str, arrays: Mapping[str, np.ndarray[Any, Any]], facts: Mapping[str, object]) -> None:
        """Write arrays and facts under `key`."""
        packed = {**arrays, "facts": np.frombuffer(json.dumps(dict(facts)).encode(), np.uint8)}
        write_whole(self.folder / f"{key}.npz", lambda file: np.savez(file, **packed))  # type: ignore[arg-type]

    def find(self, key: str) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, Any]] | None:
        """The arrays and facts under `key`, or None where there are none that read."""
        try:
            with (self.folder / f"{key}.npz").open("rb") as file, np.lib.npyio.NpzFile(file) as packed:
                arrays = {name: packed[name] for name in packed.files}
            return arrays, json.loads(arrays.pop("facts").tobytes())
        except (OSError, ValueError, KeyError, EOFError, NotImplementedError, BadZipFile):
            return None  # absent, or damaged from outside: computed again and overwritten
