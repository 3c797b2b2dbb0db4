"""Trains shadow models and asks them, in as many processes as there are cores.

Every process has one thread: models are trained beside each other, not faster one by one, and a recipe
that trains many at once (`Recipe.together`) does so within each process. An accelerator is driven from
this process alone. What is already kept is not trained again, so a run that was stopped goes on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from reticent.access import BoolArray, FloatArray, Metered, Target
from reticent.data import Records
from reticent.errors import ModelError, ReticentError, said
from reticent.fingerprint import fingerprint
from reticent.question import Question
from reticent.recipe import Recipe
from reticent.shadows.plan import Draw
from reticent.shadows.rows import Rows
from reticent.shadows.signals import Signals


@runtime_checkable
class OfTrained(Protocol):
    """A question that needs to know what the model was trained on: what is asked fits a defence to it
    first."""

    def ask_trained(self, target: Target, data: Records, mask: BoolArray, seed: int) -> FloatArray:
        """Return the answers (records, variants, channels) of a model trained on `data` where `mask`
        says so."""


@runtime_checkable
class OfSome(Protocol):
    """A question about some of the records."""

    @property
    def part(self) -> slice:
        """Which."""


def shadow_key(recipe: Recipe, data: Records, plan: Draw) -> str:
    """The name of the folder that holds what the models of this plan answered."""
    return fingerprint("shadows", recipe.fingerprint(), data.fingerprint(), plan)


def ask_shadows(
    recipe: Recipe,
    data: Records,
    plan: Draw,
    questions: Sequence[Question],
    *,
    cache: Path,
    workers: int | None = None,
    advance: Callable[[int], None] = lambda models: None,
) -> Mapping[Question, Signals]:
    """Put questions about all of `data` to every model of the plan, training those that are missing.

    Args:
        cache: the folder under which answers are kept.
        workers: processes; None for one a core.
        advance: told how many more models are done.

    Raises:
        ModelError: the recipe threw, or its models answer in different shapes.
        StorageError: the disk is full; what was finished is kept.
    """
    rows = Rows(cache / shadow_key(recipe, data, plan), plan.trainings)
    missing = rows.missing(questions)
    advance(plan.trainings - len(missing))
    masks, seeds = plan.masks(len(data)), plan.seeds()
    processes = 1 if recipe.device != "cpu" else min(workers or _cores(), max(1, len(missing)))
    groups = _groups(missing, processes, recipe.together)
    tasks = [(recipe, data, masks[g], [seeds[m] for m in g], g, tuple(questions), rows) for g in groups]
    for done in _run(tasks, processes):
        advance(done)
    parts = {q: q.part if isinstance(q, OfSome) else slice(None) for q in questions}
    return {q: rows.read(q, data.labels[part], masks[:, part]) for q, part in parts.items()}


def seconds_each(recipe: Recipe, data: Records, plan: Draw, *, cache: Path) -> float:
    """Seconds that training one model of the plan took on one core, on the average of those that were
    timed."""
    return Rows(cache / shadow_key(recipe, data, plan), plan.trainings).seconds()


def _groups(models: list[int], processes: int, together: int) -> list[list[int]]:
    size = max(1, min(together, -(-len(models) // processes)))
    return [models[i : i + size] for i in range(0, len(models), size)]


_Task = tuple[Recipe, Records, BoolArray, list[int], list[int], tuple[Question, ...], Rows]


def _run(tasks: list[_Task], processes: int) -> Iterator[int]:
    if processes == 1 or len(tasks) < 2:
        for task in tasks:
            yield _train(*task)
        return
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", n_jobs=processes, inner_max_num_threads=1):
        yield from Parallel(return_as="generator_unordered", max_nbytes="1M")(
            delayed(_train)(*t) for t in tasks
        )


def _train(
    recipe: Recipe,
    data: Records,
    masks: BoolArray,
    seeds: list[int],
    models: list[int],
    questions: tuple[Question, ...],
    rows: Rows,
) -> int:
    try:
        targets, spent = recipe.fit_many(data, masks, seeds), 0.0
        for place, model in enumerate(models):
            start = time.perf_counter()
            target = next(targets)
            spent += time.perf_counter() - start
            for question in questions:
                rows.write(question, model, _asked(question, target, data, masks[place], seeds[place]))
        rows.took(models, spent / len(models))
    except (ReticentError, MemoryError):
        raise
    except Exception as error:
        raise ModelError(
            f"the recipe threw while training shadow models {models[0]} to {models[-1]} ({said(error)}); "
            "mend the recipe and run again: finished models are kept"
        ) from error
    return len(models)


def _asked(question: Question, target: Target, data: Records, mask: BoolArray, seed: int) -> FloatArray:
    if isinstance(question, OfTrained):
        return question.ask_trained(target, data, mask, seed)
    return question.ask(Metered(target), data)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
