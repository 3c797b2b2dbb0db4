"""Dropout: each step trains another part of the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.kinds import as_torch, refusal
from reticent.errors import ModelError, PlanError
from reticent.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Dropout(TrainingDefence):
    """Drop a share of the activations at each step (Srivastava et al. 2014; Salem et al. 2019,
    arXiv:1806.01246).

    A dropout layer is put behind every activation of the module.

    Attributes:
        share: of the activations dropped.
    """

    word: ClassVar[str] = "dropout"
    source: ClassVar[str] = "Srivastava et al. 2014; Salem et al. 2019, arXiv:1806.01246, section VII"
    caveat: ClassVar[str] = "small networks lose accuracy before they forget their records"
    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise PlanError(
                f"dropout was given share={self.share}; give a share between 0 and 1, such as 0.5"
            )

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe with the layers put in."""
        torch = as_torch(recipe)
        if torch is None:
            raise ModelError(refusal(recipe, self.word))
        module = WithDropout(torch.module, self.share)
        module()  # which refuses what can't be traced before anything is trained
        return replace(torch, module=module)


@dataclass(frozen=True)
class WithDropout:
    """Makes a module with dropout behind every activation.

    Attributes:
        build: makes the module.
        share: of the activations dropped.

    Raises:
        ModelError: a module whose forward pass can't be traced, or that has no activation.
    """

    build: Callable[[], nn.Module]
    share: float

    def __call__(self) -> nn.Module:
        """Make one."""
        import torch
        from torch import fx, nn
        from torch.nn import functional

        module = self.build()
        try:
            traced = fx.symbolic_trace(module)
        except Exception as error:  # a forward pass may do anything while it is traced
            raise ModelError(
                "the module's forward pass can't be traced, so dropout can't be put into it; put "
                "nn.Dropout into it where it is written"
            ) from error
        kinds: tuple[Any, ...] = (nn.Tanh, nn.Sigmoid, nn.ReLU, nn.GELU, nn.SiLU, nn.ELU, nn.LeakyReLU)
        calls: set[Any] = {
            torch.tanh,
            torch.relu,
            torch.sigmoid,
            functional.relu,
            functional.gelu,
            functional.silu,
        }
        calls |= {"tanh", "relu", "sigmoid", functional.elu, functional.leaky_relu, functional.tanh}
        places = [
            node
            for node in traced.graph.nodes
            if (node.op == "call_module" and isinstance(traced.get_submodule(node.target), kinds))
            or (node.op in ("call_function", "call_method") and node.target in calls)
        ]
        if not places:
            raise ModelError("the module has no activation for dropout to stand behind; leave it out")
        for number, node in enumerate(places):
            name = f"dropped_{number}"
            traced.add_module(name, nn.Dropout(self.share))
            with traced.graph.inserting_after(node):
                dropped = traced.graph.call_module(name, (node,))
            node.replace_all_uses_with(dropped, delete_user_cb=lambda user, own=dropped: user is not own)
        traced.recompile()
        return traced
