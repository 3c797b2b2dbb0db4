"""Which modules are plain multilayer perceptrons, however they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, cast

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

Kind = Literal["tanh", "sigmoid", "relu"]


@dataclass(frozen=True)
class Activation:
    """An activation in place, and its gradient in place from what it put out."""

    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], None]


def _tanh_backward(gradient: Tensor, output: Tensor) -> None:
    torch.ops.aten.tanh_backward.grad_input(gradient, output, grad_input=gradient)


def _sigmoid_backward(gradient: Tensor, output: Tensor) -> None:
    torch.ops.aten.sigmoid_backward.grad_input(gradient, output, grad_input=gradient)


def _relu_backward(gradient: Tensor, output: Tensor) -> None:
    torch.ops.aten.threshold_backward.grad_input(gradient, output, 0, grad_input=gradient)


ACTIVATIONS: Mapping[Kind, Activation] = {
    "tanh": Activation(Tensor.tanh_, _tanh_backward),
    "sigmoid": Activation(Tensor.sigmoid_, _sigmoid_backward),
    "relu": Activation(Tensor.relu_, _relu_backward),
}

_SPELLINGS: Mapping[Any, Kind] = {
    **dict.fromkeys((nn.Tanh, torch.tanh, functional.tanh, "tanh"), "tanh"),
    **dict.fromkeys((nn.Sigmoid, torch.sigmoid, functional.sigmoid, "sigmoid"), "sigmoid"),
    **dict.fromkeys((nn.ReLU, torch.relu, functional.relu, "relu"), "relu"),
}


@dataclass(frozen=True)
class Layer:
    """A linear layer's name in the module, whether it has a bias, the activation and the dropout after it."""

    name: str
    bias: bool
    activation: Kind | None = None
    dropout: float = 0.0


def read(module: nn.Module, *, flat: bool = True) -> list[Layer] | None:
    """The layers of a chain of Linear layers, Tanh, Sigmoid or ReLU between them; None for anything else.

    Dropout may follow an activation.

    Whether modules or functions do it makes no difference: the forward pass is traced. Flatten may stand
    before the first layer. Every weight must be trained, in float32, and used once.

    Args:
        module: which may be one.
        flat: the records come as (records, columns), without a Flatten too.
    """
    try:
        nodes = list(fx.symbolic_trace(module).graph.nodes)
    except Exception:  # a forward pass may do anything while it is traced; then it is no plain chain
        return None
    layers: list[Layer] = []
    for before, node in pairwise(nodes):
        if node.all_input_nodes != [before]:
            return None
        step = module.get_submodule(node.target) if node.op == "call_module" else node.target
        what = type(step) if node.op == "call_module" else step
        if what is nn.Linear:
            layers.append(Layer(node.target, step.bias is not None))
        elif what in _SPELLINGS and layers and layers[-1].activation is None:
            layers[-1] = replace(layers[-1], activation=_SPELLINGS[what])
        elif what is nn.Dropout and layers and layers[-1].activation and not layers[-1].dropout:
            layers[-1] = replace(layers[-1], dropout=float(cast(Any, step).p))
        elif _flattens(step, node) and not layers:
            flat = True
        elif node.op != "output" and what is not nn.Identity:
            return None
    weights = list(module.parameters())
    plain = all(w.requires_grad and w.dtype == torch.float32 for w in weights)
    once = len(weights) == sum(1 + layer.bias for layer in layers)
    ends = bool(layers) and layers[-1].activation is None and all(layer.dropout < 1 for layer in layers)
    fits = ends and flat and not list(module.buffers())
    return layers if fits and plain and once else None


def _flattens(step: object, node: fx.Node) -> bool:
    """Whether a node makes (records, ...) into (records, columns)."""
    if isinstance(step, nn.Flatten):
        return (step.start_dim, step.end_dim) == (1, -1)
    from_first = (node.args[1:], node.kwargs) in (((1,), {}), ((), {"start_dim": 1}))
    return step in (torch.flatten, "flatten") and from_first
