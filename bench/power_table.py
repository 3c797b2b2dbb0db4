"""The power benchmark's results for a reader."""

from __future__ import annotations

from typing import Any

FIGURES = ("auc", "tpr@1%", "tpr@0.1%", "tpr@0")


def write_table(results: dict[str, Any]) -> str:
    """Markdown."""
    machine = results["machine"]
    lines = [
        "# Power of the attacks that compare models",
        "",
        f"Written by `python bench/power.py` on {machine['processor']}, cores used: {machine['cores']}, "
        f"{machine['memory_gib']} GiB. Every figure is a mean over 64 targets, with its 95 % interval over "
        "models and records (two-way bootstrap). *Shuffled* is the AUC where there is nothing to find. *Over "
        "the next* is the paired difference in AUC to the line below. *Published* stands in the order AUC, "
        "TPR at 1 %, .1 % and 0.",
        "",
        "With all 63 others, a record on which the target trained has 31 models that did and 32 that did "
        "not, any other the reverse. Attacks that feel that count show it in *shuffled* (medians of odd and "
        "even numbers most); here it works against them. The tables of few models are free of it.",
    ]
    for name, found in results["sets"].items():
        lines += [
            "",
            f"## {name}",
            "",
            f"{found['about']}. Accuracy on members {found['accuracy, members']:.3f}, on non-members "
            f"{found['accuracy, non-members']:.3f}. Training 64 models took "
            f"{found['seconds of training']:.0f} s on one core.",
            "",
            "### All 63 other models as shadow models",
            "",
            "| attack | AUC | TPR @ 1 % | TPR @ .1 % | TPR @ 0 | over the next | shuffled | published |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for row in found["all others"]:
            published = found["published"].get(row["attack"], ())
            cells = [_interval(row[f]) for f in FIGURES]
            cells += [_signed(row.get("over the next")), _interval(row["shuffled"])]
            cells.append(" / ".join(f"{p:g}".replace("0.", ".", 1) for p in published))
            lines.append(f"| {row['attack']} | {' | '.join(cells)} |")
        for models, rows in found["few models"].items():
            lines += [
                "",
                f"### {_models(models)}",
                "",
                "| attack | AUC | TPR @ 1 % | TPR @ .1 % | over the next |",
            ]
            lines.append("|---|---|---|---|---|")
            for row in rows:
                cells = [*(_interval(row[f]) for f in FIGURES[:3]), _signed(row.get("over the next"))]
                lines.append(f"| {row['attack']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _models(models: str) -> str:
    return "One reference model, which did not train on the record" if models == "1" else f"{models} models"


def _interval(figure: dict[str, float]) -> str:
    if "low" not in figure:
        return f"{figure['value']:.3f}".lstrip("0")
    value, low, high = (f"{figure[part]:.3f}".lstrip("0") for part in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _signed(figure: dict[str, float] | None) -> str:
    if figure is None:
        return ""
    return f"{figure['value']:+.4f} [{figure['low']:+.4f}, {figure['high']:+.4f}]"
