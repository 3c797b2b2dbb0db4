"""Training with measures against leaking: another loss, other records, dropout, private gradients.

`DefendedMlp` does it for many multilayer perceptrons at once: the loss is differentiated by the logits
alone, and the norm of each record's gradient follows from the layers' inputs and errors without the
gradient being formed (ghost clipping: Goodfellow 2015, arXiv:1510.01799; Li et al. 2022, arXiv:2110.05679).
`DefendedAlone` does it for one module of any architecture, with Opacus's hooks where gradients are private.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from reticent.access import IntArray
from reticent.errors import MissingExtra, ModelError
from reticent.shadows.batched.general import convolves, least
from reticent.shadows.batched.mlp import Head, Hidden, Mlp
from reticent.shadows.batched.objective import Heard, Loss, Moment, cross_entropy
from reticent.shadows.batched.privacy import Noise, generator
from reticent.shadows.batched.reading import Layer
from reticent.shadows.batched.sparse import SparseBatch
from reticent.shadows.batched.stacked import Stream, tensors
from reticent.shadows.batched.training import Adversary, Training

Reference = tuple[Tensor, Tensor]
"""Records (records, ...) and labels (records,) that no model is trained on."""


class Asked:
    """What a step is trained on, beyond which records: targets, blends, and what is asked about the
    reference.

    Args:
        y: (records,) labels, or (models, records, classes) what each model is to answer.
        seeds: one a model.
        classes: how many.
        reference: records that no model is trained on, or None.
        training: how models are trained.
    """

    def __init__(
        self, y: Tensor, seeds: Sequence[int], classes: int, reference: Reference | None, training: Training
    ) -> None:
        self.loss: Loss = training.objective.begin(seeds, classes)
        self._y, self._classes, self._reference, self._training = y, classes, reference, training
        self._rngs = [np.random.default_rng([seed, 7]) for seed in seeds]

    def targets(self, models: slice, rows: Tensor) -> Tensor:
        """(models, batch, classes) what is to be answered to these rows."""
        if self._y.ndim == 1:
            return one_hot(self._y[rows], self._classes).float()
        return torch.gather(self._y[models], 1, rows[..., None].expand(*rows.shape, self._classes))

    def partners(self, models: slice, held: Tensor) -> tuple[Tensor, Tensor]:
        """(models, batch) with which row of the batch each is blended, and (models, 1, 1) its own share."""
        assert self._training.mixing is not None
        alpha = self._training.mixing.alpha
        counts = _counts(held)
        partner = np.tile(np.arange(held.shape[1]), (len(counts), 1))
        shares = np.empty(len(counts), np.float32)
        for place, (rng, count) in enumerate(zip(self._rngs[models], counts, strict=True)):
            partner[place, :count] = rng.permutation(count)
            shares[place] = rng.beta(alpha, alpha)
        device = held.device
        return torch.from_numpy(partner).to(device), torch.from_numpy(shares).to(device)[:, None, None]

    def heard(self, models: slice, answers: Callable[[slice, Tensor], Tensor]) -> Heard | None:
        """What the models say of some records of the reference, where the objective wants to know."""
        many = self._training.objective.reference
        if not many or self._reference is None:
            return None
        x, y = self._reference
        rows = np.stack([rng.choice(len(x), min(many, len(x)), replace=False) for rng in self._rngs[models]])
        where = torch.from_numpy(rows).to(x.device)
        return Heard(answers(models, x[where]), one_hot(y[where], self._classes).float())

    def gradient(self, logits: Tensor, targets: Tensor, moment: Moment, weights: Tensor) -> Tensor:
        """The gradient by logits (models, batch, classes) of the losses, weighed by `weights` (models,
        batch)."""
        leaf = logits.detach().clone().requires_grad_()
        with torch.enable_grad():
            total = (self.loss(leaf, targets, moment) * weights).sum()
        (gradient,) = torch.autograd.grad(total, leaf)
        return gradient


class DefendedMlp(Mlp):
    """The steps of stacked multilayer perceptrons, with measures.

    Args:
        layers, state, x, training: as of `Mlp`.
        y: (records,) int64 labels, or (models, records, classes) what each model is to answer.
        seeds: one a model.
        sizes: how many records each model has.
        reference: records that no model is trained on, or None.
    """

    def __init__(
        self,
        layers: list[Layer],
        state: Mapping[str, Tensor],
        x: Tensor,
        y: Tensor,
        training: Training,
        *,
        seeds: Sequence[int],
        sizes: Sequence[int],
        reference: Reference | None,
    ) -> None:
        super().__init__(layers, state, x, y, training)
        self._training, device = training, x.device
        classes = self._places[-1][0].value.shape[1]
        self.asked = Asked(y, seeds, classes, reference, training)
        if training.mixing or training.adversary:
            self._sparse = None  # blended and moved records are dense
        self._dropping = [generator(seed, "dropout", device) for seed in seeds]
        self._moving = [generator(seed, "adversary", device) for seed in seeds]
        self._slots = [slot for place in self._places for slot in place if slot]
        self._noise: Noise | None = None
        if training.privacy:
            ordered = training.privacy.order == "ordered"
            numbers = sum(slot.value[0].numel() for slot in self._slots)
            self._noise = Noise(seeds, numbers, device, tree=ordered)
            self._squares = self._x.square().sum(1)
            how = [(n, training.batch_size, training.epochs) for n in sizes]
            self._scale = torch.tensor([training.privacy.multiplier(*h) for h in how], device=device)
            expected = [
                training.batch_size if ordered else n * training.privacy.rate(n, b) for n, b, _ in how
            ]
            self._expected = torch.tensor(expected, device=device, dtype=torch.float32)

    def step(self, models: slice, rows: Tensor, counts: IntArray | None, rate: float, epoch: int = 0) -> None:
        """One step of `models`; arguments as in `Mlp.step`."""
        held = _held(rows, counts)
        x, targets = self._prepared(models, rows, held)
        heard = self.asked.heard(models, self.answers)
        moment = Moment(epoch, models, held, heard)
        logits = self._forward(x, models, dropping=held).mT
        if self._noise is not None:
            gradient = self.asked.gradient(logits, targets, moment, held)
            self._private(x, gradient.mT.contiguous(), models, rows, held)
        else:
            weights = held / held.sum(1, keepdim=True).clamp(min=1)
            gradient = self.asked.gradient(logits, targets, moment, weights).mT.contiguous()
            self._backward(gradient, models)
        self._optimiser.step(models, rate)

    def new_epoch(self) -> None:
        """What begins anew with every epoch."""
        if self._noise is not None:
            self._noise.restart()

    def _prepared(self, models: slice, rows: Tensor, held: Tensor) -> tuple[Tensor | SparseBatch, Tensor]:
        x, targets = self._taken(rows), self.asked.targets(models, rows)
        if self._training.mixing:
            assert isinstance(x, Tensor)
            partner, share = self.asked.partners(models, held)
            x = torch.lerp(torch.gather(x, 1, partner[..., None].expand_as(x)), x, share)
            targets = torch.lerp(
                torch.gather(targets, 1, partner[..., None].expand_as(targets)), targets, share
            )
        if self._training.adversary:
            assert isinstance(x, Tensor)
            x = self._attacked(x, targets, models, held, self._training.adversary)
        return x, targets

    def _forward(self, x: Tensor | SparseBatch, models: slice, *, dropping: Tensor | None = None) -> Tensor:
        """(models, classes, batch) logits; with dropout where `dropping` says which rows hold a record."""
        for layer, read in zip(self._hidden, self._layers, strict=False):
            drops = dropping is not None and read.dropout > 0
            mask = self._mask(models, cast(Tensor, dropping), layer.units, read.dropout) if drops else None
            x = layer.forward(x, models, mask)
        assert isinstance(x, Tensor)
        return self._head.forward(x, models)

    def _mask(self, models: slice, held: Tensor, units: int, share: float) -> Tensor:
        mask = torch.ones(*held.shape, units, device=self._x.device)
        for part, drawn, count in zip(mask, self._dropping[models], _counts(held), strict=True):
            part[:count].bernoulli_(1 - share, generator=drawn)  # padding must not use numbers up
        return mask.div_(1 - share)

    def _attacked(
        self, x: Tensor, targets: Tensor, models: slice, held: Tensor, adversary: Adversary
    ) -> Tensor:
        """The records moved to where cross-entropy is high, each number by at most the radius."""
        moved = x.clone()
        real = moved[
            ..., : x.shape[2] - int(self._layers[0].bias)
        ]  # without the ones that stand for the bias
        middle = real.clone()
        for part, drawn, count in zip(real, self._moving[models], _counts(held), strict=True):
            away = torch.rand(part[:count].shape, generator=drawn, device=x.device) * 2 - 1
            part[:count].add_(away, alpha=adversary.radius)
        _within(real, middle, adversary)
        for _ in range(adversary.steps):
            error = self._forward(moved, models).softmax(1).sub_(targets.mT)
            above: Head | Hidden = self._head
            for layer in reversed(self._hidden):
                error = layer.through(above.down(error, models))
                above = layer
            slope = above.down(error, models)[..., : real.shape[2]]
            real.add_(slope.sign(), alpha=2.5 * adversary.radius / adversary.steps)
            _within(real, middle, adversary)
        return moved

    def _backward(self, gradient: Tensor, models: slice) -> None:
        self._head.gather(gradient, models, self._optimiser.keep)
        above: Head | Hidden = self._head
        for layer in reversed(self._hidden):
            gradient = above.down(gradient, models)
            layer.backward(gradient, models, self._optimiser.keep)
            above = layer

    def _private(
        self, x: Tensor | SparseBatch, gradient: Tensor, models: slice, rows: Tensor, held: Tensor
    ) -> None:
        """Add clipped gradients and noise to the slots, over the expected batch."""
        assert self._noise is not None and self._training.privacy is not None
        clip = self._training.privacy.clip
        # A record's gradient by a layer's weights is the outer product of its input and its error, so its
        # norm is the product of theirs; a bias of its own adds one to the square of the input's
        inputs = self._squares[rows] if isinstance(x, SparseBatch) else x.square().sum(2)
        errors: list[tuple[Head | Hidden, Tensor]] = [(self._head, gradient)]
        squares = gradient.square().sum(1) * _input_squares(self._head, inputs)
        above: Head | Hidden = self._head
        for place in range(len(self._hidden) - 1, -1, -1):
            layer = self._hidden[place]
            gradient = layer.through(above.down(gradient, models))
            squares += gradient.square().sum(2) * _input_squares(layer, inputs)
            errors.append((layer, gradient))
            above = layer
        expected = self._expected[models]
        factor = (clip / squares.sqrt().clamp(min=1e-12)).clamp(max=1) * held / expected[:, None]
        for place, (part, error) in enumerate(errors):
            error.mul_(
                factor[..., None] if place else factor[:, None]
            )  # the head's come first, classes in rows
            part.gather(error, models, self._optimiser.keep)
        noise = self._noise.next(models).mul(clip * (self._scale[models] / expected)[:, None])
        start = 0
        for slot in self._slots:
            _, into = slot.of(models)
            size = into[0].numel()
            into.add_(noise[:, start : start + size].reshape(into.shape))
            start += size


class DefendedAlone:
    """The steps of one module of any architecture, with measures.

    Args:
        build: makes the module.
        seed: of its initial weights, and of what is drawn.
        x, y, training, reference: as of `DefendedMlp`.
        records: how many it is trained on.
        device: where.
        ghost: whether private gradients are clipped without being formed; None for where that is faster.

    Raises:
        ModelError: a module whose records depend on each other, under private training.
        MissingExtra: Opacus is not installed, and training is private.
    """

    def __init__(
        self,
        build: Callable[[], nn.Module],
        seed: int,
        x: Tensor,
        y: Tensor,
        training: Training,
        *,
        records: int,
        reference: Reference | None,
        ghost: bool | None = None,
    ) -> None:
        self._stream = Stream(seed, x.device)
        with self._stream.drawn():
            module = build().to(x.device).train()
        self.least, self.pad = least(module), training.privacy is not None
        self._x, self._training = x, training
        with torch.no_grad():
            classes = module.eval()(x[:1]).shape[1]
        self._module: Any = module.train()
        self._plain = module
        self.asked = Asked(y, [seed], classes, reference, training)
        self._drawn = generator(seed, "adversary", x.device)
        self._noise: Noise | None = None
        if training.privacy:
            self._ghost = not convolves(module) if ghost is None else ghost
            self._module = hooked(module, clip=training.privacy.clip, ghost=self._ghost)
            ordered = training.privacy.order == "ordered"
            size = sum(p.numel() for p in module.parameters() if p.requires_grad)
            self._noise = Noise([seed], size, x.device, tree=ordered)
            how = records, training.batch_size, training.epochs
            self._scale = training.privacy.multiplier(*how)
            rate = training.privacy.rate(records, training.batch_size)
            self._expected = training.batch_size if ordered else records * rate
        trained = [p for p in module.parameters() if p.requires_grad]
        self._trained = trained
        self._optimiser = (
            torch.optim.Adam(trained, weight_decay=training.weight_decay)
            if training.optimiser == "adam"
            else torch.optim.SGD(trained, momentum=training.momentum, weight_decay=training.weight_decay)
        )

    def step(self, models: slice, rows: Tensor, counts: IntArray | None, rate: float, epoch: int = 0) -> None:
        """One step of the one model; arguments as in `Mlp.step`."""
        assert models == slice(0, 1)
        own = rows[:, : int(counts[0])] if counts is not None else rows
        self._optimiser.param_groups[0]["lr"] = rate
        self._optimiser.zero_grad()
        held = torch.ones(own.shape, device=own.device)
        if own.shape[1]:
            x, targets = self._prepared(own, held)
            heard = self.asked.heard(slice(0, 1), self.answers)
            moment = Moment(epoch, models, held, heard)
            with torch.enable_grad(), self._stream.drawn(), _records_without_gradient():
                self._descend(x, targets, moment)
        if self._noise is not None:
            self._add_noise()
        self._optimiser.step()

    def new_epoch(self) -> None:
        """What begins anew with every epoch."""
        if self._noise is not None:
            self._noise.restart()

    def answers(self, models: slice, x: Tensor) -> Tensor:
        """(1, records, classes) logits of records (1, records, ...), in evaluation mode."""
        self._plain.eval()
        with torch.no_grad():
            logits = self._plain(x[0])
        self._plain.train()
        return cast(Tensor, logits)[None]

    def state(self) -> dict[str, Tensor]:
        """Each parameter and buffer by name, (1, ...)."""
        return {name: t.detach()[None] for name, t in tensors(self._plain)}

    def _prepared(self, rows: Tensor, held: Tensor) -> tuple[Tensor, Tensor]:
        x, targets = self._x[rows[0]], self.asked.targets(slice(0, 1), rows)
        if self._training.mixing:
            partner, share = self.asked.partners(slice(0, 1), held)
            x = torch.lerp(x[partner[0]], x, float(share))
            targets = torch.lerp(targets[:, partner[0]], targets, share)
        if self._training.adversary:
            x = self._attacked(x, targets[0], self._training.adversary)
        return x, targets

    def _attacked(self, x: Tensor, targets: Tensor, adversary: Adversary) -> Tensor:
        start = (torch.rand(x.shape, generator=self._drawn, device=x.device) * 2 - 1) * adversary.radius
        moved = _within(x + start, x, adversary)
        for _ in range(adversary.steps):
            with torch.enable_grad():
                asked = moved.detach().requires_grad_()
                loss = cross_entropy(self._plain.eval()(asked), targets).sum()
                (slope,) = torch.autograd.grad(loss, asked)
            moved = _within(moved + slope.sign() * (2.5 * adversary.radius / adversary.steps), x, adversary)
        self._plain.train()
        return moved

    def _descend(self, x: Tensor, targets: Tensor, moment: Moment) -> None:
        if self._noise is None:
            loss = moment.mean(self.asked.loss(self._module(x)[None], targets, moment)).sum()
            torch.autograd.backward(loss)
            return
        losses = self.asked.loss(self._module(x)[None], targets, moment)[0]
        clip = cast(Any, self._training.privacy).clip
        if not self._ghost:
            torch.autograd.backward(losses.sum())
            trained: list[Any] = self._trained  # each has what Opacus puts there
            squares = torch.stack([p.grad_sample.flatten(1).square().sum(1) for p in trained]).sum(0)
            factor = (clip / squares.sqrt().clamp(min=1e-12)).clamp(max=1)
            for p in trained:
                p.grad = torch.einsum("i,i...->...", factor, p.grad_sample)
                p.grad_sample = None
            return
        torch.autograd.backward(losses.sum(), retain_graph=True)
        factor = (clip / self._module.get_norm_sample().clamp(min=1e-12)).clamp(max=1)
        self._optimiser.zero_grad()
        self._module.disable_hooks()
        torch.autograd.backward((factor * losses).sum())
        self._module.enable_hooks()

    def _add_noise(self) -> None:
        assert self._noise is not None and self._training.privacy is not None
        noise = self._noise.next(slice(0, 1))[0]
        start = 0
        for p in self._trained:
            part = noise[start : start + p.numel()].view(p.shape)
            gradient = torch.zeros_like(p) if p.grad is None else p.grad
            p.grad = (gradient + part * (self._scale * self._training.privacy.clip)) / self._expected
            start += p.numel()


def hooked(module: nn.Module, *, clip: float, ghost: bool) -> nn.Module:
    """The module with Opacus's hooks: gradients by record, or their norms alone.

    Raises:
        ModelError: a module whose records depend on each other, or a layer that Opacus does not know.
        MissingExtra: Opacus is not installed.
    """
    check_private(module)
    for part in module.modules():
        if isinstance(part, _ConvNd):  # Opacus 1.6 reads inputs in any other layout as if they lay so
            part.register_forward_pre_hook(_contiguous)
    try:
        from opacus.grad_sample import GradSampleModule, GradSampleModuleFastGradientClipping
    except ImportError as error:
        raise MissingExtra("opacus", "dp") from error
    try:
        if ghost:
            return cast(
                nn.Module,
                GradSampleModuleFastGradientClipping(
                    module, loss_reduction="sum", max_grad_norm=clip, use_ghost_clipping=True
                ),
            )
        return cast(nn.Module, GradSampleModule(module, loss_reduction="sum"))
    except NotImplementedError as error:
        raise ModelError(
            f"the module holds a layer whose gradient can't be taken record by record ({error}); "
            "put another in its place"
        ) from error


def check_private(module: nn.Module) -> None:
    """Refuse modules in which one record changes what another is answered.

    Raises:
        ModelError: it holds a BatchNorm.
    """
    for name, part in module.named_modules():
        if isinstance(part, _BatchNorm):
            group = f"nn.GroupNorm({min(8, part.num_features)}, {part.num_features})"
            raise ModelError(
                f"the module's {name or 'layer'} is a {type(part).__name__}, which mixes the records of "
                "a batch, so "
                f"that no record's gradient can be clipped; put {group} or nn.LayerNorm in its place"
            )


def _contiguous(layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The inputs, records by channels by places, lying in that order."""
    return tuple(x.contiguous() for x in inputs)


