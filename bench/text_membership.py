"""Who was among the texts that a small language model was fine-tuned on?

stories260K is trained further on half of WikiText-2's validation paragraphs, and on half of a hundred
canaries, sentences of random words, once an epoch like all else. After one, three and ten epochs every
score tells the halves apart, beside a classifier of words that never sees the model. The reference is the
same model trained as long on WikiText-2's test part.

    python bench/text_membership.py       writes bench/results/text_membership.json and .md; twenty minutes
"""

from __future__ import annotations

import copy
import json
import lzma
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

os.environ.setdefault("RETICENT_DATA", "../shared/data")

import reticent as rt
from machine import describe
from reticent.measure.estimate import Estimate
from reticent.targets.text import TextModule
from stories import stories

RESULTS = Path(__file__).parent / "results"
DATA = Path(os.environ["RETICENT_DATA"]) / "lm_text"
EPOCHS = (1, 3, 10)
LONGEST = 256
"""Pieces of a paragraph that are used."""

ASKED = 400
"""Paragraphs of each side that are asked about."""


def paragraphs(name: str, model: TextModule) -> list[str]:
    """Every paragraph of some length, cut to what is used."""
    with lzma.open(DATA / name, "rt") as file:
        lines = [line.strip() for line in file]
    kept = [line for line in lines if len(line) > 200 and not line.startswith("=")]
    return [model.decode(model.encode(line)[:LONGEST]) for line in dict.fromkeys(kept)]


def canaries(count: int, words: list[str], seed: int) -> list[str]:
    """Sentences of words drawn at random."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(words, size=25)) + " ." for _ in range(count)]


def trained(model: TextModule, texts: list[str], epochs: tuple[int, ...], seed: int) -> dict[int, TextModule]:
    """The model after each number of epochs."""
    tokens = [torch.as_tensor(model.encode(t)[: LONGEST + 1]) for t in texts]
    module = copy.deepcopy(model.module).train()
    optimiser = torch.optim.AdamW(module.parameters(), 1e-3)
    draw, made = torch.Generator().manual_seed(seed), {}
    for epoch in range(1, max(epochs) + 1):
        order = torch.randperm(len(tokens), generator=draw).tolist()
        for start in range(0, len(order), 16):
            some = [tokens[i] for i in order[start : start + 16]]
            given = torch.nn.utils.rnn.pad_sequence(some, batch_first=True)
            nexts = torch.nn.utils.rnn.pad_sequence(some, batch_first=True, padding_value=-100)
            optimiser.zero_grad()
            told, true = module(given[:, :-1]).flatten(0, 1), nexts[:, 1:].flatten()
            cross_entropy(told, true, ignore_index=-100).backward()
            optimiser.step()
        if epoch in epochs:
            made[epoch] = TextModule(
                module=copy.deepcopy(module),
                encode=model.encode,
                decode=model.decode,
                vocabulary=model.vocabulary,
                longest=model.longest,
                end=model.end,
            )
    return made


def figure(of: Any) -> list[float] | None:
    return [of.value, of.low, of.high] if isinstance(of, Estimate) else None


def main() -> None:
    """Train, ask, write."""
    torch.set_num_threads(1)
    base, rng, start = stories(), np.random.default_rng(0), time.perf_counter()
    texts = paragraphs("wikitext2.valid.txt.xz", base)
    order = rng.permutation(len(texts))
    half = len(texts) // 2
    inside, outside = [texts[i] for i in order[:half]], [texts[i] for i in order[half:]]
    words = sorted({w for t in texts for w in t.split() if w.isalpha()})
    planted, unplanted = canaries(50, words, 1), canaries(71, words, 2)
    models = trained(base, inside + planted, EPOCHS, 0)
    others = trained(base, paragraphs("wikitext2.test.txt.xz", base)[: half + 50], EPOCHS, 1)
    rows: list[dict[str, Any]] = []
    for epochs, model in {0: base, **models}.items():
        for what, ins, outs in (
            ("paragraphs", inside[:ASKED], outside[: int(ASKED / 0.7)]),
            ("canaries", planted, unplanted),
        ):
            asked = time.perf_counter()
            found = rt.audit_text(
                model, members=ins, nonmembers=outs, reference=others.get(epochs, others[EPOCHS[0]])
            )
            for finding in found:
                row = {
                    "epochs": epochs,
                    "texts": what,
                    "attack": finding.attack,
                    "auc": figure(finding.figure("auc")),
                    "tpr@1%": figure(finding.figure("tpr@1%")),
                    "queries": finding.cost.queries,
                    "seconds": round(finding.cost.seconds, 1),
                }
                rows.append(row)
                print(json.dumps(row), flush=True)
            print(round(time.perf_counter() - asked), "s", flush=True)
    results = {
        "machine": describe(),
        "members": half,
        "seconds": round(time.perf_counter() - start),
        "rows": rows,
    }
    (RESULTS / "text_membership.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "text_membership.md").write_text(written(results))


def written(results: dict[str, Any]) -> str:
    """The table: a row an attack, a column a number of epochs."""
    lines = [
        "# Members among a language model's texts",
        "",
        f"`python bench/text_membership.py`, {results['seconds'] / 60:.0f} minutes. stories260K fine-tuned "
        f"on {results['members']} paragraphs of WikiText-2's validation part and 50 canaries of random "
        "words, each once an epoch; others of the same source stand beside them. AUC with its 95 % "
        "interval. *blind* never sees the model; 0 epochs is the model before, which has seen none of it: "
        "the null.",
    ]
    for what in ("paragraphs", "canaries"):
        rows = [r for r in results["rows"] if r["texts"] == what]
        epochs = sorted({r["epochs"] for r in rows})
        lines += ["", f"## {what.capitalize()}", ""]
        lines += ["| attack | " + " | ".join(f"{e} epochs" for e in epochs) + " | TPR @ 1 %, last |"]
        lines += ["|---" * (len(epochs) + 2) + "|"]
        for attack in dict.fromkeys(r["attack"] for r in rows):
            cells = {r["epochs"]: r for r in rows if r["attack"] == attack}
            last = cells[epochs[-1]]["tpr@1%"]
            lines.append(
                f"| {attack} | "
                + " | ".join(shown(cells[e]["auc"]) for e in epochs)
                + f" | {shown(last) if last else 'withheld'} |"
            )
    lines += [
        "",
        "Published on other models (WikiMIA, by size 2.7B to 65B): Min-K% and its like .6 to .84, a blind "
        "classifier .99 (Das et al. 2024): there the split is spoilt, here it is drawn by lot.",
    ]
    return "\n".join(lines) + "\n"


def shown(of: list[float] | None) -> str:
    return "–" if of is None else f"{of[0]:.3f} [{of[1]:.3f}, {of[2]:.3f}]"


if __name__ == "__main__":
    main()
