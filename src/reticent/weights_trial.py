"""Tries attacks on released weights: records read back, beside what anybody has without the model.

Of an informed adversary each record is hidden in turn, and what comes back is compared with it. Other attacks
give many candidates for all records at once: each record is compared with the candidate likest to it, and
the control is the likest of as many records that the model never saw. One candidate may stand for several.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.attacks.attack import WeightsAttack
from reticent.errors import DataError, ReticentError
from reticent.exhibit import Beside, Strip
from reticent.finding import Cost, Finding
from reticent.hearing import measured, threw, unmeasured
from reticent.measure.estimate import Figure, Withheld, clopper_pearson, median
from reticent.measure.images import WINDOW, ssim
from reticent.open_model import OpenModel, Recovered

CLOSE = 1e-6
"""Worst error of a value, as a share of the records' range, below which a record counts as recovered."""

LIKE = 0.4
"""Structural similarity from which a picture counts as shown (Buzaglo et al. 2023, arXiv:2307.01827)."""

FEWEST = 8
"""Records below which figures are withheld."""

SHOWN = 12
"""Pictures in a strip."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Hidden:
    """Records that were hidden one at a time, and how well each was found.

    Attributes:
        errors: (records,) the worst error of any value.
        control: (records,) that of the known record nearest to it.
        labels_right: (records,) whether the label was told.
        mismatch: (records,) the attacker's own doubt, as `Recovered` has it.
    """

    errors: FloatArray
    control: FloatArray
    labels_right: BoolArray
    mismatch: FloatArray

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name, with its interval over records.

        Args:
            name: "recovered", the share of records whose worst error is under a millionth of their range;
                "worst error", its median; each with " control" for the nearest known record's; "labels", the
                share told rightly.

        Raises:
            ValueError: no figure has that name.
        """
        kind = name.removesuffix(" control")
        errors = self.errors if kind == name else self.control
        if kind not in ("recovered", "worst error") and name != "labels":
            raise ValueError(f"no figure is called {name!r}")
        if len(errors) < FEWEST:
            return Withheld(f"fewer than {FEWEST} records were hidden")
        if kind == "worst error":
            return median(errors, level)
        right = self.labels_right if name == "labels" else errors < CLOSE
        return clopper_pearson(int(right.sum()), len(right), level)

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """Records recovered, and their error, beside the nearest known record's."""
        near = "the nearest known record"
        made = {n: self.figure(n, level=level) for n in ("recovered", "worst error")}
        without = {n: self.figure(f"{n} control", level=level) for n in made}
        return (
            Beside("recovered, error under 1e-6", made["recovered"], near, without["recovered"]),
            Beside(
                "median worst error", made["worst error"], near, without["worst error"], "number", "lower"
            ),
        )

    def note(self) -> str:
        """How much the attacker itself doubts what it read."""
        return (
            f"{len(self.errors)} records were hidden, one by one, from somebody who had all others; the "
            f"median mismatch of what came back with the weights is {np.median(self.mismatch):.2g}."
        )

    def strips(self) -> tuple[Strip, ...]:
        """None: what is recovered is the record itself."""
        return ()

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Errors, the control's, labels right and mismatch, record by record."""
        return {
            "errors": self.errors,
            "control": self.control,
            "labels_right": self.labels_right,
            "mismatch": self.mismatch,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """Training pictures, and how like them the likest candidate is.

    Attributes:
        alike: (records,) structural similarity of the likest candidate.
        control: (records,) that of the likest of as many records that the model never saw.
        mismatch: what the search left, as `Recovered` has it.
        rows: the pictures shown best, the candidates likest to them, and the unseen ones likest to them.
        low, high: the values between which a picture lies.
    """

    alike: FloatArray
    control: FloatArray
    mismatch: float
    rows: tuple[FloatArray, FloatArray, FloatArray]
    low: float
    high: float

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name, with its interval over training pictures.

        Args:
            name: "shown", the share with a candidate of SSIM above .4; "shown control", by unseen records;
                "shown better", the share whose candidate is liker than the likest unseen record.

        Raises:
            ValueError: no figure has that name.
        """
        hits = {
            "shown": self.alike > LIKE,
            "shown control": self.control > LIKE,
            "shown better": self.alike > self.control,
        }
        if name not in hits:
            raise ValueError(f"no figure is called {name!r}")
        if len(self.alike) < FEWEST:
            return Withheld(f"fewer than {FEWEST} training pictures were given")
        return clopper_pearson(int(hits[name].sum()), len(self.alike), level)

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """Training pictures shown, beside what as many unseen records show."""
        made, without = (self.figure(name, level=level) for name in ("shown", "shown control"))
        return (Beside("shown, SSIM over .4", made, "as many records never seen", without),)

    def note(self) -> str:
        """How far the search came, and what the control makes of the figure."""
        return (
            f"The search left {100 * self.mismatch:.2g} % of the weights unexplained. Pictures of a kind are "
            "alike: what counts is how much more is shown than records never seen show."
        )

    def strips(self) -> tuple[Strip, ...]:
        """The training pictures shown best, what was read back, and the unseen records likest to them."""
        headings = ("training pictures shown best", "read back from the weights", "likest record never seen")
        return tuple(
            Strip(h, np.clip(r, self.low, self.high), self.low, self.high)
            for h, r in zip(headings, self.rows, strict=True)
        )

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Similarity of each training picture's likest candidate, and the control's."""
        return {"alike": self.alike, "control": self.control}


def read_weights(
    model: Any,
    x: FloatArray,
    y: IntArray,
    attacks: Sequence[WeightsAttack],
    *,
    unseen: FloatArray,
    mean: FloatArray | float = 0.0,
    hidden: int = 50,
    seed: int = 0,
    advance: Callable[[int], None] = lambda records: None,
) -> tuple[Finding, ...]:
    """Have attacks read training records back from a model's weights.

    Args:
        model: a torch module or a fitted scikit-learn classifier.
        x: (records, ...) all that it was trained on, as it takes them.
        y: (records,) their labels, as it was given them.
        attacks: what to try.
        unseen: (others, ...) records of the same kind that it was not trained on, for the control.
        mean: what was taken off each picture before training; it is added again before pictures are compared.
        hidden: training records that an informed adversary is asked for, one at a time, drawn at random.
        advance: told how many more of them are done.

    Returns:
        A finding an attack; one that can't be run says why.

    Raises:
        DataError: records and labels that do not match, unseen ones of another shape, or values that are not
            finite.
    """
    x, unseen = np.asarray(x, dtype=np.float64), np.asarray(unseen, dtype=np.float64)
    if not 2 <= len(x) == len(y) or not len(unseen) or unseen.shape[1:] != x.shape[1:]:
        raise DataError(
            f"{len(x)} records with {len(y)} labels and unseen ones of shape {unseen.shape} were given; give "
            "two or more, a label each, and unseen ones alike"
        )
    if not (np.isfinite(x).all() and np.isfinite(unseen).all()):
        raise DataError("some records hold values that are not finite; fill them as the model was trained")
    seen = OpenModel(
        model=model,
        shape=x.shape[1:],
        low=float(min(x.min(), unseen.min())),
        high=float(max(x.max(), unseen.max())),
    )
    found = []
    for attack in attacks:
        start = time.perf_counter()
        try:
            evidence: Hidden | Shown
            if attack.informed:
                rng = np.random.default_rng(seed)
                asked = rng.permutation(len(x))[:hidden]
                evidence = _hidden(attack, seen, x, np.asarray(y), asked, seed, advance)
            else:
                evidence = _shown(attack.reconstruct(seen, seed), x, unseen, mean)
        except MemoryError:
            raise
        except ReticentError as error:
            found.append(unmeasured(attack, "refused", str(error)))
            continue
        except Exception as error:
            found.append(unmeasured(attack, "failed", threw(error, "during the attack", who="it")))
            continue
        found.append(measured(attack, evidence, Cost(seconds=time.perf_counter() - start)))
    return tuple(found)


def _hidden(
    attack: WeightsAttack,
    seen: OpenModel,
    x: FloatArray,
    y: IntArray,
    asked: IntArray,
    seed: int,
    advance: Callable[[int], None],
) -> Hidden:
    span = (seen.high - seen.low) or 1.0
    errors, control, right, mismatch = [], [], [], []
    for one in asked:
        known = np.delete(x, one, axis=0)
        made = attack.reconstruct(replace(seen, known=known, labels=np.delete(y, one)), seed)
        away = np.abs(known - x[one]).reshape(len(known), -1)
        errors.append(np.abs(made.records[0] - x[one]).max() / span)
        control.append(away[np.square(away).sum(axis=1).argmin()].max() / span)
        right.append(made.labels[0] == y[one])
        mismatch.append(made.mismatch)
        advance(1)
    return Hidden(
        errors=np.array(errors),
        control=np.array(control),
        labels_right=np.array(right),
        mismatch=np.array(mismatch),
    )


def _shown(made: Recovered, x: FloatArray, unseen: FloatArray, mean: FloatArray | float) -> Shown:
    if x.ndim != 3 or min(x.shape[1:]) < WINDOW:
        raise DataError(
            f"records of shape {x.shape[1:]} were given; candidates are told apart as grey pictures of at "
            f"least {WINDOW} x {WINDOW}"
        )
    others = unseen[: len(made.records)]
    truth, ours, theirs = x + mean, made.records[: len(others)] + mean, others + mean
    low, high = float(truth.min()), float(truth.max())
    by_us, by_them = likeness(truth, ours, high - low), likeness(truth, theirs, high - low)
    alike, control = by_us.max(axis=1), by_them.max(axis=1)
    best = np.argsort(-alike, kind="stable")[:SHOWN]
    rows = (truth[best], ours[by_us[best].argmax(axis=1)], theirs[by_them[best].argmax(axis=1)])
    return Shown(alike=alike, control=control, mismatch=made.mismatch, rows=rows, low=low, high=high)


def likeness(truth: FloatArray, others: FloatArray, span: float) -> FloatArray:
    """(records, others) structural similarity of every pair, one record at a time to spare memory."""
    return np.stack([ssim(one[None], np.clip(others, truth.min(), truth.max()), span) for one in truth])
