"""Inverting gradients: match the direction of the gradient, and prefer smooth pictures.

Geiping, Bauermeister, Dröge & Moeller, "Inverting Gradients: How easy is it to break privacy in federated
learning?", NeurIPS 2020, arXiv:2003.14053, equation 4: one minus the cosine, total variation, signed Adam.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access
from reticent.attacks.attack import GradientAttack
from reticent.attacks.gradients.labels import label_counts
from reticent.attacks.options import number
from reticent.observation import Observation, Reconstruction


@dataclass(frozen=True, kw_only=True)
class InvertingGradients(GradientAttack):
    """Adam on the sign of the slope of one minus the cosine, with total variation (Geiping et al. 2020).

    Records are kept from 0 to 1.

    Attributes:
        total_variation: weight of the mean difference between neighbouring values.
        step_size: Adam's, falling tenfold at 3/8, 5/8 and 7/8 of the iterations.
        iterations: of the one start.
    """

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "Geiping et al. 2020, arXiv:2003.14053, equation 4"
    caveat: ClassVar[str] = "sharp for single records of untrained or trained nets alike, blurred for batches"

    total_variation: float = 1e-4
    step_size: float = 0.1
    iterations: int = 1000

    def __post_init__(self) -> None:
        number("total_variation", self.total_variation, low=0)
        number("step_size", self.step_size, low=1e-9)
        number("iterations", self.iterations, low=8)

    def reconstruct(self, observation: Observation, seed: int) -> Reconstruction:
        """Return the last iterate."""
        import torch

        from reticent.attacks.gradients.matching import exactly, gradient_of

        module, wanted = exactly(observation)
        counts = label_counts(observation)
        labels = torch.as_tensor(np.repeat(np.arange(len(counts)), counts))
        shares = torch.nn.functional.one_hot(labels, len(counts)).double()
        draw = torch.Generator().manual_seed(seed)
        x = torch.rand(observation.batch, *observation.shape, dtype=torch.float64, generator=draw)
        x.requires_grad_()
        adam = torch.optim.Adam([x], lr=self.step_size)
        drops = [self.iterations * part // 8 for part in (3, 5, 7)]
        schedule = torch.optim.lr_scheduler.MultiStepLR(adam, drops, 0.1)
        length = torch.stack([w.square().sum() for w in wanted]).sum().sqrt()
        loss = torch.tensor(0.0)
        for _ in range(self.iterations):
            adam.zero_grad()
            found = gradient_of(observation, module, x, shares)
            product = torch.stack([(a * b).sum() for a, b in zip(found, wanted, strict=True)]).sum()
            own = torch.stack([a.square().sum() for a in found]).sum().sqrt()
            loss = 1 - product / (own * length).clamp_min(1e-30)
            rough = sum(
                (x.diff(dim=d).abs().mean() for d in range(2, x.ndim)), torch.zeros((), dtype=x.dtype)
            )
            (loss + self.total_variation * rough).backward()  # type: ignore[no-untyped-call]
            assert x.grad is not None
            x.grad.sign_()
            adam.step()
            schedule.step()
            with torch.no_grad():
                x.clamp_(0, 1)
        return Reconstruction(x.detach().numpy(), labels.numpy(), float(loss.detach()))
