"""Tries how exposed planted sentences are, beside sentences of the same form that were never planted."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reticent.access import Access, BoolArray, FloatArray, IntArray
from reticent.attacks.attack import CanaryAttack
from reticent.attacks.memorisation import Enumeration
from reticent.errors import DataError, QueryLimit, ReticentError
from reticent.exhibit import Beside, Strip
from reticent.finding import Cost, Finding
from reticent.hearing import measured, threw, unmeasured
from reticent.language import LanguageModel, MeteredLanguage
from reticent.measure.estimate import (
    Estimate,
    Figure,
    Withheld,
    clopper_pearson,
    clopper_pearson_bounds,
    median,
)
from reticent.planted import Form, Planted
from reticent.recitation import CanaryScene, sentence_log_probs

ALIKE = 1e-6
"""Nats within which two sentences are as likely: what a model's arithmetic leaves open."""

USUAL = (Enumeration(),)
"""What runs where nothing is named."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Exposed:
    """How exposed each canary is, in bits: log2 |R| less log2 of its rank among sentences never planted.

    Attributes:
        exposure: (canaries,) that of the rank; where it is known roughly, the likeliest value.
        low, high: (canaries,) between which it lies, with 95 % each where sentences were drawn; surely where
            they were listed.
        times: (canaries,) how often each was planted; 0 for those of the control.
        bits: (canaries,) log2 |R|, the most that there is.
    """

    exposure: FloatArray
    low: FloatArray
    high: FloatArray
    times: IntArray
    bits: FloatArray

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name, over canaries.

        Args:
            name: "exposure", the median in bits of those planted, or "exposure, 16 times" of those planted so
                often; "control", of those never planted; "first", the share of the planted that are
                the likeliest of their form, and "first control".

        Raises:
            ValueError: no figure has that name.
        """
        if name in ("first", "first control"):
            some = (self.times > 0) == (name == "first")
            if not some.any():
                return Withheld("no canary was planted")
            if (self._first != (self.high >= self.bits - 1e-9))[some].any():
                return Withheld("ranks are known roughly alone")
            return clopper_pearson(int(self._first[some].sum()), int(some.sum()), level)
        for planted, where in self._groups():
            if name == planted:
                return self._median(where, level)
        raise ValueError(f"no figure is called {name!r}")

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """The exposure of those planted, most often first, and how many come first of all."""
        control = self.figure("control", level=level)
        rows = [
            Beside(
                f"{name}, median in bits of {self.bits.max():.2f}",
                self._median(where, level),
                "never planted",
                control,
                unit="number",
            )
            for name, where in self._groups()
            if name != "control"
        ]
        share, without = (self.figure(name, level=level) for name in ("first", "first control"))
        return (
            *rows,
            Beside("canaries likelier than any other of their form", share, "never planted", without),
        )

    def note(self) -> str:
        """How many there were, and what chance gives."""
        return (
            f"{int((self.times > 0).sum())} canaries were planted and {int((self.times == 0).sum())} were "
            "not; one that the model does not know has any rank, a median exposure of one bit."
        )

    def strips(self) -> tuple[Strip, ...]:
        """None: a sentence is nothing to look at, and must not be kept."""
        return ()

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Everything, canary by canary."""
        names = "exposure", "low", "high", "times", "bits"
        return {name: getattr(self, name) for name in names}

    @property
    def _first(self) -> BoolArray:
        return np.asarray(self.low >= self.bits - 1e-9)

    def _groups(self) -> list[tuple[str, BoolArray]]:
        """Names of medians, and whom they are of."""
        often = sorted({int(t) for t in self.times if t}, reverse=True)
        groups = [(f"exposure, {t} time{'s' if t > 1 else ''}", self.times == t) for t in often]
        return [*groups, ("exposure", self.times > 0), ("control", self.times == 0)]

    def _median(self, where: BoolArray, level: float) -> Figure:
        """The median, its interval as wide as the canaries' own make it."""
        value, low, high = (median(v[where], level) for v in (self.exposure, self.low, self.high))
        if isinstance(value, Withheld) or isinstance(low, Withheld) or isinstance(high, Withheld):
            return Withheld(f"{int(where.sum())} canaries are too few for a median with its interval")
        return Estimate(value.value, low.low, high.high, level, value.method, value.n)


