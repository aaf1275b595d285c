"""Tables to rows: JSON Lines, CSV, TSV and Parquet as streams of dicts, a bad row as an error that keeps it.

Does not know what the columns mean (see `units`).
"""

import json
import math
from collections.abc import Callable, Collection, Iterator
from typing import Any

from parastance.predict.arrow_values import plain_scalar, python_values
from parastance.predict.decode import GUESSED, NotText, decode_line, refuse_binary
from parastance.predict.errors import InputError
from parastance.predict.inputs import READ_ERRORS, STDIN, Row, Slice, Source, byte_lines, open_bytes
from parastance.predict.separated import read_separated, same_name

PARQUET_ROWS = 1000
DEEPEST = 50  # levels of nesting in a JSON row
HALF = "it holds half a surrogate pair: it was cut or mis-encoded"


def read_rows(
    source: Source, form: str, columns: Collection[str] | None = None
) -> Iterator[tuple[int, Row | InputError]]:
    """Yield (row number from 1, the row or what is wrong with it).

    columns: those that are wanted; Parquet leaves the others unread. None: all.

    Raises InputError where the source as a whole cannot be read. Columns keep their order and types; a row whose
    encoding was guessed has one column more, `encoding`.
    """
    readers: dict[str, Callable[[Source], Iterator[tuple[int, Row | InputError]]]] = {
        ".jsonl": _json_lines,
        ".csv": lambda given: read_separated(given, _lines(given), form),
        ".tsv": lambda given: read_separated(given, _lines(given), form),
        ".parquet": lambda given: _parquet(given, columns),
    }
    return readers[form](source)


def _lines(source: Source) -> Iterator[tuple[int, bytes]]:
    """Yield the numbered lines without a byte-order mark. Raises InputError where the file is no text at all."""
    for number, line in byte_lines(source):
        yield number, first_line(source, line) if number == 1 else line


def first_line(source: Source, line: bytes) -> bytes:
    """Return the first line of a source without a byte-order mark. Raises InputError where the file is no text at all."""
    if source.first:
        try:
            refuse_binary(line)
        except NotText as error:
            raise InputError(source.name, str(error)) from None
    return line.removeprefix(b"\xef\xbb\xbf") if source.first or (source.slice and source.slice.head) else line


def _json_lines(source: Source) -> Iterator[tuple[int, Row | InputError]]:
    before = source.slice.row if source.slice else 0
    for at, line in _lines(source):
        if line.strip():
            yield before + at, json_row(source, before + at, line)


def json_row(source: Source, number: int, line: bytes) -> Row | InputError:
    """Return the row in a line of JSON, or what is wrong with it; number: of the line in the file, from 1."""
    try:
        decoded = decode_line(line)
        text, guessed = decoded.text, decoded.guessed
    except NotText as error:
        return InputError(source.name, str(error), number, line.decode("utf-8", "backslashreplace"))
    try:
        row = json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        return InputError(source.name, f"not JSON: {reason}", number, text)
    except RecursionError:
        return InputError(source.name, "not usable JSON: nested too deeply", number, text)
    if not isinstance(row, dict):
        return InputError(source.name, "not a JSON object", number, text)
    if _depth(row) > DEEPEST:
        return InputError(source.name, f"nested more than {DEEPEST} levels deep", number, text)
    if "\\ud" in text.lower() and half_surrogate(row):
        return InputError(source.name, HALF, number, text)
    return {**row, GUESSED: guessed} if guessed else row


def _depth(value: Any) -> int:
    """Return how deeply lists and objects are nested in a value."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            item
            for outer in level
            if isinstance(outer, (dict, list))
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return depth


def half_surrogate(row: Row) -> bool:
    """Whether a row holds half a surrogate pair, which no UTF-8 can hold."""
    try:
        json.dumps(row, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _no_constant(name: str) -> float:
    if name == "NaN":
        return math.nan
    raise ValueError(f"{name} is no JSON number")


def open_parquet(source: Source) -> Any:
    """Return the source as a pyarrow ParquetFile that reads pages as they are wanted. Raises any of READ_ERRORS."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream: Any = open_bytes(source)
    if source.packing or source.path == STDIN or source.held is not None:
        stream = pa.BufferReader(stream.read())
    return pq.ParquetFile(stream, buffer_size=1 << 20, pre_buffer=False)


def column_types(source: Source) -> dict[str, Any] | None:
    """Return the Arrow types of a Parquet file's columns by name; None where it cannot be read."""
    if source.path == STDIN and source.held is None:
        return None
    try:
        with open_parquet(source) as table:
            return {field.name: field.type for field in table.schema_arrow}
    except (*READ_ERRORS, InputError):
        return None


def _parquet(source: Source, columns: Collection[str] | None) -> Iterator[tuple[int, Row | InputError]]:
    try:
        with open_parquet(source) as table:
            if twice := same_name(table.schema_arrow.names):
                raise InputError(source.name, twice)
            number, groups = _row_groups(table, source.slice)
            first, last = (source.slice.start, source.slice.stop) if source.slice else (0, table.metadata.num_rows)
            wanted = None if columns is None else [name for name in table.schema_arrow.names if name in columns]
            for batch in table.iter_batches(batch_size=PARQUET_ROWS, row_groups=groups, columns=wanted):
                begin, end = max(first - number, 0), min(last - number, batch.num_rows)
                if begin < end:
                    yield from enumerate(_python_rows(batch.slice(begin, end - begin)), number + begin + 1)
                number += batch.num_rows
                if number >= last:
                    return
    except READ_ERRORS as error:  # Arrow's own errors are among them
        reason = (str(error).splitlines() or ["it ends early"])[0]
        raise InputError(source.name, f"not a Parquet file that can be read: {reason}") from None


def _row_groups(table: Any, wanted: Slice | None) -> tuple[int, list[int]]:
    """Return (rows before the first row group wanted, the row groups that hold rows of the slice)."""
    before = at = 0
    groups: list[int] = []
    for index in range(table.metadata.num_row_groups):
        rows = table.metadata.row_group(index).num_rows
        if wanted is None or (at < wanted.stop and wanted.start < at + rows):
            before = before if groups else at
            groups.append(index)
        at += rows
    return before, groups


def _python_rows(batch: Any) -> Iterator[Row]:
    """Yield the rows of an Arrow batch as dicts; a value that Python cannot hold (nanoseconds) stays an Arrow scalar."""
    columns = [python_values(column) for column in batch.columns]
    names = batch.schema.names
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: dates and times in ISO form, bytes and others as text, NaN as null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if hasattr(value, "as_py"):
        return plain_scalar(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
