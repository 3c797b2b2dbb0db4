"""What every test shares: one thread a process, and the benchmark data where it is at hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

from reticent.text_observation import SpanLayers  # noqa: E402


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The benchmark data; tests that need it are skipped by name where it is absent."""
    folder = Path(os.environ.get("RETICENT_DATA", "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no benchmark data: {folder} is not a folder (set RETICENT_DATA)")
    return folder


@pytest.fixture(scope="session")
def decoder() -> Callable[..., Any]:
    """Makes a small causal transformer, normalised first, with learnt positions."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, width: int, heads: int) -> None:
            super().__init__()
            self.heads = heads
            self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
            self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            read = self.before(x)
            parts = (
                p(read).unflatten(2, (self.heads, -1)).transpose(1, 2)
                for p in (self.query, self.key, self.value)
            )
            seen = nn.functional.scaled_dot_product_attention(*parts, is_causal=True)
            x = x + self.out(seen.transpose(1, 2).flatten(2))
            return x + self.down(nn.functional.gelu(self.up(self.between(x))))

    class Decoder(nn.Module):
        def __init__(self, vocabulary: int, width: int, longest: int) -> None:
            super().__init__()
            self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(longest, width)
            self.blocks = nn.ModuleList(Block(width, 4) for _ in range(3))
            self.after, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]))
            for block in self.blocks:
                x = block(x)
            return self.head(self.after(x))

    def make(seed: int = 0, vocabulary: int = 200, width: int = 64, longest: int = 16) -> nn.Module:
        torch.manual_seed(seed)
        return Decoder(vocabulary, width, longest)

    return make


@pytest.fixture(scope="session")
def span_layers() -> SpanLayers:
    """Where that transformer's first two blocks read."""
    parts = ("query", "key", "value")
    return SpanLayers(
        first="blocks.0.query",
        second="blocks.1.query",
        first_weights=tuple(f"blocks.0.{part}.weight" for part in parts),
        second_weights=tuple(f"blocks.1.{part}.weight" for part in parts),
    )


@pytest.fixture(scope="session")
def remembers() -> Callable[..., Any]:
    """Makes a language model that knows texts by heart: after five characters that it saw, what followed."""
    from reticent.access import Access

    class Remembers:
        def __init__(self, texts, *, order=5, access=Access.LOGITS, longest=200, doubt=0.01):
            self.access, self.longest, self.order, self.doubt = access, longest, order, doubt
            self.alphabet = " ,.-@+abcdefghijklmnopqrstuvwxyz0123456789"
            self.vocabulary = len(self.alphabet) + 1
            self.follows: dict[tuple[int, ...], Any] = {}
            for text in texts:
                tokens = [*self.encode(text), 0]
                for i in range(1, len(tokens)):
                    context = tuple(tokens[max(0, i - order) : i])
                    self.follows.setdefault(context, np.zeros(self.vocabulary))[tokens[i]] += 1

        def encode(self, text):
            return np.array([0, *(self.alphabet.index(c) + 1 for c in text)])

        def decode(self, tokens):
            return "".join(self.alphabet[t - 1] for t in tokens if t)

        def after(self, tokens):
            seen = self.follows.get(tuple(tokens[-self.order :].tolist()), 0)
            counts = np.zeros(self.vocabulary) + seen + self.doubt
            return np.log(counts / counts.sum())

        def distributions(self, texts):
            return (np.array([self.after(t[: i + 1]) for i in range(len(t))]) for t in texts)

        def log_probs(self, texts):
            return tuple(np.array([self.after(t[:i])[t[i]] for i in range(1, len(t))]) for t in texts)

        def generate(self, prompts, *, length, temperature=1.0, top_k=0, seed=0):
            rng, made = np.random.default_rng(seed), []
            for prompt in prompts:
                tokens = np.array(prompt)
                for _ in range(length):
                    scores = self.after(tokens)
                    if top_k:
                        scores = np.where(scores < np.sort(scores)[-top_k], -np.inf, scores)
                    drawn = scores + temperature * rng.gumbel(size=len(scores))
                    if not drawn.argmax():
                        break
                    tokens = np.append(tokens, drawn.argmax())
                made.append(tokens[len(prompt) :])
            return tuple(made)

        def fingerprint(self):
            return "remembers"

    return Remembers
