"""Writes docs/attacks/, docs/defences/ and the README's tables from the leaves' own docstrings.

`--check` fails where a page is out of date.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier
from torch import nn

from reticent.access import Access
from reticent.attacks.attack import Attack, ExtractionAttack, Named
from reticent.attacks.catalogue import catalogue, needed
from reticent.data import Records
from reticent.defences import data, outputs, training
from reticent.defences.defence import DataDefence, Defence, OutputDefence, Stage, TrainingDefence
from reticent.errors import ReticentError
from reticent.recipe import Recipe
from reticent.shadows.batched import Training
from reticent.targets.sklearn import SklearnRecipe
from reticent.targets.torch import TorchRecipe

HERE = Path(__file__).parent
ATTACKS, DEFENCES = HERE / "attacks", HERE / "defences"
README = HERE.parent / "README.md"

PRIVATE: dict[str, dict[str, Any]] = {
    **{word: {"epsilon": 3.0} for word in ("dp_sgd", "dp_ftrl", "pate", "randomise", "synthesise")},
    **{f"private_{kind}": {"epsilon": 3.0, "bounds": (-3, 3)} for kind in ("bayes", "forest", "logistic")},
}
"""Words that need an epsilon, or more, and what they are shown with."""

WHEN = {Stage.DATA: "on the records", Stage.TRAINING: "in training", Stage.ANSWERS: "on the answers"}


def module() -> nn.Module:
    """A torch module to try defences on."""
    return nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))


CARRIERS: dict[str, Recipe] = {
    "torch modules": TorchRecipe(
        module=module, training=Training(epochs=2, batch_size=16, learning_rate=0.1)
    ),
    "linear models": SklearnRecipe(LogisticRegression()),
    "naive Bayes": SklearnRecipe(GaussianNB()),
    "trees": SklearnRecipe(DecisionTreeClassifier()),
    "forests": SklearnRecipe(RandomForestClassifier()),
    "boosting": SklearnRecipe(HistGradientBoostingClassifier()),
    "scikit-learn's nets": SklearnRecipe(MLPClassifier()),
}
"""Kinds of models that may carry a defence."""


def pages() -> dict[Path, str]:
    """Every page's text by its path."""
    attacks, defences = catalogue(), every_defence()
    found = {ATTACKS / f"{a.title()}.md": page(a) for a in attacks}
    found |= {DEFENCES / f"{type(d).word}.md": defence_page(d) for d in defences}
    found[ATTACKS / "README.md"] = "\n".join(["# Attacks", "", *table(attacks, folder="")]) + "\n"
    found[DEFENCES / "README.md"] = "\n".join(["# Defences", "", *defence_table(defences, folder="")]) + "\n"
    text = README.read_text(encoding="utf-8")
    text = between(text, "attacks", table(attacks, folder="docs/attacks/"))
    found[README] = between(text, "defences", defence_table(defences, folder="docs/defences/"))
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
    return "\n".join([*lines, *options(attack)]) + "\n"


def options(leaf: type[Attack | Defence]) -> list[str]:
    """The lines of the table of its options."""
    lines = ["", "| option | values | default |", "|---|---|---|"]
    for field in fields(leaf):  # type: ignore[arg-type]
        default = "" if field.default is MISSING else f"`{field.default}`"
        values = str(field.type).replace("|", "\\|")
        lines.append(f"| `{field.name}` | `{values}` | {default} |")
    return lines if len(lines) > 3 else []


def unasked(attack: type[Attack]) -> str:
    """Whether an audit runs it unless it is told not to, or what does."""
    if issubclass(attack, Named) and attack.elsewhere:
        return f"by `{attack.elsewhere.rpartition(' ')[2]}`"
    if issubclass(attack, ExtractionAttack):
        return "no: name it"
    if not attack.costly:
        return "yes"
    return "where only labels are granted" if attack.needs == Access.LABELS else "no: name it, or `all`"


