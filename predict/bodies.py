"""The output of one part while it is made, and how the bodies of many parts become one file.

A body is JSON Lines, delimited rows without a header, or Arrow streams. Columns and types that change from row to row are
settled when bodies are put together: a table has all columns of all parts, and a column of clashing types becomes text.
"""

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import IO, Any, Protocol

from parastance.predict.outputs import Record, flatten
from parastance.predict.records import Types
from parastance.predict.rows import plain
from parastance.predict.schemas import arrow_columns, fitted, read_schema, text_of, unified
from parastance.predict.storage import BLOCK

ROW_GROUP = 1 << 16  # rows of a Parquet row group
CACHED = 256 << 10  # bytes hashed and then written while the processor's cache still holds them
SPOOLED = 16 << 20  # bytes of a body kept in memory before it is put together
Info = dict[str, Any]  # what a body's reader must know: its columns, or its Arrow schema


class Sink(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes | bytearray) -> int: ...


class Body(Protocol):
    """Takes the records of a part in order, with the Arrow types of their columns where there are any."""

    def write(self, records: Sequence[Record], types: Sequence[Types]) -> None: ...
    def finish(self) -> Info: ...


ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=plain)


def line_of(record: Record) -> str:
    """Return a record as a line of JSON."""
    try:
        return ENCODER.encode(record) + "\n"
    except (TypeError, ValueError):  # NaN, or a key that is no string
        return ENCODER.encode(plain(record)) + "\n"


class LineBody:
    """JSON Lines."""

    def __init__(self, stream: "IO[bytes] | Sink") -> None:
        self.stream = stream

    def write(self, records: Sequence[Record], types: Sequence[Types]) -> None:
        lines = "".join([line_of(record) for record in records])
        self.stream.write(lines.encode("utf-8"))

    def finish(self) -> Info:
        return {}


class SeparatedBody:
    """Delimited rows without a header; a column that turns up later leaves the rows before it shorter."""

    def __init__(self, stream: IO[bytes], delimiter: str) -> None:
        self.stream = stream
        self.delimiter = delimiter
        self.columns: dict[str, None] = {}
        self.rows = 0
        self.ragged = False

    def write(self, records: Sequence[Record], types: Sequence[Types]) -> None:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator="\n")
        for record in records:
            flat = flatten(record)
            if flat.keys() - self.columns.keys():
                self.ragged = self.ragged or self.rows > 0
                self.columns.update(dict.fromkeys(flat))
            writer.writerow([flat.get(name, "") for name in self.columns])
            self.rows += 1
        self.stream.write(text.getvalue().encode("utf-8"))

    def finish(self) -> Info:
        return {"columns": list(self.columns), "ragged": self.ragged}


class ArrowBody:
    """Arrow streams one after another, a new one wherever the schema changes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.writer: Any = None
        self.schema: Any = None
        self.schemas: list[Any] = []

    def write(self, records: Sequence[Record], types: Sequence[Types]) -> None:
        import pyarrow as pa

        at = 0
        for _, run in groupby(types, key=id):
            count = sum(1 for _ in run)
            batch = arrow_columns(records[at : at + count], types[at])
            at += count
            if self.writer is None or batch.schema != self.schema:
                self._end()
                self.schema = batch.schema
                self.schemas.append(batch.schema)
                self.writer = pa.ipc.new_stream(self.stream, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd"))
            self.writer.write_batch(batch)

    def _end(self) -> None:
        if self.writer is not None:
            self.writer.close()

    def finish(self) -> Info:
        self._end()
        return {"schema": text_of(unified(self.schemas)), "streams": len(self.schemas)}


def body_of(form: str, stream: IO[bytes]) -> Body:
    """Return the body for an output format (an ending) on an open stream."""
    makers: dict[str, Callable[[], Body]] = {
        ".jsonl": lambda: LineBody(stream),
        ".csv": lambda: SeparatedBody(stream, ","),
        ".tsv": lambda: SeparatedBody(stream, "\t"),
        ".parquet": lambda: ArrowBody(stream),
    }
    return makers[form]()


class Hashed:
    """A stream to write to that hashes and counts what passes. digest: a sha256 to go on with."""

    def __init__(self, stream: IO[bytes], digest: Any = None) -> None:
        self.stream = stream
        self.digest = digest or hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        view = memoryview(data)
        for start in range(0, view.nbytes, CACHED):
            part = view[start : start + CACHED]
            self.digest.update(part)
            self.stream.write(part)
        self.size += view.nbytes
        return view.nbytes

    def flush(self) -> None:
        self.stream.flush()

    def tell(self) -> int:
        return self.size

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing: the stream's owner syncs and closes it."""


def assemble(form: str, infos: Sequence[Info], bodies: Iterable[Callable[[], IO[bytes]]], out: Hashed) -> None:
    """Write one whole file of the given bodies in order. Raises OSError where it cannot be written."""
    if form == ".jsonl":
        for opened in bodies:
            with opened() as stream:
                shutil.copyfileobj(stream, out, BLOCK)
    elif form == ".parquet":
        _assemble_parquet(infos, bodies, out)
    else:
        _assemble_separated("," if form == ".csv" else "\t", infos, bodies, out)


def _assemble_separated(
    delimiter: str, infos: Sequence[Info], bodies: Iterable[Callable[[], IO[bytes]]], out: Hashed
) -> None:
    columns = list(dict.fromkeys(name for info in infos for name in info["columns"]))
    if columns:
        out.write(_rows([columns], delimiter))
    for info, opened in zip(infos, bodies, strict=True):
        with opened() as stream:
            if info["columns"] == columns and not info["ragged"]:
                shutil.copyfileobj(stream, out, BLOCK)
                continue
            places = {name: at for at, name in enumerate(info["columns"])}
            order = [places.get(name, len(columns)) for name in columns]
            reader = csv.reader(io.TextIOWrapper(stream, "utf-8", newline=""), delimiter=delimiter)
            for row in reader:
                out.write(_rows([[row[at] if at < len(row) else "" for at in order]], delimiter))


def _rows(rows: Iterable[Sequence[str]], delimiter: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def _assemble_parquet(infos: Sequence[Info], bodies: Iterable[Callable[[], IO[bytes]]], out: Hashed) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = unified([read_schema(info["schema"]) for info in infos], final=True)
    if not len(schema):
        schema = pa.schema([("id", pa.string())])
    with pq.ParquetWriter(pa.PythonFile(out, mode="w"), schema, compression="zstd") as writer:
        waiting: list[Any] = []
        rows = 0
        for batch in _batches(infos, bodies):
            waiting.append(fitted(batch, schema))
            rows += batch.num_rows
            if rows >= ROW_GROUP:
                writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=rows)
                waiting, rows = [], 0
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=rows)


def _batches(infos: Sequence[Info], bodies: Iterable[Callable[[], IO[bytes]]]) -> Iterator[Any]:
    import pyarrow as pa

    for info, opened in zip(infos, bodies, strict=True):
        with opened() as stream:
            for _ in range(info["streams"]):
                yield from pa.ipc.open_stream(stream)
