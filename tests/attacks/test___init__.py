"""Families are there by name, and are loaded when they are first asked for."""

from __future__ import annotations

import pytest

import reticent as rt
from reticent.attacks.catalogue import FAMILIES


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_every_family_is_there(family):
    assert getattr(rt.attacks, family.__name__.rpartition(".")[2]) is family


def test_others_are_not():
    with pytest.raises(AttributeError, match="no attribute 'guessing'"):
        _ = rt.attacks.guessing
