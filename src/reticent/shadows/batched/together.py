"""Train many torch models of one architecture at once, each on its own records of one data set.

The models' parameters are stacked (models, ...), so that each layer is one batched product for all of
them: one small model's step is too little work to keep a processor busy. Each model has its own initial
weights, its own shuffling and its own number of steps, and ends where training it alone would have ended,
to the rounding of float32.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from reticent.access import BoolArray, IntArray
from reticent.errors import DataError
from reticent.shadows.batched.asked import Reference
from reticent.shadows.batched.defended import DefendedMlp
from reticent.shadows.batched.defended_alone import DefendedAlone
from reticent.shadows.batched.general import Alone, Mapped, convolves, mappable
from reticent.shadows.batched.mlp import Mlp
from reticent.shadows.batched.privacy import Coins
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
    reference: Reference | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Stacked:
    """Train one model for each row of `masks`, on the records it marks.

    Args:
        module: makes a module of the architecture; called once a model, under the model's seed.
        x: (records, ...) as the module takes them.
        y: (records,) int64 true classes, or (models, records, classes) what each model is to answer.
        masks: (models, records) True where the model trains on the record; sizes may differ.
        seeds: one a model: of its initial weights, its shuffling, its dropout.
        training: how each is trained.
        device: where.
        reference: records and labels that no model is trained on, for trainings that look at some.
        progress: called after every epoch with how many model-epochs are done, and of how many.

    Raises:
        DataError: a model without records, or shapes that do not belong together.
        ModelError: private training of a module whose records depend on each other.
    """
    masks = np.asarray(masks)
    labelled = y.shape == (len(x),) if y.ndim == 1 else y.shape[:2] == (len(seeds), len(x))
    if masks.shape != (len(seeds), len(x)) or not labelled or not masks.any(1).all():
        raise DataError(
            f"{len(x)} records, labels {tuple(y.shape)}, {len(seeds)} seeds and masks {masks.shape} "
            "were given; "
            "give a label a record, a seed a model, masks (models, records), each model at least one record"
        )
    x, y = x.to(device), y.to(device)
    largest_first = np.argsort(-masks.sum(1), kind="stable")
    own: list[IntArray] = [np.flatnonzero(masks[i]) for i in largest_first]
    ordered = [seeds[i] for i in largest_first]
    if y.ndim == 3:
        y = y[torch.from_numpy(largest_first)]
    watch, own = _watched(x, y, own, ordered, training, reference)
    states: list[dict[str, Tensor]] = []
    done = 0
    with _flushed():
        for steps, group in _groups(module, x, y, ordered, training, [len(o) for o in own], reference):
            best = Best(steps, watch.of(group), training) if watch else None
            for _ in _epochs(steps, own[group], ordered[group], training, x.device):
                done += len(own[group])
                if progress:
                    progress(done, len(seeds) * training.epochs)
                if best and best.no_longer():
                    break
            states.append(best.state if best else steps.state())
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

    def step(self, models: slice, rows: Tensor, counts: IntArray | None, rate: float, epoch: int = 0) -> None:
        """One step of a run of the models, on the records `rows` (models, batch)."""

    def state(self) -> dict[str, Tensor]:
        """Each parameter and buffer by name, stacked (models, ...)."""


class Watch(NamedTuple):
    """Records by whose loss training is stopped.

    Attributes:
        x: (models, records, ...) each model's.
        y: (models, records) their labels.
    """

    x: Tensor
    y: Tensor

    def of(self, models: slice) -> Watch:
        """Those of some of the models."""
        return Watch(self.x[models], self.y[models])


class Best:
    """Of each model the weights at which its loss on the watched records was least.

    Args:
        steps: the models in training.
        watch: the watched records.
        training: says for how long no improvement is borne.
    """

    def __init__(self, steps: Steps, watch: Watch, training: Training) -> None:
        assert training.stopping is not None and isinstance(steps, DefendedMlp | DefendedAlone)
        self._steps, self._watch, self._patience = steps, watch, training.stopping.patience
        self._least = torch.full((len(watch.x),), float("inf"), device=watch.x.device)
        self._waited = torch.zeros(len(watch.x), device=watch.x.device)
        self.state = {name: t.clone() for name, t in steps.state().items()}

    def no_longer(self) -> bool:
        """Whether no model has improved for as long as is borne; looks after an epoch."""
        models = slice(0, len(self._watch.x))
        logits = self._steps.answers(models, self._watch.x)
        loss = cross_entropy(logits.mT, self._watch.y, reduction="none").mean(1)
        going = self._waited < self._patience  # one that had stopped by itself stays as it was
        better = (loss < self._least) & going
        self._least = torch.where(better, loss, self._least)
        self._waited = torch.where(better, torch.zeros_like(self._waited), self._waited + 1)
        for name, tensor in self._steps.state().items():
            self.state[name][better] = tensor[better]
        return not bool((self._waited < self._patience).any())


def _watched(
    x: Tensor,
    y: Tensor,
    own: list[IntArray],
    seeds: Sequence[int],
    training: Training,
    reference: Reference | None,
) -> tuple[Watch | None, list[IntArray]]:
    """What is watched to stop by, and each model's records without them."""
    if training.stopping is None:
        return None, own
    if reference is not None:
        features, labels = (t.to(x.device) for t in reference)
        return Watch(features.expand(len(own), *features.shape), labels.expand(len(own), -1)), own
    aside = max(
        1, int(training.stopping.share * min(map(len, own)))
    )  # as many of each: they are watched together
    shuffled = [np.random.default_rng([seed, 8]).permutation(o) for o, seed in zip(own, seeds, strict=True)]
    seen = torch.from_numpy(np.stack([o[:aside] for o in shuffled])).to(x.device)
    labels = y[seen] if y.ndim == 1 else torch.gather(y.argmax(2), 1, seen)
    return Watch(x[seen], labels), [np.sort(o[aside:]) for o in shuffled]


