"""Writes docs/attacks/ and the README's table from the attacks' own docstrings.

`--check` fails where a page is out of date.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import MISSING, fields
from pathlib import Path

from reticent.access import Access
from reticent.attacks.attack import Attack, ExtractionAttack, Named
from reticent.attacks.catalogue import catalogue, needed

FOLDER = Path(__file__).parent / "attacks"
README = Path(__file__).parent.parent / "README.md"
START, END = "<!-- attacks -->", "<!-- /attacks -->"


def pages() -> dict[Path, str]:
    """Every page's text by its path."""
    attacks = catalogue()
    found = {FOLDER / f"{a.title()}.md": page(a) for a in attacks}
    found[FOLDER / "README.md"] = index(attacks)
    found[README] = readme(attacks)
    return found


def page(attack: type[Attack]) -> str:
    """One attack's page."""
    background = inspect.getdoc(sys.modules[attack.__module__]) or ""
    lines = [
        f"# {attack.title()}",
        "",
        inspect.getdoc(attack) or "",
        "",
        "## Background",
        "",
        background,
        "",
        "| | |",
        "|---|---|",
    ]
    threat = attack.threat
    lines += [f"| threat | {threat.value} |", f"| Rigaki & Garcia | {threat.survey} |"]
    lines += [f"| NIST AI 100-2 E2025 | {threat.nist} |", f"| access needed | {needed(attack)} |"]
    lines += [f"| control | {attack.control} |", f"| what helps | {attack.defences} |"]
    lines += [f"| what it takes | {attack.cost()} |"]
    lines += [f"| shadow models | {'yes' if attack.shadows else 'no'} |"]
    lines += [f"| known non-members | {'yes' if attack.population else 'no'} |"]
    lines += [f"| runs unasked | {unasked(attack)} |"]
    lines += [f"| source | {attack.source} |"]
    if attack.caveat:
        lines += [f"| what it can't do | {attack.caveat} |"]
    options = fields(attack)
    if options:
        lines += ["", "| option | values | default |", "|---|---|---|"]
    for field in options:
        default = "" if field.default is MISSING else f"`{field.default}`"
        values = str(field.type).replace("|", "\\|")
        lines.append(f"| `{field.name}` | `{values}` | {default} |")
    return "\n".join(lines) + "\n"


def unasked(attack: type[Attack]) -> str:
    """Whether an audit runs it unless it is told not to, or what does."""
    if issubclass(attack, Named) and attack.elsewhere:
        return f"by `{attack.elsewhere.rpartition(' ')[2]}`"
    if issubclass(attack, ExtractionAttack):
        return "no: name it"
    if not attack.costly:
        return "yes"
    return "where only labels are granted" if attack.needs == Access.LABELS else "no: name it, or `all`"


def index(attacks: tuple[type[Attack], ...]) -> str:
    """The table of all attacks."""
    lines = ["# Attacks", "", *table(attacks, folder="")]
    return "\n".join(lines) + "\n"


def table(attacks: tuple[type[Attack], ...], *, folder: str) -> list[str]:
    """The lines of the table of all attacks; `folder` is where their pages lie from where it stands."""
    lines = ["| attack | threat | what it is | access | what it takes |", "|---|---|---|---|---|"]
    for a in attacks:
        first = (inspect.getdoc(a) or "").splitlines()[0]
        link = f"[{a.title()}]({folder}{a.title()}.md)"
        lines.append(f"| {link} | {a.threat.value} | {first} | {needed(a)} | {a.cost()} |")
    return lines


def readme(attacks: tuple[type[Attack], ...]) -> str:
    """The project's README with its table of attacks as it should be."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    lines = "\n".join(table(attacks, folder="docs/attacks/"))
    return f"{before}{START}\n{lines}\n{END}{after}"


def main() -> None:
    """Write the pages, or with --check compare them."""
    wanted = pages()
    if "--check" in sys.argv[1:]:
        there = {p: p.read_text(encoding="utf-8") for p in (*FOLDER.glob("*.md"), README)}
        stale = sorted(p.name for p in wanted.keys() | there.keys() if wanted.get(p) != there.get(p))
        if stale:
            sys.exit(f"docs/attacks is out of date ({', '.join(stale)}): run `make docs`")
        return
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.md"):
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
