"""Labelled rows: read, validated, merged.

One broken row stops everything, named by file and row: a model trained on half of what was meant is worse than none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parastance.predict.errors import DataError, InputError, UsageError
from parastance.predict.inputs import TABLES, Row, Source, find_sources
from parastance.predict.rows import read_rows
from parastance.predict.shape import Place
from parastance.predict.units import checked_mentions, checked_text

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
CORPUS = SEEDS / "corpus"
KINDS = ("content", "boilerplate")


@dataclass(frozen=True)
class LabelledRow:
    """One labelled paragraph. topics, stance or kind is None where the row says nothing of it.

    fields: the other columns, such as outlet, conflict and form.
    """

    id: str
    text: str
    topics: tuple[str, ...] | None
    stance: str | None
    kind: str | None
    target: str | None
    mentions: tuple[tuple[int, int], ...] | None
    group: str
    place: Place | None = None
    fields: dict[str, Any] = field(default_factory=dict, compare=False)


def corpus_files() -> list[str]:
    """Return the files of the shipped corpus."""
    return [str(path) for path in sorted(CORPUS.glob("*.jsonl"))]


def read_labelled(files: Sequence[str], more: Sequence[str] = ()) -> list[LabelledRow]:
    """Return the rows of `files`, then those of `more`, which override earlier rows of the same id.

    Raises DataError naming file, row and reason for the first broken row; UsageError where a file does not exist.
    """
    rows: dict[str, LabelledRow] = {}
    for source in _tables(files):
        for place, row in _rows(source):
            known = rows.get(row.id)
            if known is not None and known != row:
                raise DataError(place, f"id {row.id!r} was used before with other content")
            rows[row.id] = row
    for name in more:
        for source in _tables([name]):
            rows.update({row.id: row for _, row in _rows(source)})
    if not rows:
        raise UsageError("no labelled rows in " + ", ".join(files))
    return list(rows.values())


def _tables(files: Iterable[str]) -> list[Source]:
    sources = find_sources(list(files))
    for source in sources:
        if source.format not in TABLES:
            raise UsageError(f"{source.path}: labelled data are {', '.join(TABLES)} files (also .gz and .zst)")
    return sources


def _rows(source: Source) -> Iterable[tuple[str, LabelledRow]]:
    try:
        for number, row in read_rows(source, source.format):
            place = f"{source.path}:{number}"
            if isinstance(row, InputError):
                raise DataError(place, row.reason)
            try:
                yield place, labelled_row(row, f"{source.name}#{number}")
            except ValueError as error:
                raise DataError(place, str(error)) from None
    except InputError as error:
        raise DataError(source.path, error.reason) from None


OURS = ("text", "id", "topics", "stance", "kind", "target", "target_mentions", "group", "paragraph", "paragraphs")


def labelled_row(row: Row, default_id: str) -> LabelledRow:
    """Return the labelled row in a row of a table. Raises ValueError that says what is wrong with it."""
    identity = row.get("id")
    if identity is not None and (isinstance(identity, bool) or not isinstance(identity, (str, int))):
        raise ValueError(f"`id` must be a string, it is {type(identity).__name__}")
    identity = default_id if identity in (None, "") else str(identity)
    kind = _name(row, "kind")
    if kind is not None and kind not in KINDS:
        raise ValueError(f"`kind` must be content or boilerplate, it is {kind!r}")
    group = row.get("group")
    if group is not None and (isinstance(group, bool) or not isinstance(group, (str, int))):
        raise ValueError(f"`group` must be a string, it is {type(group).__name__}")
    text = checked_text(row, "text")
    return LabelledRow(
        id=identity, text=text, topics=_topics(row), stance=_name(row, "stance"), kind=kind, target=_name(row, "target"),
        mentions=checked_mentions(row, text), group=identity if group in (None, "") else str(group), place=_place(row),
        fields={key: value for key, value in row.items() if key not in OURS},
    )  # fmt: skip


def _name(row: Row, key: str) -> str | None:
    value = row.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(f"`{key}` must be a string, it is {type(value).__name__}")
    return value


def _topics(row: Row) -> tuple[str, ...] | None:
    value = row.get("topics")
    if value is None:
        return None
    if isinstance(value, str):
        value = [name.strip() for name in value.split("|") if name.strip()]
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) and name for name in value):
        raise ValueError("`topics` must be a list of names (in CSV: joined by |)")
    return tuple(dict.fromkeys(value))


def _place(row: Row) -> Place | None:
    index, count = row.get("paragraph"), row.get("paragraphs")
    if not (isinstance(index, int) and isinstance(count, int) and 1 <= index <= count):
        return None
    return Place(index, count)
