"""Records to files: JSON Lines, CSV, TSV or Parquet, written aside and renamed when whole; a table for a terminal.

In CSV and TSV lists are joined by `|`, probabilities get a column each, other nested values are JSON.
"""

import csv
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TextIO

from parastance.predict.errors import OutputError, UsageError
from parastance.predict.inputs import format_of
from parastance.predict.rows import plain

Record = dict[str, Any]


class Writer(Protocol):
    """Takes records in order; `close` makes them whole, `discard` leaves nothing behind."""

    def write(self, records: Iterable[Record]) -> None: ...
    def close(self) -> None: ...
    def discard(self) -> None: ...


class LineWriter:
    """JSON Lines to an open text stream."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, records: Iterable[Record]) -> None:
        self.stream.writelines(json.dumps(plain(record), ensure_ascii=False) + "\n" for record in records)

    def close(self) -> None:
        self.stream.flush()

    def discard(self) -> None:
        """Nothing: what went down a pipe is gone."""


class SeparatedWriter:
    """CSV or TSV to an open text stream; the first record's fields are the columns."""

    def __init__(self, stream: TextIO, delimiter: str) -> None:
        self.stream = stream
        self.writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
        self.columns: list[str] | None = None

    def write(self, records: Iterable[Record]) -> None:
        for record in records:
            flat = flatten(record)
            if self.columns is None:
                self.columns = list(flat)
                self.writer.writerow(self.columns)
            unknown = [name for name in flat if name not in self.columns]
            if unknown:
                raise OutputError(
                    f"column `{unknown[0]}` appears first at record {flat.get('id')}: a table needs the same columns "
                    "in every row; write .jsonl instead"
                )
            self.writer.writerow([flat.get(name, "") for name in self.columns])

    def close(self) -> None:
        self.stream.flush()

    def discard(self) -> None:
        """Nothing: the file that holds the stream is removed by its owner."""


class ParquetWriter:
    """Parquet to a file; the first chunk's types are the columns' types."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer: Any = None

    def write(self, records: Iterable[Record]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = list(records)
        if not rows:
            return
        try:
            if self.writer is None:
                table = pa.Table.from_pylist(rows, schema=_schema(rows))
                self.writer = pq.ParquetWriter(self.path, table.schema, compression="zstd")
            else:
                known = set(self.writer.schema.names)
                strange = next((name for row in rows for name in row if name not in known), None)
                if strange is None:
                    found = _schema(rows)
                    strange = next((f.name for f in found if not _covers(self.writer.schema.field(f.name).type, f.type)), None)
                if strange is not None:
                    raise OutputError(f"column `{strange}` is not as in the first rows: write .jsonl instead")
                table = pa.Table.from_pylist(rows, schema=self.writer.schema)
            self.writer.write_table(table)
        except (pa.ArrowException, OverflowError) as error:
            raise OutputError(f"a column changes its type: {str(error).splitlines()[0]}; write .jsonl instead") from None

    def close(self) -> None:
        if self.writer is None:
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.table({"id": pa.array([], pa.string())}), self.path)
        else:
            self.writer.close()

    def discard(self) -> None:
        if self.writer is not None:
            self.writer.close()


def _schema(rows: list[Record]) -> Any:
    """Return the Arrow schema of the rows, with no column of a null type: what is empty at first is text."""
    import pyarrow as pa

    names = list(dict.fromkeys(name for row in rows for name in row))
    fields = []
    for name in names:
        kind = pa.array([row.get(name) for row in rows]).type
        if pa.types.is_null(kind):
            kind = pa.string()
        elif pa.types.is_list(kind) and pa.types.is_null(kind.value_type):
            kind = pa.list_(pa.string())
        fields.append((name, kind))
    return pa.schema(fields)


def _covers(known: Any, new: Any) -> bool:
    """Whether a column of type `known` has room for every key of the nested values of type `new`."""
    import pyarrow as pa

    if pa.types.is_struct(new):
        if not pa.types.is_struct(known):
            return False
        fields = {field.name: field.type for field in known}
        return all(field.name in fields and _covers(fields[field.name], field.type) for field in new)
    if pa.types.is_list(new) and pa.types.is_list(known):
        return _covers(known.value_type, new.value_type)
    return True


def flatten(record: Record) -> Record:
    """Return the record as one flat row of a table."""
    flat: Record = {}
    for key, value in record.items():
        if key in ("topic_probabilities", "stance_probabilities") and isinstance(value, dict):
            prefix = key.removesuffix("_probabilities")
            flat.update({f"{prefix}_probability_{name}": number for name, number in value.items()})
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            flat[key] = "|".join(value)
        elif isinstance(value, bool):
            flat[key] = "true" if value else "false"
        elif isinstance(value, (list, dict)):
            flat[key] = json.dumps(plain(value), ensure_ascii=False)
        else:
            flat[key] = plain(value)
    return flat


class OutputFile:
    """A file that appears under its name only when it is whole. Use it in a `with` statement.

    Raises UsageError where the ending is unknown, OutputError where the place cannot be written.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        form, packing = format_of(path)
        if form not in (".jsonl", ".csv", ".tsv", ".parquet") or packing:
            raise UsageError(f"-o {path}: the ending must be .jsonl, .csv, .tsv or .parquet")
        if self.path.is_dir():
            raise OutputError(f"{path}: is a folder; name a file in it")
        self.aside = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        self.stream: TextIO | None = None
        try:
            if form == ".parquet":
                self.aside.touch()
                self.writer: Writer = ParquetWriter(self.aside)
            else:
                self.stream = open(self.aside, "w", encoding="utf-8", newline="")  # noqa: SIM115
                self.writer = (
                    LineWriter(self.stream)
                    if form == ".jsonl"
                    else SeparatedWriter(self.stream, "," if form == ".csv" else "\t")
                )
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None

    def __enter__(self) -> Writer:
        return self.writer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        except OSError as problem:
            kind = type(problem)
            raise OutputError(f"{self.path}: cannot be written: {problem.strerror or problem}") from None
        finally:
            if kind is not None:
                self._discard()
        if isinstance(error, OSError):
            raise OutputError(f"{self.path}: cannot be written: {error.strerror or error}") from None

    def _finish(self) -> None:
        self.writer.close()
        if self.stream is not None:
            os.fsync(self.stream.fileno())
            self.stream.close()
        os.replace(self.aside, self.path)

    def _discard(self) -> None:
        for step in (self.writer.discard, self.stream.close if self.stream else lambda: None, self.aside.unlink):
            try:
                step()
            except OSError:
                continue  # a full disk also refuses the last flush; what counts is that no half file stays


def standard_output() -> Writer:
    """Return the writer for no -o: a table where standard output is a terminal, JSON Lines where it is a pipe."""
    if sys.stdout is None:
        raise OutputError("standard output is closed; name a file with -o")
    if sys.stdout.isatty():
        from parastance.predict.table import TableWriter

        return TableWriter(sys.stdout)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    return LineWriter(sys.stdout)
