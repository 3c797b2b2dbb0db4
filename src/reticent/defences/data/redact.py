"""Identifiers in free text give way to tags.

By rules, those that have a form (`reticent.identifiers`): e-mail addresses, telephones, cards, IP addresses,
dates, US social security numbers, IBANs and NHS numbers. By Presidio also what its recognisers know of other
countries, without a language model: names of people that stand in prose are found by neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Literal

from reticent.data import Records
from reticent.defences.data.table import table_of
from reticent.defences.defence import DataDefence
from reticent.errors import MissingExtra, PlanError
from reticent.identifiers import Span, spans, tagged


@dataclass(frozen=True)
class Redact(DataDefence):
    """Replace identifiers in text by tags such as <E-MAIL> (Microsoft Presidio, or rules by form and check
    digit).

    Attributes:
        columns: which; without any, every column of text.
        by: "rules", or "presidio" where the extra `identifiers` is installed.

    Raises:
        DataError: a column that is not there.
        MissingExtra: Presidio is not installed.
    """

    word: ClassVar[str] = "redact"
    source: ClassVar[str] = "forms and check digits of ISO/IEC 7812, ISO 13616, NHS, SSA; Microsoft Presidio"
    caveat: ClassVar[str] = (
        "names, places and whatever has no form stay; what the text tells may name somebody"
    )
    alone: ClassVar[bool] = True
    columns: tuple[str, ...] = ()
    by: Literal["rules", "presidio"] = "rules"

    def __post_init__(self) -> None:
        given: Any = self.columns
        object.__setattr__(self, "columns", (given,) if isinstance(given, str) else tuple(given))
        if self.by not in ("rules", "presidio"):
            raise PlanError(f"redact was given by={self.by!r}; give 'rules' or 'presidio'")

    def protect(self, data: Records, seed: int) -> Records:
        """Return the records with tags in their texts."""
        table = table_of(data, self.columns, self.word)
        find = spans if self.by == "rules" else presidio()
        changed = {str(name): _redacted(table[name], find) for name in self.columns or _texts(table)}
        return replace(data, features=table.assign(**changed))


def _texts(table: Any) -> list[str]:
    import pandas as pd

    return [
        n for n in table.columns if table[n].dtype == object or pd.api.types.is_string_dtype(table[n].dtype)
    ]


def _redacted(column: Any, find: Callable[[str], list[Span]]) -> Any:
    import pandas as pd

    numbers, uniques = pd.factorize(column)
    said = pd.Series(uniques, dtype=object).map(lambda v: tagged(v, find(v)) if isinstance(v, str) else v)
    values = [*said.tolist(), None]
    changed = pd.Series([values[i] for i in numbers.tolist()], index=column.index, dtype=object)
    return changed.astype(column.dtype) if pd.api.types.is_string_dtype(column.dtype) else changed


@lru_cache(1)
def presidio() -> Callable[[str], list[Span]]:
    """Presidio's recognisers by pattern and check digit, over a blank English pipeline: no model, no network.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import spacy
        import tldextract
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError as error:
        raise MissingExtra("presidio-analyzer", "identifiers") from error
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    tldextract.extract = tldextract.tldextract.TLD_EXTRACTOR.__call__

    class Blank(SpacyNlpEngine):  # type: ignore[misc]
        """Splits words and nothing else."""

        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

        def load(self) -> None:
            """Nothing is loaded: nothing is fetched."""

    engine = AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"])

    def find(text: str) -> list[Span]:
        found = engine.analyze(text=text, language="en")
        return [Span(r.start, r.end, r.entity_type.replace("_", " ")) for r in found]

    return find
