"""The rejects file: a line for each input or row that could not be labelled, and the way back of a row that was mended."""

import json
from contextlib import suppress
from typing import IO, Any

from parastance.predict.errors import InputError
from parastance.predict.inputs import Row, format_of
from parastance.predict.rows import HALF, half_surrogate, plain
from parastance.predict.separated import DELIMITERS, OWN, read_line
from parastance.predict.storage import close_synced, open_write, writing

REJECTS = ".rejects.jsonl"  # the ending of a rejects file, whose mended rows can be read again
REJECT_FIELDS = ("file", "row", "reason", "raw")


class RejectLines:
    """Rejects as JSON Lines, in a file that appears with the first of them."""

    def __init__(self, path: str, place: str) -> None:
        self.path = path
        self.place = place
        self.stream: IO[bytes] | None = None

    def add(self, error: InputError) -> None:
        """Write one reject."""
        with writing(self.place):
            if self.stream is None:
                self.stream = open_write(self.path)
            self.stream.write(json.dumps(reject_row(error), ensure_ascii=True).encode("ascii") + b"\n")

    def close(self) -> str | None:
        """Make the file whole; return its path, None where nothing was rejected."""
        if self.stream is None:
            return None
        with writing(self.place):
            close_synced(self.stream)
        return self.path

    def discard(self) -> str:
        """Close the file as it is; return its path."""
        with suppress(OSError):
            if self.stream is not None:
                self.stream.close()
        return self.path


def reject_row(error: InputError) -> dict[str, Any]:
    """Return a reject as a row of the rejects file: file, row, reason, raw, and where raw is a line of a table its columns and
    the delimiter that is not its format's own."""
    row = {"file": error.place, "row": error.row, "reason": error.reason, "raw": plain(error.raw)}
    more = {"columns": error.columns, "delimiter": error.delimiter}
    return {**row, **{name: value for name, value in more.items() if value}}


def mended(reject: Row) -> Row:
    """Return the row in a line of a rejects file: its `raw`, an object or a line of the table that it came from.

    Raises ValueError where it is no row.
    """
    raw = reject["raw"]
    if reject["row"] is None:
        raise ValueError("rejected as a whole: mend the file and name it itself")
    if isinstance(raw, str) and isinstance(reject.get("columns"), list):
        own = OWN.get(format_of(str(reject["file"]))[0], ",")
        delimiter = reject.get("delimiter")
        lines = read_line(raw.removesuffix("\n"), delimiter if delimiter in DELIMITERS else own)
        if len(lines) != 1 or len(lines[0]) != len(reject["columns"]):
            raise ValueError(f"`raw` is not one row of {len(reject['columns'])} fields")
        return dict(zip(reject["columns"], lines[0], strict=True))
    if isinstance(raw, str):
        raw = json.loads(raw)
    if not isinstance(raw, dict):
        raise ValueError("`raw` is not a JSON object")
    if half_surrogate(raw):
        raise ValueError(HALF)
    return raw
