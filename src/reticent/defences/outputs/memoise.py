"""Memoisation: whoever asks again hears what was said before."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from reticent.access import Access, FloatArray, Outputs
from reticent.data import is_table
from reticent.defences.defence import Calibration, Fitted, OutputDefence
from reticent.defences.outputs.answering import digests
from reticent.errors import PlanError
from reticent.fingerprint import fingerprint

if TYPE_CHECKING:
    from reticent.access import Features, Target


@dataclass(frozen=True)
class Memoise(OutputDefence):
    """Answer the same record the same way each time, so that noise before it can't be averaged out.

    Attributes:
        records: how many records are remembered, as hashes under a key that is never written; of more, those
            not asked for the longest time are forgotten.
    """

    word: ClassVar[str] = "memoise"
    source: ClassVar[str] = (
        "Erlingsson, Pihur & Korolova 2014, arXiv:1407.6981, section 3 (permanent responses)"
    )
    caveat: ClassVar[str] = "a record changed by a hair is another record"
    needs: ClassVar[Access] = Access.LABELS
    leaves: ClassVar[Access] = Access.SCORES
    records: int = 1_000_000

    def __post_init__(self) -> None:
        if self.records < 1:
            raise PlanError(f"memoise was given records={self.records}; give how many to remember, from 1 on")

    def wrap(self, target: Target, calibration: Calibration | None = None, *, seed: int = 0) -> Target:
        """The target with a memory before it: what is remembered is not asked, and costs no budget."""
        return Remembering(target, self)

    def before(self, target: Target, fitted: Fitted, seed: int) -> Target:
        """The same: there is nothing to fit."""
        return Remembering(target, self)


class Remembering:
    """A target that is asked about a record once."""

    def __init__(self, target: Target, defence: Memoise) -> None:
        self._target, self._defence = target, defence
        self.access = min(target.access, defence.leaves)
        self.classes: npt.NDArray[np.generic] = target.classes
        self._key, self._lock = secrets.token_bytes(32), Lock()
        self._kept: OrderedDict[int, tuple[int, FloatArray | None]] = OrderedDict()

    def predict(self, x: Features) -> Outputs:
        """Answer each of the records `x`, as it was answered first."""
        names = digests(x, self._key).tolist()
        with self._lock:
            first = {name: i for i, name in reversed(list(enumerate(names))) if name not in self._kept}
            known = {name: self._kept[name] for name in names if name in self._kept}
            if first:
                rows = np.array(sorted(first.values()))
                asked: Any = x.iloc[rows] if is_table(x) else x[rows]
                outputs = self._target.predict(asked)
                for place, row in enumerate(rows.tolist()):
                    scores = None if outputs.log_scores is None else outputs.log_scores[place].copy()
                    known[names[row]] = int(outputs.labels[place]), scores
            for name in names:
                self._kept[name] = known[name]
                self._kept.move_to_end(name)
            while len(self._kept) > self._defence.records:
                self._kept.popitem(last=False)
        labels = np.array([known[name][0] for name in names], dtype=np.int64)
        told = [known[name][1] for name in names]
        return Outputs(labels, np.stack(told) if told and told[0] is not None else None)  # type: ignore[arg-type]

    def fingerprint(self) -> str:
        """A hash of the model's content and of the defence."""
        return fingerprint("remembering", self._target.fingerprint(), self._defence)
