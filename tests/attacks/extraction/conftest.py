"""A thief's scene around any model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reticent.access import Access, Metered
from reticent.data import Records
from reticent.extraction import ExtractionScene
from reticent.targets.load import open_target


@pytest.fixture
def scene():
    """Makes one: a model, the thief's own features, and what may be asked."""

    def make(
        model: Any, own: Any, *, classes: Any = None, limit: int | None = None, access: Access | None = None
    ) -> ExtractionScene:
        target = open_target(model, classes=classes)
        labels = np.zeros(len(own), dtype=np.int64)
        records = Records(own, labels, target.classes)
        return ExtractionScene(Metered(target, access, limit=limit), records, own, seed=1)

    return make


@pytest.fixture
def people():
    """Makes a table of numbers, whole numbers, words and gaps, and labels that depend on them."""
    import pandas as pd

    def make(count: int, seed: int) -> tuple[Any, Any]:
        rng = np.random.default_rng(seed)
        table = pd.DataFrame(
            {
                "income": rng.normal(30, 10, count),
                "age": rng.integers(18, 80, count),
                "job": rng.choice(["baker", "nurse", "smith", "clerk"], count),
                "town": rng.choice(["here", "there", None], count),
            }
        )
        score = (
            (table["income"] - 30) / 10
            + (table["age"] > 40)
            - (table["job"] == "nurse")
            + table["town"].isna()
            + rng.normal(0, 0.5, count)
        )
        return table, (score > 0.5).astype(int).to_numpy()

    return make
