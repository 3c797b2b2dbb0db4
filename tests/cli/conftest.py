"""Runs commands as their user does: each in a process of its own, in the user's folder.

Most are forked from a process that has done the imports, which would take longer than what is tested.
"""

from __future__ import annotations

import multiprocessing
import runpy
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

IMPORTS = [
    "reticent.cli",
    "torch",
    "skops.io",
    "sklearn.pipeline",
    "scipy.stats",
    "pyarrow.parquet",
    "rich.progress",
]
"""Nothing of them may start a thread, or a fork of it could stand still."""


AS_USER = Path(__file__).with_name("as_user.py")


class Ended(NamedTuple):
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def reticent() -> Callable[..., Ended]:
    """Run `reticent WORDS` in a folder, with a cache there, for so many seconds at most."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(IMPORTS)

    def run(folder: Path, *words: str, timeout: float = 240) -> Ended:
        environment = {"RETICENT_CACHE": str(folder / "cache")}
        with tempfile.TemporaryDirectory() as told:
            out, err = Path(told, "out"), Path(told, "err")
            given = {"folder": folder, "words": words, "environment": environment, "out": out, "err": err}
            process = processes.Process(target=runpy.run_path, args=(str(AS_USER), given))
            process.start()
            process.join(timeout)
            if process.exitcode is None:
                process.kill()
                pytest.fail(f"`reticent {' '.join(words)}` took more than {timeout} s")
            return Ended(process.exitcode, out.read_text(), err.read_text())

    return run
