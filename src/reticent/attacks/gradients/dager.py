"""DAGER: the tokens of a decoder's batch, exactly, for each lies in the span of a gradient.

The gradient of a linear layer's weights is a sum, over tokens, of what comes back to its outputs times what
entered it: its rows span what entered, as long as there are fewer tokens than the layer is wide. Every token
of the vocabulary is tried at every position against the first block's span; then sequences grow token by
token, and those live on whose last token lies, as it enters the second block, in that block's span: in a
causal decoder, what enters there follows from the prefix alone.

Petrov, Dimitrov, Baader, Müller & Vechev, "DAGER: Exact Gradient Inversion for Large Language Models",
NeurIPS 2024, arXiv:2405.15586 (the part on decoders).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from reticent.access import Access, IntArray
from reticent.attacks.attack import TextGradientAttack
from reticent.attacks.options import number
from reticent.errors import DataError, ModelError
from reticent.text_observation import TextObservation

if TYPE_CHECKING:
    from torch import Tensor

ROUNDING = 10
"""Singular values below this many machine epsilons of the largest are rounding."""


@dataclass(frozen=True, kw_only=True)
class Dager(TextGradientAttack):
    """Tokens that lie in the span of the first two blocks' gradients (Petrov et al. 2024).

    Attributes:
        tolerance: share of a token's length that may lie outside of the span; wider where noise is known of.
        beam: prefixes kept for each sequence of the batch.
    """

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "Petrov et al. 2024, arXiv:2405.15586"
    caveat: ClassVar[str] = (
        "causal decoders without dropout; blind from as many tokens in the batch as the decoder is wide, and "
        "with noise; a sequence twice in the batch, or that begins another one, comes out once"
    )

    tolerance: float = 1e-3
    beam: int = 4

    def __post_init__(self) -> None:
        number("tolerance", self.tolerance, low=0, high=1)
        number("beam", self.beam, low=1)

    def read(self, observation: TextObservation) -> tuple[IntArray, ...]:
        """Return the sequences that fit best, at most as many as the batch holds.

        Raises:
            DataError: a gradient spans as much as the tokens do, so that every token fits.
            ModelError: the module is not causal, or its weights don't project what the blocks read.
        """
        import torch

        _check_causal(observation)
        alone = torch.arange(observation.vocabulary)[:, None].repeat(1, observation.longest)
        entering = observation.layers.inputs(observation.module, alone)[0]
        width, epsilon = entering.shape[-1], torch.finfo(next(observation.module.parameters()).dtype).eps
        room = int(torch.linalg.matrix_rank(entering.flatten(0, 1), rtol=ROUNDING * epsilon))
        first, second = (
            self._span(observation, weights, width, room, epsilon)
            for weights in (observation.layers.first_weights, observation.layers.second_weights)
        )
        likely = first.nearest(entering, observation.batch * observation.longest)

        alive = torch.zeros(1, 0, dtype=torch.long)
        over: list[Tensor] = []
        for tokens in likely:
            parents = torch.arange(len(alive)).repeat_interleave(len(tokens))
            grown = torch.cat([alive[parents], tokens.repeat(len(alive))[:, None]], dim=1)
            if len(grown) == 0:
                break
            apart = second.apart(observation.layers.inputs(observation.module, grown)[1][:, -1])
            kept = apart.argsort()[: self.beam * observation.batch]
            kept = kept[apart[kept] <= second.tolerance]
            over += alive[~torch.isin(torch.arange(len(alive)), parents[kept])]
            alive = grown[kept]
        whole = [tokens for tokens in (*over, *alive) if len(tokens)]
        return tuple(tokens.numpy() for tokens in self._explaining(observation, whole))

    def _explaining(self, observation: TextObservation, whole: list[Tensor]) -> list[Tensor]:
        """The sequences that together account for the most of what entered the second block.

        Where positions are rotary, the token that begins a sequence fits again and again after itself, for it
        enters the second block alike each time: such a sequence accounts for one token and no more.
        """
        import torch

        found: list[Tensor] = []
        if not whole:
            return found
        tokens = torch.nn.utils.rnn.pad_sequence(whole, batch_first=True)
        there = torch.arange(tokens.shape[1]) < torch.tensor([[len(w)] for w in whole])
        read = observation.layers.inputs(observation.module, tokens)[1]
        read = torch.where(there[..., None], read / read.norm(dim=-1, keepdim=True).clamp_min(1e-30), 0.0)
        while len(found) < observation.batch:
            more = torch.linalg.matrix_rank(read, atol=self.tolerance, rtol=0.0)
            best = int(more.argmax())
            if more[best] == 0:
                break
            found.append(whole[best])
            explained = torch.linalg.svd(read[best], full_matrices=False)[2][: int(more[best])]
            read = read - read @ explained.T @ explained
        return found

    def _span(
        self, observation: TextObservation, weights: tuple[str, ...], width: int, room: int, epsilon: float
    ) -> _Span:
        """The span of the inputs of some weights, of which the gradient by them is made.

        Args:
            width: values of an input.
            room: directions that inputs can take.
            epsilon: of the numbers that the gradient was computed in.
        """
        import torch

        gradients = [observation.gradients[name] for name in weights]
        rows = torch.cat([g.T if observation.layers.inputs_first else g for g in gradients]).double()
        if rows.shape[1] != width:
            raise ModelError(
                f"{', '.join(weights)} project {rows.shape[1]} values, and the block reads {width}; name "
                "weights that project what it reads, and say whether their inputs come first"
            )
        spread = observation.noise * (len(rows) ** 0.5 + width**0.5)  # the largest singular value of noise
        lengths, directions = torch.linalg.svd(rows, full_matrices=False)[1:]
        rank = int((lengths > max(ROUNDING * epsilon * float(lengths[0]), spread)).sum())
        if rank >= room:
            raise DataError(
                f"the gradient by {', '.join(weights)} spans {rank} directions, all that tokens can take, so "
                "that every token fits; give a gradient of fewer tokens than the module is wide"
            )
        if rank == 0:
            raise DataError(
                f"the gradient by {', '.join(weights)} is nothing but noise; give one that shows its batch"
            )
        tilt = observation.noise * width**0.5 / float(lengths[rank - 1])
        return _Span(directions[:rank], max(self.tolerance, min(tilt, 1.0)))


@dataclass(frozen=True, eq=False)
class _Span:
    """Directions (rank, width) at right angles, and the share of a length that may lie outside of them."""

    directions: Tensor
    tolerance: float

    def apart(self, inputs: Tensor) -> Tensor:
        """(...,) share of the length of inputs (..., width) that lies outside."""
        outside = inputs - inputs @ self.directions.T @ self.directions
        share: Tensor = outside.norm(dim=-1) / inputs.norm(dim=-1).clamp_min(1e-30)
        return share

    def nearest(self, inputs: Tensor, most: int) -> list[Tensor]:
        """At each position, the tokens within tolerance, of inputs (tokens, positions, width)."""
        apart = self.apart(inputs)
        order = apart.argsort(dim=0)[:most]
        return [
            tokens[apart[tokens, position] <= self.tolerance]
            for position, tokens in enumerate(order.unbind(dim=1))
        ]


def _check_causal(observation: TextObservation) -> None:
    """Raise ModelError where what the second block reads of a token depends on the next one."""
    import torch

    pair = torch.tensor([[0, 0], [0, observation.vocabulary - 1]])
    one, other = observation.layers.inputs(observation.module, pair)[1][:, 0]
    if not torch.allclose(one, other, rtol=1e-4, atol=1e-6):
        raise ModelError(
            "the module's second block reads tokens that come later, or the module draws lots; give a causal "
            "decoder in evaluation mode"
        )
