"""Tables to rows: JSON Lines, CSV, TSV and Parquet as streams of dicts, a bad row as an error that keeps it.

Does not know what the columns mean (see `units`).
"""

import csv
import json
import math
from collections.abc import Callable, Collection, Iterator
from typing import Any

from parastance.predict.decode import NotText, decode_line, refuse_binary
from parastance.predict.errors import InputError
from parastance.predict.inputs import READ_ERRORS, Row, Source, byte_lines, open_bytes

FIELD_LIMIT = 16 << 20  # characters of one CSV field; a longer one is a missing quotation mark
PARQUET_ROWS = 1000
DEEPEST = 50  # levels of nesting in a JSON row
GUESSED = "encoding"  # the column that names a guessed encoding


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
        ".csv": lambda given: _separated(given, ","),
        ".tsv": lambda given: _separated(given, "\t"),
        ".parquet": lambda given: _parquet(given, columns),
    }
    return readers[form](source)


def _lines(source: Source) -> Iterator[tuple[int, bytes]]:
    """Yield the numbered lines without a byte-order mark. Raises InputError where the file is no text at all."""
    for number, line in byte_lines(source):
        if number == 1:
            try:
                refuse_binary(line)
            except NotText as error:
                raise InputError(source.name, str(error)) from None
            line = line.removeprefix(b"\xef\xbb\xbf")
        yield number, line


def _json_lines(source: Source) -> Iterator[tuple[int, Row | InputError]]:
    for number, line in _lines(source):
        if not line.strip():
            continue
        try:
            decoded = decode_line(line)
            text, guessed = decoded.text, decoded.guessed
        except NotText as error:
            yield number, InputError(source.name, str(error), number, line.decode("utf-8", "backslashreplace"))
            continue
        try:
            row = json.loads(text, parse_constant=_no_constant)
        except ValueError as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            yield number, InputError(source.name, f"not JSON: {reason}", number, text)
            continue
        except RecursionError:
            yield number, InputError(source.name, "not usable JSON: nested too deeply", number, text)
            continue
        if not isinstance(row, dict):
            yield number, InputError(source.name, "not a JSON object", number, text)
            continue
        if _depth(row) > DEEPEST:
            yield number, InputError(source.name, f"nested more than {DEEPEST} levels deep", number, text)
            continue
        if "\\ud" in text.lower() and _half_surrogate(row):
            reason = "it holds half a surrogate pair: it was cut or mis-encoded"
            yield number, InputError(source.name, reason, number, text)
            continue
        yield number, {**row, GUESSED: guessed} if guessed else row


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


def _half_surrogate(row: Row) -> bool:
    try:
        json.dumps(row, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _no_constant(name: str) -> float:
    if name == "NaN":
        return math.nan
    raise ValueError(f"{name} is no JSON number")


def _separated(source: Source, delimiter: str) -> Iterator[tuple[int, Row | InputError]]:
    csv.field_size_limit(FIELD_LIMIT)
    guesses: list[str] = []
    faults: list[str] = []

    def lines() -> Iterator[str]:
        """Yield every line, also one that cannot be decoded: the fault is noted and its row rejected."""
        for _, line in _lines(source):
            try:
                decoded = decode_line(line)
            except NotText as error:
                faults.append(str(error))
                yield line.replace(b"\x00", b"").decode("utf-8", "backslashreplace") + "\n"
                continue
            guesses.extend([decoded.guessed] if decoded.guessed else [])
            yield decoded.text + "\n"

    reader = csv.reader(lines(), delimiter=delimiter)
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise InputError(source.name, f"its header cannot be read: {error}") from None
    if faults:
        raise InputError(source.name, f"its header cannot be read: {faults[0]}")
    if not header or not any(header):
        raise InputError(source.name, "the file is empty")
    if len(set(header)) < len(header):
        raise InputError(source.name, "two columns bear the same name")
    number = 0
    while True:
        number += 1
        guesses.clear()
        faults.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, InputError(source.name, f"cannot be read: {error}", number)
            continue
        if not cells:
            number -= 1
            continue
        raw = delimiter.join(cells)
        if faults:
            yield number, InputError(source.name, faults[0], number, raw)
        elif len(cells) != len(header):
            reason = f"{len(cells)} fields where the header names {len(header)}"
            yield number, InputError(source.name, reason, number, raw)
        else:
            row: Row = dict(zip(header, cells, strict=True))
            yield number, {**row, GUESSED: guesses[0]} if guesses else row


def _parquet(source: Source, columns: Collection[str] | None) -> Iterator[tuple[int, Row | InputError]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_bytes(source) as stream:
            table = pq.ParquetFile(pa.BufferReader(stream.read()) if source.packing or source.path == "-" else stream)
            number = 0
            wanted = None if columns is None else [name for name in table.schema_arrow.names if name in columns]
            for batch in table.iter_batches(batch_size=PARQUET_ROWS, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except READ_ERRORS as error:  # Arrow's own errors are among them
        reason = (str(error).splitlines() or ["it ends early"])[0]
        raise InputError(source.name, f"not a Parquet file that can be read: {reason}") from None


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
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
