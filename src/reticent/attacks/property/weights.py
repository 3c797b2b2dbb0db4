"""A multilayer perceptron's weights as one row of numbers, and back; its hidden units in one order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from reticent.access import Access, FloatArray, Metered
from reticent.data import Records
from reticent.errors import ModelError


@dataclass(frozen=True)
class Weights:
    """Every linear layer's weights: how many layers, their widths, then each layer's rows [weights, bias].

    The row is dealt over the records, as many numbers each, since answers have a row a record.
    """

    needs: ClassVar[Access] = Access.WEIGHTS
    of_model: ClassVar[bool] = True

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, 1, numbers), noughts at the end.

        Raises:
            ModelError: the model is no chain of linear layers.
        """
        row = pack(layers(target.white_box))
        each = -(-len(row) // len(records))
        dealt = np.zeros(each * len(records), dtype=np.float32)
        dealt[: len(row)] = row
        return dealt.reshape(len(records), 1, each)

    def queries(self, records: int) -> int:
        """None: who holds the weights asks nobody."""
        return 0


def layers(target: Any) -> list[FloatArray]:
    """Each layer's (units, inputs + 1) weights, the bias last.

    Raises:
        ModelError: the target is no torch module, or one that is no chain of linear layers.
    """
    module: Any = getattr(target, "module", None)
    chain = None
    if module is not None:
        from reticent.shadows.batched.reading import read

        chain = read(module)
    if not chain:
        raise ModelError(
            "weights of a multilayer perceptron are needed, and the model is none; give a torch module of "
            "linear layers, or leave the attack out"
        )
    state = {name: tensor.detach().cpu().numpy() for name, tensor in module.named_parameters()}
    found = []
    for layer in chain:
        weight = state[f"{layer.name}.weight"]
        bias = state[f"{layer.name}.bias"] if layer.bias else np.zeros(len(weight), weight.dtype)
        found.append(np.column_stack([weight, bias]))
    return found


def pack(matrices: list[FloatArray]) -> FloatArray:
    """Layers as one row: their number, the widths from the input on, and the matrices."""
    widths = [matrices[0].shape[1] - 1, *(len(m) for m in matrices)]
    return np.concatenate([[len(matrices)], widths, *(m.ravel() for m in matrices)]).astype(np.float32)


def unpack(rows: FloatArray) -> list[FloatArray]:
    """Each layer's (models, units, inputs + 1) of models of one architecture, from rows (models, numbers)."""
    depth = int(rows[0, 0])
    widths = rows[0, 1 : depth + 2].astype(int)
    found, start = [], depth + 2
    for inputs, units in pairwise(widths):
        size = int(units * (inputs + 1))
        found.append(rows[:, start : start + size].reshape(len(rows), units, inputs + 1))
        start += size
    return found


def ordered(matrices: list[FloatArray]) -> list[FloatArray]:
    """The same models with the hidden units of each layer in one order, by their incoming weights.

    Sums over units then have the same bits however the units stood before.
    """
    found = [m.copy() for m in matrices]
    for layer, following in pairwise(found):
        for model in range(len(layer)):
            order = np.lexsort(layer[model].T)
            layer[model] = layer[model][order]
            following[model, :, :-1] = following[model][:, order]
    return found
