"""What does a shared gradient show of a text? Lines of Shakespeare read back from one step of a decoder.

A pre-trained decoder (stories260K: width 64, 512 pieces, rotary positions), the same untrained, and an
untrained one of width 128 with learnt positions take one step on lines that they never saw; DAGER reads them
back, beside the better of two guesses from other lines. In batches of more and more tokens, up to and beyond
the width; in double precision; and with Gaussian noise, in norms of the gradient.

    python bench/texts.py       writes bench/results/texts.json and texts.md; half an hour
"""

from __future__ import annotations

import json
import lzma
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

os.environ.setdefault("RETICENT_DATA", "../shared/data")

import reticent as rt
from machine import describe
from reticent.attacks.gradients import Dager
from reticent.measure.estimate import Figure
from reticent.text_observation import SpanLayers
from reticent.text_trial import TextsRead
from stories import START, Llama, Pieces
from stories import weights as pretrained

RESULTS = Path(__file__).parent / "results"
DATA = Path(os.environ["RETICENT_DATA"])
BATCHES = 50
PUBLIC = 3000


class Learnt(nn.Module):
    """An untrained decoder of three blocks with learnt positions, normalised first."""

    def __init__(self, seed: int, vocabulary: int, width: int, longest: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(longest, width)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.0, batch_first=True, norm_first=True)
            for _ in range(3)
        )
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, vocabulary))

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]))
        ahead = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1], dtype=x.dtype)
        for block in self.blocks:
            x = block(x, src_mask=ahead, is_causal=True)
        return self.head(x)


ROTARY = SpanLayers(
    first="blocks.0.attention",
    second="blocks.1.attention",
    first_weights=tuple(f"blocks.0.attention.{p}.weight" for p in ("query", "key", "value")),
    second_weights=tuple(f"blocks.1.attention.{p}.weight" for p in ("query", "key", "value")),
)
LEARNT = SpanLayers(
    first="blocks.0.self_attn",
    second="blocks.1.self_attn",
    first_weights=("blocks.0.self_attn.in_proj_weight",),
    second_weights=("blocks.1.self_attn.in_proj_weight",),
)


def lines(weights: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Every line of Tiny Shakespeare that names no speaker, once, in pieces of the pre-trained decoder."""
    with lzma.open(DATA / "lm_text/tinyshakespeare.txt.xz", "rt") as file:
        text = file.read()
    pieces = Pieces(weights)
    once = list(dict.fromkeys(line for line in text.splitlines() if line and not line.endswith(":")))
    return [pieces.encode(line)[1:] for line in once]


def measure(
    net: str,
    weights: dict[str, np.ndarray],
    texts: list[np.ndarray],
    *,
    batch: int,
    longest: int,
    noise: float = 0.0,
    double: bool = False,
) -> dict[str, Any]:
    """A row: lines of five to `longest` pieces, in batches."""
    fitting = [t for t in texts[:-PUBLIC] if 5 <= len(t) <= longest]
    chosen = np.random.default_rng([batch, longest]).permutation(len(fitting))[: batch * BATCHES]
    given = [fitting[i] for i in chosen]

    def module(number: int) -> nn.Module:
        made: nn.Module
        if net == "learnt positions":
            made = Learnt(number, len(weights["vocab_score"]), 128, longest)
        else:
            made = Llama(weights, None if net == "stories260k" else number)
        return made.double() if double else made

    (found,) = rt.leak_text(
        module,
        LEARNT if net == "learnt positions" else ROTARY,
        given,
        [Dager()],
        public=[t for t in texts[-PUBLIC:] if len(t) <= longest],
        vocabulary=len(weights["vocab_score"]),
        end=START,
        batch=batch,
        noise_multiplier=noise,
    )
    parts = [given[i : i + batch] for i in range(0, len(given), batch)]
    row: dict[str, Any] = {
        "net": net,
        "width": 128 if net == "learnt positions" else 64,
        "precision": "double" if double else "single",
        "noise": noise,
        "batch": batch,
        "tokens a line": f"5 to {longest}",
        "tokens a batch": float(np.mean([sum(map(len, p)) for p in parts])),
    }
    if isinstance(found.evidence, TextsRead):
        for name in ("sequences", "sequences control", "tokens", "tokens control", "given up"):
            row[name] = shown(found.figure(name))
        row["seconds a batch"] = round(found.cost.seconds / len(parts), 2)
    else:
        row["not run"] = found.reason
    print(json.dumps(row), flush=True)
    return row


def shown(figure: Figure) -> str:
    return str(figure)


def write_table(results: dict[str, Any]) -> str:
    machine = results["machine"]
    heads = list(results["rows"][0])
    lines = [
        "# What a shared gradient shows of a text",
        "",
        f"Written by `python bench/texts.py` on {machine['processor']}, one thread. DAGER on lines of Tiny "
        f"Shakespeare, up to {BATCHES} batches a row; 95 % intervals, a batch counting as one observation. "
        "*Control*: the better of two guesses from other lines (the commonest token at each position; from "
        "the commonest first tokens on, always the commonest successor). *Given up*: batches that the attack "
        "says it can't read, of which nothing counts as recovered. *Noise*: its deviation on every value, "
        "in norms of the whole gradient (the noise multiplier of a differentially private step).",
        "",
        "Published (Petrov et al. 2024, abstract): whole batches of up to 128 sequences of large language "
        "models, ROUGE-1 and ROUGE-2 above 0.99.",
        "",
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
    ]
    for row in results["rows"]:
        cells = [row.get(h, row.get("not run", "") if h == "sequences" else "") for h in heads]
        lines.append(f"| {' | '.join(f'{c:.3g}' if isinstance(c, float) else str(c) for c in cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    torch.set_num_threads(1)
    weights = pretrained()
    texts = lines(weights)
    rows = [
        measure("stories260k", weights, texts, batch=batch, longest=longest)
        for batch, longest in (
            (1, 16),
            (4, 12),
            (4, 16),
            (5, 12),
            (6, 12),
            (7, 12),
            (8, 8),
            (8, 12),
            (12, 12),
        )
    ]
    rows.append(measure("stories260k", weights, texts, batch=4, longest=12, double=True))
    rows += [
        measure("stories260k untrained", weights, texts, batch=batch, longest=longest)
        for batch, longest in ((1, 16), (4, 12), (8, 8))
    ]
    rows += [
        measure("learnt positions", weights, texts, batch=batch, longest=longest)
        for batch, longest in ((1, 16), (4, 16), (8, 12), (8, 16), (12, 12), (16, 12))
    ]
    rows += [
        measure("stories260k", weights, texts, batch=batch, longest=12, noise=noise)
        for batch, noises in ((1, (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1.0)), (4, (1e-6, 1e-5, 1e-4)))
        for noise in noises
    ]
    results = {"machine": describe(), "rows": rows}
    (RESULTS / "texts.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (RESULTS / "texts.md").write_text(write_table(results))


if __name__ == "__main__":
    main()
