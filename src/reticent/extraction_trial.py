"""Tries attacks that copy a model: how often the copy answers alike, and for how many queries.

Copies are asked about records that neither they nor the model learnt from, and about records that nobody is,
drawn evenly over the columns' ranges. What stands beside them is a model that the thief trains on records of
the thief's own, by the owner's recipe where it is known, without ever asking the model.

Tramèr, Zhang, Juels, Reiter & Ristenpart 2016 (USENIX Security, arXiv:1609.02943), section 2: the test error
R_test and the uniform error R_unif, and their versions for confidences by total variation.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reticent.access import Access, BoolArray, FloatArray, IntArray, Metered, Outputs, Target
from reticent.attacks.attack import ExtractionAttack
from reticent.attacks.perturb import Sheet
from reticent.data import Records, records
from reticent.errors import DataError, ReticentError, StorageError, TargetError
from reticent.exhibit import Beside, Curve, Line, Strip
from reticent.extraction import ExtractionScene
from reticent.finding import Cost, Finding
from reticent.hearing import measured, threw, unmeasured
from reticent.measure.estimate import Estimate, Figure, Withheld, clopper_pearson, clopper_pearson_bounds
from reticent.recipe import Recipe
from reticent.targets.function import FunctionRecipe
from reticent.targets.load import open_target, recipe_for

if TYPE_CHECKING:
    from reticent.access import Features

UNIFORM = 2_000
"""Records that nobody is, which copy and model are compared on besides."""

FEWEST = 30
"""Records below which figures are withheld."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Likeness:
    """How like a model a copy answers.

    Attributes:
        agrees: (tests,) whether it names the same class of records that neither learnt from.
        agrees_uniform: (uniform,) the same of records that nobody is.
        variation: (tests,) total variation between their scores, 0 to 1; NaN where either gives labels alone.
        right: (tests,) whether it names the true class.
    """

    agrees: BoolArray
    agrees_uniform: BoolArray
    variation: FloatArray
    right: BoolArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Copied:
    """Copies of a model, one after another, each beside the model that was trained without it.

    Attributes:
        queries: (copies,) asked until each was made.
        copies: how like the model each is.
        control: how like it the thief's own model is.
        target_right: (tests,) whether the model itself names the true class.
        stopped: why the attack ended before it was done; empty where it was.
    """

    queries: IntArray
    copies: tuple[Likeness, ...]
    control: Likeness
    target_right: BoolArray
    stopped: str = ""

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure of the last copy by its name.

        Args:
            name: "agreement" or "agreement uniform", the share of records of which it names the same class,
                of those that people are or of those that nobody is; "variation", the mean total variation
                between the scores; "accuracy"; each with " control" for the model trained without. "target
                accuracy", the model's own.

        Raises:
            ValueError: no figure has that name.
        """
        if name == "target accuracy":
            return _share(self.target_right, level)
        kind = name.removesuffix(" control")
        return _figure(self.copies[-1] if kind == name else self.control, kind, level)

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """Agreement on people, on records that nobody is, and of the scores; then accuracy."""
        rows = (
            ("names the class that the model names", "agreement", "higher"),
            ("the same, of records that nobody is", "agreement uniform", "higher"),
            ("total variation between the scores", "variation", "lower"),
            ("names the true class", "accuracy", "higher"),
        )
        return tuple(
            Beside(
                what,
                self.figure(name, level=level),
                "a model trained on the thief's own records",
                self.figure(f"{name} control", level=level),
                "number" if name == "variation" else "share",
                "lower" if worse == "lower" else "higher",
            )
            for what, name, worse in rows
            if name != "variation" or not np.isnan(self.copies[-1].variation).any()
        )

    def note(self) -> str:
        """What was asked, and why the attack stopped where it did."""
        asked = f"The last copy was made of {int(self.queries[-1]):,} queries."
        return f"{asked} It stopped before it was done: {self.stopped}." if self.stopped else asked

    def strips(self) -> tuple[Strip, ...]:
        """None: a copy is nothing to look at."""
        return ()

    def curves(self, *, level: float = 0.95) -> tuple[Curve, ...]:
        """Agreement against queries, where there was more than one copy."""
        if len(self.copies) < 2 or len(self.target_right) < FEWEST:
            return ()
        lines = [
            self._line(what, name, level)
            for what, name in (("people", "agreement"), ("records that nobody is", "agreement uniform"))
        ]
        without = np.full(2, self.control.agrees.mean())
        ends = self.queries[[0, -1]].astype(np.float64)
        lines.append(Line("trained on the thief's own records", ends, without, control=True))
        heading = "Share of records of which the copy names the same class, against what was asked"
        return (Curve(heading, "queries", "agreement", tuple(lines)),)

    def _line(self, what: str, name: str, level: float) -> Line:
        found = [_figure(copy, name, level) for copy in self.copies]
        points = [f for f in found if isinstance(f, Estimate)]
        y, low, high = (np.array([getattr(p, part) for p in points]) for part in ("value", "low", "high"))
        return Line(what, self.queries.astype(np.float64), y, low, high)

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Queries; record by record, and copy by copy with the control last, where it agrees with the model,
        how far its scores are from the model's, and where it is right.
        """
        every = (*self.copies, self.control)
        return {
            "queries": self.queries,
            "agrees": np.stack([c.agrees for c in every]),
            "agrees_uniform": np.stack([c.agrees_uniform for c in every]),
            "variation": np.stack([c.variation for c in every]),
            "right": np.stack([c.right for c in every]),
            "target_right": self.target_right,
        }


