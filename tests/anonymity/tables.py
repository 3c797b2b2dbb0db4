"""Tables of people as hypothesis draws them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from reticent.anonymity.hierarchy import Hierarchy

JOBS = Hierarchy.from_tree(
    {"state": ["federal", "local"], "self": {"big": ["a", "b"], "*": ["c"]}, "*": ["none"]}
)
ILLS = Hierarchy.from_tree({"lung": {"infection": ["p", "q"], "*": ["s"]}, "*": ["r"]})
QUASI = ("age", "job", "town")


@st.composite
def trees(draw, most: int = 7) -> Hierarchy:
    """Small trees, uneven ones and such with nodes of one child among them."""
    paths: list[tuple[str, ...]] = []
    made = 0

    def grow(above: tuple[str, ...], depth: int) -> None:
        nonlocal made
        for _ in range(draw(st.integers(1, 3))):
            made += 1
            if depth == 0 or draw(st.booleans()):
                paths.append((f"v{made}", *above))
            else:
                grow((f"n{made}", *above), depth - 1)

    grow((), draw(st.integers(0, 3)))
    return Hierarchy.from_paths(paths[:most])


@st.composite
def people(draw, *, missing: bool = True, least: int = 4, most: int = 60) -> pd.DataFrame:
    """Numbers with many ties, categories with a hierarchy and without, missing values, a secret."""
    rows = draw(st.integers(least, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spread = draw(st.sampled_from([2, 5, 30]))
    table = pd.DataFrame(
        {
            "age": rng.integers(20, 20 + spread, rows),
            "job": rng.choice(JOBS.leaves, rows, p=rng.dirichlet(np.ones(len(JOBS.leaves)) * 0.5)),
            "town": rng.choice(list("xyz"), rows),
            "ill": rng.choice(list("pqr"), rows),
            "pay": rng.integers(0, 6, rows) * 1.5,
        }
    )
    if missing and draw(st.booleans()):
        table["age"] = table["age"].astype(float).where(rng.random(rows) < 0.8)
        table["town"] = table["town"].where(rng.random(rows) < 0.8)
        if table["age"].isna().all() or table["town"].isna().all():
            return table.assign(age=30.0, town="x")
    return table
