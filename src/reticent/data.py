"""Records of people: their columns, the roles of those columns, and checks on the way in.

Features stay in the form the user's model was trained on (a pandas table with its categories and
missing values, or a numpy array of any shape), since only the user's own pipeline knows how to read
them. Labels become positions in `classes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard
from zipfile import BadZipFile
from zlib import error as ZlibError

import numpy as np
import numpy.typing as npt

from reticent.access import BoolArray, IntArray
from reticent.errors import DataError
from reticent.fingerprint import fingerprint

if TYPE_CHECKING:
    import pandas as pd

    from reticent.access import Features


KEYED = 1 << 24
"""Values turned into keys at a time, so that a large array is never in memory twice."""


@dataclass(frozen=True)
class Property:
    """A fact about a record that models are not given.

    Attributes:
        column: where it stands; never a feature.
        value: which of the column's values makes the property.
    """

    column: str
    value: Any

    @property
    def name(self) -> str:
        """What the reader calls it."""
        return f"{self.column} = {self.value}"

    def of(self, records: Records) -> BoolArray:
        """(records,) True where the record has it.

        Raises:
            DataError: the records lack the column, or all or none of them have the value.
        """
        column = records.column(self.column)
        if column is None:
            raise DataError(f"the records have no column {self.column!r}; name a column that says who has it")
        has: BoolArray = (column == self.value).fillna(False).to_numpy(dtype=bool)
        if has.all() or not has.any():
            how = "all" if has.all() else "none"
            raise DataError(
                f"{how} of the records have {self.name}, so no worlds differ in it; give a column of two "
                "values or more, and one of them"
            )
        return has

    def without(self, records: Records) -> Records:
        """The records as the models see them."""
        table: Any = records.features
        if is_table(table) and self.column in table.columns:
            table = table.drop(columns=[self.column])
        return replace(records, features=table, aside=None)


@dataclass(frozen=True, kw_only=True)
class Roles:
    """What columns mean, beyond being features: kept for the parts that need to know.

    Attributes:
        sensitive: columns that a person would mind being guessed.
        quasi: columns by which a person could be found in another table.
        person: the column that says whose record it is (records of one person share it); never a feature.
        properties: facts that the model is not given, whose share among the members may be guessed; their
            columns are never features.
    """

    sensitive: tuple[str, ...] = ()
    quasi: tuple[str, ...] = ()
    person: str | None = None
    properties: tuple[Property, ...] = ()

    def features(self, x: Any) -> Any:
        """What of a table models are given: no column that says whose record it is, or who has a property."""
        never = {self.person, *(p.column for p in self.properties)}
        return x.drop(columns=[c for c in x.columns if c in never]) if is_table(x) else x


@dataclass(frozen=True, eq=False)
class Records:
    """Labelled records.

    Attributes:
        features: (records, columns) table, or (records, ...) array.
        labels: (records,) positions in `classes`.
        classes: (classes,) the labels behind the positions.
        people: (records,) key of the person behind each record, or None where each is a person.
        roles: what the columns mean.
        aside: (records, columns) what is known of the records and no feature, or None.
    """

    features: Features
    labels: IntArray
    classes: npt.NDArray[np.generic]
    people: npt.NDArray[np.generic] | None = None
    roles: Roles = field(default_factory=Roles)
    aside: pd.DataFrame | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: IntArray | BoolArray) -> Records:
        """The records at `index` (positions or a mask), in that order."""
        features: Any = self.features
        features = features.iloc[index].reset_index(drop=True) if is_table(features) else features[index]
        return replace(
            self,
            features=features,
            labels=self.labels[index],
            people=None if self.people is None else self.people[index],
            aside=None if self.aside is None else self.aside.iloc[index].reset_index(drop=True),
        )

    def column(self, name: str) -> pd.Series[Any] | None:
        """A feature, or what is known aside, by its name; None where there is no such column."""
        for table in (self.features, self.aside):
            if is_table(table) and name in table.columns:
                return table[name]
        return None

    def fingerprint(self) -> str:
        """A hash of all that a model may be trained on, and of whose records they are."""
        return fingerprint(self.features, self.labels, self.classes, self.people)

    def row_keys(self) -> IntArray:
        """(records,) 64-bit hashes of each record's features and label: equal records, equal keys.

        Numbers are equal whatever type holds them: a column of integers in one file is one of floats in
        another file as soon as a value is missing there.
        """
        import pandas as pd

        features: Any = self.features
        frame = features if is_table(features) else pd.DataFrame(flat(features))
        step = max(1, KEYED // max(1, frame.shape[1]))
        blocks = [_numbers(frame.iloc[i : i + step]) for i in range(0, len(frame), step)]
        hashes = [pd.util.hash_pandas_object(block, index=False).to_numpy() for block in blocks]
        keys: npt.NDArray[np.uint64] = np.concatenate([np.zeros(0, np.uint64), *hashes])
        return (keys ^ (self.labels.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)).view(
            np.int64
        )

    def groups(self) -> pd.DataFrame:
        """The columns by which groups of people can be told apart, numbers cut into quarters."""
        import pandas as pd

        groups = pd.DataFrame({"label": self.classes[self.labels]})
        names = {"label": "label (feature)"}
        features: Any = self.features
        if not is_table(features):
            return groups
        for name in features.columns:
            column, shown = features[name].reset_index(drop=True), names.get(str(name), str(name))
            if pd.api.types.is_numeric_dtype(column) and column.nunique() > 8:
                groups[shown] = pd.qcut(column, 4, duplicates="drop").astype(str)
            elif column.nunique() <= 50:
                groups[shown] = column.astype(str)
        return groups


def is_table(features: Any) -> TypeGuard[pd.DataFrame]:
    """Whether features are a pandas table (else they are an array)."""
    return hasattr(features, "iloc") and hasattr(features, "columns")


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its columns of numbers as float64, minus zero as zero."""
    import pandas as pd

    real = [pd.api.types.is_numeric_dtype(t) and not pd.api.types.is_complex_dtype(t) for t in table.dtypes]
    columns = [table.iloc[:, i] for i in range(table.shape[1])]
    return pd.DataFrame(
        {
            i: c.to_numpy(np.float64, na_value=np.nan) + 0.0 if real[i] else c.array
            for i, c in enumerate(columns)
        }
    )


