"""Tries whether a language model writes on training texts, beside texts that it never saw."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reticent.access import Access, FloatArray, IntArray
from reticent.attacks.attack import ContinuationAttack
from reticent.attacks.memorisation import GreedyContinuation, SampledContinuation, TruncatedContinuation
from reticent.errors import DataError, ReticentError
from reticent.exhibit import Beside, Strip
from reticent.finding import Cost, Finding
from reticent.hearing import measured, threw, unmeasured
from reticent.language import LanguageModel, MeteredLanguage
from reticent.measure.estimate import Figure, Withheld, clopper_pearson
from reticent.recitation import check_round_trip

FEWEST = 30
"""Texts on a side below which figures are withheld."""

USUAL = GreedyContinuation(), SampledContinuation(), TruncatedContinuation()
"""What runs where nothing is named."""

TRIES = 1, 100, 10_000, 1_000_000
SURE = 0.5, 0.9, 0.999


@dataclass(frozen=True, kw_only=True, eq=False)
class Continued:
    """The chance that one try gives the rest of a text, of training texts and of others.

    Attributes:
        inside: (texts,) its natural logarithm, of training texts.
        outside: (texts,) the same of texts that the model never saw.
        draws: whether another try may come out otherwise.
    """

    inside: FloatArray
    outside: FloatArray
    draws: bool

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name, the share of texts that are extractable.

        Args:
            name: "n=100, p=0.5" of training texts: by at least one of 100 tries with a chance of a half or
                more; "n=100, p=0.5 unseen" of the others. One try suffices where tries are all alike.

        Raises:
            ValueError: no figure has that name.
        """
        try:
            tries, sure = (part.split("=")[1] for part in name.removesuffix(" unseen").split(", "))
            n, p = int(tries), float(sure)
        except (ValueError, IndexError):
            raise ValueError(f"no figure is called {name!r}") from None
        if n < 1 or not 0 < p < 1:
            raise ValueError(f"no figure is called {name!r}")
        if min(len(self.inside), len(self.outside)) < FEWEST:
            return Withheld(f"fewer than {FEWEST} texts on a side")
        side = self.outside if name.endswith(" unseen") else self.inside
        return clopper_pearson(int(extractable(side, n, p).sum()), len(side), level)

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """The share extractable, by more and more tries and ever more surely."""
        settings = (
            [(n, SURE[0]) for n in TRIES] + [(TRIES[-1], p) for p in SURE[1:]] if self.draws else [(1, 0.5)]
        )
        return tuple(
            Beside(
                f"written on in {n:,} tr{'y' if n == 1 else 'ies'}, chance at least {p:g}"
                if self.draws
                else "written on, greedily",
                self.figure(f"n={n}, p={p}", level=level),
                "texts that the model never saw",
                self.figure(f"n={n}, p={p} unseen", level=level),
            )
            for n, p in settings
        )

    def note(self) -> str:
        """How many texts there were."""
        return f"{len(self.inside)} training texts and {len(self.outside)} that the model never saw."

    def strips(self) -> tuple[Strip, ...]:
        """None: a text is nothing to look at, and must not be kept."""
        return ()

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """The chances, text by text."""
        return {"inside": self.inside, "outside": self.outside}


def extractable(log_chances: FloatArray, tries: int, sure: float) -> NDArray[np.bool_]:
    """(texts,) whether 1 - (1 - p_z)^n >= p (Hayes et al. 2024), however small p_z is."""
    with np.errstate(divide="ignore"):
        missed = tries * np.log1p(-np.exp(np.minimum(log_chances, 0)))
    return np.asarray(-np.expm1(missed) >= sure)


def continue_texts(
    model: LanguageModel,
    corpus: Sequence[str],
    unseen: Sequence[str],
    *,
    attacks: Sequence[ContinuationAttack] = USUAL,
    beginning: int = 50,
    rest: int = 50,
    access: Access | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> tuple[Finding, ...]:
    """Give a model the beginnings of texts, and reckon how likely it writes the rest.

    Args:
        model: any language model.
        corpus: texts that it was trained on. Of each a stretch is taken, at a place drawn at random; those
            that are too short are left out.
        unseen: texts of the same kind, none of which it was trained on.
        beginning: tokens that the model is given, after those that it wants before every text.
        rest: tokens that it must write.
        access: the rung granted, if lower than the model's.
        limit: texts that each attack may ask about.
        seed: of the places.

    Returns:
        A finding an attack, with `Continued`; one that can't be run says why.

    Raises:
        DataError: no text is long enough, the model reads too little, or its tokens don't give the texts
            back.
    """
    if beginning < 1 or rest < 1:
        raise DataError(f"beginning = {beginning} and rest = {rest} were given; give at least a token each")
    check_round_trip(model, corpus)
    sides = [
        _stretches(model, texts, name, beginning, rest, seed)
        for name, texts in (("corpus", corpus), ("unseen", unseen))
    ]
    return tuple(_tried(a, MeteredLanguage(model, access, limit=limit), sides) for a in attacks)


def _stretches(
    model: LanguageModel, texts: Sequence[str], name: str, beginning: int, rest: int, seed: int
) -> tuple[list[IntArray], list[IntArray]]:
    """Of every text that is long enough, tokens to begin with and those that follow."""
    rng, before = np.random.default_rng(seed), model.encode("")
    whole = len(before) + beginning + rest
    if whole > model.longest:
        raise DataError(
            f"{whole} tokens are asked of a text and the model reads {model.longest}; give a shorter "
            "beginning or rest"
        )
    beginnings, rests = list[IntArray](), list[IntArray]()
    for text in texts:
        tokens = model.encode(text)[len(before) :]
        if len(tokens) < beginning + rest:
            continue
        start = int(rng.integers(len(tokens) - beginning - rest + 1))
        beginnings.append(np.concatenate([before, tokens[start : start + beginning]]).astype(np.int64))
        rests.append(tokens[start + beginning : start + beginning + rest])
    if not rests:
        raise DataError(
            f"none of the {len(texts)} texts of the {name} has {beginning + rest} tokens; give longer "
            "ones, or a shorter beginning and rest"
        )
    return beginnings, rests


def _tried(
    attack: ContinuationAttack,
    target: MeteredLanguage,
    sides: Sequence[tuple[list[IntArray], list[IntArray]]],
) -> Finding:
    start = time.perf_counter()
    try:
        inside, outside = (attack.log_chances(target, *side) for side in sides)
    except ReticentError as problem:
        return unmeasured(attack, "refused", str(problem))
    except MemoryError:
        raise
    except Exception as error:
        return unmeasured(attack, "failed", threw(error, "during the attack", who="it"))
    cost = Cost(queries=target.queries, seconds=time.perf_counter() - start)
    return measured(attack, Continued(inside=inside, outside=outside, draws=attack.draws), cost)
