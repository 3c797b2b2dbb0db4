"""Tries attacks on shared gradients: records are read back, beside what is guessed without the gradient."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reticent.access import BoolArray, FloatArray, IntArray, Metered
from reticent.attacks.attack import GradientAttack
from reticent.errors import DataError, ReticentError
from reticent.exhibit import Beside, Strip
from reticent.finding import Cost, Finding
from reticent.hearing import measured, threw, unmeasured
from reticent.measure.estimate import Figure, clopper_pearson, median
from reticent.observation import Reconstruction, observe
from reticent.progress import Progress

if TYPE_CHECKING:
    from torch import nn

    from reticent.data import Records
    from reticent.stage import Stage

CLOSE = 1e-4
"""Mean squared error, of values from 0 to 1, below which a record counts as recovered."""

SHOWN = 10
"""Pictures of a strip."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadBack:
    """Records read back from gradients, beside those that were there.

    Attributes:
        records: (trials, batch, ...) what was made of each batch, in the order of the truth it is nearest to.
        truth: (trials, batch, ...) what was there.
        errors: (trials, batch) mean squared error of each record.
        control: (trials, batch) that of the mean public record, which never sees the gradient.
        labels_right: (trials,) whether all labels of the batch were told.
        labels_guessed: (trials,) whether somebody tells them who draws every class alike.
    """

    records: FloatArray
    truth: FloatArray
    errors: FloatArray
    control: FloatArray
    labels_right: BoolArray
    labels_guessed: BoolArray

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name, with its interval over trials.

        Args:
            name: "recovered", the share of batches of which every record's error is under 1e-4; "recovered
                control", that of the mean public record; "labels", the share whose labels were all told;
                "labels control", by chance.

        Raises:
            ValueError: no figure has that name.
        """
        hits: dict[str, BoolArray] = {
            "recovered": np.asarray((self.errors < CLOSE).all(axis=1)),
            "recovered control": np.asarray((self.control < CLOSE).all(axis=1)),
            "labels": self.labels_right,
            "labels control": self.labels_guessed,
        }
        if name not in hits:
            raise ValueError(f"no figure is called {name!r}")
        return clopper_pearson(int(hits[name].sum()), len(hits[name]), level)

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """Records and labels, each beside what is guessed without the gradient."""

        def of(name: str) -> Figure:
            return self.figure(name, level=level)

        return (
            Beside(
                f"batches read back, error under {CLOSE:g}",
                of("recovered"),
                "the mean public record",
                of("recovered control"),
            ),
            Beside("batches whose labels were all told", of("labels"), "chance", of("labels control")),
            Beside(
                "median of a batch's largest error",
                median(self.errors.max(axis=1), level),
                "the mean public record",
                median(self.control.max(axis=1), level),
                unit="number",
                worse="lower",
            ),
        )

    def note(self) -> str:
        """Whose gradients they were."""
        trials, batch = self.errors.shape
        return f"{trials} batches of {batch}; a batch has no order, so each record is set beside its likest."

    def strips(self) -> tuple[Strip, ...]:
        """What was there and what was read, where records are pictures."""
        if self.records.ndim < 4:
            return ()
        there, read = (a.reshape(-1, *a.shape[2:])[:SHOWN] for a in (self.truth, self.records))
        return Strip("in the batch", there), Strip("read from its gradient", read)

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Errors and labels, trial by trial."""
        return {"errors": self.errors, "control": self.control, "labels_right": self.labels_right}


def leak_gradients(
    module: Callable[[int], nn.Module],
    x: FloatArray,
    y: IntArray,
    attacks: Sequence[GradientAttack],
    *,
    public: FloatArray,
    batch: int = 1,
    steps: int = 1,
    step_size: float = 0.01,
    seed: int = 0,
    advance: Callable[[int], None] = lambda trials: None,
) -> tuple[Finding, ...]:
    """Share gradients of records, a batch at a time, and have attacks read them back.

    Args:
        module: makes the module of a trial, by its number: initialised anew, or always the same trained one.
        x: (records, ...) as the module takes them, from 0 to 1.
        y: (records,) positions of their classes.
        public: (records, ...) of the same kind, which the attacker has; their mean is the control.
        batch: records behind each gradient; what is left over is not used.
        steps: of gradient descent that a client takes on its batch before it shares how far it went.
        step_size: of each of several.
        advance: told how many more trials are done, of each attack.

    Returns:
        A finding an attack, with a `ReadBack` as evidence; one that can't be run says why.

    Raises:
        DataError: no whole batch, no step, or public records of another shape.
    """
    x, public = np.asarray(x, dtype=np.float64), np.asarray(public, dtype=np.float64)
    if len(x) < batch or batch < 1 or len(x) != len(y) or not len(public) or public.shape[1:] != x.shape[1:]:
        raise DataError(
            f"{len(x)} records with {len(y)} labels, in batches of {batch}, and {len(public)} public ones of "
            f"shape {public.shape[1:]} were given; give at least a batch, a label each, and public ones alike"
        )
    parts = [slice(start, start + batch) for start in range(0, len(x) - batch + 1, batch)]
    y, found = np.asarray(y), list[Finding]()
    for attack in attacks:
        start, told = time.perf_counter(), list[Reconstruction]()
        try:
            for trial, part in enumerate(parts):
                seen = observe(module(trial), x[part], y[part], steps=steps, step_size=step_size)
                told.append(attack.reconstruct(seen, seed + trial))
                advance(1)
        except ReticentError as problem:
            found.append(unmeasured(attack, "refused", str(problem)))
        except MemoryError:
            raise
        except Exception as problem:
            found.append(unmeasured(attack, "failed", threw(problem, "during the attack", who="it")))
        else:
            batches = [(x[part], y[part]) for part in parts]
            evidence = judged(told, batches, public, classes=len(seen.gradients[-1]), seed=seed)
            found.append(measured(attack, evidence, Cost(seconds=time.perf_counter() - start)))
    return tuple(found)


