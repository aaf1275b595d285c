"""One file for the bodies of many parts, one behind the other, so that what is done in order need not be copied to become whole.

Only for JSON Lines on this machine, whose bodies put together are the output. The digest of a body is that of the file from its
beginning to the body's end: one pass over the bytes serves the body and, with the last one, the whole.
"""

import hashlib
import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, Any

from parastance.predict.bodies import Hashed
from parastance.predict.storage import BLOCK, is_url, join

BODIES = ".bodies"  # the ending of such a file
Record = dict[str, Any]


class Spool:
    """The file that one process writes in a folder. A body that fails is the last one in its file."""

    def __init__(self, folder: str) -> None:
        self.folder, self.name = folder, ""
        self.out: Hashed | None = None

    def open(self) -> Hashed:
        """Return where the next body goes. Raises OSError."""
        if self.out is None:
            self.name = uuid.uuid4().hex + BODIES
            self.out = Hashed(open(join(self.folder, self.name), "wb"))  # noqa: SIM115
        return self.out

    def sync(self) -> None:
        """Put what was written on the disk. Raises OSError."""
        assert self.out is not None
        self.out.stream.flush()
        os.fsync(self.out.stream.fileno())

    def close(self) -> None:
        """Leave the file as it is; the next body begins another."""
        if self.out is not None:
            with suppress(OSError):
                self.out.stream.close()
            self.out = None


def spool_for(folder: str, form: str, apart: bool) -> Spool | None:
    """Return a spool for bodies of a format, None where they must lie in files of their own. apart: each becomes a file."""
    return None if apart or form != ".jsonl" or is_url(folder) else Spool(folder)


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


def adopt(folder: str, records: Sequence[Record], aside: str) -> dict[str, Any] | None:
    """Where the bodies of all parts in order are one file, name it `aside` as well; return its size and digest, else None.

    Raises OSError where the file is gone.
    """
    if not records or not all(map(is_spooled, records)):
        return None
    places = [record["info"] for record in records]
    ends = [place["start"] + record["bytes"] for place, record in zip(places, records, strict=True)]
    if len({place["file"] for place in places}) > 1 or [place["start"] for place in places] != [0, *ends[:-1]]:
        return None
    path = join(folder, places[0]["file"])
    if os.stat(path).st_size > ends[-1]:
        os.truncate(path, ends[-1])
    try:
        os.link(path, aside)
    except (OSError, AttributeError, NotImplementedError):  # a file system without links
        return None
    return {"bytes": ends[-1], "sha256": records[-1]["sha256"]}
