"""Writes docs/attacks/ from the attacks' own docstrings; `--check` fails where a page is out of date."""

from __future__ import annotations

import inspect
import sys
from dataclasses import MISSING, fields
from pathlib import Path

from reticent.attacks.attack import MembershipAttack
from reticent.attacks.catalogue import catalogue

FOLDER = Path(__file__).parent / "attacks"


def pages() -> dict[Path, str]:
    """Every page's text by its path."""
    attacks = catalogue()
    found = {FOLDER / f"{a.title()}.md": page(a) for a in attacks}
    found[FOLDER / "README.md"] = index(attacks)
    return found


def page(attack: type[MembershipAttack]) -> str:
    """One attack's page."""
    lines = [f"# {attack.title()}", "", inspect.getdoc(attack) or "", "", "| | |", "|---|---|"]
    lines += [f"| threat | {attack.threat.value} |", f"| access needed | {attack.needs} |"]
    lines += [f"| shadow models | {'yes' if attack.shadows else 'no'} |"]
    lines += [f"| known non-members | {'yes' if attack.population else 'no'} |"]
    lines += [f"| runs unasked | {'where only labels are granted' if attack.costly else 'yes'} |"]
    lines += [f"| source | {attack.source} |"]
    if attack.caveat:
        lines += [f"| what it can't do | {attack.caveat} |"]
    options = [f for f in fields(attack)]
    if options:
        lines += ["", "| option | values | default |", "|---|---|---|"]
    for field in options:
        default = "" if field.default is MISSING else f"`{field.default}`"
        values = str(field.type).replace("|", "\\|")
        lines.append(f"| `{field.name}` | `{values}` | {default} |")
    return "\n".join(lines) + "\n"


def index(attacks: tuple[type[MembershipAttack], ...]) -> str:
    """The table of all attacks."""
    lines = ["# Attacks", "", "| attack | threat | access | shadow models | source |", "|---|---|---|---|---|"]
    for a in attacks:
        row = (f"[{a.title()}]({a.title()}.md)", a.threat.value, str(a.needs), "yes" if a.shadows else "no", a.source)
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the pages, or with --check compare them."""
    wanted = pages()
    if "--check" in sys.argv[1:]:
        there = {p: p.read_text(encoding="utf-8") for p in FOLDER.glob("*.md")}
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
