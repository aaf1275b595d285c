"""What is asked of an archive: which records, in which groups, and which of them belong to one document."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from parastance.predict.errors import UsageError
from parastance.predict.inputs import Row
from parastance.train.dates import UNITS, period
from parastance.train.results import read_results

DATES = ("date", "published", "time", "published_at", "datetime", "timestamp")
DOCUMENTS = ("group", "doc", "document", "article")
ALONE = "none"  # --cluster none: every record is a document of its own


@dataclass(frozen=True)
class Question:
    """Which records and which groups. by: columns, or year, month, week, day; where: (column, value) that must hold."""

    by: tuple[str, ...] = ()
    date_field: str | None = None
    cluster: str | None = None
    where: tuple[tuple[str, str], ...] = ()


@dataclass
class Reader:
    """A pass over an archive's records with each one's group.

    cluster: the column that names the document, known after the first record; notes: what to tell about the records read.
    """

    question: Question
    cluster: str | None = None
    columns: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    models: Counter[str] = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)
    undated: int = 0
    undated_example: str = ""

    def read(self, inputs: Sequence[str], more: Sequence[str] = ()) -> Iterator[tuple[Row, tuple[Any, ...]]]:
        """Yield (record, its group's values) of all records that the question is about; more: other columns wanted.

        Raises UsageError where a column that the question names is in no record, DataError as `read_results`.
        """
        asked = self.question
        names = {*asked.by, *(name for name, _ in asked.where), asked.date_field or "", asked.cluster or ""}
        wanted = {*names, *more, *DATES, *DOCUMENTS, "id", "target", "model"}
        for row in read_results(inputs, wanted):
            if not self.columns:
                self.columns = list(row)
                self.cluster = asked.cluster or next((name for name in DOCUMENTS if row.get(name) not in (None, "")), None)
                self.cluster = None if self.cluster == ALONE else self.cluster
            self.seen.update(name for name in names if name in row)
            if not all(_holds(row.get(name), value) for name, value in asked.where):
                continue
            self.models[str(row.get("model", ""))] += 1
            self.targets[str(row.get("target", ""))] += 1
            yield row, tuple(self._value(row, name) for name in asked.by)
        self._check(inputs, names - {"", ALONE})

    def _value(self, row: Row, name: str) -> Any:
        if name in row or name not in UNITS:
            return _simple(row.get(name))
        field_name = self.question.date_field or next((date for date in DATES if row.get(date) not in (None, "")), "")
        value = row.get(field_name)
        found = period(value, name)
        if value not in (None, ""):
            self.seen.add(name)
            if found is None:
                self.undated += 1
                self.undated_example = self.undated_example or f"{field_name} {str(value)[:40]!r}"
        return found

    def _check(self, inputs: Sequence[str], names: set[str]) -> None:
        if not self.columns:
            raise UsageError(f"{', '.join(inputs)}: holds no records")
        missing = sorted(names - self.seen, key=lambda name: name in UNITS)
        if not missing:
            if not self.models:
                held = " and ".join(f"{name}={value}" for name, value in self.question.where)
                raise UsageError(f"--where: no record holds {held}")
            return
        if missing[0] in UNITS:
            raise UsageError(f"--by {missing[0]}: no record has a date ({', '.join(DATES[:3])}): name its column with --date-field")
        raise UsageError(f"no record has a column `{missing[0]}`; there are {', '.join(self.columns)}")

    def notes(self) -> list[str]:
        """Return what a reader of the figures must know of the records."""
        notes = []
        if self.undated:
            notes.append(
                f"{self.undated:,} records have a date that cannot be read, such as {self.undated_example}: write it as "
                "2015-10-14; they are in the group without a date"
            )
        if len(self.targets) > 1 and "target" not in self.question.by:
            notes.append(f"stance toward {len(self.targets)} targets is taken together: add --by target or --where target=NAME")
        if len(self.models) > 1:
            notes.append(f"labelled by different models: {', '.join(sorted(self.models))}")
        return notes


def parse_where(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return (column, value) of each `COLUMN=VALUE`. Raises UsageError for another form."""
    for text in texts:
        if "=" not in text.strip("="):
            raise UsageError(f"--where {text}: write COLUMN=VALUE")
    return tuple((text.partition("=")[0], text.partition("=")[2]) for text in texts)


def _holds(found: Any, value: str) -> bool:
    if isinstance(found, list):
        return value in found
    if isinstance(found, bool):
        return value == str(found).lower()
    return found is not None and str(found) == value


def _simple(value: Any) -> Any:
    """Return a column's value as something that names a group: text, number or None."""
    if value is None or value == "":
        return None
    if isinstance(value, list):
        return "|".join(map(str, value))
    return value if isinstance(value, (str, int, float, bool)) else str(value)
