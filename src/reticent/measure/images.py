"""How alike two pictures are: mean squared error, PSNR and SSIM, of many pairs at once.

SSIM: Wang, Bovik, Sheikh & Simoncelli, IEEE Transactions on Image Processing 13 (2004), equation 13, with
their Gaussian window of 11 pixels and σ = 1.5 and their constants, averaged where the window lies within the
picture.
"""

from __future__ import annotations

import numpy as np

from reticent.measure._checked import Floats

WINDOW = 11
SIGMA = 1.5


def mse(ours: Floats, theirs: Floats) -> Floats:
    """(...,) mean squared error of pictures (..., height, width); leading axes broadcast."""
    ours, theirs = _pictures(ours, theirs)
    return np.asarray(np.square(ours - theirs).mean(axis=(-2, -1)))


def psnr(ours: Floats, theirs: Floats, span: float = 1.0) -> Floats:
    """(...,) peak signal to noise in decibels, infinite where both are the same; `span` is high less low."""
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(span**2 / mse(ours, theirs)))


def ssim(ours: Floats, theirs: Floats, span: float = 1.0) -> Floats:
    """(...,) structural similarity, 1 where both are the same; `span` is high less low.

    Raises ValueError where the pictures differ in size or a side is shorter than 11 pixels.
    """
    ours, theirs = _pictures(ours, theirs)
    if min(ours.shape[-2:]) < WINDOW:
        raise ValueError(f"pictures of {ours.shape[-2:]} pixels were given: SSIM needs {WINDOW} a side.")
    down, across = (_window(side) for side in ours.shape[-2:])

    def smooth(picture: Floats) -> Floats:
        return np.asarray(down @ picture @ across.T)

    small, smaller = (0.01 * span) ** 2, (0.03 * span) ** 2
    a, b = smooth(ours), smooth(theirs)
    spread = smooth(np.square(ours)) - a * a + smooth(np.square(theirs)) - b * b
    shared = smooth(ours * theirs) - a * b
    alike = (2 * a * b + small) * (2 * shared + smaller) / ((a * a + b * b + small) * (spread + smaller))
    return np.asarray(alike.mean(axis=(-2, -1)))


def _window(side: int) -> Floats:
    """(side − 10, side) the weighted means along one side, wherever the window lies within it."""
    away = np.arange(side)[None, :] - np.arange(side - WINDOW + 1)[:, None] - WINDOW // 2
    weights = np.where(np.abs(away) <= WINDOW // 2, np.exp(-np.square(away) / (2 * SIGMA**2)), 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _pictures(ours: Floats, theirs: Floats) -> tuple[Floats, Floats]:
    a, b = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if a.ndim < 2 or a.shape[-2:] != b.shape[-2:]:
        raise ValueError(f"pictures of shapes {a.shape} and {b.shape} were given: both must be of one size.")
    return a, b