def copied(kept: Mapping[str, NDArray[Any]], stopped: str) -> Copied:
    """The evidence whose arrays were kept."""
    parts = [kept[name] for name in ("agrees", "agrees_uniform", "variation", "right")]
    copies = [
        Likeness(agrees=agrees, agrees_uniform=uniform, variation=variation, right=right)
        for agrees, uniform, variation, right in zip(*parts, strict=True)
    ]
    return Copied(
        queries=kept["queries"],
        copies=tuple(copies[:-1]),
        control=copies[-1],
        target_right=kept["target_right"],
        stopped=stopped,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Extraction:
    """What a thief came away with.

    Attributes:
        finding: how good it is and what it cost.
        copies: every copy that was made, the last one the best; empty where nothing was measured.
    """

    finding: Finding
    copies: tuple[Target, ...]

    @property
    def copy(self) -> Target:
        """The best copy: a target like any other, to be audited, or asked instead of the model.

        Raises:
            LookupError: none was made.
        """
        if not self.copies:
            raise LookupError(f"{self.finding.title} was {self.finding.outcome}: {self.finding.reason}")
        return self.copies[-1]


def extract(
    model: Any,
    attack: ExtractionAttack,
    *,
    own: tuple[Any, Any],
    test: tuple[Any, Any],
    pool: Features | None = None,
    recipe: Recipe | None = None,
    budget: int | None = None,
    access: Access | None = None,
    seed: int = 0,
) -> Extraction:
    """Have an attack copy a model by asking it, and see how good the copy is.

    Args:
        model: a fitted classifier, a torch module, a callable, a `Target`, or a URL's.
        attack: how.
        own: features and labels of the thief's own, on none of which the model was trained.
        test: features and labels that neither the model nor the thief has: copies are judged on them.
        pool: unlabelled features in the model's form that the thief may ask about; None for the thief's own.
        recipe: how the thief trains a copy, for attacks that train one; None where nothing is known of the
            model's kind.
        budget: records that the thief may ask; None for as many as the attack wants. What the referee asks to
            judge the copies is not part of it.
        access: the rung granted; None for all that the model grants.
        seed: of everything random.

    Raises:
        DataError: records that do not match the model's classes or each other, or a budget below one.
        TargetError: the model threw on the test records.
    """
    if budget is not None and budget < 1:
        raise DataError(f"a budget of {budget} queries was given; give at least one, or None for no limit")
    named = np.unique(np.concatenate([np.asarray(own[1]).reshape(-1), np.asarray(test[1]).reshape(-1)]))
    target = open_target(model, classes=named)
    thiefs = records(*own, target.classes, what="thief's own records")
    judged = records(*test, target.classes, what="test records")
    trial = ExtractionTrial(
        target=Metered(target, access, limit=budget),
        judge=Metered(target, access),
        own=thiefs,
        test=judged,
        pool=thiefs.features if pool is None else pool,
        recipe=recipe,
        control=recipe or recipe_for(model) or plain_recipe(),
        seed=seed,
    )
    return trial.run(attack)


class ExtractionTrial:
    """One model under extraction.

    Args:
        target: what thieves ask, behind their budget.
        judge: what the referee asks to judge them; the same model.
        own, test, pool: as `extract` has them.
        recipe: how thieves train; None where nothing is known.
        control: how the model that stands beside the copies is trained on the thief's own records.
        seed: of everything random.
    """

    def __init__(
        self,
        *,
        target: Metered,
        judge: Metered,
        own: Records,
        test: Records,
        pool: Features,
        recipe: Recipe | None,
        control: Recipe,
        seed: int,
    ) -> None:
        self.target, self.own, self.test, self.pool = target, own, test, pool
        self.recipe, self.seed = recipe, seed
        sheet = Sheet.of(own.features)
        self.uniform = sheet.scattered(UNIFORM, np.random.default_rng([seed, 7]))
        try:
            self.answers = judge.predict(test.features)
            self.answers_uniform = judge.predict(self.uniform)
        except ReticentError:
            raise
        except Exception as error:
            raise TargetError(threw(error, "on the test records")) from error
        self.control = self._without(control)

    def _without(self, recipe: Recipe) -> Likeness:
        """How like the model one answers that is trained on the thief's own records; by a plain recipe where
        the model's own can't cope with so few.
        """
        try:
            return self.judged(recipe.fit(self.own, self.seed))
        except (StorageError, MemoryError):
            raise
        except Exception:
            return self.judged(plain_recipe().fit(self.own, self.seed))

    def run(self, attack: ExtractionAttack) -> Extraction:
        """Let it ask until it is done, its budget is spent or the model fails; what it has by then is judged.

        Raises:
            StorageError: the disk is full.
        """
        if attack.needs > self.target.access:
            why = f"needs {attack.needs}, and {self.target.access} are granted"
            return Extraction(finding=unmeasured(attack, "refused", why), copies=())
        scene = ExtractionScene(self.target, self.own, self.pool, self.recipe, self.seed)
        before, start = self.target.queries, time.perf_counter()
        made, queries, stopped = list[Target](), list[int](), ""
        try:
            for copy in attack.copies(scene):
                made.append(copy)
                queries.append(self.target.queries - before)
        except (StorageError, MemoryError):
            raise
        except ReticentError as error:
            if not made:
                return Extraction(finding=unmeasured(attack, "refused", str(error)), copies=())
            stopped = str(error)
        except Exception as error:
            why = threw(error, "during the attack", who="it")
            return Extraction(finding=unmeasured(attack, "failed", why), copies=())
        if not made:
            why = "made no copy of what was answered"
            return Extraction(finding=unmeasured(attack, "failed", why), copies=())
        cost = Cost(queries=self.target.queries - before, seconds=time.perf_counter() - start)
        evidence = Copied(
            queries=np.array(queries),
            copies=tuple(self.judged(copy) for copy in made),
            control=self.control,
            target_right=self.answers.labels == self.test.labels,
            stopped=stopped,
        )
        return Extraction(finding=measured(attack, evidence, cost), copies=tuple(made))

    def judged(self, copy: Target) -> Likeness:
        """How like the model a copy answers."""
        ours, uniform = copy.predict(self.test.features), copy.predict(self.uniform)
        return Likeness(
            agrees=agrees(ours, self.answers),
            agrees_uniform=agrees(uniform, self.answers_uniform),
            variation=total_variation(ours, self.answers),
            right=ours.labels == self.test.labels,
        )


def agrees(ours: Outputs, theirs: Outputs) -> BoolArray:
    """(records,) whether we name the class that they name, or another to which they give the same score:
    rounded scores tie.
    """
    if theirs.log_scores is None:
        return np.asarray(ours.labels == theirs.labels)
    named = np.take_along_axis(theirs.log_scores, ours.labels[:, None], axis=1)[:, 0]
    return np.asarray(named >= theirs.log_scores.max(axis=1) - 1e-9)


def total_variation(ours: Outputs, theirs: Outputs) -> FloatArray:
    """(records,) half the sum of the differences between two sets of scores; NaN where either is missing."""
    if ours.log_scores is None or theirs.log_scores is None:
        return np.full(len(ours.labels), np.nan)
    apart: FloatArray = 0.5 * np.abs(np.exp(ours.log_scores) - np.exp(theirs.log_scores)).sum(axis=1)
    return apart


def plain_recipe() -> Recipe:
    """What a thief trains who knows nothing of the model's kind: gradient boosting."""
    return FunctionRecipe(_plain)


def _plain(x: Any, y: NDArray[np.generic], seed: int) -> Any:
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

    from reticent.data import flat, is_table

    boosting = HistGradientBoostingClassifier(early_stopping=False, random_state=seed)
    if not is_table(x):
        return make_pipeline(FunctionTransformer(flat), boosting).fit(x, y)
    words = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer(
        (words, make_column_selector(dtype_exclude="number")), remainder="passthrough"
    )
    return make_pipeline(columns, boosting).fit(x, y)


def _figure(of: Likeness, name: str, level: float) -> Figure:
    if name == "variation":
        values = of.variation
        if len(values) < FEWEST or np.isnan(values).any():
            return Withheld("too few records, or no scores to compare")
        low, high = clopper_pearson_bounds(values.sum(), len(values), (1 - level) / 2)
        method = "Clopper-Pearson, which holds for any mean of values from 0 to 1"
        return Estimate(float(values.mean()), float(low), float(high), level, method, len(values))
    shares = {"agreement": of.agrees, "agreement uniform": of.agrees_uniform, "accuracy": of.right}
    if name not in shares:
        raise ValueError(f"no figure is called {name!r}")
    return _share(shares[name], level)


def _share(right: BoolArray, level: float) -> Figure:
    if len(right) < FEWEST:
        return Withheld(f"fewer than {FEWEST} records were compared")
    return clopper_pearson(int(right.sum()), len(right), level)
