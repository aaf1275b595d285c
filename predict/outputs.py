"""Records to standard output, as JSON Lines or as a table for a terminal, and to the flat rows of CSV and TSV.

In CSV and TSV lists are joined by `|` (see `names`), probabilities get a column each, other nested values are JSON.
"""

import json
import sys
from collections.abc import Iterable
from typing import Any, Protocol, TextIO

from parastance.predict.errors import OutputError
from parastance.predict.names import join_names
from parastance.predict.rows import plain

Record = dict[str, Any]


class Writer(Protocol):
    """Takes records in order; `close` sends the last of them on."""

    def write(self, records: Iterable[Record]) -> None: ...
    def close(self) -> None: ...


class LineWriter:
    """JSON Lines to an open text stream."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, records: Iterable[Record]) -> None:
        self.stream.writelines(json.dumps(plain(record), ensure_ascii=False) + "\n" for record in records)

    def write_lines(self, lines: bytes | bytearray) -> None:
        """Write records that are lines of JSON already."""
        self.stream.flush()
        self.stream.buffer.write(lines)

    def close(self) -> None:
        self.stream.flush()


def flatten(record: Record) -> Record:
    """Return the record as one flat row of a table."""
    flat: Record = {}
    for key, value in record.items():
        if hasattr(value, "as_py"):  # an Arrow scalar
            value = plain(value)
        if key in ("topic_probabilities", "stance_probabilities") and isinstance(value, dict):
            prefix = key.removesuffix("_probabilities")
            flat.update({f"{prefix}_probability_{name}": number for name, number in value.items()})
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            flat[key] = join_names(value)
        elif isinstance(value, bool):
            flat[key] = "true" if value else "false"
        elif isinstance(value, (list, dict)):
            flat[key] = json.dumps(plain(value), ensure_ascii=False)
        else:
            flat[key] = plain(value)
    return flat


def standard_output() -> Writer:
    """Return the writer for no -o: a table where standard output is a terminal, JSON Lines where it is a pipe."""
    if sys.stdout is None:
        raise OutputError("standard output is closed; name a file with -o")
    if sys.stdout.isatty():
        from parastance.predict.table import TableWriter

        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
        return TableWriter(sys.stdout)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    return LineWriter(sys.stdout)