@contextmanager
def _records_without_gradient() -> Iterator[None]:
    """Within this context torch does not warn that a hooked module's input needs no gradient: it needs
    none."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Full backward hook is firing", category=UserWarning)
        yield


def _held(rows: Tensor, counts: IntArray | None) -> Tensor:
    """(models, batch) 1.0 where a row holds a record."""
    if counts is None:
        return torch.ones(rows.shape, device=rows.device)
    held = torch.arange(rows.shape[1]) < torch.from_numpy(np.asarray(counts))[:, None]
    return held.to(rows.device, torch.float32)


def _counts(held: Tensor) -> list[int]:
    """(models,) how many rows hold a record; they come first."""
    counts: list[int] = held.sum(1).int().tolist()
    return counts


def _within(moved: Tensor, middle: Tensor, adversary: Adversary) -> Tensor:
    """Bring numbers back within the radius around `middle` and within the bounds, in place."""
    torch.minimum(moved, middle + adversary.radius, out=moved)
    torch.maximum(moved, middle - adversary.radius, out=moved)
    if adversary.low is not None or adversary.high is not None:
        moved.clamp_(adversary.low, adversary.high)
    return moved


def _input_squares(layer: Head | Hidden, first: Tensor) -> Tensor:
    """(models, batch) squared norms of a layer's inputs, one more where it has a bias of its own."""
    x = layer.x
    squares = first if isinstance(x, SparseBatch) else x.square().sum(2)
    return squares + 1 if layer.has_bias else squares
