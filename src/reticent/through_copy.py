"""A copy is attacked instead of the model: who was in the training data, for how many queries?

Whoever holds a copy asks it for nothing, as often as wanted. What that is worth is seen against asking the
model itself: each candidate costs a query there, so whoever may ask fewer than there are candidates knows
something of some of them alone.

Papernot et al. 2017 (arXiv:1602.02697) copied models in order to attack the copy first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reticent.access import Access, BoolArray, FloatArray, IntArray
from reticent.attacks.attack import ExtractionAttack, MembershipAttack
from reticent.errors import DataError, TargetError
from reticent.exhibit import Beside, Curve, Line, Strip
from reticent.extraction_trial import extract
from reticent.finding import Cost, Evidence, Finding
from reticent.measure.estimate import Figure
from reticent.measure.roc import Roc
from reticent.recipe import Recipe
from reticent.referee import audit
from reticent.settings import Settings

if TYPE_CHECKING:
    from reticent.access import Features

WORTH = 0.8
"""Share of what asking the model itself gains over guessing, from which a copy is counted as good."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chained:
    """Membership told through copies of a model, beside asking the model itself.

    Attributes:
        queries: (copies,) asked of the model until each copy was made.
        through: (copies, candidates) the membership attack's scores by each copy.
        direct: (candidates,) its scores by the model, one query a candidate.
        members: (candidates,) the truth.
        seed: of which candidates are asked about where not all can be.
    """

    queries: IntArray
    through: FloatArray
    direct: FloatArray
    members: BoolArray
    seed: int = 0

    def asked(self, queries: int) -> FloatArray:
        """(candidates,) scores of who asks the model about as many candidates as the queries reach for, and
        takes all others for the average of those.
        """
        order = np.random.default_rng([self.seed, 8]).permutation(len(self.direct))
        known = order[: max(queries, 0)]
        scores = np.full(len(self.direct), np.median(self.direct[known]) if len(known) else 0.0)
        scores[known] = self.direct[known]
        return scores

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name.

        Args:
            name: "auc", through the last copy; "auc asking", by asking the model as many queries as that copy
                took; "auc direct", by asking it about every candidate.

        Raises:
            ValueError: no figure has that name.
        """
        if name not in ("auc", "auc asking", "auc direct"):
            raise ValueError(f"no figure is called {name!r}")
        asking = self.asked(int(self.queries[-1]))
        scores = {"auc": self.through[-1], "auc asking": asking, "auc direct": self.direct}[name]
        return Roc.of(scores, self.members).auc(level=level)

    @property
    def enough(self) -> int | None:
        """The fewest queries whose copy tells members four fifths as well as the model itself, over guessing;
        None where no copy does, or the model tells nothing.
        """
        whole = Roc.of(self.direct, self.members).auc()
        if whole.low <= 0.5:
            return None
        for queries, scores in zip(self.queries, self.through, strict=True):
            if Roc.of(scores, self.members).auc().value - 0.5 >= WORTH * (whole.value - 0.5):
                return int(queries)
        return None

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """AUC through the copy, beside as many queries put to the model, and beside one a candidate."""
        through, asking, direct = (self.figure(n, level=level) for n in ("auc", "auc asking", "auc direct"))
        as_many = f"asking the model {int(min(self.queries[-1], len(self.direct))):,} queries about members"
        return (
            Beside("AUC of membership through the copy", through, as_many, asking, "number"),
            Beside(
                "AUC of membership through the copy",
                through,
                f"asking the model about all {len(self.direct):,} candidates",
                direct,
                "number",
            ),
        )

    def note(self) -> str:
        """What it costs, in queries."""
        if self.enough is None:
            return (
                "No copy told members four fifths as well as the model itself does, over guessing, or the "
                "model itself told nothing."
            )
        return (
            f"A copy of {self.enough:,} queries tells members at least four fifths as well as the model "
            "itself, over guessing, and of anybody; asking the model takes a query a person, "
            f"{len(self.direct):,} here."
        )

    def strips(self) -> tuple[Strip, ...]:
        """None."""
        return ()

    def curves(self, *, level: float = 0.95) -> tuple[Curve, ...]:
        """AUC against queries, through copies and by asking the model."""
        spent = np.unique(np.concatenate([self.queries, [len(self.direct)]]))
        lines = (
            self._line("through the copy", self.queries, list(self.through), level),
            self._line("asking the model", spent, [self.asked(int(n)) for n in spent], level, control=True),
        )
        return (Curve("Membership told for as many queries", "queries", "AUC", lines),)

    def _line(
        self, name: str, queries: IntArray, scores: list[FloatArray], level: float, *, control: bool = False
    ) -> Line:
        found = [Roc.of(s, self.members).auc(level=level) for s in scores]
        y, low, high = (np.array([getattr(f, part) for f in found]) for part in ("value", "low", "high"))
        return Line(name, queries.astype(np.float64), y, low, high, control)

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Scores through each copy and by the model, and the truth."""
        return {
            "queries": self.queries,
            "through": self.through,
            "direct": self.direct,
            "members": self.members,
        }


