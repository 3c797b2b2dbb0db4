"""A table is made from some, tried on them and on others, and its page says what is and is not guaranteed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reticent as rt
from reticent.attacks.release import ExactCopies, Linkability
from reticent.errors import DataError, PlanError
from reticent.progress import Quiet

DOMAIN = rt.Domain.of(
    {
        "age": rt.Numbers(0, 99, 10, whole=True),
        "town": rt.Categories(("g", "l")),
        "ill": rt.Categories((0, 1)),
    }
)
FEW = (Linkability(), ExactCopies())


def people(rows=1500):
    rng = np.random.default_rng(0)
    age = rng.integers(0, 100, rows)
    return pd.DataFrame(
        {"age": age, "town": rng.choice(["g", "l"], rows), "ill": (rng.random(rows) < age / 100).astype(int)}
    )


def tried(table=None, **options):
    return rt.try_synthetic(
        people() if table is None else table,
        **{"domain": DOMAIN, "epsilon": 3.0, "attacks": FEW, "seed": 0, "progress": Quiet(), **options},
    )


def test_nobody_set_aside_has_a_part_in_the_table():
    # The towns of two halves differ; whoever is drawn aside, what is made follows the others
    found = tried()
    assert (found.people, found.aside) == (1200, 300)
    assert [f.outcome for f in found.findings] == ["measured", "measured"]
    assert 50 <= len(found.findings[0].exhibit.originals) <= 300
    assert found.made.pairs < 0.2 and found.unseen.pairs < 0.2
    assert found.independent.columns == 0 and found.independent.pairs > 0


def test_the_same_seed_tells_the_same():
    one, again = tried(), tried()
    pd.testing.assert_frame_equal(one.synthetic.table, again.synthetic.table)
    assert one.facts() == again.facts()


def test_the_page_says_what_is_guaranteed_and_that_it_is_not_itself(tmp_path):
    facts = dict(tried(within="ill").facts())
    assert facts["Guarantee"].startswith("ε 3 at δ 1e-05, for adding or removing one record (")
    assert "every column with ill" in facts["What goes together is kept of"]
    assert "under no guarantee" in facts["This page"]
    path = tried().report(tmp_path / "page.html", name="made <b>")
    text = path.read_text()
    assert "made &lt;b&gt;" in text and "How far pairs of columns are off" in text


def test_without_privacy_the_page_says_that_nothing_is_guaranteed():
    with pytest.warns(UserWarning, match="guarantees nothing"):
        found = tried(epsilon=None)
    assert dict(found.facts())["Guarantee"].startswith("None: made without differential privacy")


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"holdout": 0.0}, PlanError, "give the share of people to set aside"),
        ({"holdout": 0.05}, DataError, "200 are needed there"),
        ({"holdout": 0.95}, DataError, "200 are needed there"),
        ({"domain": rt.Domain(DOMAIN.columns[:2])}, DataError, "the domain lacks 'ill'"),
        ({"epsilon": -1.0}, PlanError, "give one above 0"),
        ({"table": people().assign(age=1)}, DataError, "unlike everybody on the other side"),
    ],
)
def test_mistakes_are_sentences(options, error, sentence):
    with pytest.raises(error, match=sentence):
        tried(**options)
