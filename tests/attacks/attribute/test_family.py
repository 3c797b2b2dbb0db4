"""What every attack on a sensitive column must do."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from reticent import testing
from reticent.access import Access
from reticent.attacks import attribute
from reticent.attacks.attack import AttributeAttack

BLACK_BOX = [a for a in attribute.DEFAULT if a.needs < Access.WEIGHTS]


def test_every_attack_in_the_folder_is_listed():
    listed = {getattr(attribute, name) for name in attribute.__all__ if name != "DEFAULT"}
    assert set(testing.leaves(attribute)) == listed == {type(a) for a in attribute.DEFAULT}
    assert all(issubclass(kind, AttributeAttack) for kind in listed)


@pytest.mark.parametrize("attack", attribute.DEFAULT, ids=lambda a: a.name)
def test_it_says_what_it_is(attack):
    testing.says_what_it_is(attack)
    with pytest.raises(dataclasses.FrozenInstanceError):
        attack.needs = Access.LABELS


@pytest.mark.parametrize("attack", BLACK_BOX, ids=lambda a: a.name)
def test_it_asks_what_it_says_and_no_more(attack, secrets):
    records, model = secrets.world(0)
    scene = secrets.scene(attack, records, model, access=attack.needs)
    said = sum(q.queries(len(records)) for q in attack.asks(scene.secret))
    scores = attack.guess(scene)
    assert scene.target.queries == said == 2 * len(records)
    assert scores.shape == (len(records), 2)
    assert np.isfinite(scores).all()
    assert np.array_equal(scores, attack.guess(secrets.scene(attack, records, model)))


@pytest.mark.parametrize("attack", BLACK_BOX, ids=lambda a: a.name)
def test_it_never_sees_the_column(attack, secrets):
    """With the hidden values of the records exchanged and the model the same, it guesses the same."""
    records, model = secrets.world(1)
    table = records.features.copy()
    hidden = slice(0, len(table) - secrets.known)
    table.loc[table.index[hidden], "s"] = table["s"].to_numpy()[hidden][::-1]
    exchanged = dataclasses.replace(records, features=table)
    one, other = (attack.guess(secrets.scene(attack, r, model)) for r in (records, exchanged))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("attack", BLACK_BOX, ids=lambda a: a.name)
def test_nothing_is_found_where_nothing_was_learnt(attack, secrets):
    """Over 20 worlds without a trace of the records, one half is guessed rightly, on either side."""
    found = np.array([secrets.right(attack, *secrets.world(seed, leaks=False)) for seed in range(20)])
    inside, outside = secrets.members, 60
    for share, size in zip(found.mean(axis=0), (inside, outside), strict=True):
        assert abs(share - 0.5) < 3 * 0.5 / np.sqrt(20 * size)


@pytest.mark.parametrize("attack", BLACK_BOX, ids=lambda a: a.name)
def test_what_a_model_knows_by_heart_is_found_of_members_alone(attack, secrets):
    """But by the attack that learns how the model errs from others, of whom it knows nothing."""
    found = np.mean([secrets.right(attack, *secrets.world(seed)) for seed in range(6)], axis=0)
    if isinstance(attack, attribute.MaximumPosterior):
        assert abs(found - 0.5).max() < 0.1
        return
    assert found[0] > 0.75  # with one value in three the model answers rightly by chance
    assert found[1] < 0.62
