"""How much likelier the model finds a text than another model that never saw it.

Carlini et al. 2021 (USENIX Security, arXiv:2012.07805), section 5.2, with a second model in place of a
smaller one; Watson et al. 2022 (ICLR, arXiv:2111.08440) on the difficulty of a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import TextMembershipAttack
from reticent.attacks.texts.reading import mean_log_probs
from reticent.errors import DataError
from reticent.text_scene import TextScene


@dataclass(frozen=True, kw_only=True)
class ReferenceRatio(TextMembershipAttack):
    """Scores a text by its mean log-probability, less that by a model that never saw it."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Carlini et al. 2021, section 5.2 (arXiv:2012.07805)"
    caveat: ClassVar[str] = "As good as the reference is like the model in all but what it was trained on."
    price: ClassVar[str] = "an answer a text of the model, and one of the reference"

    def guess(self, scene: TextScene) -> FloatArray:
        """(texts,) the ratio's logarithm a token, in nats.

        Raises:
            DataError: there is no reference.
        """
        if scene.reference is None:
            raise DataError("needs a reference: another model of such texts that saw none of these")
        ours, theirs = (mean_log_probs(m, scene.texts) for m in (scene.target, scene.reference))
        return np.asarray(ours - theirs)