def chain(
    model: Any,
    attack: ExtractionAttack,
    then: MembershipAttack,
    *,
    members: tuple[Any, Any],
    nonmembers: tuple[Any, Any],
    own: tuple[Any, Any],
    pool: Features | None = None,
    recipe: Recipe | None = None,
    budget: int | None = None,
    access: Access | None = None,
    settings: Settings | None = None,
    cache: str | Path | None = None,
    advance: Callable[[int], None] = lambda copies: None,
) -> tuple[Finding, Finding]:
    """Copy a model, then ask the copy who was among the model's training records.

    Args:
        model: as in `extract`.
        attack: how it is copied.
        then: how members are told, by asking the copy or, beside it, the model itself.
        members: features and labels that the model was trained on.
        nonmembers: features and labels from the same source that it never saw; copies are judged on them.
        own: features and labels of the thief's own, among neither of the two.
        pool, budget, access: as in `extract`.
        recipe: how the thief trains a copy, and shadow models where `then` needs them.
        settings: of the audits of model and copies: how many shadow models, the seed.
        cache: where finished work is kept; None for `store.default_cache()`.
        advance: told how many more copies were attacked.

    Returns:
        How good the copy is (`Copied`), and what it tells of members (`Chained`); where there is no copy the
        second says so.

    Raises:
        DataError: as in `extract`, or records that do not suffice.
        TargetError: the membership attack could not be measured on the model itself, and why.
    """
    if len(np.asarray(nonmembers[1])) == 0:
        raise DataError("no non-members were given; give records from the same source that it never saw")
    settings = settings or Settings()
    stolen = extract(
        model,
        attack,
        own=own,
        test=nonmembers,
        pool=pool,
        recipe=recipe,
        budget=budget,
        access=access,
        seed=settings.seed,
    )
    name = f"{then.name} through {attack.name}"
    if not stolen.copies:
        gone = stolen.finding
        return gone, replace(gone, attack=name, threat=then.threat, reason=f"no copy was made: {gone.reason}")

    def told(asked: Any) -> Finding:
        found = audit(
            asked,
            members=members,
            nonmembers=nonmembers,
            recipe=recipe,
            attacks=[then],
            settings=settings,
            cache=cache,
        ).findings[0]
        if not isinstance(found.evidence, Evidence):
            raise TargetError(f"{then.name} was {found.outcome}: {found.reason}")
        return found

    direct, through = told(model), list[Finding]()
    for copy in stolen.copies:
        through.append(told(copy))
        advance(1)
    evidence = Chained(
        queries=stolen.finding.exhibit.arrays()["queries"],
        through=np.stack([f.membership.scores for f in through]),
        direct=direct.membership.scores,
        members=direct.membership.members,
        seed=settings.seed,
    )
    cost = stolen.finding.cost
    return stolen.finding, replace(
        direct,
        attack=name,
        evidence=evidence,
        baseline=None,
        cost=Cost(
            queries=cost.queries,
            trainings=direct.cost.trainings,
            seconds=cost.seconds + sum(f.cost.seconds for f in through),
        ),
        about=f"{direct.about} The copy is asked, not the model.",
    )
