"""Files of labelled data to rows, whoever wrote them: our own tables, JSON arrays, and the exports of labelling tools.

What a file is shows in its first row. A row of a queue (see `queue`) that nobody has filled in is left out.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain

from parastance.predict.decode import NotText, decode
from parastance.predict.errors import InputError
from parastance.predict.inputs import PACKED, TABLES, Row, Source, read_bytes
from parastance.predict.rows import read_rows
from parastance.train import exchange_doccano, exchange_label_studio, exchange_prodigy
from parastance.train.exchange import Export, Note, Numbered, settled

LABELLED = (*TABLES, ".json")
QUEUE = "queue"  # the column that says why a row was queued
NO_TOPIC = "none"
ANSWERS = ("topics", "stance", "kind")
Stances = Callable[[], Collection[str]]

READERS: tuple[tuple[Callable[[Row], bool], Callable[[Iterable[Numbered]], Export]], ...] = (
    (exchange_label_studio.is_task, exchange_label_studio.read_tasks),
    (exchange_label_studio.is_flat, exchange_label_studio.read_flat),
    (exchange_prodigy.is_row, exchange_prodigy.read),
    (exchange_doccano.is_row, exchange_doccano.read),
)


def is_labelled_file(source: Source) -> bool:
    """Whether the file's ending is one of labelled data."""
    return source.format in TABLES or _is_json(source)


def _is_json(source: Source) -> bool:
    name = source.path.lower()
    return next((name.removesuffix(ending) for ending in PACKED if name.endswith(ending)), name).endswith(".json")


def read_labels(source: Source, stances: Stances | None, note: Note) -> Iterator[Numbered]:
    """Yield (row number from 1, row or what is wrong with it) of a file of labelled data.

    stances: gives the names that mean a stance where an export has bare names; None leaves exports out altogether.
    Raises InputError where the file as a whole cannot be read.
    """
    rows = _json(source) if _is_json(source) else read_rows(source, source.format)
    first = next(rows, None)
    if first is None:
        return
    everything = chain([first], rows)
    reader = next((read for fits, read in READERS if isinstance(first[1], dict) and fits(first[1])), None)
    if reader is None:
        yield from _filled(everything, source, note)
    elif stances is not None:
        yield from settled(reader(everything), source.path, stances(), note)


def _filled(rows: Iterable[Numbered], source: Source, note: Note) -> Iterator[Numbered]:
    """Yield the rows but those of a queue that have no answer yet.

    In a queue an empty list of topics and the word `none` say that there is no topic. An empty cell of CSV or TSV says so where
    the row has another answer, unless the file has no topic at all: then nobody was asked about topics.
    """
    queued: list[tuple[int, Row]] = []
    for number, row in rows:
        if isinstance(row, dict) and QUEUE in row:
            queued.append((number, row))
        else:
            yield number, row
    asked = any(row.get("topics") for _, row in queued)
    empty = 0
    for number, row in queued:
        topics = row.get("topics")
        if topics == [NO_TOPIC]:
            row = {**row, "topics": []}
        elif isinstance(topics, str):
            row = {**row, "topics": _none(topics, asked and any(row.get(name) for name in ANSWERS))}
        if row.get("topics") is None and not any(row.get(name) for name in ANSWERS):
            empty += 1
            continue
        yield number, row
    if empty:
        note(f"{source.path}: paragraphs without an answer, left out: {empty:,}")


def _none(topics: str, answered: bool) -> str | list[str] | None:
    """Return the topics in a cell of a queue: None where it says nothing."""
    if topics.strip().lower() == NO_TOPIC:
        return []
    return topics if topics.strip() else [] if answered else None


def _json(source: Source) -> Iterator[Numbered]:
    """Yield the items of a JSON array, numbered from 1."""
    try:
        items = json.loads(decode(read_bytes(source)).text)
    except (NotText, ValueError, RecursionError) as error:
        raise InputError(source.name, f"not JSON that can be read: {error}") from None
    if not isinstance(items, list):
        raise InputError(source.name, "must hold a JSON array of rows or tasks")
    for number, item in enumerate(items, 1):
        fault = InputError(source.name, "not a JSON object", number, item)
        yield number, item if isinstance(item, dict) else fault
