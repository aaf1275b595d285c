"""One file for the bodies of many parts, one behind the other, so that what is done in order need not be copied to become whole.

Only for JSON Lines on this machine, whose bodies put together are the output. The digest of a body is that of the file from its
beginning to the body's end: one pass over the bytes serves the body and, with the last one, the whole.
"""

import hashlib
import os
import threading
import uuid
from collections.abc import Sequence
from contextlib import suppress
from queue import Queue
from types import TracebackType
from typing import IO, Any

from parastance.predict.bodies import Hashed
from parastance.predict.storage import BLOCK, is_url, join

BODIES = ".bodies"  # the ending of such a file
WAITING = 4  # blocks, of some 1.5 MB each
Record = dict[str, Any]


class Spool:
    """The file that one process writes in a folder, hashed and written by a thread while the next rows are scored.

    A body that fails is the last one in its file.
    """

    def __init__(self, folder: str) -> None:
        self.folder, self.name = folder, ""
        self.size = 0
        self.writer: _Writer | None = None

    def open(self) -> int:
        """Return where in the file the next body begins. Raises OSError."""
        if self.writer is None:
            self.name, self.size = uuid.uuid4().hex + BODIES, 0
            self.writer = _Writer(open(join(self.folder, self.name), "wb"))  # noqa: SIM115
        return self.size

    def write(self, data: bytes) -> int:
        """Add to the body. Raises OSError where that or an earlier writing failed."""
        assert self.writer is not None
        self.writer.put(data)
        self.size += len(data)
        return len(data)

    def end(self) -> str:
        """Return the sha256 in hexadecimal of the file so far, all of it written.

        It is put on the disk in the background; a body that the disk has lost all the same is found by its digest.
        """
        assert self.writer is not None
        return self.writer.digest()

    def close(self) -> None:
        """Leave the file as it is; the next body begins another."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None


class _Writer:
    """A thread that hashes and writes what it is given, in order, at most WAITING blocks behind."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.out = Hashed(stream)
        self.error: Exception | None = None
        self.queue: Queue[bytes | None] = Queue(WAITING)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while True:
            data = self.queue.get()
            try:
                if data is None:
                    return
                if data:
                    self.out.write(data)
                else:
                    os.fsync(self.out.stream.fileno())
            except Exception as error:  # whatever it is, the other thread must not wait for ever
                self.error = self.error or error
            finally:
                self.queue.task_done()

    def put(self, data: bytes) -> None:
        if self.error is not None:
            raise self.error
        if data:
            self.queue.put(data)

    def digest(self) -> str:
        self.queue.join()
        if self.error is None:
            try:
                self.out.stream.flush()
            except OSError as error:
                self.error = error
        if self.error is not None:
            raise self.error
        found = self.out.digest.hexdigest()
        self.queue.put(b"")
        return found

    def close(self) -> None:
        self.queue.put(None)
        self.thread.join()
        with suppress(OSError):
            self.out.stream.close()


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
    with open(path, "r+b") as stream:
        stream.truncate(ends[-1])
        os.fsync(stream.fileno())
    try:
        os.link(path, aside)
    except (OSError, AttributeError, NotImplementedError):  # a file system without links
        return None
    return {"bytes": ends[-1], "sha256": records[-1]["sha256"]}
