"""`reticent detune`: what do several fine-tunings betray of the base that was never released?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def detune(
    fine_tunings: Annotated[
        list[str], typer.Argument(help="Three or more: .safetensors files, or folders of them; LoRAs merged.")
    ],
    out: Annotated[Path, typer.Option(help="Where the recovered base is written (.safetensors).")],
    base: Annotated[
        str | None, typer.Option(help="The true base, to measure the error; the attack never sees it.")
    ] = None,
    rank: Annotated[
        int | None, typer.Option(min=1, help="Of the LoRAs; told from the weights by default.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page about it (.html).")] = None,
    seed: Annotated[int, typer.Option(help="Of what the attack draws.")] = 0,
) -> None:
    """Recover a base from LoRA fine-tunings of it, and say how far the result is to be trusted."""
    from reticent.attacks.weights import SpectralDetuning
    from reticent.descendants_trial import detune as recover
    from reticent.report.page import write_findings

    made = recover(fine_tunings, base, attack=SpectralDetuning(rank=rank), seed=seed)
    made.save(out)
    for line in made.finding.exhibit.beside():
        typer.echo(f"{line.what}: {line.figure} ({line.control}: {line.without})")
    typer.echo(made.finding.exhibit.note())
    for layer in made.ancestor.layers if made.ancestor else ():
        if layer.how == "left out":
            typer.echo(f"left out: {layer.name}, {layer.reason}")
    if report:
        write_findings([made.finding], report, name=out.stem)
