"""Generators learnt from public pictures: what they draw is like them, and slopes lead back to codes."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.attacks.inversion.prior import Autoencoder, Components, Prior
from reticent.errors import PlanError

RNG = np.random.default_rng(0)
AXES = RNG.normal(size=(3, 4, 5))
PUBLIC = 0.5 + 0.08 * np.einsum("nk,khw->nhw", RNG.normal(size=(200, 3)), AXES)
PRIORS = [Components(count=3), Autoencoder(count=3, hidden=64, steps=800, fidelity=50.0)]


@pytest.mark.parametrize("prior", PRIORS, ids=lambda p: type(p).__name__)
def test_what_is_drawn_is_like_the_public_pictures(prior):
    assert isinstance(prior, Prior)
    made = prior.fit(PUBLIC, 0.0, 1.0, 0)
    drawn = made.draw(np.random.default_rng(1).normal(size=(500, made.codes)))
    assert drawn.shape == (500, 4, 5) and drawn.min() >= 0 and drawn.max() <= 1
    assert np.abs(drawn.mean(axis=0) - PUBLIC.mean(axis=0)).max() < 0.05
    assert 0.7 < drawn.std(axis=0).mean() / PUBLIC.std(axis=0).mean() < 1.3
    # And each public picture is among what it can draw, to a small error
    flat = drawn.reshape(500, -1)
    apart = np.square(PUBLIC[:20].reshape(20, 1, -1) - flat).mean(axis=2).min(axis=1)
    assert apart.mean() < 0.3 * PUBLIC.var(axis=0).mean()


@pytest.mark.parametrize("prior", PRIORS, ids=lambda p: type(p).__name__)
def test_slopes_lead_back_to_the_codes(prior):
    made = prior.fit(PUBLIC, 0.0, 1.0, 0)
    codes, towards = RNG.normal(size=(4, made.codes)) / 4, RNG.normal(size=(4, 4, 5))
    small = 1e-2
    for k in range(made.codes):
        step = small * np.eye(made.codes)[k]
        rise = ((made.draw(codes + step) - made.draw(codes - step)) * towards).sum(axis=(1, 2)) / (2 * small)
        np.testing.assert_allclose(made.pull(codes, towards)[:, k], rise, rtol=0.05, atol=2e-2)


def test_the_same_seed_learns_the_same():
    prior = Autoencoder(count=2, hidden=8, steps=20)
    one, other = (prior.fit(PUBLIC, 0.0, 1.0, 3).draw(np.ones((1, 2))) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_fewer_pictures_than_components_are_enough():
    assert Components(count=40).fit(PUBLIC[:3], 0.0, 1.0, 0).codes <= 3


@pytest.mark.parametrize("kind", [Components, Autoencoder])
def test_impossible_options_are_refused(kind):
    with pytest.raises(PlanError):
        kind(count=0)
