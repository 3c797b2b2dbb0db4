"""Private training: each record's gradient clipped, noise on their sum (Abadi et al. 2016, arXiv:1607.00133).

Two ways of drawing. "sampled": each step takes each record by a coin of its own (Poisson), and the noise of
all steps is independent: DP-SGD. "ordered": each epoch goes through the records in one order that is never
shuffled, and the noise of the running sums is that of a binary tree: DP-FTRL (Kairouz et al. 2021,
arXiv:2103.00039).
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from reticent.access import IntArray
from reticent.errors import PlanError
from reticent.measure.accounting import (
    gaussian_epsilon,
    gaussian_noise,
    sampled_gaussian_epsilon,
    sampled_gaussian_noise,
)
from reticent.measure.privacy import check_noise, empty_promise
from reticent.recipe import Guarantee

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Privacy:
    """How a training is made private.

    Attributes:
        epsilon, delta: the guarantee wanted; the noise follows from it.
        noise: standard deviation of the noise over the clipping norm; the guarantee follows from it.
        clip: L2 norm to which each record's gradient is clipped.
        order: records drawn by coins each step, or gone through in their order.
    """

    epsilon: float | None = None
    delta: float = 1e-5
    noise: float | None = None
    clip: float = 1.0
    order: Literal["sampled", "ordered"] = "sampled"

    def __post_init__(self) -> None:
        check_noise(self.epsilon, self.delta, self.noise, "dp_sgd" if self.order == "sampled" else "dp_ftrl")
        if not 0 < self.clip < float("inf"):
            raise PlanError(f"a clipping norm of {self.clip} was given; give one above 0, such as 1")

    def rate(self, records: int, batch_size: int) -> float:
        """The share of the records that a step takes; up to two digits, so that sizes alike cost one
        reckoning."""
        share = min(1.0, batch_size / records)
        unit = 10.0 ** (math.floor(math.log10(share)) - 1)
        return min(1.0, math.ceil(share / unit - 1e-9) * unit)

    def expected(self, records: int, batch_size: int) -> float:
        """How many records a step takes in the mean: what its sum of gradients is divided by."""
        return batch_size if self.order == "ordered" else records * self.rate(records, batch_size)

    def steps(self, records: int, batch_size: int, epochs: int) -> int:
        """Steps of a whole training."""
        if self.order == "sampled":
            return epochs * math.ceil(1 / self.rate(records, batch_size) - 1e-9)
        return epochs * math.ceil(records / batch_size)

    def multiplier(self, records: int, batch_size: int, epochs: int) -> float:
        """The noise over the clipping norm.

        Raises:
            PlanError: no noise is enough.
        """
        if said := empty_promise(self.delta, records):
            warnings.warn(said, UserWarning, stacklevel=2)
        if self.noise is not None:
            return self.noise
        assert self.epsilon is not None
        if self.order == "sampled":
            rate, steps = self.rate(records, batch_size), self.steps(records, batch_size, epochs)
            return sampled_gaussian_noise(self.epsilon, rate, steps, self.delta)
        return gaussian_noise(self.epsilon, self._sums(records, batch_size, epochs), self.delta)

    def guarantee(self, records: int, batch_size: int, epochs: int) -> Guarantee:
        """What a training on so many records guarantees."""
        noise = self.multiplier(records, batch_size, epochs)
        if self.order == "sampled":
            rate, steps = self.rate(records, batch_size), self.steps(records, batch_size, epochs)
            spent = sampled_gaussian_epsilon(noise, rate, steps, self.delta)
            drawn = f"Poisson samples of {rate:.2g}"
            by = f"PLD accountant, {steps:,} Gaussian steps of noise {noise:.3g} on {drawn}"
        else:
            sums = self._sums(records, batch_size, epochs)
            spent = gaussian_epsilon(noise, sums, self.delta)
            by = f"PLD accountant, trees of Gaussian noise {noise:.3g}, each record in {sums:,} sums"
        return Guarantee(spent, self.delta, by)

    def _sums(self, records: int, batch_size: int, epochs: int) -> int:
        """In how many sums of the trees, one an epoch, a record enters."""
        leaves = math.ceil(records / batch_size)
        return epochs * (math.ceil(math.log2(leaves)) + 1)


class Coins:
    """Who is drawn at each step: every record by a coin of its own (Poisson sampling).

    Args:
        own: (its records,) of each model.
        seeds, rates: one a model, of the coins.
    """

    def __init__(self, own: Sequence[IntArray], seeds: Sequence[int], rates: Sequence[float]) -> None:
        self._own, self._rates = own, rates
        self._rngs = [np.random.default_rng([seed, 6]) for seed in seeds]

    def drawn(self, models: int) -> tuple[IntArray, IntArray]:
        """(models, batch) rows of the first so many models, padded, and (models,) how many each has drawn."""
        rows = [
            own[rng.random(len(own)) < rate]
            for own, rng, rate in zip(self._own[:models], self._rngs, self._rates, strict=False)
        ]
        counts = np.array([len(r) for r in rows])
        table = np.zeros((models, max(1, int(counts.max()))), np.int64)
        for line, r in zip(table, rows, strict=True):
            line[: len(r)] = r
        return table, counts


class Noise:
    """Gaussian noise of several models, each from a generator of its own.

    Args:
        seeds: one a model.
        size: numbers a model.
        tree: whether the noise of the sums up to each step is that of a binary tree, else independent.
    """

    def __init__(self, seeds: Sequence[int], size: int, device: torch.device, *, tree: bool) -> None:
        import torch

        self._generators = [generator(seed, "noise", device) for seed in seeds]
        self._drawn = torch.empty(len(seeds), size, device=device)
        self._nodes: dict[int, Tensor] = {}
        self._tree = tree
        self._step = 0

    def next(self, models: slice) -> Tensor:
        """(models, size) standard noise to add to this step's sum of gradients."""
        fresh = self._fresh(models)
        if not self._tree:
            return fresh
        # The noise of the sum up to step t is that of the nodes that cover it; each step adds its change
        self._step += 1
        level = (self._step & -self._step).bit_length() - 1  # the nodes below it are merged into a new one
        change = fresh.clone()
        for lower in range(level):
            change -= self._nodes.pop(lower)[: len(change)]
        self._nodes[level] = fresh.clone()
        return change

    def restart(self) -> None:
        """Begin another tree: what was added so far stays."""
        self._step = 0
        self._nodes.clear()

    def _fresh(self, models: slice) -> Tensor:
        for line, generator in zip(self._drawn[models], self._generators[models], strict=True):
            line.normal_(generator=generator)
        return self._drawn[models]


def generator(seed: int, what: str, device: torch.device) -> torch.Generator:
    """torch's generator under a seed, apart from those for another purpose."""
    import torch

    digest = hashlib.blake2b(f"{what}:{seed}".encode(), digest_size=8).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest, "big") >> 1)
