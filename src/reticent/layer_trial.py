"""Tries attacks on a language model's last layer: how near to the true weights what is told comes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reticent.access import Access, FloatArray
from reticent.attacks.attack import LayerAttack
from reticent.attacks.extraction.last_layer import LastLayer, turned
from reticent.errors import DataError, ReticentError
from reticent.exhibit import Beside, Strip
from reticent.finding import Cost, Finding
from reticent.hearing import measured, threw, unmeasured
from reticent.language import LanguageModel, MeteredLanguage, OutputLayer
from reticent.measure.estimate import Estimate, Figure, Withheld, clopper_pearson, median

NEAR = 1e-3
"""Relative error of a token's weights below which they count as told."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerTold:
    """A layer told, beside the true one where the owner gave it.

    Attributes:
        width: what the answers say the hidden dimension is.
        true_width: what it is; 0 where the owner did not say.
        errors: (tokens,) of each token's weights, once turned as well as can be, over their size.
        control: (tokens,) the same of random weights of that width.
        answers: distributions that were looked at.
    """

    width: int
    true_width: int
    errors: FloatArray
    control: FloatArray
    answers: int

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name, with its interval over tokens.

        Args:
            name: "error", the median relative error of a token's weights; "told", the share of tokens whose
            error
                is under a thousandth; each with " control". "width", as it was told.

        Raises:
            ValueError: no figure has that name.
        """
        if name == "width":
            return Estimate(
                float(self.width), float(self.width), float(self.width), level, "counted", self.answers
            )
        kind = name.removesuffix(" control")
        if kind not in ("error", "told"):
            raise ValueError(f"no figure is called {name!r}")
        errors = self.errors if kind == name else self.control
        if not len(errors):
            return Withheld("the true layer was not given to compare with")
        if kind == "error":
            return median(errors, level)
        return clopper_pearson(int((errors < NEAR).sum()), len(errors), level)

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """Tokens told and their error, each beside random weights."""
        made = {n: self.figure(n, level=level) for n in ("told", "error")}
        without = {n: self.figure(f"{n} control", level=level) for n in made}
        random = "random weights of that width"
        return (
            Beside("tokens whose weights are told, error under 1e-3", made["told"], random, without["told"]),
            Beside("median relative error", made["error"], random, without["error"], "number", "lower"),
        )

    def note(self) -> str:
        """The width, and whether it is right."""
        said = f"{self.answers:,} answers say that the hidden dimension is {self.width}."
        if not self.true_width or self.width == self.true_width:
            return said
        if self.width == self.true_width - 1:
            return f"{said} It is one more: what stands before the layer takes off a mean."
        return f"{said} It is {self.true_width}."

    def strips(self) -> tuple[Strip, ...]:
        """None."""
        return ()

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Errors, token by token."""
        return {"errors": self.errors, "control": self.control, "width": np.array([self.width])}


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerExtraction:
    """What was told of a last layer.

    Attributes:
        finding: how good it is and what it cost.
        layer: the layer; None where nothing was measured.
    """

    finding: Finding
    layer: OutputLayer | None


def extract_layer(
    model: LanguageModel,
    attack: LayerAttack | None = None,
    *,
    truth: FloatArray | None = None,
    access: Access | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> LayerExtraction:
    """Have an attack tell a language model's hidden dimension and last layer from its answers.

    Args:
        model: as `targets.text.TextModule` or anything alike.
        attack: how; None for `LastLayer()`.
        truth: (vocabulary, width) the layer's weights, as the owner has them; None where nobody says.
        access: the rung granted; None for all that the model grants.
        limit: texts that may be asked about.
        seed: of the texts.

    Raises:
        DataError: true weights of another vocabulary, or that are not finite.
    """
    attack = attack or LastLayer()
    if truth is not None:
        truth = np.asarray(truth, dtype=np.float64)
        if truth.ndim != 2 or len(truth) != model.vocabulary or not np.isfinite(truth).all():
            raise DataError(
                f"true weights of shape {truth.shape} were given for {model.vocabulary:,} tokens; give "
                "a row of finite weights for each"
            )
    target = MeteredLanguage(model, access, limit=limit)
    if attack.needs > target.access:
        why = f"needs {attack.needs}, and {target.access} are granted"
        return LayerExtraction(finding=unmeasured(attack, "refused", why), layer=None)
    start = time.perf_counter()
    try:
        layer = attack.recover(target, seed)
    except ReticentError as error:
        return LayerExtraction(finding=unmeasured(attack, "refused", str(error)), layer=None)
    except Exception as error:
        why = threw(error, "during the attack", who="it")
        return LayerExtraction(finding=unmeasured(attack, "failed", why), layer=None)
    cost = Cost(queries=target.queries, seconds=time.perf_counter() - start)
    return LayerExtraction(finding=measured(attack, _judged(layer, truth, seed), cost), layer=layer)


def _judged(layer: OutputLayer, truth: FloatArray | None, seed: int) -> LayerTold:
    if truth is None:
        nothing = np.zeros(0)
        return LayerTold(
            width=layer.width, true_width=0, errors=nothing, control=nothing, answers=layer.answers
        )
    centred = truth - truth.mean(axis=0)
    random = np.random.default_rng([seed, 11]).normal(size=layer.weight.shape)
    sizes = np.maximum(np.linalg.norm(centred, axis=1), 1e-300)
    ours, theirs = (
        np.linalg.norm(turned(weight, centred) - centred, axis=1) / sizes
        for weight in (layer.weight, random - random.mean(axis=0))
    )
    return LayerTold(
        width=layer.width,
        true_width=truth.shape[1],
        errors=ours,
        control=theirs,
        answers=layer.answers,
    )
