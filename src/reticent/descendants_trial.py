"""Tries to recover a model that was never released from its fine-tunings, and measures how near it comes.

With the base at hand, which its owner has, the figure is the paper's: log10 of the mean squared error of a
tensor, averaged over tensors (Horwitz et al. 2024, arXiv:2402.10208). Its control is the mean of the
fine-tunings. Without the base, what an attacker can check stands in its place: whether the update of a
fine-tuning that was held out of the search comes out of low rank.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reticent.access import FloatArray
from reticent.attacks.attack import DescendantsAttack
from reticent.attacks.weights import SpectralDetuning
from reticent.descendants import Ancestor, Descendants, Layer, Source, agree, opened
from reticent.errors import DataError, ReticentError
from reticent.exhibit import Beside, Strip
from reticent.finding import Cost, Finding
from reticent.hearing import measured, threw, unmeasured
from reticent.measure.estimate import Estimate, Figure, Withheld
from reticent.progress import Progress, default_progress

LEAST = 1e-40
"""What stands for an error of nought where a logarithm is taken."""

FEWEST_TENSORS = 3
"""Tensors below which a figure is withheld."""

UNCHECKED = (
    "The base was not given, so nothing here measures the error: a low mismatch certifies nothing, for it is "
    "as low at a wrong base. Held-out updates of low rank do speak for the base that was found."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Betrayed:
    """How near recovered tensors come to the base.

    Attributes:
        layers: what became of each tensor.
        errors: (recovered,) mean squared error of each recovered tensor; none where the base was not given.
        control: (recovered,) that of the mean of the fine-tunings.
    """

    layers: tuple[Layer, ...]
    errors: FloatArray
    control: FloatArray

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name: the mean over recovered tensors, with Student's interval.

        Args:
            name: "error", log10 of the mean squared error; "held out", log10 of the share of a held-out
                update that lies beyond the rank; "mismatch", that of all updates; each with " control" for
                the mean of the fine-tunings in the base's place.

        Raises:
            ValueError: no figure has that name.
        """
        values = self.arrays()
        key = name.replace("held out", "held_out").replace(" control", "_control")
        if key not in values:
            raise ValueError(f"no figure is called {name!r}")
        return _mean_log(values[key], level)

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """Errors, held-out updates and mismatch, as far as known, beside the mean of the fine-tunings."""
        what = {
            "error": "mean squared error of a tensor, log10",
            "held out": "held-out update beyond its rank, log10 of its share",
            "mismatch": "updates beyond their rank, log10 of their share",
        }
        lines = (
            Beside(
                words,
                self.figure(name, level=level),
                "the mean of the fine-tunings",
                self.figure(f"{name} control", level=level),
                "number",
                "lower",
            )
            for name, words in what.items()
        )
        return tuple(line for line in lines if isinstance(line.figure, Estimate))

    def note(self) -> str:
        """How many tensors were recovered, and what follows."""
        ways = [layer.how for layer in self.layers]
        said = (
            f"{ways.count('recovered')} tensors were recovered, {ways.count('copied')} copied since all "
            f"fine-tunings agree, {ways.count('left out')} left out."
        )
        return said if len(self.errors) else f"{said} {UNCHECKED}"

    def strips(self) -> tuple[Strip, ...]:
        """None: weights are no pictures."""
        return ()

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Errors and checks of the recovered tensors, and of the mean in their place."""
        found = [layer for layer in self.layers if layer.how == "recovered"]
        return {
            "error": self.errors,
            "error_control": self.control,
            "held_out": np.array([layer.held_out for layer in found]),
            "held_out_control": np.array([layer.held_out_mean for layer in found]),
            "mismatch": np.array([layer.mismatch for layer in found]),
            "mismatch_control": np.array([layer.mismatch_mean for layer in found]),
        }


@dataclass(frozen=True, eq=False)
class Detuned:
    """What fine-tunings betrayed.

    Attributes:
        finding: how near it came; refused or failed with the reason.
        ancestor: the base's tensors; None where nothing was measured.
    """

    finding: Finding
    ancestor: Ancestor | None

    def save(self, path: str | Path) -> Path:
        """Write the recovered and copied tensors as safetensors.

        Raises:
            DataError: nothing was recovered.
            MissingExtra: safetensors is not installed.
            StorageError: the disk is full or can't be written.
        """
        if self.ancestor is None:
            raise DataError(self.finding.reason)
        return self.ancestor.save(path)


def detune(
    fine_tunings: Sequence[Source],
    base: Source | None = None,
    *,
    attack: DescendantsAttack | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Detuned:
    """Recover the base of several LoRA fine-tunings, and measure the error where the base is given.

    Args:
        fine_tunings: at least three, merged: folders or files of safetensors, or arrays by name.
        base: the true base, for the measurement alone; the attack never sees it.
        attack: None for Spectral DeTuning.
        seed: of what the attack draws.
        progress: told of tensors done; None for bars on a terminal.

    Returns:
        The finding, with `Betrayed` as evidence, and the tensors.

    Raises:
        DataError: fewer than three, files that do not read, or names or shapes that differ.
        MissingExtra: files were given, and safetensors or torch is not installed.
    """
    attack, descendants = attack or SpectralDetuning(), Descendants.of(fine_tunings)
    truth = None if base is None else opened(base, "the base")
    if truth:
        agree(descendants.models[0], truth)
    start, stages = time.perf_counter(), progress or default_progress()
    try:
        with stages.stage("recovering the base", len(descendants.names)) as advance:
            ancestor = attack.recover(replace(descendants, advance=advance), seed)
    except MemoryError:
        raise
    except ReticentError as problem:
        return Detuned(unmeasured(attack, "refused", str(problem)), None)
    except Exception as problem:
        return Detuned(unmeasured(attack, "failed", threw(problem, "during the attack", who="it")), None)
    seconds = time.perf_counter() - start
    off = []
    for layer in ancestor.layers if truth else ():
        if truth and layer.how == "recovered":
            right, _ = truth.read(layer.name)
            mean = descendants.read(layer.name).values.mean(axis=0, dtype=np.float64)
            off.append([_error(ancestor.tensors[layer.name], right), _error(mean, right)])
    errors = np.array(off, dtype=np.float64).reshape(-1, 2)
    evidence = Betrayed(layers=ancestor.layers, errors=errors[:, 0], control=errors[:, 1])
    return Detuned(measured(attack, evidence, Cost(seconds=seconds)), ancestor)


def _error(ours: NDArray[Any], right: NDArray[Any]) -> float:
    return float(np.square(ours.astype(np.float64) - right).mean())


def _mean_log(values: FloatArray, level: float) -> Figure:
    """The mean of logarithms, with Student's interval."""
    from scipy.special import stdtrit

    known = values[~np.isnan(values)]
    if len(known) < FEWEST_TENSORS:
        return Withheld(f"it is known of {len(known)} tensors, and at least {FEWEST_TENSORS} are needed")
    logs = np.log10(np.maximum(known, LEAST))
    value = float(logs.mean())
    reach = float(stdtrit(len(logs) - 1, (1 + level) / 2) * logs.std(ddof=1) / np.sqrt(len(logs)))
    return Estimate(value, value - reach, value + reach, level, "Student", len(logs))
