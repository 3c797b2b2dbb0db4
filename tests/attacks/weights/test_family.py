"""The family's list."""

from __future__ import annotations

from reticent import testing
from reticent.attacks import weights


def test_every_attack_in_the_folder_is_listed():
    listed = {getattr(weights, name) for name in weights.__all__ if name != "DEFAULT"}
    assert set(testing.leaves(weights)) == listed == {type(a) for a in weights.DEFAULT}
