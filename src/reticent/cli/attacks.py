"""`reticent attacks`: what there is, and what each one is."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields
from typing import Annotated

import typer


def attacks(name: Annotated[str | None, typer.Argument(help="Explain this attack.")] = None) -> None:
    """List every attack with its threat, access and source, or explain one."""
    from rich.console import Console
    from rich.table import Table

    from reticent.attacks.catalogue import catalogue, named, needed

    console = Console()
    if name is not None:
        attack = type(named(name))
        console.print(f"[bold]{attack.title()}[/bold]\n")
        console.print(inspect.getdoc(attack) or "", markup=False, highlight=False, soft_wrap=True)
        threat = attack.threat
        kinds = f"{threat.survey} in Rigaki & Garcia's four, {threat.nist} in NIST AI 100-2 E2025"
        console.print(f"\nThreat: {threat.value} ({kinds})", markup=False, soft_wrap=True)
        console.print(f"Needs:  {needed(attack)}{', shadow models' if attack.shadows else ''}", markup=False)
        console.print(f"Takes:  {attack.cost()}", markup=False, soft_wrap=True)
        console.print(f"Beside: {attack.control}", markup=False, soft_wrap=True)
        console.print(f"Helps:  {attack.defences}", markup=False, soft_wrap=True)
        console.print(f"Source: {attack.source}", markup=False)
        if attack.caveat:
            console.print(f"Limits: {attack.caveat}", markup=False)
        for field in fields(attack):
            default = "" if field.default is MISSING else f" = {field.default}"
            console.print(f"Option: {field.name}: {field.type}{default}", markup=False, highlight=False)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("attack", "threat", "access", "shadows"):
        table.add_column(heading, no_wrap=True)
    table.add_column("source", overflow="fold")
    for attack in catalogue():
        shadows = "yes" if attack.shadows else "no"
        table.add_row(attack.title(), attack.threat.value, needed(attack), shadows, attack.source)
    console.print(table)
