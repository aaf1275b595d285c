"""What `parastance predict` wrote, read back as a stream of records, whichever format it was written in.

Lists and probabilities are as in JSON Lines again; other columns stay as they are. Memory: one record, or one batch of Parquet.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePath

from parastance.predict.destination import RUN
from parastance.predict.errors import DataError, InputError, UsageError
from parastance.predict.inputs import STDIN, TABLES, Row, Source, find_sources
from parastance.predict.names import part_names
from parastance.predict.recognise import recognised
from parastance.predict.rows import read_rows

HEADS = ("topics", "stance", "kind")
PROBABILITIES = {"topics": "topic_probabilities", "stance": "stance_probabilities"}
PREFIXES = {"topic_probability_": "topic_probabilities", "stance_probability_": "stance_probabilities"}
LISTS = ("topics", "abstained")
REJECTS = ".rejects.jsonl"


def result_sources(inputs: Sequence[str]) -> list[Source]:
    """Return the tables that the given files, folders and globs name, without rejects.

    Raises UsageError where there are none, and for a folder whose run is not finished.
    """
    sources = [source for source in find_sources(list(inputs)) if not source.path.endswith(REJECTS)]
    unfinished = next((source for source in sources if RUN in PurePath(source.name).parts[:-1]), None)
    if unfinished is not None:
        folder = unfinished.path.partition(f"/{RUN}/")[0]
        raise UsageError(f"{folder}: its run is not finished, so not all records are there: finish it with --resume")
    tables = [source for source in sources if source.format in TABLES or source.path == STDIN]
    if not tables:
        raise UsageError(f"{', '.join(inputs)}: no output of `parastance predict` ({', '.join(TABLES)}, packed or not)")
    return tables


def read_results(inputs: Sequence[str], columns: Collection[str] | None = None) -> Iterator[Row]:
    """Yield the records of all inputs in order.

    columns: those that are wanted besides the labels; Parquet leaves the others unread. None: all. Raises DataError naming
    file and row for a broken row, and for a file that holds no labels.
    """
    for source in result_sources(inputs):
        try:
            yield from _records(source, columns)
        except InputError as error:
            raise DataError(source.path, error.reason) from None


def _records(source: Source, columns: Collection[str] | None) -> Iterator[Row]:
    form = recognised(source, "id").format
    flat = form in (".csv", ".tsv")
    wanted = None if columns is None else {*columns, *HEADS, *PROBABILITIES.values()}
    for number, row in read_rows(source, form, wanted):
        place = f"{source.path}:{number}"
        if isinstance(row, InputError):
            raise DataError(place, row.reason)
        if number == 1 and not any(head in row for head in HEADS):
            raise DataError(place, "no topics, stance or kind in it: is it what `parastance predict` wrote?")
        try:
            yield unflatten(row) if flat else row
        except ValueError as error:
            raise DataError(place, str(error)) from None


def unflatten(row: Row) -> Row:
    """Return the record in a row of CSV or TSV: lists and probabilities as `predict.outputs.flatten` had them.

    Raises ValueError where a probability is no number.
    """
    record: Row = {}
    for key, value in row.items():
        prefix = next((prefix for prefix in PREFIXES if key.startswith(prefix)), None)
        if prefix is not None:
            if value != "":
                record.setdefault(PREFIXES[prefix], {})[key.removeprefix(prefix)] = float(value)
        elif key in LISTS:
            record[key] = part_names(value)
        elif value and value[0] in "[{" and key in ("evidence", "target_mentions"):
            record[key] = json.loads(value)
        else:
            record[key] = value
    return record


def given_labels(row: Row, head: str) -> Sequence[str]:
    """Return the labels of one head that a record was given; none where the head does not speak of it."""
    value = row.get(head)
    if head == "topics":
        return value if isinstance(value, list) else ()
    return (value,) if isinstance(value, str) and value else ()
