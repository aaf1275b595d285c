"""Bodies in files of many, as the records of a run name them: read again, checked, gone on with, and made the output.

Nothing here writes bodies (see `spool`).
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import IO, Any

from parastance.predict.spool import Beginning
from parastance.predict.storage import BLOCK, join

Record = dict[str, Any]


def is_spooled(record: Record) -> bool:
    """Whether the body of a part, by its record, lies among others in one file."""
    return "file" in record.get("info", {})


def open_spooled(folder: str, record: Record) -> "_Span":
    """Open the body of a part, to read it. Raises OSError."""
    return _Span(join(folder, record["info"]["file"]), record["info"]["start"], record["bytes"])


class _Span:
    """A part of a file as a stream to read, in a `with` statement. Raises OSError."""

    def __init__(self, path: str, start: int, size: int) -> None:
        self.stream: IO[bytes] = open(path, "rb")  # noqa: SIM115
        self.stream.seek(start)
        self.left = size

    def read(self, size: int = BLOCK) -> bytes:
        data = self.stream.read(min(size, self.left))
        self.left -= len(data)
        return data

    def __enter__(self) -> "_Span":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stream.close()


class Digests:
    """Digests of files from their beginning, each byte read once as long as the ends asked for grow."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, Any]] = {}

    def hold(self, folder: str, record: Record) -> bool:
        """Whether the file of a spooled body is, up to its end, what was written."""
        path, end = join(folder, record["info"]["file"]), record["info"]["start"] + record["bytes"]
        at, digest = self.found.get(path, (0, None))
        if digest is None or at > end:
            at, digest = 0, hashlib.sha256()
        try:
            with _Span(path, at, end - at) as stream:
                while data := stream.read():
                    digest.update(data)
        except OSError:
            return False
        if stream.left:
            return False
        self.found[path] = end, digest
        return bool(digest.hexdigest() == record["sha256"])


def _in_order(records: Sequence[Record]) -> tuple[str, int] | None:
    """Return (the file, its bytes) where the bodies of some parts, in order, are the beginning of one file, else None."""
    if not records or not all(map(is_spooled, records)):
        return None
    places = [record["info"] for record in records]
    ends = [place["start"] + record["bytes"] for place, record in zip(places, records, strict=True)]
    if len({place["file"] for place in places}) > 1 or [place["start"] for place in places] != [0, *ends[:-1]]:
        return None
    return places[0]["file"], ends[-1]


def beginning(folder: str, records: Sequence[Record], others: Iterable[Record], digests: Digests) -> Beginning | None:
    """Return what a run can go on with: where the bodies of the first parts, in order, are the beginning of a file; else None.

    records: of these parts, which `digests` has just been asked about; others: of parts that lie in the file, too, behind them.
    """
    found = _in_order(records)
    if found is None:
        return None
    name, size = found
    end, digest = digests.found.get(join(folder, name), (0, None))
    if end != size or any(is_spooled(one) and one["info"]["file"] == name and one["info"]["start"] >= size for one in others):
        return None
    return Beginning(name, size, digest.copy())


def adopt(folder: str, records: Sequence[Record], aside: str) -> dict[str, Any] | None:
    """Where the bodies of all parts in order are one file, name it `aside` as well; return its size and digest, else None.

    Raises OSError where the file is gone.
    """
    found = _in_order(records)
    if found is None:
        return None
    path, size = join(folder, found[0]), found[1]
    with open(path, "r+b") as stream:
        stream.truncate(size)
        os.fsync(stream.fileno())
    try:
        os.link(path, aside)
    except (OSError, AttributeError, NotImplementedError):  # a file system without links
        return None
    return {"bytes": size, "sha256": records[-1]["sha256"]}
