"""Data sets by name, for examples and benchmarks. None is shipped: they describe real people.

Each is looked for in the folder that the environment variable RETICENT_DATA names; where it is not there
and OpenML has it, scikit-learn fetches it (and keeps it in its own cache); else a sentence says who
publishes it. `fair` comes with statsmodels.

Features and labels are as published, identifiers of records left out. Evaluate on them, ship nothing, and
make no attempt to find anybody.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reticent.data import Roles
from reticent.errors import DataError, MissingExtra

if TYPE_CHECKING:
    from reticent.access import Features

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class DataSet:
    """A published data set.

    Attributes:
        features: (records, columns) table, or (records, ...) array.
        labels: (records,) as published.
        name: what it is called here.
        source: who published it.
        split: (records,) "train" or "test" as its publishers divided it, or None.
        roles: columns that a person would mind being guessed, and the one that says whose record it is.
    """

    features: Features
    labels: Array
    name: str
    source: str
    split: Array | None = None
    roles: Roles = field(default_factory=Roles)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"DataSet({self.name!r}, {len(self):,} records)"


@dataclass(frozen=True, eq=False, kw_only=True)
class Predictions:
    """What a published classifier answered, and whom it was trained on.

    Attributes:
        index: (records,) their positions in the data set.
        labels: (records,) true classes.
        members: (records,) True where it trained on the record.
        probabilities, logits: (records, classes).
        defended_probabilities, defended_logits: the same behind MemGuard.
    """

    index: Array
    labels: Array
    members: Array
    probabilities: Array
    logits: Array
    defended_probabilities: Array
    defended_logits: Array


def adult() -> DataSet:
    """Census income: 48,842 people of 1994, 14 columns ("?" where missing), income over 50,000 or not."""
    source = "B. Becker and R. Kohavi, UCI Machine Learning Repository, 1996"
    file = _file("adult/adult.csv.gz")
    if file is not None:
        table = _csv(file, keep_default_na=False)
    else:
        table = _fetched("adult", 2, source).frame
        table.columns = [name.replace("-", "_") for name in table.columns]
        table = _unmarked(table.rename(columns={"class": "income"}))
    return _set(table, "income", "adult", source, sensitive=("race", "sex"))


def acs_income() -> DataSet:
    """American Community Survey 2018: 295,243 people, 31 columns, income over 50,000 dollars (1) or not."""
    source = "US Census Bureau, ACS PUMS 2018; hold-out half by MOSTLY AI, public-demo-data"
    packed = _arrays(_file("acs_income/acs_income_2018_holdout.npz"), "acs_income", source)
    import pandas as pd

    columns: dict[str, Any] = {}
    for key, values in packed.items():
        kind, _, name = key.partition("_")
        if kind == "code":
            codes = np.where(values == np.iinfo(values.dtype).max, -1, values.astype(np.int32))
            levels: Any = packed[f"levels_{name}"]
            columns[name] = pd.Categorical.from_codes(codes, levels)
        elif kind == "num":
            columns[name] = np.where(values == -999_999, np.nan, values)
    table = pd.DataFrame(columns)
    table["income"] = (table["income"] > 50_000).astype(np.int64)
    return _set(table, "income", "acs_income", source, sensitive=("race", "gender"))


def diabetes130() -> DataSet:
    """Hospital stays of diabetics 1999-2008: 101,766 of 71,518 patients, readmitted NO, >30 or <30 days on.

    All columns are text, "?" where missing. `patient_nbr` says whose stay it is: `roles.person`.
    """
    source = "B. Strack et al., BioMed Research International 2014; UCI Machine Learning Repository"
    file = _file("diabetes130/diabetic_data.csv.gz")
    if file is not None:
        table = _csv(file, dtype=str, keep_default_na=False)
    else:
        table = _unmarked(_fetched("Diabetes130US", 1, source).frame)
    return _set(
        table.drop(columns="encounter_id"),
        "readmitted",
        "diabetes130",
        source,
        sensitive=("race", "gender", "age"),
        person="patient_nbr",
    )


def heart_cleveland() -> DataSet:
    """303 cardiology patients, 13 columns, disease from 0 (none) to 4."""
    source = "A. Janosi et al., Heart Disease, UCI Machine Learning Repository, 1988"
    file = _found(_file("heart_cleveland/heart_cleveland.csv.gz"), "heart_cleveland", source)
    return _set(_csv(file, na_values="?"), "num", "heart_cleveland", source, sensitive=("sex",))


def steak_survey() -> DataSet:
    """432 people on how they like their steak and what they risk; one column says whether they cheated."""
    source = "W. Hickey, How Americans Like Their Steak, FiveThirtyEight, 2014"
    file = _found(_file("steak_survey/steak_survey.csv.gz"), "steak_survey", source)
    table = _csv(file).drop(columns="respondent_id").dropna(subset="steak_preparation")
    sensitive = ("cheated_on_significant_other",)
    return _set(table, "steak_preparation", "steak_survey", source, sensitive=sensitive)


def gss_happiness() -> DataSet:
    """General Social Survey 1972-2006: married people, 9 columns, how happy their marriage is (3 classes)."""
    source = "T. W. Smith et al., General Social Surveys, NORC; the extract of Fredrikson et al., CCS 2015"
    file = _found(_file("gss_happiness/gss_happiness.csv.gz"), "gss_happiness", source)
    table = _csv(file).drop(columns="id").dropna(subset="marriage_happiness")
    sensitive = ("watched_x_rated_movie",)
    return _set(table, "marriage_happiness", "gss_happiness", source, sensitive=sensitive)


def location30() -> DataSet:
    """5,010 Foursquare users in Bangkok: 446 places visited (1) or not (0), 30 clusters of users."""
    source = "D. Yang et al., ACM TIST 2016; prepared by R. Shokri et al., IEEE S&P 2017"
    packed = _arrays(_file("location30/location30.npz"), "location30", source)
    visited = np.unpackbits(packed["X_packed"], axis=1)[:, : int(packed["n_features"])]
    return DataSet(features=visited, labels=packed["y"], name="location30", source=source)


def location30_published() -> tuple[Predictions, Predictions]:
    """What the published target and shadow classifiers answer on Location-30, with and without MemGuard."""
    source = "L. Song and P. Mittal, USENIX Security 2021, membership-inference-evaluation"
    file = _file("location30/location30_published_predictions.npz")
    packed = _arrays(file, "location30_published", source)
    target, shadow = (
        Predictions(
            index=packed[f"{who}_index"],
            labels=packed[f"{who}_y"],
            members=packed[f"{who}_member"].astype(bool),
            probabilities=packed[f"{who}_probs"],
            logits=packed[f"{who}_logits"],
            defended_probabilities=packed[f"{who}_probs_memguard"],
            defended_logits=packed[f"{who}_logits_memguard"],
        )
        for who in ("target", "shadow")
    )
    return target, shadow


def mnist() -> DataSet:
    """70,000 handwritten digits, (records, 28, 28) of 0 to 255."""
    source = "Y. LeCun, C. Cortes and C. Burges, 1998"
    file = _file("mnist/mnist.npz")
    if file is not None:
        packed = _arrays(file, "mnist", source)
        x = np.concatenate([packed["x_train"], packed["x_test"]])
        y = np.concatenate([packed["y_train"], packed["y_test"]])
    else:
        bunch = _fetched("mnist_784", 1, source, as_frame=False)
        x, y = bunch.data.reshape(-1, 28, 28).astype(np.uint8), bunch.target.astype(np.uint8)
    return DataSet(features=x, labels=y, name="mnist", source=source, split=_split(60_000, 10_000))


def cifar10() -> DataSet:
    """60,000 photographs of 10 kinds of thing, (records, 32, 32, 3) of 0 to 255."""
    source = "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"
    file = _file("cifar10/cifar10_jpeg.npz")
    split: Array | None = None
    if file is not None:
        packed = _arrays(file, "cifar10", source)
        x = np.concatenate([_photographs(packed, "train"), _photographs(packed, "test")])
        y = np.concatenate([packed["train_y"], packed["test_y"]])
        split = _split(len(packed["train_y"]), len(packed["test_y"]))
    else:
        bunch = _fetched("CIFAR_10", 1, source, as_frame=False)
        x = bunch.data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).astype(np.uint8)
        y = bunch.target.astype(np.uint8)
    return DataSet(features=x, labels=y, name="cifar10", source=source, split=split)


def att_faces() -> DataSet:
    """390 grey photographs of 39 people, (records, 112, 92) of 0 to 255; labels are the people's numbers."""
    source = "F. Samaria and A. Harter, AT&T Laboratories Cambridge, 1994"
    packed = _arrays(_file("att_faces/att_faces.npz"), "att_faces", source)
    return DataSet(features=packed["x"], labels=packed["subject"], name="att_faces", source=source)