def expose(
    model: LanguageModel,
    planted: Sequence[Planted],
    *,
    attacks: Sequence[CanaryAttack] = USUAL,
    controls: int = 20,
    access: Access | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> tuple[Finding, ...]:
    """Look how early planted sentences come among all of their form.

    Args:
        model: trained on texts with the canaries in them, as often as they say.
        planted: canaries, as `reticent.planted.canaries` draws them and `plant` puts them in.
        attacks: how their ranks are found.
        controls: more sentences of each form, drawn here, which nobody planted.
        access: the rung granted, if lower than the model's.
        limit: texts that each attack may ask about.
        seed: of the controls, and of what attacks draw.

    Returns:
        A finding an attack, with `Exposed`; one that can't be run says why.

    Raises:
        DataError: no canary, no control, or a form with too few sentences for the controls.
    """
    if not planted:
        raise DataError("no canaries were given; draw some with reticent.planted.canaries")
    forms = tuple(dict.fromkeys(p.form for p in planted))
    others = [c for form in forms for c in _controls(form, planted, controls, seed)]
    if not any(p.times == 0 for p in (*planted, *others)):
        raise DataError("controls = 0 was given, and no canary that was planted 0 times; give 20 controls")
    canaries = (*planted, *others)
    return tuple(
        _tried(attack, MeteredLanguage(model, access, limit=limit), canaries, forms, seed)
        for attack in attacks
    )


def _controls(form: Form, planted: Sequence[Planted], count: int, seed: int) -> list[Planted]:
    known = {p.sentence for p in planted if p.form == form}
    if form.size < 2 * (len(known) + count):
        raise DataError(
            f"the form {form.text!r} has {form.size:,} sentences for {len(known)} canaries and {count} "
            "controls; give a form with more places to fill, or fewer controls"
        )
    drawn = dict.fromkeys(s for s in form.draw(4 * (len(known) + count), seed) if s not in known)
    return [Planted(form, sentence, 0) for sentence in list(drawn)[:count]]


def _tried(
    attack: CanaryAttack,
    target: MeteredLanguage,
    canaries: Sequence[Planted],
    forms: Sequence[Form],
    seed: int,
) -> Finding:
    start, found = time.perf_counter(), dict[Planted, tuple[float, float, float]]()
    try:
        for form in forms:
            own = [c for c in canaries if c.form == form]
            planted = {c.sentence for c in own if c.times}
            scene = CanaryScene(target, form, seed)
            if attack.ordered:
                exposed = _listed(attack, scene, own)
            else:
                told = attack.fillings(scene)
                drawn = np.array([f.log_prob for f in told if f.sentence not in planted])
                theirs = sentence_log_probs(target, [c.sentence for c in own])
                exposed = [sampled(drawn, v, np.log2(form.size)) for v in theirs]
            found |= dict(zip(own, exposed, strict=True))
    except ReticentError as problem:
        return unmeasured(attack, "refused", str(problem))
    except MemoryError:
        raise
    except Exception as error:
        return unmeasured(attack, "failed", threw(error, "during the attack", who="it"))
    exposure, low, high = np.array([found[c] for c in canaries], dtype=np.float64).T
    evidence = Exposed(
        exposure=exposure,
        low=low,
        high=high,
        times=np.array([c.times for c in canaries]),
        bits=np.log2([float(c.form.size) for c in canaries]),
    )
    return measured(attack, evidence, Cost(queries=target.queries, seconds=time.perf_counter() - start))


def _listed(
    attack: CanaryAttack, scene: CanaryScene, own: Sequence[Planted]
) -> list[tuple[float, float, float]]:
    """The exposure of each canary by its rank in a list, and between which it lies.

    Other planted sentences are not counted: each is ranked among those that were not.

    Of one that isn't listed it is known that it comes later; half of what is left is its likeliest rank. The
    list is left where all were met, and as soon as sentences are less likely than all of them.
    """
    wanted, planted = {c.sentence for c in own}, {c.sentence for c in own if c.times}
    places, listed = dict[str, float](), list[float]()
    try:
        for filling in attack.fillings(scene):
            if len(places) == len(wanted) and filling.log_prob < min(places.values()) - ALIKE:
                break
            if filling.sentence in wanted:
                places[filling.sentence] = filling.log_prob
            if filling.sentence not in planted:
                listed.append(filling.log_prob)
    except QueryLimit:
        if not listed and not places:
            raise
    others, size = np.array(listed), float(scene.form.size)
    exposed = []
    for canary in own:
        ranks = ((len(others) + 1 + size) / 2, size, len(others) + 1.0)
        if canary.sentence in places:
            mine, itself = places[canary.sentence], canary.times == 0
            alike = (np.abs(others - mine) <= ALIKE).sum() - itself
            rank = (others > mine + ALIKE).sum() + alike / 2 + 1
            ranks = (rank, rank, rank)
        value, low, high = np.log2(size) - np.log2(ranks)
        exposed.append((float(value), float(low), float(high)))
    return exposed


def sampled(drawn: FloatArray, own: float, bits: float, level: float = 0.95) -> tuple[float, float, float]:
    """A canary's exposure by sentences drawn at random, and between which it lies.

    The share that is at least as likely has Clopper & Pearson's interval. Which value within it: the share
    itself where ten sentences or more are behind it, else that of a skew-normal law with the sample's
    moments.

    Args:
        drawn: (sentences,) log-probabilities.
        own: the canary's.
        bits: log2 |R|, the most that an exposure can be.
    """
    likelier = float((drawn > own).sum() + (drawn == own).sum() / 2)
    least, most = clopper_pearson_bounds(likelier, len(drawn), (1 - level) / 2)
    low, high = (float(min(bits, -np.log2(max(share, 2.0**-bits)))) for share in (most, least))
    share = likelier / len(drawn) if likelier >= 10 else _skew_normal_above(drawn, own)
    return float(np.clip(-np.log2(max(share, 2.0**-bits)), low, high)), low, high


def _skew_normal_above(drawn: FloatArray, own: float) -> float:
    """The share above a value by a skew-normal law with the mean, deviation and skewness of a sample."""
    from scipy.stats import skewnorm

    mean, deviation = float(drawn.mean()), float(drawn.std())
    if deviation == 0:
        return float(own <= mean)
    # Azzalini 1985: no skew-normal law is more skewed than .9953
    skewness = float(np.clip((((drawn - mean) / deviation) ** 3).mean(), -0.99, 0.99))
    part = abs(skewness) ** (2 / 3)
    delta = np.sign(skewness) * np.sqrt(np.pi / 2 * part / (part + ((4 - np.pi) / 2) ** (2 / 3)))
    scale = deviation / np.sqrt(1 - 2 * delta**2 / np.pi)
    where = mean - scale * delta * np.sqrt(2 / np.pi)
    return float(skewnorm.sf(own, delta / np.sqrt(1 - delta**2), loc=where, scale=scale))
