"""Gradient matching: records whose gradient is the one observed."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from reticent.observation import Observation, Reconstruction, descend

ENOUGH = 1e-11
"""Squared distance of gradients, over the square of what is observed, at which single precision ends."""

AT_A_TIME = 200
"""Iterations between looks at whether it is enough."""

WORTH = 0.7
"""What the distance falls to within that time, or the start has come to its end."""

Distance = Callable[[tuple[Tensor, ...], tuple[Tensor, ...]], Tensor]


def exactly(observation: Observation) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The module and its gradients in double precision: matching lives on the last digits."""
    return copy.deepcopy(observation.module).double(), tuple(g.double() for g in observation.gradients)


def gradient_of(observation: Observation, module: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    """What the client would have shared of records x (batch, ...) with label shares y (batch, classes)."""
    return descend(module, x, y, observation.steps, observation.step_size, traced=True)


def squared(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> Tensor:
    """Squared Euclidean distance."""
    return torch.stack([(a - b).square().sum() for a, b in zip(ours, theirs, strict=True)]).sum()


def match_by_lbfgs(
    observation: Observation, labels: np.ndarray | None, *, starts: int, iterations: int, seed: int
) -> Reconstruction:
    """The best of several starts of L-BFGS on the squared distance of gradients.

    Args:
        labels: (batch,) where they are known; None to search for them as well, as softmaxes of free numbers.
        starts: at most so many, until one matches.
        iterations: of each start.
    """
    module, wanted = exactly(observation)
    enough = ENOUGH * float(squared(wanted, tuple(torch.zeros_like(w) for w in wanted)))
    classes = len(observation.gradients[-1])
    best: Reconstruction | None = None
    for start in range(starts):
        draw = torch.Generator().manual_seed(seed * 1000 + start)
        x = torch.rand(observation.batch, *observation.shape, dtype=torch.float64, generator=draw)
        free = torch.randn(observation.batch, classes, dtype=torch.float64, generator=draw)
        y = None if labels is None else one_hot(torch.as_tensor(labels), classes).double()
        sought = [x.requires_grad_()] if y is not None else [x.requires_grad_(), free.requires_grad_()]
        optimiser = torch.optim.LBFGS(
            sought,
            max_iter=min(AT_A_TIME, iterations),
            max_eval=2 * min(AT_A_TIME, iterations),
            history_size=100,
            line_search_fn="strong_wolfe",
            tolerance_grad=1e-12,
            tolerance_change=0,
        )

        def away(
            x: Tensor = x, y: Tensor | None = y, free: Tensor = free, opt: torch.optim.LBFGS = optimiser
        ) -> Tensor:
            opt.zero_grad()
            found = squared(gradient_of(observation, module, x, free.softmax(1) if y is None else y), wanted)
            found.backward()  # type: ignore[no-untyped-call]
            return found.detach()

        loss = np.inf
        for _ in range(-(-iterations // AT_A_TIME)):
            before = loss
            optimiser.step(away)  # type: ignore[no-untyped-call]
            loss = float(away())
            if not enough < loss < WORTH * before:
                break
        if np.isfinite(loss) and (best is None or loss < best.loss):
            told = free.argmax(1) if labels is None else torch.as_tensor(labels)
            best = Reconstruction(x.detach().numpy(), told.detach().numpy(), loss)
        if best is not None and best.loss < enough:
            break
    return best or Reconstruction(
        np.zeros((observation.batch, *observation.shape)), np.zeros(observation.batch, np.int64), np.inf
    )
