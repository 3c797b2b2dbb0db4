"""A model trained and guarded under a defence: made, written in safe formats with a card, and opened again.

A folder holds the model (safetensors or skops: no pickle), the defences of its answers with what they have
learnt (`answers.npz`, arrays alone), `release.json` that says how they go together, and `MODEL_CARD.md` for
people. The seed of what the answers' defences draw is a secret of the server, so the folder is its owner's
alone.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from reticent.access import FloatArray, Target
from reticent.data import Records
from reticent.defences.defence import (
    Answering,
    Calibration,
    Defence,
    Fitted,
    in_training,
    on_answers,
)
from reticent.defences.reading import read_defence
from reticent.errors import DataError, ModelError
from reticent.measure.estimate import Estimate, clopper_pearson
from reticent.recipe import Guarantee, Recipe
from reticent.store import private_folder, write_text, write_whole

VERSION = 1
"""Of the folder's layout."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Hardened:
    """A model under a defence.

    Attributes:
        defence: all that was done.
        model: the trained model itself, its answers not defended.
        target: the same behind the defences of its answers: what may be served.
        fitted: what each of those has learnt, in order.
        guarantee: what the training guarantees, or None.
        records: how many records it was trained on.
        accuracy: on records that it was not trained on, through the defences.
        seed: of what the answers' defences draw: a secret.
    """

    defence: Defence
    model: Target
    target: Target
    fitted: tuple[Fitted, ...]
    guarantee: Guarantee | None
    records: int
    accuracy: Estimate
    seed: int = field(repr=False)

    def save(self, folder: str | Path, *, name: str = "model", measured: Sequence[str] = ()) -> Path:
        """Write the model, its defences and a card to a private folder.

        Args:
            measured: sentences about what attacks found, for the card.

        Raises:
            ModelError: a kind of model that no safe format holds.
            StorageError: the disk is full or can't be written.
        """
        place = private_folder(Path(folder))
        file = _write_model(self.model, place)
        arrays = {f"{i}.{key}": a for i, fitted in enumerate(self.fitted) for key, a in fitted.items()}
        write_whole(place / "answers.npz", lambda out: np.savez(out, **arrays))  # type: ignore[arg-type]
        guaranteed = self.guarantee
        about = {
            "version": VERSION,
            "model": file,
            "classes": self.model.classes.tolist(),
            "defence": str(self.defence),
            "seed": self.seed,
            "records": self.records,
            "epsilon": guaranteed.epsilon if guaranteed else None,
            "delta": guaranteed.delta if guaranteed else None,
        }
        write_text(place / "release.json", json.dumps(about, indent=1) + "\n")
        write_text(place / "MODEL_CARD.md", self.card(name, measured))
        return place

    def card(self, name: str, measured: Sequence[str] = ()) -> str:
        """What a person should know of the model before using it, as Markdown."""
        guarantee = (
            f"{self.guarantee}, for {self.guarantee.against} ({self.guarantee.by})."
            if self.guarantee
            else "None: nothing is proved of what it gives away, only measured."
        )
        caveats = {part.word: part.caveat for part in self.defence.parts if part.caveat}
        sources = {part.word: part.source for part in self.defence.parts}
        lines = [
            f"# {name}",
            "",
            f"- Kind: {_kind(self.model)}; it names one of {len(self.model.classes)} classes.",
            f"- Trained on {self.records:,} records, under `{self.defence}`.",
            f"- Accuracy on {self.accuracy.n:,} records it was not trained on: {self.accuracy} (95 %).",
            "",
            "## What is guaranteed",
            "",
            guarantee,
            "",
            "## What was measured",
            "",
            *(measured or ("Nothing: audit it before it is released.",)),
            "",
            "## What its defences can't do",
            "",
            *(f"- `{word}`: {caveat}" for word, caveat in caveats.items()),
            *(() if caveats else ("It has none.",)),
            "",
            "## Where they come from",
            "",
            *(f"- `{word}`: {source}" for word, source in sources.items()),
            *(() if sources else ("–",)),
            "",
            "## How to open it",
            "",
            "`reticent.open_hardened(folder)` puts the defences of the answers before the model; a torch",
            "module needs its recipe too. Whoever opens the model file itself has the model without them:",
            "where they matter, serve it and do not hand it out. `release.json` holds the seed of what they",
            "draw: keep it secret.",
            "",
        ]
        return "\n".join(lines)