def _groups(
    module: Callable[[], nn.Module],
    x: Tensor,
    y: Tensor,
    seeds: Sequence[int],
    training: Training,
    sizes: Sequence[int],
    reference: Reference | None,
) -> Iterator[tuple[Steps, slice]]:
    """The models, all together or one by one, whichever is faster."""
    example = seeded(module, 0).to(x.device)
    layers = read(example, flat=x.ndim == 2)
    plain = training.plain and y.ndim == 1
    if reference is not None:
        reference = reference[0].to(x.device), reference[1].to(x.device)
    if layers and (not plain or any(layer.dropout for layer in layers)):
        state = initial(module, seeds, x.device)
        yield (
            DefendedMlp(layers, state, x, y, training, seeds=seeds, sizes=sizes, reference=reference),
            slice(0, len(seeds)),
        )
        return
    if plain and (layers or mappable(example, x, y)):
        state = initial(module, seeds, x.device)
        steps = Mlp(layers, state, x, y, training) if layers else Mapped(example, state, x, y, training)
        yield steps, slice(0, len(seeds))
        return
    for i, seed in enumerate(seeds):
        own = slice(i, i + 1)
        if plain:
            yield Alone(module, seed, x, y, training), own
        else:
            soft = y[own] if y.ndim == 3 else y
            yield (
                DefendedAlone(module, seed, x, soft, training, records=sizes[i], reference=reference),
                own,
            )


def _epochs(
    steps: Steps, records: Sequence[IntArray], seeds: Sequence[int], training: Training, device: torch.device
) -> Iterator[None]:
    """Train, pausing after every epoch; `records` holds each model's own, the longest first."""
    if training.privacy is not None and training.privacy.order == "sampled":
        yield from _sampled_epochs(steps, records, seeds, training, device)
        return
    ordered = training.privacy is not None
    shuffles = [
        itertools.repeat(own) if ordered else orders(own, seed)
        for own, seed in zip(records, seeds, strict=True)
    ]
    sizes = [len(own) for own in records]
    table = np.zeros((len(sizes), sizes[0]), np.int32)
    for epoch in range(training.epochs):
        if isinstance(steps, DefendedMlp | DefendedAlone):
            steps.new_epoch()
        for row, size, shuffle in zip(table, sizes, shuffles, strict=True):
            row[:size] = next(shuffle)
        rows = torch.from_numpy(table).to(device)
        for models, span, counts in rounds(sizes, training.batch_size, pad=steps.pad, least=steps.least):
            steps.step(models, rows[models, span].long(), counts, training.rate(epoch), epoch)
        yield


def _sampled_epochs(
    steps: Steps, records: Sequence[IntArray], seeds: Sequence[int], training: Training, device: torch.device
) -> Iterator[None]:
    """Train on records drawn by coins, pausing after every epoch."""
    assert training.privacy is not None
    rates = [training.privacy.rate(len(own), training.batch_size) for own in records]
    steps_each = [training.privacy.steps(len(own), training.batch_size, 1) for own in records]
    coins = Coins(records, seeds, rates)
    for epoch in range(training.epochs):
        for step in range(max(steps_each)):
            models = sum(
                many > step for many in steps_each
            )  # the largest sets come first and take most steps
            rows, counts = coins.drawn(models)
            drawn = torch.from_numpy(rows).to(device)
            steps.step(slice(0, models), drawn, counts, training.rate(epoch), epoch)
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
