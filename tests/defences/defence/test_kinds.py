"""What a defence of one kind asks of what it is put on."""

from __future__ import annotations

import pytest

from reticent import defences as d
from reticent.errors import ModelError


def test_scores_are_needed_where_scores_are_changed(target):
    only = d.labels_only().wrap(target)
    with pytest.raises(ModelError, match="round_scores changes scores and the model answers labels only"):
        d.round_scores(2).wrap(only)
