"""Detectors audited whole: a real small one that learnt its images by heart, and one that never saw them."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

import reticent as rt
from reticent.attacks.detector import BoxCanvas, BoxCount, DetectionLoss, HighestScore
from reticent.errors import DataError
from reticent.report.page import findings_page

BENCH = Path(__file__).parents[1] / "bench" / "shapes.py"
TRIED = (BoxCanvas(size=32, epochs=8), BoxCount(), HighestScore(), DetectionLoss())


@pytest.fixture(scope="module")
def shapes():
    spec = importlib.util.spec_from_file_location("shapes", BENCH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["shapes"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("detectors")


@pytest.fixture(scope="module")
def audit(shapes, cache):
    """Audits a detector that was trained on the members, or on strangers."""

    def run(*, on=0, attacks=TRIED, **more):
        recipe = shapes.Trained(100, width=24)
        trained = recipe(*shapes.shapes(100, on), 7)
        given = {
            "members": shapes.shapes(100, 0),
            "nonmembers": shapes.shapes(100, 1),
            "auxiliary": shapes.shapes(200, 2),
            "recipe": recipe,
            "shadows": 2,
            "cache": cache,
            **more,
        }
        return rt.audit_detector(trained, attacks=attacks, **given)

    return run


def test_a_detector_that_learnt_by_heart_is_caught_and_each_attack_stands_beside_the_blind(audit):
    done = []
    canvas, count, highest, loss = audit(advance=done.append)
    assert sum(done) == 2
    assert loss.figure("auc").low > 0.5
    assert canvas.figure("auc").value > 0.5
    for finding in (canvas, count, highest, loss):
        assert finding.outcome == "measured" and finding.baseline is not None
        assert finding.membership.members.sum() == 100
    assert (canvas.cost.trainings, loss.cost.trainings, loss.cost.queries) == (2, 0, 200)
    text = findings_page([canvas, count, highest, loss], "shapes")
    assert "Who can be told to be a member" in text and "without the model" in text


def test_a_detector_of_strangers_gives_nobody_away(audit):
    for finding in audit(on=5):
        figure = finding.figure("auc", attacks=4)
        assert figure.low <= 0.5 <= figure.high, finding.attack


@dataclass(frozen=True)
class Rough:
    """Draws the boxes it was trained on surely, and a frame around anything else; keeps count in a file."""

    counted: str
    scores: bool = True

    def __call__(self, images, boxes, seed):
        with Path(self.counted).open("a") as file:
            file.write("trained\n")
        known = {image.tobytes(): b for image, b in zip(images, boxes, strict=True)}

        def answer(image):
            drawn = known.get(np.asarray(image).tobytes(), np.array([[0.0, 0, 48, 48]]))
            sure = 0.9 if np.asarray(image).tobytes() in known else 0.3
            return {"boxes": drawn} | ({"scores": np.full(len(drawn), sure)} if self.scores else {})

        return lambda asked: [answer(image) for image in asked]


def rough(tmp_path, shapes, *, scores=True, seed=0, attacks=TRIED, count=60, **more):
    recipe = Rough(str(tmp_path / "count"), scores)
    sides = {"members": shapes.shapes(count, 0), "nonmembers": shapes.shapes(count, 1)}
    return rt.audit_detector(
        recipe(*sides["members"], 0),
        recipe=recipe,
        auxiliary=shapes.shapes(count, 2),
        shadows=2,
        cache=tmp_path,
        seed=seed,
        attacks=attacks,
        **{**sides, **more},
    )


def trainings(tmp_path):
    return len((tmp_path / "count").read_text().splitlines())


def test_the_attackers_detectors_are_kept_and_the_same_seed_gives_the_same(tmp_path, shapes):
    first = rough(tmp_path, shapes)
    assert trainings(tmp_path) == 3
    again = rough(tmp_path, shapes)
    assert trainings(tmp_path) == 4  # the one under audit alone
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.membership.scores, other.membership.scores)
        np.testing.assert_array_equal(one.membership.members, other.membership.members)
    rough(tmp_path, shapes, seed=1)
    assert trainings(tmp_path) == 7


def test_a_detector_without_scores_is_counted_and_the_rest_refused(tmp_path, shapes):
    canvas, count, highest, loss = rough(tmp_path, shapes, scores=False)
    assert count.outcome == "measured"
    for refused in (canvas, highest, loss):
        assert refused.outcome == "refused" and "tells no scores" in refused.reason
    kept = rough(tmp_path, shapes, scores=False)[1]
    np.testing.assert_array_equal(kept.membership.scores, count.membership.scores)


@pytest.mark.parametrize("lacking", ["recipe", "auxiliary"])
def test_without_a_recipe_or_images_of_ones_own_the_loss_alone_is_measured(lacking, shapes, cache):
    given = {
        "members": shapes.shapes(30, 0),
        "nonmembers": shapes.shapes(30, 1),
        "auxiliary": shapes.shapes(30, 2),
        "recipe": shapes.Trained(1),
        lacking: None,
    }
    found = rt.audit_detector(
        shapes.Trained(1)(*shapes.shapes(30, 0), 0), attacks=TRIED, cache=cache, **given
    )
    assert [f.outcome for f in found] == ["refused", "refused", "refused", "measured"]
    assert "give recipe, and auxiliary images" in found[0].reason


@dataclass(frozen=True, kw_only=True)
class Broken(DetectionLoss):
    """Throws."""

    def guess(self, scene):
        raise ZeroDivisionError("by mistake")


def test_a_broken_attack_fails_alone(tmp_path, shapes):
    broken, loss = rough(tmp_path, shapes, attacks=[Broken(), DetectionLoss()])
    assert broken.outcome == "failed" and "ZeroDivisionError" in broken.reason
    assert loss.outcome == "measured" and loss.figure("auc").value > 0.9


def test_few_images_are_a_sentence(tmp_path, shapes):
    with pytest.raises(DataError, match="5 members were given; give at least 20"):
        rough(tmp_path, shapes, members=shapes.shapes(5, 0))