class GradientTrial:
    """Gradients of the audited model, at some of its members one by one, read back.

    It is what a server sees of clients who train this model further.
    """

    def __init__(self, *, target: Metered, stage: Stage, seed: int, progress: Progress) -> None:
        self.target, self.stage, self.seed, self.progress = target, stage, seed, progress

    def findings(self, attacks: Sequence[GradientAttack]) -> tuple[Finding, ...]:
        """Run the attacks; those that can't run are findings too."""
        records, rows = self.stage.records, np.flatnonzero(self.stage.members)[:SHOWN]
        try:
            module = self.target.learns.as_sent_out()
            values = _values(records)
        except (PermissionError, ReticentError) as error:
            return tuple(unmeasured(a, "refused", str(error)) for a in attacks)
        with self.progress.stage("reading gradients back", len(rows) * len(attacks)) as advance:
            return leak_gradients(
                lambda trial: module,
                values[rows],
                records.labels[rows],
                attacks,
                public=values[~self.stage.members],
                seed=self.seed,
                advance=advance,
            )


def _values(records: Records) -> FloatArray:
    """(records, ...) the features as numbers.

    Raises:
        DataError: a table of anything else, or values outside 0 and 1, by which errors are measured.
    """
    try:
        values: FloatArray = np.asarray(records.features, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("needs records of numbers, since gradients lead back to numbers alone") from error
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise DataError("needs records whose values lie from 0 to 1; scale them before the model sees them")
    return values


def judged(
    told: Sequence[Reconstruction],
    batches: Sequence[tuple[FloatArray, IntArray]],
    public: FloatArray,
    *,
    classes: int,
    seed: int,
) -> ReadBack:
    """What was read back, beside what was there and what is guessed without.

    Args:
        told: of each batch.
        batches: records and labels of each.
        public: (records, ...) whose mean is the control.
        classes: among which labels are drawn by chance.
    """
    records = [made.records[matched(made.records, x)] for made, (x, _) in zip(told, batches, strict=True)]
    mean, rng = public.mean(axis=0), np.random.default_rng(seed)

    def same(ours: IntArray, theirs: IntArray) -> bool:
        return sorted(ours.tolist()) == sorted(theirs.tolist())

    return ReadBack(
        records=np.stack(records),
        truth=np.stack([x for x, _ in batches]),
        errors=np.stack([error(r, x) for r, (x, _) in zip(records, batches, strict=True)]),
        control=np.stack([error(np.repeat(mean[None], len(x), axis=0), x) for x, _ in batches]),
        labels_right=np.array([same(made.labels, y) for made, (_, y) in zip(told, batches, strict=True)]),
        labels_guessed=np.array([same(rng.integers(classes, size=len(y)), y) for _, y in batches]),
    )


def error(ours: FloatArray, theirs: FloatArray) -> FloatArray:
    """(batch,) mean squared error of each record."""
    return np.asarray(np.square(ours - theirs).reshape(len(ours), -1).mean(axis=1))


def matched(ours: FloatArray, theirs: FloatArray) -> IntArray:
    """(batch,) which of ours stands for each of theirs, by the least error in all: a batch has no order."""
    from scipy.optimize import linear_sum_assignment

    flat, truth = ours.reshape(len(ours), -1), theirs.reshape(len(theirs), -1)
    apart = np.square(truth[:, None] - flat[None]).mean(axis=2)
    order: IntArray = linear_sum_assignment(np.nan_to_num(apart, nan=1e9, posinf=1e9))[1]
    return order
