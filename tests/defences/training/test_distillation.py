"""DMP: a student that never saw a member's record, taught by the surest answers at a temperature."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.defences import distillation, dp_sgd
from reticent.errors import PlanError


class Kept:
    """A soft recipe around another, which keeps what it was asked to teach."""

    together, device = 1, "cpu"

    def __init__(self, recipe):
        self.recipe, self.records, self.targets = recipe, None, None

    def fit(self, data, seed):
        return self.recipe.fit(data, seed)

    def fit_many(self, data, masks, seeds):
        return self.recipe.fit_many(data, masks, seeds)

    def fit_soft(self, data, masks, seeds, targets):
        self.records, self.targets = data.take(masks[0]), targets[0]
        return self.recipe.fit_soft(data, masks, seeds, targets)

    def fingerprint(self):
        return self.recipe.fingerprint()


def test_the_student_sees_the_surest_of_the_reference_and_the_teachers_answers(logistic, data, reference):
    kept = Kept(logistic)
    distillation(temperature=2.0, share=0.5).harden(kept, reference).fit(data, 0)
    teacher = logistic.fit(data, 0)
    logs = teacher.predict(reference.features).log_scores
    entropy = -(np.exp(logs) * logs).sum(axis=1)
    surest = np.sort(np.argsort(entropy)[:40])
    np.testing.assert_array_equal(kept.records.features, reference.features[surest])
    soft = np.exp(logs[surest] / 2)
    np.testing.assert_allclose(kept.targets, soft / soft.sum(axis=1, keepdims=True), rtol=1e-6)


def test_members_labels_come_through_the_teacher_alone(torch_recipe, data, reference):
    target = distillation().harden(torch_recipe, reference).fit(data, 0)
    assert (target.predict(reference.features).labels == reference.labels).mean() > 0.5


def test_a_private_teacher_makes_a_private_student(torch_recipe, reference):
    private = dp_sgd(noise=1.0, delta=1e-3).harden(torch_recipe)
    assert distillation().harden(private, reference).guarantee(500) == private.guarantee(500)
    assert distillation().harden(torch_recipe, reference).guarantee(500) is None


def test_no_reference_and_bad_numbers_are_told(logistic):
    with pytest.raises(PlanError, match="give reference="):
        distillation().harden(logistic)
    with pytest.raises(PlanError, match="distillation was given temperature=0"):
        distillation(temperature=0)
    with pytest.raises(PlanError, match=r"share=1\.5"):
        distillation(share=1.5)
