"""Make a table anonymous: classes of rows that look alike, proved before anybody sees them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from reticent.access import IntArray
from reticent.anonymity import risk as risks
from reticent.anonymity.check import Proof, prove
from reticent.anonymity.columns import FEW, columns_of
from reticent.anonymity.generalise import generalise
from reticent.anonymity.hierarchy import Hierarchy, Nested
from reticent.anonymity.privacy import Rule, models, secret_of
from reticent.anonymity.pseudonyms import Key
from reticent.anonymity.risk import Risk
from reticent.anonymity.utility import Utility, utility
from reticent.data import read_table
from reticent.errors import DataError, PlanError
from reticent.progress import Progress
from reticent.store import write_whole

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class Anonymised:
    """A table in which nobody stands alone, and what that cost.

    Attributes:
        table: what may be released: intervals and nodes as text, or values where so asked; columns that are
            no quasi-identifiers as they were.
        classes: (rows,) which rows of `table` look alike.
        rows: (rows,) which row of the original each is; the others were suppressed.
        before, risk: of being found, in the original and in the release.
        utility: what was lost.
        proof: what the independent check found.
        asked: what was asked of every class, in words.
        quasi, sensitive, others: what the columns are; `others` are as they were.
        dropped: columns left out.
    """

    table: pd.DataFrame
    classes: IntArray
    rows: IntArray
    before: Risk
    risk: Risk
    utility: Utility
    proof: Proof
    asked: str
    quasi: tuple[str, ...]
    sensitive: tuple[str, ...]
    others: tuple[str, ...]
    dropped: tuple[str, ...]

    def save(self, path: str | Path) -> Path:
        """Write the table, whole or not at all: Parquet or CSV, by the name.

        Raises:
            DataError: another kind of file.
            StorageError: the disk is full or can't be written.
        """
        return save_table(self.table, Path(path))

    def report(self, path: str | Path) -> Path:
        """Write a page about risk and utility, before and after.

        Raises:
            StorageError: the disk is full or can't be written.
        """
        from reticent.report.anonymity import write_anonymity

        return write_anonymity(self, Path(path))


def anonymise(
    table: Any,
    *,
    quasi: Sequence[str],
    sensitive: Sequence[str] = (),
    k: int = 10,
    l: float | None = None,  # noqa: E741
    t: float | None = None,
    diversity: str = "distinct",
    c: float = 3.0,
    hierarchies: Mapping[str, Hierarchy | Nested] | None = None,
    strict: bool = True,
    suppress: float = 0.0,
    drop: Sequence[str] = (),
    pseudonyms: Sequence[str] = (),
    key: Key | None = None,
    as_values: bool = False,
    population: pd.DataFrame | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Anonymised:
    """Make a table k-anonymous, l-diverse and t-close, and prove it.

        made = rt.anonymise(patients, quasi=("age", "zip", "sex"), sensitive=("diagnosis",), k=10, l=3)
        made.save("safe.parquet"); made.report("risk.html")

    Args:
        table: a table of people, a row each.
        quasi: columns by which somebody could be found elsewhere: these are made general.
        sensitive: columns that nobody should learn of a person; they stay as they are.
        k, l, t: rows, sensitive values and closeness of each class; without l or t none is asked.
        diversity, c: "distinct", "entropy" or "recursive", and the latter's c.
        hierarchies: by column of categories, how values become general; without, they are said or not. Of a
            sensitive column, for t: values are as far apart as the node over both is high.
        strict: rows of equal quasi-identifiers look alike afterwards too.
        suppress: share of rows that may be left out, those that cost most.
        drop: columns left out.
        pseudonyms: columns of identifiers that become pseudonyms under `key`; without a key they are
            taken to be pseudonyms already.
        key: as `reticent.anonymity.pseudonyms.read_key` returns it.
        as_values: in place of intervals their middles, in place of nodes a value drawn from those under it.
        population: people among whom these are, for the risk from who does not know that they are.
        seed: of what is drawn.

    Raises:
        DataError: columns that don't fit (see `reticent.anonymity.columns`), or an identifier among the rest.
        PlanError: options that don't fit the table or each other.
    """
    import pandas as pd

    frame = _frame(table)
    quasi, sensitive, drop = _names("quasi", quasi), _names("sensitive", sensitive), _names("drop", drop)
    _roles(frame, quasi, sensitive, (*drop, *pseudonyms), l is not None or t is not None)
    _single_values(frame, (*quasi, *sensitive, *pseudonyms))
    if not 0 <= suppress < 1:
        raise PlanError(f"suppress={suppress!r} was given; give a share of the rows, from 0 to under 1")
    trees = {
        n: h if isinstance(h, Hierarchy) else Hierarchy.from_tree(h) for n, h in (hierarchies or {}).items()
    }
    if seed < 0:
        raise PlanError(f"seed={seed} was given; give a whole number from 0 on")
    if k > len(frame):
        raise PlanError(
            f"k={k} was given and the table has {len(frame):,} rows; give a smaller k or more rows"
        )
    frame = _whole_numbers(frame, trees)
    apart = {name: trees[name] for name in sensitive if name in trees and t is not None}
    columns = columns_of(frame, quasi, {name: trees[name] for name in trees if name not in apart})
    others = tuple(str(c) for c in frame.columns if c not in (*quasi, *sensitive, *drop))
    named = [n for n in sensitive if not pd.api.types.is_numeric_dtype(frame[n])]
    _no_identifiers(frame, [*(o for o in others if o not in pseudonyms), *named])
    asked = models(l, t, diversity, c)
    rule = Rule(k, asked, tuple(secret_of(name, frame[name], apart.get(name)) for name in sensitive))
    cells = generalise(columns, rule, strict=strict, suppress=suppress, progress=progress)
    kept = frame.iloc[cells.rows].reset_index(drop=True)
    hashed = {name: key.column(kept[name]) for name in pseudonyms} if key is not None else {}
    cut = kept.drop(columns=list(drop)).assign(**hashed)
    said = {n: pd.Series(v, dtype=object).infer_objects() for n, v in cells.texts().items()}
    released = _whole_numbers(cut.assign(**said), trees)
    proof = prove(released, quasi, k, sensitive=sensitive, models=asked, hierarchies=trees, original=kept)
    if not proof.holds:
        raise AssertionError(f"the release breaks its promise: {proof.faults[0]}")
    return Anonymised(
        table=cut.assign(**cells.values(seed)) if as_values else released,
        classes=cells.cell,
        rows=cells.rows,
        before=risks.before(columns),
        risk=risks.after(cells, None if population is None else _whole_numbers(population, trees)),
        utility=utility(cells, k),
        proof=proof,
        asked=", ".join([f"k = {k}", *map(str, asked)])
        + (f" by the hierarchy of {', '.join(apart)}" if apart else ""),
        quasi=quasi,
        sensitive=sensitive,
        others=others,
        dropped=drop,
    )


def save_table(table: pd.DataFrame, path: Path) -> Path:
    """Write a table as Parquet or CSV, whole or not at all.

    Raises:
        DataError: another kind of file.
        StorageError: the disk is full or can't be written.
    """
    writable(path)

    def write(file: IO[bytes]) -> None:
        os.fchmod(file.fileno(), 0o600)  # its people are hidden, not gone
        if path.suffix == ".csv":
            table.to_csv(file, index=False)
        else:
            table.to_parquet(file, index=False)

    write_whole(path, write)
    return path


def writable(path: Path) -> None:
    """Raise DataError unless the name says Parquet or CSV."""
    if path.suffix not in (".parquet", ".pq", ".csv"):
        raise DataError(f"{str(path)!r} is neither Parquet (.parquet) nor CSV (.csv); name it so")


def read_people(path: Path) -> pd.DataFrame:
    """Read a Parquet or CSV file, codes that begin with a nought (as zip codes do) as text.

    Raises:
        DataError: as in `reticent.data.read_table`.
    """
    import pandas as pd

    table = read_table(path)
    if ".csv" not in path.suffixes:
        return table
    text = pd.read_csv(path, dtype=str)
    coded = [n for n in text.columns if text[n].str.fullmatch(r"0\d+").any()]
    return table.assign(**{n: text[n] for n in coded})


def _frame(table: Any) -> pd.DataFrame:
    import pandas as pd

    if type(table).__module__.partition(".")[0] == "polars":
        table = table.to_pandas()
    if not isinstance(table, pd.DataFrame):
        raise DataError(f"a {type(table).__name__} was given; give a table with named columns")
    if twice := table.columns[table.columns.duplicated()].tolist():
        raise DataError(f"the table has more than one column {twice[0]!r}; give each a name of its own")
    return table.reset_index(drop=True)


def _names(what: str, names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise PlanError(f"{what}={names!r} was given; give a tuple of columns")
    return tuple(names)


def _roles(
    frame: pd.DataFrame,
    quasi: tuple[str, ...],
    sensitive: tuple[str, ...],
    drop: tuple[str, ...],
    asked: bool,
) -> None:
    for name in (*sensitive, *drop):
        if name not in frame.columns:
            shown = ", ".join(map(repr, list(frame.columns)[:8]))
            raise DataError(f"the table has no column {name!r}; name one of its own ({shown}…)")
    if both := [name for name in quasi if name in sensitive]:
        raise PlanError(
            f"{both[0]!r} is named both a quasi-identifier and sensitive; it can be made general or be "
            "kept as it is: name it once"
        )
    if both := [name for name in drop if name in (*quasi, *sensitive) or drop.count(name) > 1]:
        raise PlanError(f"{both[0]!r} is left out or replaced and named for something else too; name it once")
    if asked and not sensitive:
        raise PlanError("l or t was given and no sensitive column; name the columns they are about")


def _single_values(frame: pd.DataFrame, names: Sequence[str]) -> None:
    from pandas.api.types import is_hashable

    for name in names:
        if name in frame.columns and frame[name].dtype == object and not frame[name].map(is_hashable).all():
            raise DataError(
                f"the column {name!r} holds lists or tables; give each of their values a column, or drop it"
            )


def _whole_numbers(frame: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """With whole numbers where a missing value has made 1 a 1.0: a hierarchy says "1"."""
    import pandas as pd

    for name in names:
        if name in frame.columns and pd.api.types.is_float_dtype(frame[name]):
            there = frame[name].dropna()
            if (there == there.round()).all():
                frame = frame.assign(**{name: frame[name].astype("Int64")})
    return frame


def _no_identifiers(frame: pd.DataFrame, names: Sequence[str]) -> None:
    import pandas as pd

    for name in names:
        column = frame[name].dropna()
        if pd.api.types.is_float_dtype(column) or len(column) < FEW:
            continue
        if column.map(str).nunique() == len(column):
            raise DataError(
                f"the column {name!r} has another value in each row, so it names people whatever is done to "
                "the others; drop it or pseudonymise it"
            )