def fair() -> DataSet:
    """6,366 women on their marriages (Redbook, 1974): 8 columns, any affair (1) or none (0)."""
    from statsmodels.datasets import fair as survey

    table = survey.load_pandas().data
    table["affairs"] = (table["affairs"] > 0).astype(np.int64)
    source = "R. C. Fair, A Theory of Extramarital Affairs, Journal of Political Economy 1978; statsmodels"
    return _set(table, "affairs", "fair", source)


def _set(
    table: Any,
    target: str,
    name: str,
    source: str,
    *,
    sensitive: tuple[str, ...] = (),
    person: str | None = None,
) -> DataSet:
    """A table with its label column, and its split where it has one, taken out."""
    table = table.reset_index(drop=True)
    split = table.pop("split").to_numpy(dtype=object).astype(str) if "split" in table else None
    labels = table.pop(target).to_numpy()
    roles = Roles(sensitive=sensitive, person=person)
    return DataSet(features=table, labels=labels, name=name, source=source, split=split, roles=roles)


def _split(train: int, test: int) -> Array:
    return np.repeat(["train", "test"], [train, test])


def _file(name: str) -> Path | None:
    """The file in RETICENT_DATA, or None where there is none."""
    folder = os.environ.get("RETICENT_DATA")
    file = Path(folder, name) if folder else None
    return file if file is not None and file.is_file() else None


