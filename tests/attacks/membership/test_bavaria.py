"""BaVarIA: the prior is recovered, the predictive law is Student's, and few models are used better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from reticent.attacks.membership.bavaria import (
    Bavaria,
    Prior,
    inverse_trigamma,
    log_student,
    log_student_survival,
)
from reticent.attacks.membership.lira import Lira
from reticent.attacks.sides import IN, OUT, Moments, moments
from reticent.errors import PlanError
from reticent.shadows.signals import margin


def drawn_from_prior(
    seed: int, *, freedom: float, variance: float, location: float, strength: float, models: int = 6
) -> Moments:
    """Moments of records whose means and variances are drawn from a normal-inverse-gamma prior."""
    rng = np.random.default_rng(seed)
    sigma2 = freedom * variance / rng.chisquare(freedom, size=(2, 20_000, 1))
    mu = location + np.sqrt(sigma2 / strength) * rng.normal(size=sigma2.shape)
    x = mu[None] + np.sqrt(sigma2) * rng.normal(size=(models, *sigma2.shape))
    centres = x.mean(axis=0)
    return Moments(np.full((2, 20_000), float(models)), centres, ((x - centres) ** 2).sum(axis=0))


@pytest.mark.parametrize(("models", "tolerance"), [(2, 0.4), (6, 0.1), (32, 0.05)])
def test_the_prior_is_recovered(models: int, tolerance: float) -> None:
    """On average over worlds; two models say little of their variance, twenty thousand records or not."""
    truth = {"freedom": 5.0, "variance": 2.0, "location": 3.0, "strength": 0.25}
    priors = [Prior.of(drawn_from_prior(seed, models=models, **truth)) for seed in range(5)]
    for name, value in truth.items():
        found = np.median([getattr(prior, name) for prior in priors])
        assert found == pytest.approx(value, rel=tolerance), name


def test_records_of_one_variance_share_it() -> None:
    prior = Prior.of(drawn_from_prior(0, freedom=1e6, variance=2.0, location=0.0, strength=0.5))
    assert (prior.freedom > 100).all()
    np.testing.assert_allclose(prior.variance.ravel(), 2.0, rtol=0.03)


def test_the_predictive_law_is_the_integral_over_means_and_variances() -> None:
    """Bayes' rule by brute force, for one record with three models."""
    d0, s0, m0, k0 = 5.0, 2.0, 1.0, 0.5
    x, at = np.array([0.2, 1.7, 2.4]), 3.3
    one = np.ones((2, 1, 1))
    prior = Prior(d0 * one, s0 * one, m0 * one, k0 * one)
    found = Moments(3 * np.ones((2, 1)), x.mean() * one, ((x - x.mean()) ** 2).sum() * one)
    location, scale, freedom = prior.predict(found, found.centres)
    ours = stats.t(freedom[0], location[0], scale[0]).pdf(at).item()

    mu, sigma2 = np.linspace(-30, 30, 2001), np.exp(np.linspace(-4, 8, 1001))[:, None]
    joint = stats.invgamma(d0 / 2, scale=d0 * s0 / 2).pdf(sigma2) * stats.norm(m0, np.sqrt(sigma2 / k0)).pdf(
        mu
    )
    for seen in x:
        joint = joint * stats.norm(mu, np.sqrt(sigma2)).pdf(seen)
    both = joint * stats.norm(mu, np.sqrt(sigma2)).pdf(at)
    above, below = (
        integrate.simpson(integrate.simpson(table, x=mu, axis=1), x=sigma2[:, 0]) for table in (both, joint)
    )
    assert ours == pytest.approx(above / below, rel=1e-3)


