"""A row a defence: models trained once for all defences that differ in their answers alone, then attacked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from reticent.access import Access
from reticent.canary import Canary
from reticent.data import Records
from reticent.defences import dp_sgd
from reticent.defences.defence import Defence, canary_of, in_training, none, on_answers
from reticent.errors import ModelError, PlanError, ReticentError, StorageError
from reticent.frontier_trial.asked import Questions
from reticent.frontier_trial.layout import FrontierPlan, Layout, sides
from reticent.frontier_trial.reading import read
from reticent.frontier_trial.tuning import NOISES, Tuning
from reticent.pareto import Frontier, Role, Row
from reticent.progress import Progress, default_progress
from reticent.recipe import Guarantee, Private, Recipe
from reticent.shadows.engine import ask_shadows, seconds_each
from reticent.shadows.plan import Plan
from reticent.store import default_cache, private_folder


def frontier(
    recipe: Recipe,
    data: Records | tuple[Any, Any],
    defences: Sequence[Defence],
    *,
    holdout: Records | tuple[Any, Any] | None = None,
    shadows: int = 32,
    canaries: int | None = None,
    parts: bool = True,
    private: bool = True,
    seed: int = 0,
    workers: int | None = None,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> Frontier:
    """Measure what each defence leaves of a model's leak and of its usefulness.

    Args:
        recipe: how the model is trained without any defence.
        data: records; on halves of them models are trained.
        holdout: others from the same source: half measure usefulness, half are the reference that some
            defences look at. None to set two fifths of `data` aside for it.
        defences: those to measure; the undefended model comes of itself.
        shadows: models a defence, each of them once under attack by means of the others; even.
        canaries: how many; None for 500, or one in twenty of the records trained on.
        parts: measure the parts of compositions too.
        private: measure private training of the same usefulness too (torch modules).
        workers: processes that train; None for one a core.
        cache: where finished work is kept; None for `store.default_cache()`.

    Raises:
        DataError: too few records.
        PlanError: an odd number of shadows, no defences.
    """
    Plan(models=shadows)
    if not defences:
        raise PlanError("no defences were given; give a list of them, such as [l2(1e-3), round_scores(2)]")
    layout = Layout.of(*sides(data, holdout), canaries=canaries, models=shadows, seed=seed)
    trial = _Trial(
        recipe=recipe,
        layout=layout,
        cache=private_folder(Path(cache) if cache is not None else default_cache()) / "signals",
        workers=workers,
        progress=progress or default_progress(),
    )
    wanted = _wanted(defences, parts=parts)
    rows = trial.rows(wanted)
    if private:
        rows.append(trial.private_row(rows))
    return Frontier(
        rows=tuple(rows),
        models=shadows,
        records=(len(layout.base), layout.canaries, len(layout.test), len(layout.reference)),
        classes=len(layout.base.classes),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Trial:
    """One frontier under way."""

    recipe: Recipe
    layout: Layout
    cache: Path
    workers: int | None
    progress: Progress

    def rows(self, wanted: Mapping[Defence, Role]) -> list[Row]:
        """A row a defence; those that share their training are trained once."""
        found: dict[Defence, Row] = {}
        groups: dict[tuple[str, Canary], tuple[Recipe, list[Defence]]] = {}
        for defence, role in wanted.items():
            try:
                hardened = in_training(defence, self.recipe, self.layout.reference)
                key = hardened.fingerprint(), canary_of(defence)
            except (ModelError, PlanError) as error:
                found[defence] = Row(defence=defence, role=role, reason=str(error))
                continue
            groups.setdefault(key, (hardened, []))[1].append(defence)
        for (_, canary), (hardened, together) in groups.items():
            found |= {row.defence: row for row in self._group(hardened, canary, together, wanted)}
        return [found[defence] for defence in wanted]

    def _group(
        self, hardened: Recipe, canary: Canary, together: Sequence[Defence], wanted: Mapping[Defence, Role]
    ) -> Iterator[Row]:
        """The rows of defences that share their training."""
        data, plan = self.layout.records(canary)
        asked = {defence: self._asked(defence, plan) for defence in together}
        every = list(dict.fromkeys(q for questions in asked.values() for q in questions.every))
        name = str(together[0])
        try:
            with self.progress.stage(f"training {name}", plan.trainings) as advance:
                signals = ask_shadows(
                    hardened, data, plan, every, cache=self.cache, workers=self.workers, advance=advance
                )
        except StorageError:
            raise
        except ReticentError as error:
            if len(together) == 1:
                yield Row(defence=together[0], role=wanted[together[0]], reason=str(error))
                return
            for defence in together:  # one of them can't be asked: find out which
                yield from self._group(hardened, canary, [defence], wanted)
            return
        seconds = seconds_each(hardened, data, plan, cache=self.cache)
        guarantee = _guarantee(hardened, plan, len(data))
        for place, defence in enumerate(together):
            with self.progress.stage(f"attacking {defence}", 1) as advance:
                told = read(asked[defence], signals, plan)
                yield Row(
                    defence=defence,
                    role=wanted[defence],
                    right=told.right,
                    canaries=told.canaries,
                    clean=told.clean,
                    guarantee=guarantee,
                    seconds=seconds,
                    trainings=plan.trainings if place == 0 else 0,
                )
                advance(1)

    def _asked(self, defence: Defence, plan: FrontierPlan) -> Questions:
        return Questions.behind(
            on_answers(defence),
            self.layout.reference,
            plan,
            scores=self._answers_scores,
            seed=self.layout.seed,
        )

    @cached_property
    def _answers_scores(self) -> bool:
        """Whether the recipe's models answer probabilities; one is trained to find out."""
        return self.recipe.fit(self.layout.reference, 0).access >= Access.SCORES

    def private_row(self, rows: Sequence[Row]) -> Row:
        """Private training as useful as the other defences, its noise tuned on the reference."""
        reached = [
            float(r.right.mean()) for r in rows if r.role == "asked" and r.measured and not r.guarantee
        ]
        before = [float(r.right.mean()) for r in rows if r.role == "baseline" and r.measured]
        wanted = float(np.median(reached)) if reached else (before or [1.0])[0]
        try:
            found = self._tuning.reach(wanted)
        except StorageError:
            raise
        except ReticentError as error:
            return Row(defence=dp_sgd(noise=NOISES[-1]), role="private", reason=str(error))
        row = self.rows({found.defence: "private"})[0]
        held = (
            f"noise tuned on the reference to an accuracy of {wanted:.3f}, the median of the other defences"
        )
        missed = "" if found.right >= wanted else f"; {found.right:.3f} is the most that was reached"
        return replace(row, note=held + missed, trainings=row.trainings + found.trainings)

    @property
    def _tuning(self) -> Tuning:
        return Tuning(
            recipe=self.recipe,
            layout=self.layout,
            cache=self.cache,
            workers=self.workers,
            progress=self.progress,
        )


def _wanted(defences: Sequence[Defence], *, parts: bool) -> dict[Defence, Role]:
    """Each defence once, and why: nothing first, what was asked for, then parts of it."""
    wanted: dict[Defence, Role] = {none(): "baseline"}
    known = {""}
    for defence in defences:
        if _written(defence) not in known and defence.parts:
            known.add(_written(defence))
            wanted[defence] = "asked"
    if parts:
        for defence in [d for d in wanted if len(d.parts) > 1]:
            for part in defence.parts:
                if _written(part) not in known:
                    known.add(_written(part))
                    wanted[part] = "part"
    return wanted


def _written(defence: Defence) -> str:
    return str(defence) if defence.parts else ""


def _guarantee(hardened: Recipe, plan: FrontierPlan, records: int) -> Guarantee | None:
    if not isinstance(hardened, Private):
        return None
    return hardened.guarantee(int(plan.masks(records).sum(axis=1).min()))
