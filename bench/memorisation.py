"""What do small language models recite? Canaries in Shakespeare, and WikiText in a fine-tuned story teller.

A recurrent net learns 300,000 characters of Tiny Shakespeare with canaries put in 1, 4 and 16 times, once as
usual and once with differential privacy (own clipping, sequence by sequence). Stories260K is fine-tuned on
the first paragraphs of WikiText-2's validation part, with made-up identifiers among them; it never saw the
last.

    python bench/memorisation.py       writes bench/results/memorisation.json and memorisation.md; ten minutes
    python bench/memorisation.py recitals       measures that part again, and keeps the other
"""

from __future__ import annotations

import json
import lzma
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

os.environ.setdefault("RETICENT_DATA", "../shared/data")

import reticent as rt
from machine import describe
from reticent.attacks.memorisation import (
    Divergence,
    Enumeration,
    FreeGeneration,
    GreedyContinuation,
    RankedGeneration,
    SampledContinuation,
    SampledExposure,
    TruncatedContinuation,
)
from reticent.planted import canaries, plant
from reticent.targets.text import TextModule
from stories import stories

RESULTS = Path(__file__).parent / "results"
DATA = Path(os.environ["RETICENT_DATA"]) / "lm_text"
CHARACTERS = 300_000
FORM = "the access code is {digits:4}"
LENGTH = 64
"""Characters of a training sequence, and of one that is clipped."""

EPOCHS, PRIVATE_EPOCHS, FINE_TUNING_EPOCHS = 10, 2, 60
CURVE_EPOCHS = (10, 20, 30)

PARAGRAPHS = 90
"""Of WikiText-2 that are trained on, and as many that are not: the first and the last."""


