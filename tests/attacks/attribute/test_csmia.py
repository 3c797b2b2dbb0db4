"""CSMIA's three cases, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reticent.access import Metered
from reticent.attacks.attribute import Csmia
from reticent.attacks.attribute.each_value import EachValue
from reticent.data import Records
from reticent.scene import SecretScene
from reticent.secret import Secret
from reticent.shadows.signals import Answers

# confidence in class 1, the true label of all, with each of the two values
ANSWERS = np.array([[0.9, 0.3], [0.7, 0.8], [0.2, 0.4]])


def test_the_three_cases():
    table = pd.DataFrame({"a": [0, 1, 2], "s": ["no", "yes", "no"]})
    records = Records(table, np.ones(3, int), np.arange(2))
    secret = Secret.of(records, "s")
    log_scores = np.log(np.stack([1 - ANSWERS, ANSWERS], axis=-1))[None].astype(np.float32)
    answers = {EachValue(secret): Answers(log_scores, records.labels)}
    scene = SecretScene(None, secret.without(records), secret, np.full(3, -1), answers)
    guessed = Csmia().guess(scene).argmax(axis=1)
    assert guessed.tolist() == [
        0,  # one value alone puts the model right
        1,  # both do: the one with which it is surest
        1,  # neither does: the one with which it is least sure of the wrong label
    ]
    assert Metered  # the attack asks the target nothing itself