def test_agrees_with_a_plain_loop(small_world: Any) -> None:
    x = small_world.shadows.margin().astype(np.float64)
    target = small_world.target.margin()[0].astype(np.float64)
    prior = Prior.of(moments(small_world.shadows, margin))
    scores = np.zeros(len(target))
    for (r, v), at in np.ndenumerate(target):
        for side, sign in ((OUT, -1), (IN, 1)):
            own = x[small_world.shadows.members[:, r] == (side == IN), r, v]
            d0, s0, m0, k0 = (
                getattr(prior, name)[side, 0, v] for name in ("freedom", "variance", "location", "strength")
            )
            n, k = len(own), k0 + len(own)
            location = (k0 * m0 + n * own.mean()) / k
            beta = d0 * s0 + ((own - own.mean()) ** 2).sum() + k0 * n / k * (own.mean() - m0) ** 2
            scale = np.sqrt(beta / (d0 + n) * (k + 1) / k)
            scores[r] += sign * stats.t(d0 + n, location, scale).logpdf(at) / target.shape[1]
    found = Bavaria().score(small_world.target, small_world.shadows, small_world.nobody)
    np.testing.assert_allclose(found, scores, rtol=1e-3, atol=1e-3)


def test_few_models_are_used_better_than_by_lira(mean_auc: Callable[..., tuple[float, float]]) -> None:
    options: dict[str, Any] = {"models": 8, "gap": 1.5, "variance_spread": 0.7, "records": 1500}
    ours = mean_auc(Bavaria(), range(5), **options)[0]
    for variance in ("per-record", "global"):
        assert ours > mean_auc(Lira(variance=variance), range(5), **options)[0] + 0.005  # type: ignore[arg-type]


def test_with_many_models_it_is_as_good_as_lira(mean_auc: Callable[..., tuple[float, float]]) -> None:
    options: dict[str, Any] = {"models": 128, "gap": 1.5, "variance_spread": 0.7, "records": 1000}
    ours, theirs = (mean_auc(a, range(4), **options)[0] for a in (Bavaria(), Lira(variance="per-record")))
    assert ours > theirs - 0.003


@pytest.mark.parametrize("freedom", [1.0, 4.5, 30.0, 1000.0])
def test_student_density_and_survival(freedom: float) -> None:
    z = np.array([-50.0, -3, -0.1, 0, 0.5, 4, 30])
    law = stats.t(freedom)
    f = np.full_like(z, freedom)
    np.testing.assert_allclose(log_student(z, f), law.logpdf(z), rtol=1e-9, atol=1e-12)
    seen = law.sf(z) > 1e-300
    np.testing.assert_allclose(log_student_survival(z, f)[seen], law.logsf(z)[seen], rtol=1e-8, atol=1e-12)


def test_survival_goes_on_where_probabilities_underflow() -> None:
    z = np.geomspace(10, 1000, 200)
    found = log_student_survival(z, np.full_like(z, 1000.0))
    assert np.isfinite(found).all() and (np.diff(found) < 0).all()
    below = found[z < 50]  # just where the tail's leading term takes over there is no jump
    assert np.abs(np.diff(below, n=2)).max() < 2


def test_inverse_trigamma() -> None:
    from scipy.special import polygamma

    y = np.array([1e-5, 0.01, 0.5, 1.0, 10.0, 1000.0])
    np.testing.assert_allclose(polygamma(1, inverse_trigamma(y)), y, rtol=1e-8)


def test_every_option_changes_something(small_world: Any) -> None:
    options: list[dict[str, Any]] = [{}, {"mode": "offline"}, {"predictive": "gaussian"}]
    scores = [
        Bavaria(**o).score(small_world.target, small_world.shadows, small_world.nobody) for o in options
    ]
    assert not np.allclose(scores[0], scores[1]) and not np.allclose(scores[0], scores[2])


@pytest.mark.parametrize("option", ["mode", "predictive"])
def test_an_unknown_choice_is_told(option: str) -> None:
    with pytest.raises(PlanError, match=f"{option} = 'other' was given; choose one of"):
        Bavaria(**{option: "other"})  # type: ignore[arg-type]
