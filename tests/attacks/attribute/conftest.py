"""Small worlds with a secret column, whose truth is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from reticent.access import Access, Metered, Outputs
from reticent.data import Records
from reticent.fingerprint import fingerprint
from reticent.scene import SecretScene
from reticent.secret import Secret
from reticent.shadows.signals import Answers

RECORDS, MEMBERS, KNOWN = 240, 120, 60
"""Members first, then others in question, then those whose secret the attacker knows."""


class ByHeart:
    """Names the label of the very record it trained on; of any other record it draws one by its content."""

    access = Access.SCORES
    classes = np.arange(3)

    def __init__(self, trained):
        self.seen = {
            self._key(x): int(y) for x, y in zip(trained.features.values, trained.labels, strict=True)
        }

    def _key(self, row):
        return fingerprint([str(v) for v in row])

    def predict(self, x):
        named = [self.seen.get(k, int(k, 16) % 3) for k in map(self._key, x.values)]
        return Outputs.from_scores(
            np.full((len(x), 3), 0.05) + 0.85 * (np.array(named)[:, None] == np.arange(3))
        )

    def fingerprint(self):
        return fingerprint("by heart", sorted(self.seen))


def world(seed, *, leaks=True, copied=0.0):
    """Records whose secret is a coin (or, for a share `copied`, another column), and a model of some."""
    rng = np.random.default_rng(seed)
    secret = rng.permutation(np.arange(RECORDS) % 2)
    table = pd.DataFrame({"a": rng.integers(0, 1000, RECORDS), "s": np.where(secret, "yes", "no")})
    table["b"] = np.where(rng.random(RECORDS) < copied, secret, rng.integers(0, 2, RECORDS))
    records = Records(table, rng.integers(0, 3, RECORDS), np.arange(3))
    others = table.assign(a=table["a"] + 5000)
    trained = records.take(np.arange(MEMBERS)) if leaks else Records(others, records.labels, records.classes)
    return records, ByHeart(trained)


def scene_of(attack, records, model, *, access=None, seed=0):
    secret = Secret.of(records, "s")
    truth = secret.positions(records)
    known = np.where(np.arange(len(records)) >= len(records) - KNOWN, truth, -1)
    target = Metered(model, access)
    answers = {q: Answers(q.ask(target, records)[None], records.labels) for q in attack.asks(secret)}
    return SecretScene(target, secret.without(records), secret, known, answers, seed)


def right(attack, records, model):
    """Shares guessed rightly of members, and of others whose secret is hidden."""
    scores = attack.guess(scene_of(attack, records, model))
    hits = scores.argmax(axis=1) == Secret.of(records, "s").positions(records)
    return hits[:MEMBERS].mean(), hits[MEMBERS:-KNOWN].mean()


@pytest.fixture(scope="session")
def secrets():
    """Makers of worlds with a secret."""
    return SimpleNamespace(world=world, scene=scene_of, right=right, members=MEMBERS, known=KNOWN)
