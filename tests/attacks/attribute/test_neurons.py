"""White-box attacks on a column: neurons that hold it give it away, and silent ones do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reticent.access import Access, Outputs
from reticent.attacks.attribute import Embedding, Neurons
from reticent.data import Records
from reticent.errors import PlanError


class Layered:
    """Forty neurons of noise; `holds` of them also hold the secret's echo in column b."""

    access = Access.WEIGHTS
    classes = np.arange(2)

    def __init__(self, holds):
        self.holds = holds

    def predict(self, x):
        return Outputs.from_logits(np.zeros((len(x), 2)))

    def activations(self, x):
        noise = np.random.default_rng(0).normal(size=(1000, 40))[x["row"].to_numpy()]
        noise[:, : self.holds] += 2.0 * x["b"].to_numpy()[:, None]
        return noise

    def fingerprint(self):
        return "layered"


def people(seed=0, *, copied=1.0):
    rng = np.random.default_rng(seed)
    secret = rng.integers(0, 2, 400)
    b = np.where(rng.random(400) < copied, secret, rng.integers(0, 2, 400))
    table = pd.DataFrame({"row": np.arange(400), "b": b, "s": np.where(secret, "yes", "no")})
    return Records(table, np.arange(400) % 2, np.arange(2)), secret


@pytest.mark.parametrize("attack", [Neurons(), Neurons(neurons=1), Embedding()], ids=lambda a: a.name)
def test_neurons_that_hold_it_give_it_away(attack, secrets):
    records, secret = people()
    for holds, least, most in ((20, 0.8, 1.0), (0, 0.35, 0.65)):
        scores = attack.guess(secrets.scene(attack, records, Layered(holds)))
        right = (scores.argmax(axis=1) == secret)[: -secrets.known].mean()
        assert least <= right <= most
        assert scores.shape == (400, 2)


def test_no_neurons_are_refused():
    with pytest.raises(PlanError, match="neurons = 0"):
        Neurons(neurons=0)
