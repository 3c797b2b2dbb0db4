"""Training one module of any architecture with measures against leaking: another loss, other records, private
gradients, which Opacus's hooks take.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from reticent.access import IntArray
from reticent.shadows.batched.asked import Asked, Reference, within
from reticent.shadows.batched.general import convolves, least
from reticent.shadows.batched.hooked import hooked
from reticent.shadows.batched.objective import Moment, cross_entropy
from reticent.shadows.batched.privacy import Noise, generator
from reticent.shadows.batched.stacked import Stream, tensors
from reticent.shadows.batched.training import Adversary, Training


class DefendedAlone:
    """The steps of one module of any architecture, with measures.

    Args:
        build: makes the module.
        seed: of its initial weights, and of what is drawn.
        x, y, training, reference: as of `DefendedMlp`.
        records: how many it is trained on.
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
            privacy = training.privacy
            self._module = hooked(module, clip=privacy.clip, ghost=self._ghost)
            size = sum(p.numel() for p in module.parameters() if p.requires_grad)
            self._noise = Noise([seed], size, x.device, tree=privacy.order == "ordered")
            self._scale = privacy.multiplier(records, training.batch_size, training.epochs)
            self._expected = privacy.expected(records, training.batch_size)
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
        moved = within(x + start, x, adversary)
        for _ in range(adversary.steps):
            with torch.enable_grad():
                asked = moved.detach().requires_grad_()
                loss = cross_entropy(self._plain.eval()(asked), targets).sum()
                (slope,) = torch.autograd.grad(loss, asked)
            moved = within(moved + slope.sign() * (2.5 * adversary.radius / adversary.steps), x, adversary)
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


@contextmanager
def _records_without_gradient() -> Iterator[None]:
    """Within this context torch does not warn that a hooked module's input needs no gradient: it needs
    none."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Full backward hook is firing", category=UserWarning)
        yield
