"""KKT reconstruction: training records that would have made the weights what they are (Haim et al. 2022).

Gradient descent on a homogeneous net that fits its records drives the weights, in direction, to a point where
θ = Σ λ_i y_i ∇f(x_i) with λ ≥ 0 (Haim, Vardi, Yehudai, Shamir & Irani, arXiv:2206.07758, equations 3 and 7).
Records and multipliers are searched that bring both sides together. The gradient of a fully connected net
summed over records is one product of matrices a layer, so that no gradient is taken record by record. A step
has no slope: in the search, ReLU's derivative stands as a steep sigmoid, which the paper smooths as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from reticent.access import Access
from reticent.attacks.attack import WeightsAttack
from reticent.errors import DataError, ModelError
from reticent.open_model import OpenModel, Recovered

if TYPE_CHECKING:
    from torch import Tensor

LAYOUT = "Linear layers with ReLU between them, one output, and no bias but in the first"


@dataclass(frozen=True, kw_only=True)
class KktReconstruction(WeightsAttack):
    """Records whose gradients add up to the weights of a two-class net (Haim et al. 2022).

    Attributes:
        candidates: records that are searched at once, half of each class; several times the training records.
        steps: of the search.
        rate: Adam's, of the records and of multipliers as shares of `force`, falling to nought by a cosine.
        spread: standard deviation of the records that the search begins with, as a share of their range.
        force: about what multipliers are: the search begins with them between 0 and twice that.
        least: multiplier, as a share of `force`, below which a candidate is pushed up by `5 (least − λ)`.
        steepness: of the sigmoid that stands for ReLU's derivative.
    """

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "Haim, Vardi, Yehudai, Shamir & Irani 2022, arXiv:2206.07758, section 4"
    caveat: ClassVar[str] = (
        "needs a fully connected ReLU net of two classes, trained far past fitting; can't tell which "
        "candidates are records, and a short search misses pictures that a long one with a sweep may find"
    )
    candidates: int = 200
    steps: int = 3000
    rate: float = 0.02
    spread: float = 0.1
    force: float = 0.05
    least: float = 0.05
    steepness: float = 5.0

    def reconstruct(self, seen: OpenModel, seed: int) -> Recovered:
        """Return the candidates as the search left them; `mismatch` is what is left of ‖θ − Σ‖² over ‖θ‖².

        Raises:
            ModelError: a module of another layout, or weights that are not finite.
            DataError: records of another size than the module takes.
        """
        import torch

        weights = _layers(seen.model)
        size = int(np.prod(seen.shape))
        if weights[0][0].shape[1] != size:
            raise DataError(
                f"records of {size} values were given to a net of {weights[0][0].shape[1]}; give them alike"
            )
        made = torch.Generator().manual_seed(seed)
        theta = [w for pair in weights for w in pair if w is not None]
        kind = theta[0].dtype
        x = torch.randn(self.candidates, size, generator=made, dtype=kind)
        x = (x * self.spread * (seen.high - seen.low)).requires_grad_()
        force = (2 * torch.rand(self.candidates, generator=made, dtype=kind)).requires_grad_()
        sign = torch.tensor([1.0, -1.0], dtype=kind).repeat(self.candidates)[: self.candidates]
        search = torch.optim.Adam([x, force], lr=self.rate)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(search, self.steps)
        whole = sum(float(t.square().sum()) for t in theta)
        left = torch.tensor(whole)
        for _ in range(self.steps):
            search.zero_grad()
            sums = _gradients(weights, x, self.force * force * sign, self.steepness)
            left = torch.stack([(t - s).square().sum() for t, s in zip(theta, sums, strict=True)]).sum()
            outside = (x - seen.high).relu().square().sum() + (seen.low - x).relu().square().sum()
            loss = left + outside + 5 * (self.least - force).relu().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            search.step()
            falling.step()
        labels = (sign > 0).long().numpy()
        records = x.detach().double().numpy().reshape(-1, *seen.shape)
        return Recovered(records, labels, float(left.detach()) / whole)


def _layers(module: Any) -> list[tuple[Tensor, Tensor | None]]:
    """Weights and bias of each layer."""
    import torch
    from torch import nn

    parts: list[Any] = []
    if isinstance(module, nn.Sequential):
        parts = [p for p in module if not isinstance(p, nn.Flatten)]
    linear, between = parts[::2], parts[1::2]
    fits = (
        len(parts) > 2
        and all(isinstance(p, nn.Linear) for p in linear)
        and all(isinstance(p, nn.ReLU) for p in between)
        and len(linear) == len(between) + 1
        and linear[-1].out_features == 1
        and all(p.bias is None for p in linear[1:])
    )
    if not fits:
        raise ModelError(
            f"{type(module).__name__} is not of the layout that kkt-reconstruction needs: {LAYOUT}"
        )
    if not all(bool(torch.isfinite(p).all()) for p in module.parameters()):
        raise ModelError("the module has weights that are not finite; train it again")
    return [(p.weight.detach(), None if p.bias is None else p.bias.detach()) for p in linear]


def _gradients(
    weights: list[tuple[Tensor, Tensor | None]], x: Tensor, force: Tensor, steepness: float
) -> list[Tensor]:
    """Σ force_i ∇f(x_i), by the weights and then the bias of each layer."""
    inputs, slopes, value = [x], [], x
    for weight, bias in weights[:-1]:
        before = value @ weight.T if bias is None else value @ weight.T + bias
        step = (before * steepness).sigmoid()
        slopes.append((before > 0).to(step.dtype) + step - step.detach())
        value = before.relu()
        inputs.append(value)
    back = force[:, None]
    sums: list[Tensor] = []
    for place in range(len(weights) - 1, -1, -1):
        weight, bias = weights[place]
        sums[:0] = [back.T @ inputs[place]] + ([] if bias is None else [back.sum(dim=0)])
        back = back @ weight * slopes[place - 1] if place else back
    return sums
