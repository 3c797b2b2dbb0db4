"""What is made small: cross-entropy by torch's own, means over rows that hold a record alone."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy as reference

from reticent.shadows.batched.objective import CrossEntropy, Moment, cross_entropy


def test_it_is_torchs_cross_entropy():
    drawn = torch.Generator().manual_seed(0)
    logits = 9 * torch.randn(3, 8, 5, generator=drawn)
    labels = torch.randint(0, 5, (3, 8), generator=drawn)
    hard = torch.nn.functional.one_hot(labels, 5).float()
    soft = torch.rand(3, 8, 5, generator=drawn).softmax(-1)
    expected = reference(logits.flatten(0, 1), labels.flatten(), reduction="none").reshape(3, 8)
    torch.testing.assert_close(cross_entropy(logits, hard), expected)
    expected = reference(logits.flatten(0, 1), soft.flatten(0, 1), reduction="none").reshape(3, 8)
    torch.testing.assert_close(CrossEntropy().begin([0, 1, 2], 5)(logits, soft, None), expected)


def test_rows_that_pad_do_not_count_in_a_mean():
    held = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    moment = Moment(epoch=0, models=slice(0, 2), held=held)
    values = torch.tensor([[2.0, 4.0, 99.0], [7.0, 7.0, 7.0]])
    assert moment.mean(values)[:, 0].tolist() == pytest.approx([3.0, 0.0])
