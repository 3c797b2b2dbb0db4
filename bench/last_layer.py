"""Are a language model's hidden dimension and last layer told from its answers?

stories260K (width 64, 512 tokens), its answers as they are and rounded to 10^-1 to 10^-4 nats; the last
layer is the embedding it shares.

    python bench/last_layer.py       writes bench/results/last_layer.json and .md; a minute
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

os.environ.setdefault("RETICENT_DATA", "../shared/data")

import reticent as rt
from machine import describe
from reticent.targets.text import TextModule
from stories import stories

RESULTS = Path(__file__).parent / "results"


class Rounded(nn.Module):
    """Answers logits rounded to a step."""

    def __init__(self, inner: nn.Module, step: float) -> None:
        super().__init__()
        self.inner, self.step = inner, step

    def forward(self, tokens: Tensor) -> Tensor:
        logits = self.inner(tokens)
        return logits if self.step == 0 else (logits / self.step).round() * self.step


def main() -> None:
    """Ask, judge, write."""
    torch.set_num_threads(1)
    base = stories()
    truth = base.module.tokens.weight.detach().numpy()
    rows: list[dict[str, Any]] = []
    for step in (0.0, 1e-4, 1e-3, 1e-2, 1e-1):
        model = TextModule(
            module=Rounded(base.module, step),
            encode=base.encode,
            decode=base.decode,
            vocabulary=base.vocabulary,
            longest=base.longest,
        )
        found = rt.extract_layer(model, truth=truth).finding
        row: dict[str, Any] = {"step": step, "outcome": found.outcome, "reason": found.reason}
        if found.outcome == "measured":
            told = found.exhibit
            row |= {
                "width": told.figure("width").value,
                **{n: str(told.figure(n)) for n in ("error", "error control", "told", "told control")},
                "worst": float(told.arrays()["errors"].max()),
                "texts": found.cost.queries,
                "answers": told.figure("width").n,
                "seconds": round(found.cost.seconds, 2),
            }
        rows.append(row)
        print(json.dumps(row), flush=True)
    (RESULTS / "last_layer.json").write_text(
        json.dumps({"machine": describe(), "rows": rows}, indent=1) + "\n"
    )
    lines = [
        "# A language model's last layer from its answers",
        "",
        "`python bench/last_layer.py`. stories260K, width 64. Relative error of a token's weights once "
        "turned as well as can be, its median over tokens with its interval, and the worst; the control is "
        "random weights of that width. Published: ada 1024 and babbage 2048 told exactly (Carlini et al. "
        "2024).",
        "",
        "| answers rounded to, nats | width | median error | worst | random weights | under 1e-3 | "
        "texts, answers | s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        step = "as they are" if r["step"] == 0 else f"{r['step']:g}"
        if r["outcome"] != "measured":
            lines.append(f"| {step} | refused: {r['reason']} |" + " |" * 6)
            continue
        lines.append(
            f"| {step} | {r['width']:.0f} | {r['error']} | {r['worst']:.1e} | {r['error control']} | "
            f"{r['told']} | {r['texts']}, {r['answers']} | {r['seconds']} |"
        )
    (RESULTS / "last_layer.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
