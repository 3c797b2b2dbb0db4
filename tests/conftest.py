"""What every test shares: one thread a process, and the benchmark data where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest  # noqa: E402


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The benchmark data; tests that need it are skipped by name where it is absent."""
    folder = Path(os.environ.get("RETICENT_DATA", "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no benchmark data: {folder} is not a folder (set RETICENT_DATA)")
    return folder
