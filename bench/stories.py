"""A small language model that was really trained: stories260K, its decoder and its pieces of text.

A. Karpathy, tinyllamas (2023): width 64, five blocks, eight heads with four keys and values, 512 pieces,
rotary positions, trained on TinyStories.
"""

from __future__ import annotations

import os
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention, silu

from reticent.targets.text import TextModule

START = 1
"""The piece that starts a text, and so ends the one before."""

BYTES = 3
"""The piece of byte 0; those of the others follow it."""


class Attention(nn.Module):
    """With rotary positions, and fewer keys and values than queries."""

    def __init__(self, width: int, heads: int, shared: int) -> None:
        super().__init__()
        self.heads, self.shared = heads, shared
        part = width // heads
        self.query, self.out = (nn.Linear(width, width, bias=False) for _ in range(2))
        self.key, self.value = (nn.Linear(width, shared * part, bias=False) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        query = turned(self.query(x).unflatten(2, (self.heads, -1)).transpose(1, 2))
        key = turned(self.key(x).unflatten(2, (self.shared, -1)).transpose(1, 2))
        value = self.value(x).unflatten(2, (self.shared, -1)).transpose(1, 2)
        key, value = (p.repeat_interleave(self.heads // self.shared, dim=1) for p in (key, value))
        seen = scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(seen.transpose(1, 2).flatten(2))


def turned(x: Tensor) -> Tensor:
    """Neighbouring pairs turned by their position, (..., length, width)."""
    length, width = x.shape[-2:]
    speeds = 10_000.0 ** (-torch.arange(0, width, 2, dtype=x.dtype) / width)
    angles = torch.arange(length, dtype=x.dtype)[:, None] * speeds
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).flatten(-2)


class Block(nn.Module):
    def __init__(self, width: int, hidden: int, heads: int, shared: int) -> None:
        super().__init__()
        self.attention = Attention(width, heads, shared)
        self.before, self.between = (nn.RMSNorm(width, eps=1e-5) for _ in range(2))
        self.gate, self.up = (nn.Linear(width, hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.before(x))
        read = self.between(x)
        return x + self.down(silu(self.gate(read)) * self.up(read))


class Llama(nn.Module):
    """Of the shape of stories260K, with its weights unless untrained."""

    def __init__(self, weights: dict[str, np.ndarray], seed: int | None) -> None:
        super().__init__()
        width, hidden, depth, heads, shared, vocabulary, _ = map(int, weights["config"])
        torch.manual_seed(seed or 0)
        self.tokens = nn.Embedding(vocabulary, width)
        self.blocks = nn.ModuleList(Block(width, hidden, heads, shared) for _ in range(depth))
        self.after = nn.RMSNorm(width, eps=1e-5)
        if seed is None:
            self.load_state_dict(trained(weights, depth))

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens)
        for block in self.blocks:
            x = block(x)
        return self.after(x) @ self.tokens.weight.T


def trained(weights: dict[str, np.ndarray], depth: int) -> dict[str, Tensor]:
    names = {
        "attention.query.weight": "wq",
        "attention.key.weight": "wk",
        "attention.value.weight": "wv",
        "attention.out.weight": "wo",
        "before.weight": "attn_norm",
        "between.weight": "ffn_norm",
        "gate.weight": "w1",
        "down.weight": "w2",
        "up.weight": "w3",
    }
    found = {f"blocks.{i}.{ours}": weights[theirs][i] for i in range(depth) for ours, theirs in names.items()}
    found |= {"tokens.weight": weights["token_embedding"], "after.weight": weights["final_norm"]}
    return {name: torch.as_tensor(values) for name, values in found.items()}


class Pieces:
    """How its texts are cut: characters, the best-scored neighbours merged until none is a piece.

    A character that is no piece is cut into its bytes.
    """

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        packed, offsets = weights["vocab_bytes"].tobytes(), weights["vocab_offset"]
        self.pieces = [packed[a:b] for a, b in pairwise(offsets)]
        for byte in range(256):
            self.pieces[BYTES + byte] = bytes([byte])
        known = range(BYTES + 256, len(self.pieces))
        self.places = {self.pieces[i].decode(): i for i in known}
        self.scores = weights["vocab_score"]
        self.word = lru_cache(maxsize=None)(self._word)

    def encode(self, text: str) -> np.ndarray:
        """(pieces,) after the one that starts a text; no piece goes beyond a word and the space before it."""
        words = [f" {word}" for word in text.split(" ")]
        return np.array([START, *(piece for word in words for piece in self.word(word))])

    def decode(self, tokens: np.ndarray) -> str:
        """The text of pieces, without the space that every text begins with."""
        return (
            b"".join(self.pieces[t] for t in tokens if t >= BYTES).decode(errors="replace").removeprefix(" ")
        )

    def _word(self, word: str) -> tuple[int, ...]:
        found = list(word)
        while True:
            merged = [
                (self.scores[self.places[a + b]], -i)
                for i, (a, b) in enumerate(pairwise(found))
                if a + b in self.places
            ]
            if not merged:
                return tuple(piece for part in found for piece in self._piece(part))
            best = -max(merged)[1]
            found[best : best + 2] = [found[best] + found[best + 1]]

    def _piece(self, part: str) -> tuple[int, ...]:
        if part in self.places:
            return (self.places[part],)
        return tuple(BYTES + byte for byte in part.encode())


def weights() -> dict[str, np.ndarray]:
    """Its weights and pieces, as they stand in the benchmark data."""
    folder = Path(os.environ.get("RETICENT_DATA", "../shared/data")) / "stories260k"
    with np.load(folder / "stories260k.npz") as file:
        return {name: file[name] for name in file.files}


def stories(seed: int | None = None) -> TextModule:
    """The model as it was trained, or untrained where a seed is given."""
    found = weights()
    pieces = Pieces(found)
    return TextModule(
        module=Llama(found, seed),
        encode=pieces.encode,
        decode=pieces.decode,
        vocabulary=len(found["vocab_score"]),
        longest=int(found["config"][-1]),
        end=START,
    )
