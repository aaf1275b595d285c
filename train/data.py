"""Labelled rows: read, validated, merged.

One broken row stops everything, named by file and row: a model trained on half of what was meant is worse than none.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from parastance.predict.errors import DataError, InputError, UsageError
from parastance.predict.inputs import Row, Source, find_sources
from parastance.predict.names import part_names
from parastance.predict.shape import Place
from parastance.predict.targets import read_registry
from parastance.predict.units import checked_mentions, checked_text
from parastance.train.corrections import Corrected
from parastance.train.exchange import KINDS, STANCES, Note, ignore
from parastance.train.formats import LABELLED, Stances, is_labelled_file, read_labels

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
CORPUS = SEEDS / "corpus"


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


@dataclass(frozen=True)
class Entry:
    """A row of a file: the file and row it stands in, the row as read, and the labelled row in it or what is wrong with it."""

    file: str
    number: int
    raw: Row
    row: LabelledRow | None
    fault: str = ""

    @property
    def place(self) -> str:
        """The file and row, as messages name them."""
        return f"{self.file}:{self.number}"

    @property
    def named(self) -> bool:
        """Whether the row has an id of its own."""
        return self.raw.get("id") not in (None, "")


def corpus_files() -> list[str]:
    """Return the files of the shipped corpus."""
    return [str(path) for path in sorted(CORPUS.glob("*.jsonl"))]


def read_labelled(files: Sequence[str], more: Sequence[str] = (), note: Note = ignore) -> list[LabelledRow]:
    """Return the rows of `files` with the corrections in `more` made (see `corrections`); `note` takes what to tell people.

    Raises DataError naming file, row and reason for the first broken row; UsageError where a file does not exist.
    """
    sources, changes = labelled_sources(files), [labelled_sources([name]) for name in more]

    @cache
    def stances() -> set[str]:
        return known_stances([*sources, *(source for group in changes for source in group)])

    rows: dict[str, tuple[LabelledRow, bool, str]] = {}
    for source in sources:
        for entry in entries(source, stances, note):
            row = _sound(entry)
            known = rows.setdefault(row.id, (row, entry.named, entry.place))
            if known[0] != row:
                raise DataError(entry.place, f"id {row.id!r} was used before with other content, at {known[2]}")
    corrected = Corrected([(row, named) for row, named, _ in rows.values()], read_registry().default)
    for group in changes:
        corrected.apply([entry for source in group for entry in entries(source, stances, note, partial=True)], note)
    if not corrected.rows:
        raise UsageError("no labelled rows in " + ", ".join([*files, *more]))
    return corrected.rows


def _sound(entry: Entry) -> LabelledRow:
    """Return the entry's row. Raises DataError where it is broken."""
    if entry.row is None:
        raise DataError(entry.place, entry.fault)
    return entry.row


def labelled_sources(files: Iterable[str]) -> list[Source]:
    """Return the sources that files, folders and globs name. Raises UsageError where one holds no labelled data."""
    sources = find_sources(list(files))
    for source in sources:
        if not is_labelled_file(source):
            raise UsageError(f"{source.path}: labelled data are {', '.join(LABELLED)} files (also .gz and .zst)")
    return sources


def known_stances(sources: Iterable[Source]) -> set[str]:
    """Return the names that rows of ours use as stances, and the codebook's: what a bare name of an export may mean."""
    found = set(STANCES)
    for source in sources:
        with suppress(InputError):  # it is reported where it is read
            for _, row in read_labels(source, None, ignore):
                if isinstance(row, dict) and isinstance(row.get("stance"), str) and row["stance"]:
                    found.add(row["stance"])
    return found


def entries(source: Source, stances: Stances, note: Note, partial: bool = False) -> Iterator[Entry]:
    """Yield the rows of a file, sound and broken. partial: a row with an id may leave out its text (a correction).

    Raises DataError where the file as a whole cannot be read.
    """
    try:
        for number, row in read_labels(source, stances, note):
            if isinstance(row, InputError):
                yield Entry(source.path, number, {}, None, row.reason)
                continue
            try:
                labelled = labelled_row(row, f"{source.name}#{number}", partial)
            except ValueError as error:
                yield Entry(source.path, number, row, None, str(error))
                continue
            yield Entry(source.path, number, row, labelled)
    except InputError as error:
        raise DataError(source.path, error.reason) from None


CHANCE = "sampling_probability"  # with which a row was drawn from an archive
OURS = ("text", "id", "topics", "stance", "kind", "target", "target_mentions", "group", "paragraph", "paragraphs")


def labelled_row(row: Row, default_id: str, partial: bool = False) -> LabelledRow:
    """Return the labelled row in a row of a table. Raises ValueError that says what is wrong with it.

    partial: a row that has an id may leave out its text, which is then empty.
    """
    identity = row.get("id")
    if identity is not None and (isinstance(identity, bool) or not isinstance(identity, (str, int))):
        raise ValueError(f"`id` must be a string, it is {type(identity).__name__}")
    bare = partial and identity not in (None, "") and row.get("text") in (None, "")
    identity = default_id if identity in (None, "") else str(identity)
    kind = _name(row, "kind")
    if kind is not None and kind not in KINDS:
        raise ValueError(f"`kind` must be content or boilerplate, it is {kind!r}")
    group = row.get("group")
    if group is not None and (isinstance(group, bool) or not isinstance(group, (str, int))):
        raise ValueError(f"`group` must be a string, it is {type(group).__name__}")
    _check_chance(row.get(CHANCE))
    text = "" if bare else checked_text(row, "text")
    return LabelledRow(
        id=identity, text=text, topics=_topics(row), stance=_name(row, "stance"), kind=kind, target=_name(row, "target"),
        mentions=None if bare else checked_mentions(row, text), group=identity if group in (None, "") else str(group),
        place=_place(row), fields={key: value for key, value in row.items() if key not in OURS},
    )  # fmt: skip


def _check_chance(value: Any) -> None:
    """Raise ValueError for a chance that is none."""
    if value is None or value == "":
        return
    with suppress(TypeError, ValueError):
        if 0 < float(value) <= 1:
            return
    raise ValueError(f"`{CHANCE}` must be above 0 and at most 1, it is {value!r}")


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
        value = part_names(value)
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) and name for name in value):
        raise ValueError("`topics` must be a list of names (in CSV: joined by |)")
    return tuple(dict.fromkeys(value))


def _place(row: Row) -> Place | None:
    index, count = row.get("paragraph"), row.get("paragraphs")
    if not (isinstance(index, int) and isinstance(count, int) and 1 <= index <= count):
        return None
    return Place(index, count)
