"""Attacks, a folder a family, a file an attack."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_FAMILIES = (
    "attribute",
    "detector",
    "extraction",
    "gradients",
    "inversion",
    "membership",
    "memorisation",
    "poison",
    "property",
    "release",
    "texts",
    "weights",
)


def __getattr__(name: str) -> Any:
    if name not in _FAMILIES:
        raise AttributeError(f"module 'reticent.attacks' has no attribute {name!r}")
    return import_module(f"reticent.attacks.{name}")
