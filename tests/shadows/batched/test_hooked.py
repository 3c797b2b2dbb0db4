"""Which modules private training takes."""

from __future__ import annotations

import pytest
from torch import nn

from reticent.errors import ModelError
from reticent.shadows.batched.hooked import check_private


def test_batch_normalisation_is_refused_with_what_to_put_in_its_place():
    with pytest.raises(ModelError, match=r"put nn.GroupNorm\(8, 16\) or nn.LayerNorm in its place"):
        check_private(nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16)))
