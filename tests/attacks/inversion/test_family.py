"""Attacks that draw classes: a model that holds them gives them away, one that knows nothing does not."""

from __future__ import annotations

import numpy as np
import pytest

from reticent import testing
from reticent.access import Access, Metered, Outputs
from reticent.attacks import inversion
from reticent.attacks.inversion import BoundaryRepelling, GenerativeInversion, MiFace
from reticent.attacks.inversion.prior import Autoencoder
from reticent.errors import ModelError, PlanError
from reticent.scene import ClassScene

CLASSES, SIDE = 6, 5
FACES = np.random.default_rng(0).random((CLASSES, SIDE, SIDE))
PUBLIC = np.random.default_rng(1).random((60, SIDE, SIDE))


class Nearest:
    """Softmax of minus the squared distance from each class's face: the class is likeliest at its face."""

    access = Access.WEIGHTS
    classes = np.arange(CLASSES)

    def __init__(self, faces=FACES, sharpness=2.0):
        self.faces, self.sharpness = faces, sharpness

    def logits(self, x):
        away = np.asarray(x)[:, None] - self.faces
        return -self.sharpness * np.square(away).sum(axis=(2, 3))

    def predict(self, x):
        return Outputs.from_logits(self.logits(x))

    def score_gradient(self, x, classes):
        scores = np.exp(self.predict(x).log_scores)
        slopes = -2 * self.sharpness * (np.asarray(x)[:, None] - self.faces)
        mean = (scores[..., None, None] * slopes).sum(axis=1)
        own = np.arange(len(x))
        picked = scores[own, classes]
        return picked, picked[:, None, None] * (slopes[own, classes] - mean)

    def fingerprint(self):
        return "nearest"


def scene(target, access=None, classes=None, seed=0):
    chosen = np.arange(CLASSES) if classes is None else classes
    return ClassScene(Metered(target, access), PUBLIC, chosen, 0.0, 1.0, seed)


DEEP = GenerativeInversion(prior=Autoencoder(steps=300, hidden=64, fidelity=30.0), unlikely=0.005)
QUICK = (MiFace(), GenerativeInversion(starts=2, steps=100), BoundaryRepelling())


def nearest_face(drawn):
    return np.square(drawn[:, None] - FACES).sum(axis=(2, 3)).argmin(axis=1)


def test_every_attack_in_the_folder_is_listed():
    listed = {getattr(inversion, name) for name in inversion.__all__ if name != "DEFAULT"}
    assert set(testing.leaves(inversion)) == listed == {type(a) for a in inversion.DEFAULT}


@pytest.mark.parametrize("attack", inversion.DEFAULT, ids=lambda a: a.name)
def test_it_says_what_it_is(attack):
    testing.says_what_it_is(attack)


@pytest.mark.parametrize("attack", (*inversion.DEFAULT, DEEP), ids=lambda a: a.name[:30])
def test_it_draws_each_class_as_the_model_holds_it(attack):
    drawn = attack.draw(scene(Nearest(), attack.needs))
    assert drawn.shape == FACES.shape
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert (nearest_face(drawn) == np.arange(CLASSES)).mean() > 0.8
    assert np.array_equal(drawn, attack.draw(scene(Nearest(), attack.needs)))


@pytest.mark.parametrize("attack", inversion.DEFAULT, ids=lambda a: a.name)
def test_only_the_classes_asked_for_are_drawn(attack):
    drawn = attack.draw(scene(Nearest(), attack.needs, classes=np.array([1, 4])))
    assert nearest_face(drawn).tolist() == [1, 4]


@pytest.mark.parametrize("attack", QUICK, ids=lambda a: a.title())
def test_a_model_of_other_faces_shows_no_more_than_chance(attack):
    hits = [
        (
            nearest_face(
                attack.draw(scene(Nearest(np.random.default_rng(s).random(FACES.shape)), attack.needs))
            )
            == np.arange(CLASSES)
        ).mean()
        for s in range(10, 30)
    ]
    assert abs(np.mean(hits) - 1 / CLASSES) < 3 * np.sqrt(1 / CLASSES / (20 * CLASSES))


def test_a_generator_of_ones_own_is_used_as_it_is():
    """One that makes two pictures alone, whatever the public ones are."""

    class Two:
        codes = 1

        def draw(self, codes):
            return np.where(codes[:, :, None] > 0, FACES[1], FACES[4])

        def pull(self, codes, slopes):
            return (slopes * (FACES[1] - FACES[4])).sum(axis=(1, 2))[:, None]

    class Bring:
        def fit(self, public, low, high, seed):
            return Two()

    drawn = GenerativeInversion(prior=Bring()).draw(scene(Nearest(), classes=np.array([4, 1])))
    np.testing.assert_array_equal(drawn, FACES[[4, 1]])
    with pytest.raises(PlanError, match="give an object with fit"):
        GenerativeInversion(prior="gan")


def test_a_code_that_is_unlikely_is_not_worth_being_surer():
    near = GenerativeInversion(unlikely=100.0).draw(scene(Nearest()))
    mean = PUBLIC.mean(axis=0)
    far = GenerativeInversion(unlikely=0.0).draw(scene(Nearest()))
    assert np.abs(near - mean).max() < 0.1 < np.abs(far - mean).max()


def test_the_walk_ends_where_the_model_is_sure_enough():
    early = MiFace(cost_enough=0.5).draw(scene(Nearest()))
    late = MiFace(cost_enough=0.001).draw(scene(Nearest()))
    certain = [
        np.exp(Nearest().predict(x).log_scores)[np.arange(CLASSES), np.arange(CLASSES)] for x in (early, late)
    ]
    assert certain[0].min() >= 0.5
    assert certain[1].mean() > certain[0].mean()


def test_a_walk_without_progress_keeps_its_best_picture():
    """Where the gradient is nought everywhere the start is kept, and nothing is asked for ever."""

    class Flat(Nearest):
        asked = 0

        def score_gradient(self, x, classes):
            self.asked += 1
            return np.full(len(x), 0.2), np.zeros(np.shape(x))

    target = Flat()
    drawn = MiFace(patience=5).draw(scene(target))
    np.testing.assert_allclose(drawn, np.repeat(PUBLIC.mean(axis=0)[None], CLASSES, axis=0))
    assert target.asked <= 7


def test_a_class_that_no_picture_is_taken_for_stays_the_mean_picture():
    faces = FACES.copy()
    faces[2] = 50.0  # no picture is near it
    drawn = BoundaryRepelling().draw(scene(Nearest(faces), Access.LABELS))
    np.testing.assert_allclose(drawn[2], PUBLIC.mean(axis=0), atol=1e-9)


def test_a_model_without_gradients_is_a_sentence():
    class Closed(Nearest):
        score_gradient = None

    with pytest.raises((ModelError, TypeError)):
        MiFace().draw(scene(Closed()))
    with pytest.raises(PermissionError, match="weights"):
        MiFace().draw(scene(Nearest(), Access.SCORES))


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"patience": 0}, {"step_size": 0}, {"cost_enough": -1}], ids=str
)
def test_impossible_options_are_refused(wrong):
    with pytest.raises(PlanError):
        MiFace(**wrong)
    with pytest.raises(PlanError):
        BoundaryRepelling(rounds=0)
    with pytest.raises(PlanError):
        GenerativeInversion(starts=0)
