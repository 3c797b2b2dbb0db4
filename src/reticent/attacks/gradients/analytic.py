"""Analytic: a first fully connected layer with a bias hands its input over, without any search.

The gradient by the weights of a unit is its input times the gradient by its bias: one record alone is their
ratio, exactly (Phong et al. 2017, IEEE TIFS 13(5), section 3; Geiping et al. 2020, arXiv:2003.14053,
proposition 3.1). Of a batch, a unit that one record alone sets off gives that record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access
from reticent.attacks.attack import GradientAttack
from reticent.attacks.gradients.labels import label_counts
from reticent.errors import ModelError
from reticent.observation import Observation, Reconstruction


@dataclass(frozen=True, kw_only=True)
class AnalyticLinear(GradientAttack):
    """The input of a first fully connected layer, in closed form (Phong et al. 2017)."""

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "Phong et al. 2017, IEEE TIFS; Geiping et al. 2020, arXiv:2003.14053, prop. 3.1"
    price: ClassVar[str] = "no answers and no search: a division"
    caveat: ClassVar[str] = "needs a fully connected first layer; of a batch it shows single records by luck"

    def reconstruct(self, observation: Observation, seed: int) -> Reconstruction:
        """Return, for each record of the batch, the ratio at one of the units with the largest bias gradient.

        Raises:
            ModelError: the module's first layer is not fully connected, or has no bias.
        """
        from torch import nn

        first = next((m for m in observation.module.modules() if list(m.parameters(recurse=False))), None)
        if not isinstance(first, nn.Linear) or first.bias is None:
            raise ModelError("the module's first layer is not fully connected with a bias; try dlg")
        weights, bias = (g.double().numpy() for g in observation.gradients[:2])
        units = np.argsort(-np.abs(bias), kind="stable")[: observation.batch]
        units = np.resize(units, observation.batch)
        safe = np.where(bias[units] == 0, np.inf, bias[units])
        records = weights[units] / safe[:, None]
        counts = label_counts(observation)
        labels = np.repeat(np.arange(len(counts)), counts)
        return Reconstruction(records.reshape(observation.batch, *observation.shape), labels, 0.0)