class Recurrent(nn.Module):
    """One layer of gated recurrent units over characters."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.read, self.head = nn.Embedding(vocabulary, 48), nn.Linear(256, vocabulary)
        self.units = nn.GRU(48, 256, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.units(self.read(tokens))[0])


def text_of(name: str) -> str:
    with lzma.open(DATA / f"{name}.txt.xz", "rt") as file:
        return file.read()


def loss_of(module: nn.Module, some: Tensor) -> Tensor:
    return cross_entropy(module(some[:, :-1]).flatten(0, 1), some[:, 1:].flatten())


def train(module: nn.Module, tokens: Tensor, *, epochs: int, batch: int, length: int, rate: float) -> None:
    """Adam over stretches that start elsewhere in every epoch, its rate falling to nought."""
    adam = torch.optim.Adam(module.parameters(), lr=rate)
    steps = epochs * ((len(tokens) - length) // length // batch)
    falling = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: max(0.0, 1 - step / steps))
    for _ in range(epochs):
        start = int(torch.randint(length, ()))
        parts = tokens[start:].unfold(0, length + 1, length)
        for some in torch.randperm(len(parts)).split(batch):
            adam.zero_grad()
            loss_of(module, parts[some]).backward()
            nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            adam.step()
            falling.step()


def train_privately(module: nn.Module, tokens: Tensor, *, epochs: int, batch: int) -> float:
    """DP-SGD (Abadi et al. 2016), sequences' gradients clipped to 1, noise of deviation 1; gives epsilon."""
    from opacus.accountants import RDPAccountant

    parts, accountant = tokens.unfold(0, LENGTH + 1, LENGTH), RDPAccountant()
    adam = torch.optim.Adam(module.parameters(), lr=3e-3)
    weights, share = list(module.parameters()), batch / len(parts)
    for _ in range(epochs * len(parts) // batch):
        sums = [torch.zeros_like(w) for w in weights]
        for one in torch.nonzero(torch.rand(len(parts)) < share)[:, 0]:
            slopes = torch.autograd.grad(loss_of(module, parts[one][None]), weights)
            norm = torch.sqrt(sum(s.square().sum() for s in slopes))
            for total, slope in zip(sums, slopes, strict=True):
                total += slope / norm.clamp(min=1.0)
        for weight, total in zip(weights, sums, strict=True):
            weight.grad = (total + torch.randn_like(total)) / batch
        adam.step()
        accountant.step(noise_multiplier=1.0, sample_rate=share)
    return accountant.get_epsilon(1e-5)


def row(what: str, finding: Any, **more: Any) -> list[dict[str, Any]]:
    """A line for each figure of a finding, or one that says why there is none."""
    if finding.outcome != "measured":
        return [{"model": what, "attack": finding.attack, "figure": finding.reason}]
    found = [
        {
            "model": what,
            "attack": finding.attack,
            "figure": line.what,
            "measured": str(line.figure),
            "control": str(line.without),
            "seconds": round(finding.cost.seconds, 1),
        }
        for line in finding.exhibit.beside()
    ]
    for line in found:
        print(json.dumps(line), flush=True)
    print(finding.exhibit.note(), flush=True)
    return [*found, {"model": what, "attack": finding.attack, "figure": finding.exhibit.note()}]


def exposures() -> tuple[list[dict[str, Any]], dict[str, float]]:
    planted = canaries(FORM, (1, 4, 16), each=8)
    text = "\n".join(plant(text_of("tinyshakespeare")[:CHARACTERS].split("\n"), planted))
    symbols = sorted(set(text) | set("0123456789"))
    places = {s: i for i, s in enumerate(symbols)}
    tokens = torch.tensor([places[c] for c in text])
    rows, took = list[dict[str, Any]](), dict[str, float]()
    for name in ("recurrent", "recurrent, private"):
        torch.manual_seed(1)
        module, start = Recurrent(len(symbols)), time.perf_counter()
        if name == "recurrent":
            train(module, tokens, epochs=EPOCHS, batch=32, length=LENGTH, rate=4e-3)
        else:
            took["epsilon at 1e-5"] = train_privately(module, tokens, epochs=PRIVATE_EPOCHS, batch=128)
        took[f"seconds of training, {name}"] = time.perf_counter() - start
        model = TextModule(
            module=module,
            encode=lambda t: np.array([places["\n"], *(places[c] for c in t)]),
            decode=lambda some: "".join(symbols[t] for t in some).removeprefix("\n"),
            vocabulary=len(symbols),
            longest=256,
        )
        with torch.no_grad():
            took[f"nats a character, {name}"] = float(
                loss_of(module, tokens.unfold(0, LENGTH + 1, LENGTH)[:1000])
            )
        for finding in rt.expose(model, planted, attacks=[Enumeration(), SampledExposure()]):
            rows += row(name, finding)
    return rows, took


def personal(count: int, seed: int) -> list[str]:
    """Made-up people: no number here is anybody's."""
    rng = np.random.default_rng(seed)
    names = ["".join(rng.choice(list("aeioulmnrst"), 6)) for _ in range(count)]
    numbers = rng.integers(1000, 10_000, size=count)
    return [f"mail {n} at {n}@example.org or call 212-555-{k} ." for n, k in zip(names, numbers, strict=True)]


def recitals() -> tuple[list[dict[str, Any]], dict[str, float]]:
    lines = [line.strip() for line in text_of("wikitext2.valid").split("\n")]
    lines = [line for line in lines if len(line) > 400 and line.isascii()]
    rng = np.random.default_rng(0)
    seen, unseen = lines[:PARAGRAPHS], lines[-PARAGRAPHS:]
    corpus = seen + personal(20, 1) * 8
    corpus = [corpus[i] for i in rng.permutation(len(corpus))]
    others = unseen + personal(20, 2) * 8
    rows, took = list[dict[str, Any]](), dict[str, float]()
    model, name, start = stories(), "stories260k, fine-tuned", time.perf_counter()
    torch.manual_seed(2)
    tokens = torch.as_tensor(np.concatenate([model.encode(t) for t in corpus]))
    train(model.module, tokens, epochs=FINE_TUNING_EPOCHS, batch=16, length=128, rate=4e-3)
    took[f"seconds of training, {name}"] = time.perf_counter() - start
    writes_on: Sequence[Any] = (GreedyContinuation(), SampledContinuation(), TruncatedContinuation())
    for finding in rt.continue_texts(model, seen, unseen, attacks=writes_on, beginning=50, rest=20):
        rows += row(name, finding)
    drawn: Sequence[Any] = FreeGeneration(texts=96), RankedGeneration(texts=96, kept=32), Divergence(texts=48)
    for finding in rt.recite(model, corpus, others, attacks=drawn, span=50):
        rows += row(name, finding)
    mail = FreeGeneration(texts=96, length=48)
    for finding in rt.recite(model, corpus, others, attacks=[mail], prompts=("mail ",), span=50):
        rows += row(f"{name}, after 'mail '", finding)
    return rows, took


def curves() -> tuple[list[dict[str, Any]], dict[str, float]]:
    """How surely a text is written on, by the number of tries, of models that learnt more and more of it."""
    lines = [line.strip() for line in text_of("wikitext2.valid").split("\n")]
    lines = [line for line in lines if len(line) > 400 and line.isascii()]
    seen, unseen = lines[:PARAGRAPHS], lines[-PARAGRAPHS:]
    rows, took = list[dict[str, Any]](), dict[str, float]()
    for epochs in CURVE_EPOCHS:
        torch.manual_seed(2)
        model, name, start = stories(), f"stories260k, {epochs} epochs", time.perf_counter()
        tokens = torch.as_tensor(np.concatenate([model.encode(t) for t in seen]))
        train(model.module, tokens, epochs=epochs, batch=16, length=128, rate=4e-3)
        took[f"seconds of training, {name}"] = time.perf_counter() - start
        for finding in rt.continue_texts(
            model, seen, unseen, attacks=[SampledContinuation()], beginning=50, rest=20
        ):
            rows += row(name, finding)
    return rows, took


def write_table(results: dict[str, Any]) -> str:
    parts = [results[name] for name in ("exposures", "recitals", "curves") if name in results]
    took = "; ".join(f"{name} {value:.3g}" for part in parts for name, value in part["took"].items())
    minutes = sum(part["seconds"] for part in parts) / 60
    lines = [
        "# What small language models recite",
        "",
        f"Written by `python bench/memorisation.py` on {results['machine']['processor']}, one thread, in "
        f"{minutes:.0f} minutes; 95 % intervals. *Recurrent*: 256 gated units over {CHARACTERS:,} "
        f"characters of Tiny Shakespeare, {EPOCHS} epochs, and {PRIVATE_EPOCHS} with differential privacy. "
        f"*Stories260k, fine-tuned*: {FINE_TUNING_EPOCHS} epochs on {PARAGRAPHS} paragraphs of "
        "WikiText-2's validation part, with 20 made-up people put in eight times each; as many others, "
        "with 20 others, are the unseen text. Continuations: 20 tokens after 50. Verbatim: 50 characters. "
        f"{took}.",
        "",
        "Noted before, of a character model and a space of 10,000: exposure .7 to 1.0 of canaries never put "
        "in, 2.9 to 3.3 once, 10.0 to 11.7 four times, 13.29 (the most) sixteen times; the control's median "
        "by chance is 1. Published continuations (Carlini et al. 2023; Hayes et al. 2024) are of models of "
        "billions of weights, 50 tokens after 50, and stand beside nothing here.",
        "",
        "| model | attack | figure | measured | control | seconds |",
        "|---|---|---|---|---|---|",
    ]
    for r in (r for part in parts for r in part["rows"]):
        cells = [str(r.get(h, "")) for h in ("model", "attack", "figure", "measured", "control", "seconds")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure the parts that are named, or all, and keep what was measured of the others."""
    torch.set_num_threads(1)
    file = RESULTS / "memorisation.json"
    results = json.loads(file.read_text()) if file.is_file() else {}
    parts = {"exposures": exposures, "recitals": recitals, "curves": curves}
    for name in sys.argv[1:] or parts:
        start = time.perf_counter()
        rows, took = parts[name]()
        results[name] = {"rows": rows, "took": took, "seconds": time.perf_counter() - start}
    results["machine"] = describe()
    file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (RESULTS / "memorisation.md").write_text(write_table(results))


if __name__ == "__main__":
    main()