def harden_model(
    recipe: Recipe, data: Records, defence: Defence, *, reference: Records, test: Records
) -> Hardened:
    """Train a model under a defence, for release.

    The seed is drawn at random and thrown away: private training promises nothing to whoever knows it.

    Args:
        data: what it is trained on.
        reference: records that defences may look at.
        test: records that its accuracy is measured on; neither they nor the reference are trained on.

    Raises:
        ModelError, PlanError: as in `defences.harden`.
    """
    if not len(test):
        raise DataError("no records are left to measure the accuracy on; give some that are not trained on")
    trained = in_training(defence, recipe, reference)
    model = trained.fit(data, secrets.randbits(62))
    seed = secrets.randbits(62)
    target, fitted = model, []
    for place, part in enumerate(on_answers(defence)):
        learnt = part.fit(target, Calibration(data, reference), seed + place)
        target = part.before(target, learnt, seed + place)
        fitted.append(learnt)
    right = int((target.predict(test.features).labels == test.labels).sum())
    return Hardened(
        defence=defence,
        model=model,
        target=target,
        fitted=tuple(fitted),
        guarantee=Answering(trained, on_answers(defence)).guarantee(len(data)),
        records=len(data),
        accuracy=clopper_pearson(right, len(test)),
        seed=seed,
    )


def is_hardened(path: str | Path) -> bool:
    """Whether there is a folder that `Hardened.save` wrote."""
    return (Path(path) / "release.json").is_file()


def open_hardened(folder: str | Path, *, recipe: Recipe | None = None) -> Target:
    """The model in a folder, behind the defences of its answers.

    Args:
        recipe: of a torch module, whose weights alone are in the folder.

    Raises:
        ModelError: no such folder, one of a later version, or files that do not belong together.
    """
    from reticent.targets.load import load_target

    place = Path(folder)
    about = _about(place)
    target = load_target(place / about["model"], recipe=recipe, classes=np.asarray(about["classes"]))
    arrays = _arrays(place / "answers.npz")
    for i, part in enumerate(on_answers(read_defence(about["defence"]))):
        mine = {key.partition(".")[2]: a for key, a in arrays.items() if key.startswith(f"{i}.")}
        try:
            target = part.before(target, mine, about["seed"] + i)
        except KeyError as error:
            raise ModelError(
                f"{str(place)!r} lacks what {part.word} has learnt; write it again with Hardened.save"
            ) from error
    return target


def _about(place: Path) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads((place / "release.json").read_text())
        kinds = {"model": str, "defence": str, "classes": list, "seed": int, "version": int}
        good = isinstance(about, dict) and all(isinstance(about.get(k), kind) for k, kind in kinds.items())
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{str(place)!r} holds no release.json that reads; give a folder that Hardened.save wrote"
        ) from error
    if not good or about["version"] > VERSION:
        raise ModelError(
            f"{str(place)!r} was written by a later version, or not by Hardened.save; write it again"
        )
    if Path(about["model"]).name != about["model"]:
        raise ModelError(
            f"{str(place)!r} names a model file outside of it; write it again with Hardened.save"
        )
    return about


def _arrays(path: Path) -> Mapping[str, FloatArray]:
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file) as packed:  # unpickles nothing
            return {name: packed[name] for name in packed.files}
    except Exception as error:  # zip, header, truncation: a damaged file may fail anywhere
        raise ModelError(
            f"{str(path)!r} does not read ({type(error).__name__}); write it again with Hardened.save"
        ) from error


def _write_model(model: Target, place: Path) -> str:
    """Write the model itself; return the file's name.

    Raises:
        ModelError: a kind of model that no safe format holds.
    """
    from reticent.targets.sklearn import SklearnTarget

    if isinstance(model, SklearnTarget):
        import skops.io

        content = skops.io.dumps(model.model)
        write_whole(place / "model.skops", lambda out: out.write(content))
        return "model.skops"
    module = getattr(model, "module", None)
    if module is not None:
        from safetensors.torch import save_model

        save_model(module, str(place / "model.safetensors"))
        return "model.safetensors"
    raise ModelError(
        f"a {type(model).__name__} can't be written without pickling; harden a torch module or a "
        "scikit-learn model"
    )


def _kind(model: Target) -> str:
    inner = getattr(model, "model", None) or getattr(model, "module", None) or model
    return type(inner).__name__
