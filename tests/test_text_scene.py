"""Texts in question: the same draws, whichever attack ran before."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from reticent.text_scene import TextScene


def test_the_same_draws_every_time():
    scene = TextScene(target=cast(Any, None), texts=("a", "b"), known=np.array([True, False]), seed=3)
    assert scene.rng().random() == scene.rng().random() == np.random.default_rng(3).random()
