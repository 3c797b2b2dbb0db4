"""The public face: its names, and how little it takes to import it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import reticent

NAMES = [
    "Access",
    "Anonymised",
    "Audit",
    "Categories",
    "Claim",
    "Domain",
    "Finding",
    "Frontier",
    "Numbers",
    "Outputs",
    "Property",
    "Recipe",
    "Recorder",
    "Records",
    "ReticentError",
    "Roles",
    "Settings",
    "Target",
    "Threat",
    "Threshold",
    "UserError",
    "Verdict",
    "Verification",
    "Worlds",
    "anonymise",
    "attacks",
    "audit",
    "audit_detector",
    "audit_release",
    "audit_text",
    "chain",
    "continue_texts",
    "datasets",
    "defences",
    "detune",
    "expose",
    "extract",
    "extract_layer",
    "frontier",
    "harden_model",
    "infer_property",
    "leak_gradients",
    "leak_text",
    "open_hardened",
    "poison",
    "read_weights",
    "recite",
    "recite_translator",
    "synthesise",
    "try_synthetic",
    "verify_dp",
    "write_findings",
]

HEAVY = "pandas", "sklearn", "torch", "matplotlib", "scipy", "pyarrow", "httpx", "polars", "joblib", "rich"


def test_the_names_are_these():
    assert reticent.__all__ == NAMES
    assert set(NAMES) < set(dir(reticent))
    assert reticent.__version__


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there(name):
    value = getattr(reticent, name)
    assert value is getattr(reticent, name)
    home = value.__name__ if name in ("attacks", "datasets", "defences") else value.__module__
    assert home.startswith("reticent")


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'adit'"):
        _ = reticent.adit


@pytest.mark.parametrize(
    "code",
    [
        "import reticent",
        "from reticent import Settings, Roles, Access, Threshold, UserError, Outputs, Records",
    ],
)
def test_importing_loads_nothing_heavy(code):
    loaded = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint([m for m in {HEAVY} if m in sys.modules])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert loaded.strip() == "[]"
