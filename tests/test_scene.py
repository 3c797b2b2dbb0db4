"""A scene: what an attack is handed."""

from __future__ import annotations

import numpy as np

from reticent.access import Access, Metered, Outputs
from reticent.data import Records
from reticent.question import Labels, Scores
from reticent.scene import Scene
from reticent.shadows.signals import Answers


class Model:
    access = Access.LOGITS
    classes = np.array([0, 1])

    def predict(self, x):
        return Outputs.from_logits(x)


DATA = Records(np.arange(10.0).reshape(5, 2), np.array([0, 1, 0, 1, 1]), np.array([0, 1]))
KNOWN = np.array([False, True, False, False, True])


def scene(**options):
    return Scene(Metered(Model(), Access.SCORES), DATA, KNOWN, **options)


def test_candidates_and_population_part_the_records():
    staged = scene()
    assert staged.candidates.tolist() == [0, 2, 3]
    assert (staged.population.features == DATA.features[KNOWN]).all()
    assert staged.access == Access.SCORES


def test_answers_are_those_to_the_question_scores_by_default():
    scores, labels = (Answers(np.full((1, 5, 1, c), c), DATA.labels) for c in (2, 1))
    staged = scene(answers={Scores(): scores, Labels(): labels}, signals={Scores(): "signals"})
    assert staged.target_answers() is scores
    assert staged.target_answers(Labels()) is labels
    assert staged.shadow_signals() == "signals"


def test_every_attack_draws_the_same_whichever_ran_before():
    staged = scene(seed=3)
    first = staged.rng().random(5)
    assert (staged.rng().random(5) == first).all()
    assert (scene(seed=4).rng().random(5) != first).any()


def test_the_truth_is_not_in_it():
    assert not {"members", "truth", "rows"} & set(vars(scene()))