def flat(features: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """(records, ...) as (records, columns)."""
    return features.reshape(len(features), -1)


def concat(parts: Sequence[Records]) -> Records:
    """Several sets of the same columns as one, in order."""
    first = parts[0]
    features: list[Any] = [p.features for p in parts]
    joined: Any
    if is_table(features[0]):
        import pandas as pd

        joined = pd.concat(_same_categories(features), ignore_index=True)
    else:
        joined = np.concatenate(features)
    known = [p.people for p in parts if p.people is not None]
    return replace(
        first,
        features=joined,
        labels=np.concatenate([p.labels for p in parts]),
        people=np.concatenate(known) if len(known) == len(parts) else None,
        aside=_stacked([p.aside for p in parts if p.aside is not None]) if first.aside is not None else None,
    )


def _stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(tables, ignore_index=True)


def _same_categories(tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Tables whose categorical columns know each other's categories; joined otherwise, they would be text.

    Ordered categories are left as they are, since nothing says how two orders go together.
    """
    import pandas as pd

    for name in tables[0].columns:
        kinds = [t[name].dtype for t in tables]
        free = all(isinstance(k, pd.CategoricalDtype) and not k.ordered for k in kinds)
        if not free or len(set(kinds)) == 1:
            continue
        both = pd.api.types.union_categoricals([t[name] for t in tables]).categories
        tables = [t.assign(**{name: t[name].cat.set_categories(both)}) for t in tables]
    return tables


def records(
    x: Any, y: Any, classes: npt.NDArray[np.generic], *, roles: Roles | None = None, what: str = "data"
) -> Records:
    """Read what a user hands over: pandas, polars, numpy, lists.

    Args:
        x: features, one row a record; the columns of `roles.person` and `roles.properties` are taken out.
        y: (records,) labels, each one of `classes`.
        classes: (classes,) the model's own classes.
        what: how the errors call these records ("members", ...).

    Raises:
        DataError: lengths that differ, no records, two columns of one name, labels that the model does not
            know.
    """
    roles = roles or Roles()
    features = _features(x, what)
    labels = np.asarray(y).reshape(-1)
    if len(features) != len(labels):
        raise DataError(
            f"the {what} have {len(features):,} rows of features and {len(labels):,} labels; "
            "give one label a row"
        )
    if len(labels) == 0:
        raise DataError(f"the {what} hold no records; give at least a few hundred")
    people = None
    if roles.person is not None:
        if not is_table(features) or roles.person not in features.columns:
            raise DataError(
                f"the {what} have no column {roles.person!r}, named as the person's key; name one of theirs"
            )
        people = features[roles.person].to_numpy()
        features = features.drop(columns=[roles.person])
    aside = None
    if facts := list(dict.fromkeys(p.column for p in roles.properties)):
        lacking = facts if not is_table(features) else [f for f in facts if f not in features.columns]
        if lacking:
            raise DataError(
                f"the {what} have no column {lacking[0]!r}, whose values were named as properties; name one "
                "of theirs"
            )
        aside, features = features[facts], features.drop(columns=facts)
    for column in (*roles.sensitive, *roles.quasi):
        if not is_table(features) or column not in features.columns:
            raise DataError(f"the {what} have no column {column!r}, named in the roles; name one of theirs")
    where = positions(labels, classes, what=what)
    return Records(features, where, np.asarray(classes), people, roles, aside)


def positions(labels: npt.NDArray[Any], classes: npt.NDArray[Any], *, what: str = "data") -> IntArray:
    """(records,) positions of labels in `classes`.

    Raises:
        DataError: a label that is missing or that is not a class.
    """
    classes = np.asarray(classes)
    if labels.dtype.kind in "OU" or classes.dtype.kind in "OU":
        labels, lookup = labels.astype(str), {str(c): i for i, c in enumerate(classes.tolist())}
    else:
        lookup = {c: i for i, c in enumerate(classes.tolist())}
    values, inverse = np.unique(labels, return_inverse=True)
    unknown = [v for v in values.tolist() if v not in lookup]
    if unknown:
        known = ", ".join(map(repr, list(lookup)[:5])) + (", …" if len(lookup) > 5 else "")
        raise DataError(
            f"{len(unknown)} label value(s) of the {what} are none of the model's {len(lookup)} classes "
            f"({known}); name the right label column or give the data that the model was made for"
        )
    return np.array([lookup[v] for v in values.tolist()], dtype=np.int64)[inverse.reshape(-1)]


def _features(x: Any, what: str) -> Any:
    if type(x).__module__.partition(".")[0] == "polars":
        return x.to_pandas()
    if is_table(x):
        twice = x.columns[x.columns.duplicated()].tolist()
        if twice:
            raise DataError(f"the {what} have more than one column {twice[0]!r}; give each a name of its own")
        return x.reset_index(drop=True)
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise DataError(
            "rows of features of different lengths were given; give rows of one length"
        ) from error
    if array.ndim < 2:
        raise DataError(
            f"features of shape {array.shape} were given; give one row a record, (records, columns)"
        )
    return array


def read_table(path: Path) -> pd.DataFrame:
    """Read a Parquet or CSV file (CSV may be gzipped).

    Raises:
        DataError: no such file, another kind of file, or one that does not read.
    """
    import pandas as pd
    import pyarrow

    if not path.is_file():
        raise DataError(f"there is no file {str(path)!r}; give a Parquet or CSV file")
    try:
        if path.suffix in (".parquet", ".pq"):
            return pd.read_parquet(path)
        if path.suffix == ".csv" or path.suffixes[-2:] == [".csv", ".gz"]:
            return pd.read_csv(path)
    except (OSError, ValueError, pyarrow.ArrowException, EOFError, ZlibError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{str(path)!r} does not read ({said}); write it again") from error
    raise DataError(f"{str(path)!r} is neither Parquet (.parquet) nor CSV (.csv, .csv.gz); convert it to one")


def read_arrays(path: Path) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]:
    """Read arrays x and y from NumPy's .npz, without unpickling.

    Raises:
        DataError: no such file, one that does not read, or that lacks x or y.
    """
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file) as arrays:  # unpickles nothing
            missing = [name for name in ("x", "y") if name not in arrays]
            if not missing:
                return arrays["x"], arrays["y"]
        raise DataError(f"{str(path)!r} holds no array {missing[0]!r}; save it with arrays x and y")
    except (OSError, ValueError, EOFError, NotImplementedError, BadZipFile, ZlibError) as error:
        raise DataError(
            f"{str(path)!r} does not read as .npz ({error}); write it again without objects"
        ) from error


def split_target(table: pd.DataFrame, target: str, *, what: str) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """A table's features and its label column.

    Raises:
        DataError: the table has no such column.
    """
    if target not in table.columns:
        shown = ", ".join(map(repr, list(table.columns)[:8]))
        raise DataError(
            f"the {what} have no column {target!r} to serve as label; name one of theirs ({shown}…)"
        )
    return table.drop(columns=[target]), table[target]


@dataclass(frozen=True, eq=False)
class Overlap:
    """Records that spoil the truth: equal in features and label, on both sides.

    Attributes:
        shared_members: (members,) True where a member equals some non-member.
        shared: (non-members,) True where a non-member equals some member.
        repeated_members: how many members equal an earlier member.
    """

    shared_members: BoolArray
    shared: BoolArray
    repeated_members: int


def overlap(members: Records, nonmembers: Records) -> Overlap:
    """Find the records that are on both sides: of their kind no attack could say which side it is.

    Leaving them out must be done on both sides. Dropping the non-members alone would leave common kinds of
    record among the members only, a difference that looks like leakage and is none.
    """
    inside, outside = members.row_keys(), nonmembers.row_keys()
    return Overlap(np.isin(inside, outside), np.isin(outside, inside), len(inside) - len(np.unique(inside)))
