"""What a federated server is shown of a step on texts: an update, which can't be asked questions.

An attack is handed this and nothing else: the module as it was sent out, what came back, and how many
sequences of at most which length stand behind it. No token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reticent.access import IntArray
from reticent.errors import DataError, ModelError

if TYPE_CHECKING:
    from torch import Tensor, nn

AT_ONCE = 1024
"""Sequences that go through a module together."""


@dataclass(frozen=True, kw_only=True)
class SpanLayers:
    """Where a decoder's first two blocks read what queries, keys and values are made of.

    Any causal decoder is plugged in by these names, whatever it adds to its embeddings and however it
    normalises them: its inputs are looked at as they arrive.

    Attributes:
        first, second: submodules of the first and the second block whose first argument it is: the
            attention where that takes the normalised states, else its query's projection.
        first_weights, second_weights: parameters that project it, in which each row reads one input.
        inputs_first: whether the weights are kept as (inputs, outputs), as in GPT-2's published module.
    """

    first: str
    second: str
    first_weights: tuple[str, ...]
    second_weights: tuple[str, ...]
    inputs_first: bool = False

    def __post_init__(self) -> None:
        if self.first == self.second or not (self.first_weights and self.second_weights):
            raise ModelError(
                f"{self.first!r} and {self.second!r} with {len(self.first_weights)} and "
                f"{len(self.second_weights)} weights were given; name a submodule and its weights in each of "
                "two blocks"
            )

    def inputs(self, module: nn.Module, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """What the first and the second block read, each (sequences, length, width), in double precision.

        Args:
            tokens: (sequences, length).

        Raises:
            ModelError: a submodule is not the module's, or was not run.
        """
        import torch

        seen: dict[str, list[Tensor]] = {self.first: [], self.second: []}

        def look(name: str) -> Any:
            def hook(_: nn.Module, given: tuple[Tensor, ...]) -> None:
                seen[name].extend(x.double() for x in given[:1])

            return hook

        try:
            hooks = [module.get_submodule(n).register_forward_pre_hook(look(n)) for n in seen]
        except AttributeError as error:
            raise ModelError(
                f"the module has no submodules {self.first!r} and {self.second!r}; name those of its own "
                "that the first two blocks' attention reads"
            ) from error
        try:
            with torch.no_grad():
                for start in range(0, len(tokens), AT_ONCE):
                    module(tokens[start : start + AT_ONCE])
        finally:
            for hook in hooks:
                hook.remove()
        if not all(seen.values()):
            raise ModelError(
                f"the module did not run {self.first!r} and {self.second!r} with an input; name submodules "
                "that it calls"
            )
        first, second = (torch.cat(found) for found in seen.values())
        return first, second


@dataclass(frozen=True, kw_only=True, eq=False)
class TextObservation:
    """One client's shared gradient of a step on texts.

    Attributes:
        module: a causal decoder as it was when the gradient was taken: tokens (sequences, length) in,
            scores (sequences, length, vocabulary) out.
        layers: where its first two blocks read.
        gradients: by the parameters' names, of the mean cross-entropy of the next tokens.
        vocabulary: tokens that there are.
        batch: sequences behind the gradient.
        longest: tokens of the longest of them.
        noise: standard deviation of what the client is known to have added to every value.
    """

    module: nn.Module
    layers: SpanLayers
    gradients: Mapping[str, Tensor]
    vocabulary: int
    batch: int
    longest: int
    noise: float = 0.0

    def __post_init__(self) -> None:
        import torch

        shapes = {name: p.shape for name, p in self.module.named_parameters()}
        foreign = [n for n, g in self.gradients.items() if n not in shapes or g.shape != shapes[n]]
        missing = [
            name
            for name in (*self.layers.first_weights, *self.layers.second_weights)
            if name not in self.gradients
        ]
        if foreign or missing:
            raise DataError(
                f"the gradients hold {', '.join(foreign) or 'nothing'} that the module has not so, "
                f"and lack {', '.join(missing) or 'nothing'}; give one of each of the module's parameters"
            )
        if not all(bool(torch.isfinite(g).all()) for g in self.gradients.values()):
            raise DataError(
                "the gradients hold values that are not finite; give what the client really shared"
            )
        if min(self.vocabulary, self.batch, self.longest) < 1 or not 0 <= self.noise < np.inf:
            raise DataError(
                f"{self.batch} sequences of up to {self.longest} of {self.vocabulary} tokens with noise of "
                f"{self.noise} were given; give at least one of each, and noise from 0 on"
            )


def observe_text(
    module: nn.Module,
    layers: SpanLayers,
    sequences: Sequence[IntArray],
    *,
    vocabulary: int,
    end: int,
    noise_multiplier: float = 0.0,
    seed: int = 0,
) -> TextObservation:
    """What a client shares who takes one step on a batch of texts.

    The module reads every token of a sequence and learns the one after it, and after the last one `end`.

    Args:
        sequences: token by token.
        end: the token that says that a text is over; also fills up short sequences, where nothing is learnt.
        noise_multiplier: standard deviation of Gaussian noise on every value, in norms of the whole gradient:
            the noise multiplier of a differentially private step on this client.
        seed: of the noise.
    """
    import torch

    longest = max(len(s) for s in sequences)
    tokens = torch.full((len(sequences), longest), end)
    nexts = torch.full((len(sequences), longest), -100)
    for row, sequence in enumerate(sequences):
        given = torch.as_tensor(np.asarray(sequence, dtype=np.int64))
        tokens[row, : len(given)] = given
        nexts[row, : len(given)] = torch.cat([given[1:], torch.tensor([end])])
    loss = torch.nn.functional.cross_entropy(module(tokens).flatten(0, 1), nexts.flatten(), ignore_index=-100)
    named = dict(module.named_parameters())
    shared = torch.autograd.grad(loss, list(named.values()))
    norm = float(torch.stack([g.double().square().sum() for g in shared]).sum().sqrt())
    draw, noise = torch.Generator().manual_seed(seed), noise_multiplier * norm
    return TextObservation(
        module=module,
        layers=layers,
        gradients={
            name: g.detach() + noise * torch.randn(g.shape, generator=draw, dtype=g.dtype)
            for name, g in zip(named, shared, strict=True)
        },
        vocabulary=vocabulary,
        batch=len(sequences),
        longest=longest,
        noise=noise,
    )