def table(attacks: tuple[type[Attack], ...], *, folder: str) -> list[str]:
    """The lines of the table of all attacks; `folder` is where their pages lie from where it stands."""
    lines = ["| attack | threat | what it is | access | what it takes |", "|---|---|---|---|---|"]
    for a in attacks:
        first = (inspect.getdoc(a) or "").splitlines()[0]
        link = f"[{a.title()}]({folder}{a.title()}.md)"
        lines.append(f"| {link} | {a.threat.value} | {first} | {needed(a)} | {a.cost()} |")
    return lines


def every_defence() -> tuple[Defence, ...]:
    """Each with the options it has by itself: on the records first, then in training, then on the answers."""
    kinds = [getattr(room, name) for room in (data, training, outputs) for name in room.__all__]
    return tuple(kind(**PRIVATE.get(kind.word, {})) for kind in kinds)


def defence_page(defence: Defence) -> str:
    """One defence's page."""
    kind = type(defence)
    background = inspect.getdoc(sys.modules[kind.__module__]) or ""
    lines = [f"# {kind.word}", "", inspect.getdoc(kind) or "", "", "## Background", "", background, ""]
    lines += ["| | |", "|---|---|", f"| acts | {WHEN[kind.stage]} |"]
    if isinstance(defence, DataDefence):
        alone = "yes" if kind.alone else "no"
        lines += [f"| changes each record by itself, whoever else is there | {alone} |"]
    if isinstance(defence, TrainingDefence):
        lines += [f"| carried by | {', '.join(carriers(defence))} |"]
    if isinstance(defence, OutputDefence):
        lines += [f"| needs | {defence.needs.name.lower()} |", f"| leaves | {defence.leaves.name.lower()} |"]
        lines += [f"| keeps the label | {'yes' if defence.keeps_label else 'no'} |"]
        lines += [f"| answers the same when asked again | {'yes' if defence.same_again else 'no'} |"]
    lines += [f"| canaries | {kind.canary.value} |", f"| source | {kind.source} |"]
    lines += [f"| what it can't do | {kind.caveat} |"]
    return "\n".join([*lines, *options(kind)]) + "\n"


def carriers(defence: TrainingDefence) -> list[str]:
    """The kinds of models that can be trained so, found by trying."""
    rng = np.random.default_rng(0)
    reference = Records(rng.normal(size=(60, 2)).astype(np.float32), rng.integers(0, 2, 60), np.arange(2))
    found = []
    for name, recipe in CARRIERS.items():
        try:
            defence.harden(recipe, reference)
        except ReticentError:
            continue
        found.append(name)
    return found


def defence_table(defences: tuple[Defence, ...], *, folder: str) -> list[str]:
    """The lines of the table of all defences; `folder` as in `table`."""
    lines = ["| defence | acts | what it does | what it can't do |", "|---|---|---|---|"]
    for d in defences:
        first = (inspect.getdoc(type(d)) or "").split("\n\n")[0].replace("\n", " ")
        link = f"[{type(d).word}]({folder}{type(d).word}.md)"
        lines.append(f"| {link} | {WHEN[type(d).stage]} | {first} | {type(d).caveat} |")
    return lines


def between(text: str, mark: str, lines: list[str]) -> str:
    """The text with these lines between the mark's two ends."""
    start, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(end)
    body = "\n".join([start, *lines, end])
    return f"{before}{body}{after}"


def main() -> None:
    """Write the pages, or with --check compare them."""
    wanted = pages()
    if "--check" in sys.argv[1:]:
        old = (*ATTACKS.glob("*.md"), *DEFENCES.glob("*.md"), README)
        there = {p: p.read_text(encoding="utf-8") for p in old}
        stale = sorted(p.name for p in wanted.keys() | there.keys() if wanted.get(p) != there.get(p))
        if stale:
            sys.exit(f"docs are out of date ({', '.join(stale)}): run `make docs`")
        return
    for folder in (ATTACKS, DEFENCES):
        folder.mkdir(exist_ok=True)
        for path in folder.glob("*.md"):
            path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
