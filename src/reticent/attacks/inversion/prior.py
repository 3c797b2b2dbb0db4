"""What pictures of the kind look like: priors learnt from public pictures, and the form that others take.

`Components`: principal components with normal codes (Tipping & Bishop 1999, "Probabilistic Principal
Component Analysis"). `Autoencoder`: a variational autoencoder (Kingma & Welling 2014, arXiv:1312.6114). A
generator of one's own, such as a GAN trained elsewhere, needs no more than `Prior.fit` returning it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from reticent.access import FloatArray
from reticent.attacks.options import number
from reticent.errors import MissingExtra


class Generator(Protocol):
    """Makes pictures out of codes that are standard normal where pictures are likely."""

    @property
    def codes(self) -> int:
        """Numbers in a code."""

    def draw(self, codes: FloatArray) -> FloatArray:
        """(pictures, ...) pictures of codes (pictures, codes)."""

    def pull(self, codes: FloatArray, slopes: FloatArray) -> FloatArray:
        """(pictures, codes) how a figure rises with the codes that rises with the pictures by `slopes`."""


@runtime_checkable
class Prior(Protocol):
    """Learns a generator from public pictures; options are its fields."""

    def fit(self, public: FloatArray, low: float, high: float, seed: int) -> Generator:
        """A generator of pictures like the public ones (pictures, ...), with values from low to high."""


@dataclass(frozen=True, kw_only=True)
class Components:
    """Principal components of the public pictures.

    Attributes:
        count: of components, at most.
    """

    count: int = 40

    def __post_init__(self) -> None:
        number("count", self.count, low=1)

    def fit(self, public: FloatArray, low: float, high: float, seed: int) -> LinearGenerator:
        """The pictures' mean and axes, each a standard deviation long."""
        flat = public.reshape(len(public), -1).astype(np.float64)
        mean = flat.mean(axis=0)
        _, scales, axes = np.linalg.svd(flat - mean, full_matrices=False)
        few = max(1, min(self.count, int((scales > 1e-9 * scales[0]).sum())))
        long = axes[:few] * scales[:few, None] / np.sqrt(max(1, len(flat) - 1))
        return LinearGenerator(mean, long, public.shape[1:], low, high)


@dataclass(frozen=True, eq=False)
class LinearGenerator:
    """A mean picture, and what each number of a code adds to it.

    Attributes:
        mean: (values,) of a flat picture.
        axes: (codes, values).
        shape: of a picture.
        low, high: the range that values are kept within.
    """

    mean: FloatArray
    axes: FloatArray
    shape: tuple[int, ...]
    low: float
    high: float

    @property
    def codes(self) -> int:
        """Numbers in a code."""
        return len(self.axes)

    def draw(self, codes: FloatArray) -> FloatArray:
        """(pictures, ...) as `Generator` says."""
        flat = np.clip(self.mean + codes @ self.axes, self.low, self.high)
        return np.asarray(flat.reshape(len(codes), *self.shape))

    def pull(self, codes: FloatArray, slopes: FloatArray) -> FloatArray:
        """(pictures, codes) as `Generator` says; a value at the end of its range moves no further."""
        free = self.mean + codes @ self.axes
        inside = (free >= self.low) & (free <= self.high)
        return np.asarray((slopes.reshape(len(codes), -1) * inside) @ self.axes.T)


@dataclass(frozen=True, kw_only=True)
class Autoencoder:
    """A variational autoencoder of two layers either way; needs torch.

    Attributes:
        count: numbers in a code.
        hidden: units of each hidden layer.
        steps: of Adam, on batches of 64 public pictures.
        learning_rate: of Adam.
        fidelity: weight of a picture's squared error beside how far its code lies from the standard normal.
    """

    count: int = 32
    hidden: int = 256
    steps: int = 1500
    learning_rate: float = 1e-3
    fidelity: float = 5.0

    def __post_init__(self) -> None:
        for name in ("count", "hidden", "steps"):
            number(name, getattr(self, name), low=1)
        for name in ("learning_rate", "fidelity"):
            number(name, getattr(self, name), low=1e-9)

    def fit(self, public: FloatArray, low: float, high: float, seed: int) -> Generator:
        """The decoder of an autoencoder trained on the public pictures."""
        try:
            from reticent.attacks.inversion.decoder import train
        except ImportError as error:
            raise MissingExtra("torch", "torch") from error
        return train(self, public, low, high, seed)
