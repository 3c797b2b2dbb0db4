"""Train many torch models of one architecture at once, each on its own records of one data set.

The models' parameters are stacked (models, ...), so that each layer is one batched product for all of
them: one small model's step is too little work to keep a processor busy. Each model has its own initial
weights, its own shuffling and its own number of steps, and ends where training it alone would have ended,
to the rounding of float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from reticent.access import BoolArray, IntArray
from reticent.errors import DataError
from reticent.shadows.batched.general import Alone, Mapped, convolves, mappable
from reticent.shadows.batched.mlp import Mlp
from reticent.shadows.batched.reading import read
from reticent.shadows.batched.stacked import Stacked, initial, seeded, tensors
from reticent.shadows.batched.training import Training, orders, rounds


@torch.no_grad()
def train_together(
    module: Callable[[], nn.Module],
    x: Tensor,
    y: Tensor,
    masks: BoolArray,
    seeds: Sequence[int],
    training: Training,
    *,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> Stacked:
    """Train one model for each row of `masks`, on the records it marks.

    Args:
        module: makes a module of the architecture; called once a model, under the model's seed.
        x: (records, ...) as the module takes them.
        y: (records,) int64 true classes.
        masks: (models, records) True where the model trains on the record; sizes may differ.
        seeds: one a model: of its initial weights, its shuffling, its dropout.
        training: how each is trained.
        device: where.
        progress: called after every epoch with how many model-epochs are done, and of how many.

    Raises:
        DataError: a model without records, or shapes that do not belong together.
    """
    masks = np.asarray(masks)
    if masks.shape != (len(seeds), len(x)) or len(y) != len(x) or not masks.any(1).all():
        raise DataError(
            f"{len(x)} records, {len(y)} labels, {len(seeds)} seeds and masks {masks.shape} were given; "
            "give a label a record, a seed a model, masks (models, records), each model at least one record"
        )
    x, y = x.to(device), y.to(device)
    largest_first = np.argsort(-masks.sum(1), kind="stable")
    own = [np.flatnonzero(masks[i]) for i in largest_first]
    ordered = [seeds[i] for i in largest_first]
    states: list[dict[str, Tensor]] = []
    done = 0
    with _flushed():
        for steps, group in _groups(module, x, y, ordered, training):
            for _ in _epochs(steps, own[group], ordered[group], training, x.device):
                done += len(own[group])
                if progress:
                    progress(done, len(seeds) * training.epochs)
            states.append(steps.state())
    back = torch.from_numpy(np.argsort(largest_first)).to(device)
    return Stacked(module, {name: torch.cat([s[name] for s in states])[back] for name in states[0]})


@contextmanager
def _flushed() -> Iterator[None]:
    """Within this context numbers below 1e-38 are nought, on this thread.

    The momentum of a weight whose input has long been 0 dwindles step by step to such numbers, with which a
    processor is many times slower.
    """
    before = float(torch.full((1,), 1e-39) * 1) == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


class Steps(Protocol):
    """The steps of models of one architecture.

    Attributes:
        pad: models share a last batch in which some rows hold no record.
        least: how many records the smallest batch must hold.
    """

    pad: bool
    least: int

    def step(self, models: slice, rows: Tensor, counts: IntArray | None, rate: float) -> None:
        """One step of a run of the models, on the records `rows` (models, batch)."""

    def state(self) -> dict[str, Tensor]:
        """Each parameter and buffer by name, stacked (models, ...)."""


def _groups(
    module: Callable[[], nn.Module], x: Tensor, y: Tensor, seeds: Sequence[int], training: Training
) -> Iterator[tuple[Steps, slice]]:
    """The models, all together or one by one, whichever is faster."""
    example = seeded(module, 0).to(x.device)
    layers = read(example, flat=x.ndim == 2)
    if layers or mappable(example, x, y):
        state = initial(module, seeds, x.device)
        steps = Mlp(layers, state, x, y, training) if layers else Mapped(example, state, x, y, training)
        yield steps, slice(0, len(seeds))
        return
    for i, seed in enumerate(seeds):
        yield Alone(module, seed, x, y, training), slice(i, i + 1)


def _epochs(
    steps: Steps, records: Sequence[IntArray], seeds: Sequence[int], training: Training, device: torch.device
) -> Iterator[None]:
    """Train, pausing after every epoch; `records` holds each model's own, the longest first."""
    shuffles = [orders(own, seed) for own, seed in zip(records, seeds, strict=True)]
    sizes = [len(own) for own in records]
    table = np.zeros((len(sizes), sizes[0]), np.int32)
    for epoch in range(training.epochs):
        for row, size, shuffle in zip(table, sizes, shuffles, strict=True):
            row[:size] = next(shuffle)
        rows = torch.from_numpy(table).to(device)
        for models, span, counts in rounds(sizes, training.batch_size, pad=steps.pad, least=steps.least):
            steps.step(models, rows[models, span], counts, training.rate(epoch))
        yield


def best_together(module: nn.Module, device: str) -> int:
    """How many models of this architecture are best trained at once on one processor core, or accelerator.

    Sixteen on a core: fewer leave time to the interpreter, more leave the cache. Where convolutions keep a
    core busy alone, one. Never more than 256 MiB of weights a core, or 2 GiB an accelerator.
    """
    weights = max(1, sum(t.numel() * t.element_size() for _, t in tensors(module)))
    if torch.device(device).type != "cpu":
        return max(1, min(64, (2 << 30) // weights))
    return 1 if convolves(module) else max(1, min(16, (256 << 20) // weights))