def _found(file: Path | None, name: str, source: str) -> Path:
    if file is None:
        raise DataError(
            f"the data set {name} is not in the folder that RETICENT_DATA names; get it from its publisher "
            f"({source}) and put it there"
        )
    return file


def _csv(file: Path, **options: Any) -> Any:
    import pandas as pd

    return _whole(lambda: pd.read_csv(file, **options), file)


def _arrays(file: Path | None, name: str, source: str) -> dict[str, Array]:
    found = _found(file, name, source)

    def read() -> dict[str, Array]:
        with found.open("rb") as file, np.load(file, allow_pickle=False) as packed:
            return {key: packed[key] for key in packed.files}

    arrays: dict[str, Array] = _whole(read, found)
    return arrays


def _whole(read: Callable[[], Any], file: Path) -> Any:
    from zipfile import BadZipFile

    try:
        return read()
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise DataError(f"{str(file)!r} does not read; it is cut short or damaged: get it again") from error


def _fetched(name: str, version: int, source: str, *, as_frame: bool = True) -> Any:
    from sklearn.datasets import fetch_openml

    try:
        return fetch_openml(name, version=version, as_frame=as_frame, parser="auto")
    except Exception as error:  # a network has many ways to fail
        raise DataError(
            f"the data set {name} is not in the folder that RETICENT_DATA names and can't be fetched from "
            f"OpenML ({type(error).__name__}); get it from its publisher ({source}) and put it there"
        ) from error


def _unmarked(table: Any) -> Any:
    """OpenML's categories as plain text, "?" where missing, as the publisher has it; numbers stay."""
    for name in table.columns:
        if table[name].dtype.kind not in "iuf":
            table[name] = table[name].astype(object).where(table[name].notna(), "?").astype(str)
    return table


def _photographs(packed: dict[str, Array], part: str) -> Array:
    from io import BytesIO

    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise MissingExtra("Pillow", "images") from error
    content, offsets = packed[f"{part}_jpeg"].tobytes(), packed[f"{part}_offset"]
    return np.stack([np.asarray(Image.open(BytesIO(content[start:end]))) for start, end in pairwise(offsets)])
