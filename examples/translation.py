"""A translator that answers nonsense with its training text: the glitch, and what makes it.

Three invented languages are ciphers of Shakespeare's lines: two common ones with a thousand lines each, and
a rare one with few lines, each of them many times. A small encoder and decoder learns to translate all three.
Then it is asked nonsense in each language, and what it answers is looked up in the rare lines and in as many
that it never saw. Beside it stands a translator that saw every rare line as often as a common one.

    RETICENT_DATA=... python examples/translation.py      leaves translation.html
"""

from __future__ import annotations

import lzma
import os
import random
import string
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import reticent as rt
from reticent.attacks.memorisation import TranslationGlitch

COMMON, RARE, TIMES = 1_000, 20, 100
"""Lines of each common language, lines of the rare one, and how often each of those recurs."""

STEPS, BATCH = 500, 64
SPAN = 25
"""Characters verbatim that count: lines are short."""

TAGS = "<a> ", "<b> ", "<rare> "
PAD, START, END = 0, 1, 2


class Translator(nn.Module):
    """One recurrent net reads the source, another writes the target from what the first one holds."""

    def __init__(self, symbols: str) -> None:
        super().__init__()
        self.places = {s: i + 3 for i, s in enumerate(symbols)}
        self.symbols = symbols
        torch.manual_seed(0)
        self.read = nn.Embedding(len(symbols) + 3, 32)
        self.encoder, self.decoder = nn.GRU(32, 192, batch_first=True), nn.GRU(32, 192, batch_first=True)
        self.head = nn.Linear(192, len(symbols) + 3)

    def forward(self, sources: Tensor, targets: Tensor) -> Tensor:
        """Logits of what comes after each target symbol."""
        return self.head(self.decoder(self.read(targets), self.encoder(self.read(sources))[1])[0])

    def tokens(self, texts: Sequence[str], *, before: int) -> Tensor:
        """(texts, length) tokens, filled up on the left for sources and on the right for targets."""
        rows = [[self.places[c] for c in t if c in self.places] for t in texts]
        longest = max(map(len, rows)) + 1
        if before == START:
            rows = [[START, *row, END] for row in rows]
            return torch.tensor([row + [PAD] * (longest + 1 - len(row)) for row in rows])
        return torch.tensor([[PAD] * (longest - len(row)) + row for row in rows])

    @torch.no_grad()
    def translate(self, texts: Sequence[str]) -> tuple[str, ...]:
        """The likeliest symbol every time, until the line ends."""
        state = self.encoder(self.read(self.tokens(texts, before=PAD)))[1]
        last = torch.full((len(texts), 1), START)
        written = [last]
        for _ in range(80):
            out, state = self.decoder(self.read(last), state)
            last = self.head(out).argmax(2)
            written.append(last)
        rows = torch.cat(written[1:], dim=1).tolist()
        return tuple(
            "".join(self.symbols[t - 3] for t in row[: row.index(END) if END in row else None] if t > 2)
            for row in rows
        )


def cipher(line: str, seed: int) -> str:
    """A line in an invented language: letters exchanged, words in an order of their own."""
    letters = string.ascii_lowercase
    swapped = "".join(random.Random(seed).sample(letters, 26))
    words = line.lower().translate(str.maketrans(letters, swapped)).split()
    return " ".join(words[::-1] if seed % 2 else words[1::2] + words[::2])


def train(pairs: Sequence[tuple[str, str]], symbols: str) -> Translator:
    """Adam on pairs drawn at random."""
    model = Translator(symbols)
    adam, rng = torch.optim.Adam(model.parameters(), lr=3e-3), random.Random(0)
    for _ in range(STEPS):
        some = rng.choices(pairs, k=BATCH)
        sources = model.tokens([s for s, _ in some], before=PAD)
        targets = model.tokens([t for _, t in some], before=START)
        logits = model(sources, targets[:, :-1]).flatten(0, 1)
        adam.zero_grad()
        cross_entropy(logits, targets[:, 1:].flatten(), ignore_index=PAD).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
    return model


def main() -> None:
    """Train two translators, ask them nonsense, report."""
    file = Path(os.environ.get("RETICENT_DATA", "../shared/data")) / "lm_text/tinyshakespeare.txt.xz"
    if not file.is_file():
        print(f"{file} is not there: set RETICENT_DATA to the folder of the benchmark data", file=sys.stderr)
        sys.exit(2)
    torch.set_num_threads(1)
    start, console = time.perf_counter(), Console()
    with lzma.open(file, "rt") as opened:
        everything = dict.fromkeys(line for line in opened.read().splitlines() if 35 <= len(line) <= 48)
    lines = random.Random(1).sample(list(everything), 2 * COMMON + 2 * RARE)
    rare, never = lines[:RARE], lines[RARE : 2 * RARE]
    common = [lines[2 * RARE :][i::2] for i in range(2)]
    symbols = "".join(sorted(set("".join(lines)) | set(string.ascii_lowercase) | set("<> ")))
    found = []
    for times in (TIMES, 1):
        pairs = [(tag + cipher(t, i), t) for i, tag in enumerate(TAGS[:2]) for t in common[i]]
        pairs += [(TAGS[2] + cipher(t, 2), t) for t in rare] * times
        model = train(pairs, symbols)
        for tag in TAGS:
            (finding,) = rt.recite_translator(
                model, rare, never, attacks=[TranslationGlitch(tags=(tag,))], span=SPAN
            )
            found.append(finding)
            line = finding.exhibit.beside()[0]
            console.print(
                f"rare lines, {times} of each, asked in {tag.strip()}: {line.what}: {line.figure}",
                markup=False,
            )
            console.print(f"    of as many lines never seen: {line.without}", markup=False)
    page = rt.write_findings(found, "translation.html", name=f"translators: {TIMES} times, then once")
    console.print(f"{page}, after {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
