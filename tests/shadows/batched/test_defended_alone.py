"""One module of any architecture under measures: clipped with and without gradients by record, and mixed."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from reticent.shadows.batched import Training
from reticent.shadows.batched.defended_alone import DefendedAlone
from reticent.shadows.batched.privacy import Privacy
from reticent.shadows.batched.training import Mixing


def normed():
    return nn.Sequential(nn.Linear(6, 16), nn.LayerNorm(16), nn.Tanh(), nn.Linear(16, 3))


def test_ghost_clipping_trains_what_gradients_by_record_do(data, any_net):
    x, y, _ = data
    privacy = Privacy(noise=1.0, clip=0.5)
    training = Training(epochs=1, batch_size=16, learning_rate=0.2, privacy=privacy)
    states = []
    for ghost in (False, True):
        steps = DefendedAlone(any_net, 3, x, y, training, records=60, reference=None, ghost=ghost)
        for _ in range(4):
            steps.step(slice(0, 1), torch.arange(20)[None], np.array([17]), 0.2)
        states.append(steps.state())
    for name in states[0]:
        torch.testing.assert_close(states[1][name], states[0][name], rtol=1e-4, atol=1e-5)


def test_mixing_blends_records_with_their_targets(data):
    x, y, _ = data
    training = Training(epochs=1, batch_size=8, learning_rate=0.1, mixing=Mixing(1.0))
    steps = DefendedAlone(normed, 0, x, y, training, records=120, reference=None)
    rows = torch.arange(40)[None]
    blended, targets = steps._prepared(rows, torch.ones(1, 40))
    torch.testing.assert_close(targets.sum(-1), torch.ones(1, 40))
    share = targets[0].gather(1, y[:40, None])[:, 0]  # of the record's own label, all of it where both agree
    torch.testing.assert_close(blended.mean(0), x[:40].mean(0), rtol=1e-4, atol=1e-5)
    assert ((share > 0) & (share <= 1)).any()
