"""Likeness of pictures: closed forms, and a slow plain reference of SSIM."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.measure.images import mse, psnr, ssim

RNG = np.random.default_rng(0)


def slow_ssim(a, b, span):
    """Wang's equation 13, window by window and pixel by pixel."""
    place = np.arange(11) - 5
    line = np.exp(-(place**2) / (2 * 1.5**2))
    window = np.outer(line, line) / np.outer(line, line).sum()
    values = []
    for i in range(a.shape[0] - 10):
        for j in range(a.shape[1] - 10):
            p, q = a[i : i + 11, j : j + 11], b[i : i + 11, j : j + 11]
            mp, mq = (window * p).sum(), (window * q).sum()
            vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
            both = (window * (p - mp) * (q - mq)).sum()
            small, smaller = (0.01 * span) ** 2, (0.03 * span) ** 2
            top = (2 * mp * mq + small) * (2 * both + smaller)
            values.append(top / ((mp**2 + mq**2 + small) * (vp + vq + smaller)))
    return np.mean(values)


@pytest.mark.parametrize("span", [1.0, 255.0])
def test_ssim_is_that_of_the_slow_reference(span):
    a, b = RNG.random((2, 14, 17)) * span
    assert ssim(a, b, span) == pytest.approx(slow_ssim(a, b, span), abs=1e-10)


def test_a_picture_is_wholly_like_itself_and_not_like_its_negative():
    a = RNG.random((3, 20, 20))
    assert ssim(a, a) == pytest.approx(np.ones(3))
    assert (ssim(a, 1 - a) < 0).all()


def test_two_flat_pictures_differ_by_their_brightness_alone():
    dark, light = np.full((12, 12), 0.2), np.full((12, 12), 0.6)
    assert ssim(dark, light) == pytest.approx((2 * 0.12 + 1e-4) / (0.04 + 0.36 + 1e-4))


def test_pairs_are_broadcast():
    a, b = RNG.random((4, 1, 16, 16)), RNG.random((1, 5, 16, 16))
    all_pairs = ssim(a, b)
    assert all_pairs.shape == (4, 5)
    assert all_pairs[2, 3] == pytest.approx(ssim(a[2, 0], b[0, 3]))


def test_error_and_peak_signal_to_noise_in_closed_form():
    a = np.zeros((2, 4, 4))
    b = a + np.array([0.1, 0.5])[:, None, None]
    assert mse(a, b) == pytest.approx([0.01, 0.25])
    assert psnr(a, b) == pytest.approx([20.0, 10 * np.log10(4)])
    assert psnr(a, b, span=10.0)[0] == pytest.approx(40.0)
    assert np.isinf(psnr(a, a)).all()


def test_pictures_of_another_size_are_refused():
    with pytest.raises(ValueError, match="both must be of one size"):
        mse(np.zeros((4, 4)), np.zeros((4, 5)))
    with pytest.raises(ValueError, match="SSIM needs 11 a side"):
        ssim(np.zeros((10, 20)), np.zeros((10, 20)))
