"""A module with Opacus's hooks, and which modules can't have them."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from reticent.errors import MissingExtra, ModelError


def hooked(module: nn.Module, *, clip: float, ghost: bool) -> nn.Module:
    """The module with Opacus's hooks: gradients by record, or their norms alone.

    Raises:
        ModelError: a module whose records depend on each other, or a layer that Opacus does not know.
        MissingExtra: Opacus is not installed.
    """
    check_private(module)
    for part in module.modules():
        if isinstance(part, _ConvNd):  # Opacus 1.6 reads inputs in any other layout as if they lay so
            part.register_forward_pre_hook(_contiguous)
    try:
        from opacus.grad_sample import GradSampleModule, GradSampleModuleFastGradientClipping
    except ImportError as error:
        raise MissingExtra("opacus", "dp") from error
    try:
        if ghost:
            return cast(
                nn.Module,
                GradSampleModuleFastGradientClipping(
                    module, loss_reduction="sum", max_grad_norm=clip, use_ghost_clipping=True
                ),
            )
        return cast(nn.Module, GradSampleModule(module, loss_reduction="sum"))
    except NotImplementedError as error:
        raise ModelError(
            f"the module holds a layer whose gradient can't be taken record by record ({error}); "
            "put another in its place"
        ) from error


def check_private(module: nn.Module) -> None:
    """Refuse modules in which one record changes what another is answered.

    Raises:
        ModelError: it holds a BatchNorm.
    """
    for name, part in module.named_modules():
        if isinstance(part, _BatchNorm):
            group = f"nn.GroupNorm({min(8, part.num_features)}, {part.num_features})"
            raise ModelError(
                f"the module's {name or 'layer'} is a {type(part).__name__}, which mixes the records of "
                "a batch, so "
                f"that no record's gradient can be clipped; put {group} or nn.LayerNorm in its place"
            )


def _contiguous(layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The inputs, records by channels by places, lying in that order."""
    return tuple(x.contiguous() for x in inputs)
