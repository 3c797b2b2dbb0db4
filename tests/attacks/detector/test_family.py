"""Attacks on detectors: who learnt images by heart draws other boxes, and who did not does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reticent import testing
from reticent.attacks import detector
from reticent.attacks.catalogue import named
from reticent.attacks.detector import BoxCanvas, BoxCount, DetectionLoss, HighestScore
from reticent.attacks.detector.simple import SMALLEST, overlaps
from reticent.detections import Detections, DetectorScene, Shadow
from reticent.errors import ModelError, PlanError
from reticent.measure.roc import Roc

QUICK = BoxCanvas(size=24, epochs=6)
TRIED = (QUICK, replace(QUICK, form="uniform"), BoxCount(), HighestScore(), DetectionLoss())


def auc(attack, scene, members):
    return Roc.of(attack.guess(scene), members).auc().value


def test_every_attack_in_the_folder_is_listed():
    listed = {getattr(detector, name) for name in detector.__all__ if name != "DEFAULT"}
    assert set(testing.leaves(detector)) == listed == {type(a) for a in detector.DEFAULT}


@pytest.mark.parametrize("attack", detector.DEFAULT, ids=lambda a: a.name)
def test_it_says_what_it_is(attack):
    testing.says_what_it_is(attack)
    assert attack.caveat and named(attack.name) == attack


@pytest.mark.parametrize("attack", TRIED, ids=lambda a: a.name)
def test_members_are_told_where_they_are_learnt_by_heart(attack, made):
    areas = [auc(attack, *made(seed)) for seed in range(3)]
    assert np.mean(areas) > 0.75
    scene, _ = made(0)
    np.testing.assert_array_equal(attack.guess(scene), attack.guess(scene))


@pytest.mark.parametrize("attack", TRIED, ids=lambda a: a.name)
def test_nothing_is_told_where_nothing_is_learnt(attack, made):
    areas = [auc(attack, *made(seed, leaks=False)) for seed in range(10, 22)]
    assert abs(np.mean(areas) - 0.5) < 3 * np.sqrt(61 / (12 * 30 * 30) / len(areas))


def drawn(attack, boxes, scores, size=(48, 48)):
    answer = Detections(np.array(boxes, float), np.array(scores, float), np.ones(len(boxes), np.int64))
    return attack.canvases([answer], np.array([size]))[0]


def plain(boxes, scores, size, canvas, patch=None):
    """Every box added pixel by pixel."""
    picture = np.zeros((canvas, canvas))
    for (left, top, right, bottom), score in zip(boxes, scores, strict=True):
        x0, x1, y0, y1 = left / size[1], right / size[1], top / size[0], bottom / size[0]
        x0, x1, y0, y1 = (canvas * v for v in (x0, x1, y0, y1))
        if patch:
            x, y = (x0 + x1) / 2, (y0 + y1) / 2
            x0, x1, y0, y1 = x - patch / 2, x + patch / 2, y - patch / 2, y + patch / 2
        for row in range(canvas):
            for column in range(canvas):
                if np.floor(x0) <= column < np.ceil(x1) and np.floor(y0) <= row < np.ceil(y1):
                    picture[row, column] += -np.log2(1 - score)
    return picture


@pytest.mark.parametrize("form", ["original", "uniform"])
def test_a_canvas_holds_each_box_as_pixel_by_pixel(form):
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 30, (7, 2))
    boxes = np.concatenate([low, low + rng.uniform(1, 30, (7, 2))], axis=1)
    scores = rng.uniform(0.02, 0.99, 7)
    attack = BoxCanvas(form=form, size=20, patch=4)
    wanted = plain(boxes, scores, (60, 80), 20, 4 if form == "uniform" else None)
    np.testing.assert_allclose(drawn(attack, boxes, scores, (60, 80)), wanted, atol=1e-9)


def test_weak_boxes_are_left_out_and_certain_ones_weigh_twenty_bits():
    canvas = drawn(BoxCanvas(size=16), [[0, 0, 48, 48], [0, 0, 48, 48]], [0.009, 1.0])
    np.testing.assert_allclose(canvas, 20.0)
    assert not drawn(BoxCanvas(size=16), np.zeros((0, 4)), []).any()


def test_boxes_outside_the_image_stay_on_the_canvas():
    canvas = drawn(BoxCanvas(size=16), [[-20, -20, 500, 3]], [0.5])
    assert canvas[0].tolist() == [1.0] * 16 and not canvas[1:].any()


def scene(answers, boxes, shadows=()):
    sizes = np.full((len(answers), 2), 48)
    return DetectorScene(sizes, tuple(boxes), tuple(answers), sizes, tuple(boxes), tuple(shadows))


def test_the_loss_counts_missed_boxes_and_stray_ones():
    truth = np.array([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    answer = Detections(
        np.array([[0.0, 0, 10, 9], [0, 0, 10, 10], [40, 40, 44, 44]]),
        np.array([0.9, 0.6, 0.3]),
        np.ones(3, int),
    )
    (score,) = DetectionLoss().guess(scene([answer], [truth]))
    assert -score == pytest.approx(-np.log(0.9) - np.log(SMALLEST) - np.log(0.7))
    empty = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))
    assert DetectionLoss().guess(scene([empty], [np.zeros((0, 4))])).tolist() == [0.0]


def test_overlap_is_common_area_over_whole_area():
    one = np.array([[0.0, 0, 4, 4]])
    other = np.array([[0.0, 0, 4, 4], [2, 0, 6, 4], [4, 4, 8, 8], [1, 1, 1, 1]])
    np.testing.assert_allclose(overlaps(one, other), [[1, 8 / 24, 0, 0]])


def test_counts_turn_the_way_that_the_attackers_own_detectors_do(made):
    told, _ = made(5)
    turned = replace(told, shadows=tuple(Shadow(s.answers, ~s.members) for s in told.shadows))
    for attack in (BoxCount(), HighestScore()):
        np.testing.assert_array_equal(attack.guess(told), -attack.guess(turned))


def test_a_detector_without_scores_can_be_counted_and_no_more(made):
    told, _ = made(6)

    def mute(answers):
        return tuple(Detections(a.boxes, None, a.labels) for a in answers)

    silent = replace(
        told,
        answers=mute(told.answers),
        shadows=tuple(Shadow(mute(s.answers), s.members) for s in told.shadows),
    )
    assert not silent.tells_scores and told.tells_scores
    assert len(BoxCount().guess(silent)) == 60
    for attack in (QUICK, HighestScore(), DetectionLoss()):
        with pytest.raises(ModelError, match="no scores"):
            attack.guess(silent)


def test_without_detectors_of_ones_own_nothing_is_learnt(made):
    alone = replace(made(7)[0], shadows=())
    for attack in (QUICK, BoxCount(), HighestScore()):
        with pytest.raises(ModelError, match="attacker's own"):
            attack.guess(alone)


@pytest.mark.parametrize(
    "make",
    [
        lambda: BoxCanvas(form="other"),
        lambda: BoxCanvas(size=8),
        lambda: BoxCanvas(epochs=0),
        lambda: BoxCount(least=2),
        lambda: DetectionLoss(overlap=0),
    ],
)
def test_impossible_options_are_refused(make):
    with pytest.raises(PlanError):
        make()
