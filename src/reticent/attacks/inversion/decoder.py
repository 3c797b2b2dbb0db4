"""A variational autoencoder's decoder as a generator of pictures (Kingma & Welling 2014, arXiv:1312.6114)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from reticent.access import FloatArray

if TYPE_CHECKING:
    from reticent.attacks.inversion.prior import Autoencoder

BATCH = 64
"""Public pictures of a training step."""


class Decoder:
    """Codes to pictures, through a module that answers values from 0 to 1.

    Args:
        module: (pictures, codes) to (pictures, values).
        codes: numbers in a code.
        shape: of a picture.
        low, high: the range of its values.
    """

    def __init__(
        self, module: nn.Module, codes: int, shape: tuple[int, ...], low: float, high: float
    ) -> None:
        self.module, self.codes, self._shape = module.eval().requires_grad_(False), codes, shape
        self._low, self._high = low, high

    def draw(self, codes: FloatArray) -> FloatArray:
        """(pictures, ...) pictures of codes (pictures, codes)."""
        with torch.no_grad():
            return self._pictures(torch.as_tensor(codes, dtype=torch.float32)).double().numpy()

    def pull(self, codes: FloatArray, slopes: FloatArray) -> FloatArray:
        """(pictures, codes) how a figure rises with the codes that rises with the pictures by `slopes`."""
        given = torch.as_tensor(codes, dtype=torch.float32).requires_grad_()
        pictures = self._pictures(given)
        (found,) = torch.autograd.grad(pictures, given, torch.as_tensor(slopes, dtype=pictures.dtype))
        return found.double().numpy()

    def _pictures(self, codes: Tensor) -> Tensor:
        values = self._low + (self._high - self._low) * self.module(codes)
        pictures: Tensor = values.reshape(len(codes), *self._shape)
        return pictures


def train(prior: Autoencoder, public: FloatArray, low: float, high: float, seed: int) -> Decoder:
    """Train on public pictures (pictures, ...), and keep the half that draws."""
    flat = torch.as_tensor(np.asarray(public).reshape(len(public), -1), dtype=torch.float32)
    flat = (flat - low) / max(high - low, 1e-12)
    wide, narrow = flat.shape[1], prior.count
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = nn.Sequential(nn.Linear(wide, prior.hidden), nn.ReLU(), nn.Linear(prior.hidden, 2 * narrow))
        decoder = nn.Sequential(
            nn.Linear(narrow, prior.hidden), nn.ReLU(), nn.Linear(prior.hidden, wide), nn.Sigmoid()
        )
        adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=prior.learning_rate)
        for _ in range(prior.steps):
            some = flat[torch.randint(len(flat), (min(BATCH, len(flat)),))]
            mean, log_variance = encoder(some).chunk(2, dim=1)
            codes = mean + (log_variance / 2).exp() * torch.randn_like(mean)
            wrong = (decoder(codes) - some).square().sum(dim=1)
            away = (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1) / 2
            adam.zero_grad()
            (prior.fidelity * wrong + away).mean().backward()
            adam.step()
    return Decoder(decoder, narrow, public.shape[1:], low, high)
