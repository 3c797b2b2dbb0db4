"""Drawing classes within an audit: judged apart, beside public pictures and means, kept, or refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from torch import nn

import reticent as rt
from reticent.access import Access, Outputs
from reticent.attacks.inversion import BoundaryRepelling, MiFace
from reticent.attacks.membership import Loss
from reticent.data import records
from reticent.report.page import page
from reticent.shadows.batched import Training
from reticent.targets.torch import TorchRecipe

PEOPLE, EACH, SIDE = 8, 16, 6


def photographs(seed=0):
    """A face for each person, and pictures of it in other light."""
    rng = np.random.default_rng(seed)
    faces = rng.random((PEOPLE, SIDE, SIDE))
    x = np.repeat(faces, EACH, axis=0) + rng.normal(scale=0.08, size=(PEOPLE * EACH, SIDE, SIDE))
    return np.clip(x, 0, 1).astype(np.float32), np.repeat(np.arange(PEOPLE), EACH)


def net():
    return nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, PEOPLE))


BOTH = (MiFace(), BoundaryRepelling())


def audited(model, cache, attacks=BOTH):
    x, y = photographs()
    members = np.arange(len(x)) % EACH < 8
    return rt.audit(
        model,
        members=(x[members], y[members]),
        nonmembers=(x[~members], y[~members]),
        attacks=attacks,
        cache=cache,
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def model():
    x, y = photographs()
    members = np.arange(len(x)) % EACH < 8
    recipe = TorchRecipe(
        module=net, training=Training(epochs=150, batch_size=16, learning_rate=0.1, momentum=0.9)
    )
    return recipe.fit(records(x[members], y[members], np.arange(PEOPLE)), 0)


@pytest.fixture(scope="module")
def audit(model, cache):
    return audited(model, cache)


def test_a_recogniser_of_faces_shows_them(audit):
    drawn = audit["mi-face"]
    assert drawn.exhibit.drawn.shape == (PEOPLE, SIDE, SIDE)
    assert drawn.exhibit.judge_right > 0.9
    assert drawn.figure("identified mean").value == 1.0
    assert drawn.figure("identified").low > 0.5
    assert drawn.figure("identified gain").low > 0
    assert drawn.figure("identified public").value < 0.3  # pictures of others


def test_what_knows_nothing_shows_nobody(cache):
    class Nobody:
        access = Access.LABELS
        classes = np.arange(PEOPLE)

        def predict(self, x):
            return Outputs.from_labels((np.asarray(x).sum(axis=(1, 2)) * 997).astype(int) % PEOPLE)

        def fingerprint(self):
            return "nobody"

    found = audited(Nobody(), cache, attacks=(BoundaryRepelling(), MiFace()))
    assert found["boundary-repelling"].figure("identified").value <= 0.5
    assert found["mi-face"].outcome == "refused"
    assert "weights" in found["mi-face"].reason


def test_a_second_audit_draws_nothing_again(audit, model, cache, monkeypatch):
    monkeypatch.setattr(MiFace, "draw", lambda self, scene: pytest.fail("drawn again"))
    again = audited(model, cache, attacks=(MiFace(),))
    assert np.array_equal(again["mi-face"].exhibit.drawn, audit["mi-face"].exhibit.drawn)


def test_tables_are_refused_and_the_rest_goes_on(cache):
    x, y = photographs()
    from sklearn.linear_model import LogisticRegression

    flat = pd.DataFrame(x.reshape(len(x), -1)).rename(columns=str)
    members = np.arange(len(x)) % EACH < 8
    found = rt.audit(
        LogisticRegression(max_iter=500).fit(flat[members], y[members]),
        members=(flat[members], y[members]),
        nonmembers=(flat[~members], y[~members]),
        attacks=(Loss(), MiFace()),
        cache=cache,
    )
    assert "needs pictures" in found["mi-face"].reason
    assert found["loss"].outcome == "measured"


def test_the_report_shows_a_sheet_and_the_run_keeps_the_drawings(audit, tmp_path):
    text = page([audit])
    assert text.count('src="data:image/png;base64,') == 2
    assert text.count("What can be drawn or read back of people") == 1
    assert "classes that a judge recognises" in text and "The judge was trained apart" in text
    audit.save(tmp_path / "run")
    (kept,) = (tmp_path / "run" / "evidence").glob("*mi-face*")
    assert np.load(kept)["drawn"].shape == (PEOPLE, SIDE, SIDE)
    assert "| mi-face | classes that a judge recognises" in (tmp_path / "run" / "summary.md").read_text(
        "utf-8"
    )
