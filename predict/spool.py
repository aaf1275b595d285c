"""One file for the bodies of many parts, one behind the other, so that what is done in order need not be copied to become whole.

Only for JSON Lines on this machine, whose bodies put together are the output. The digest of a body is that of the file from its
beginning to the body's end: one pass over the bytes serves the body and, with the last one, the whole.
"""

import hashlib
import os
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Queue
from types import TracebackType
from typing import IO, Any, NamedTuple

from parastance.predict.bodies import Hashed
from parastance.predict.storage import BLOCK, is_url, join

BODIES = ".bodies"  # the ending of such a file
WAITING = 4  # blocks, of some 1.5 MB each
Record = dict[str, Any]


class Written(NamedTuple):
    """Where a body lies, its bytes, and the sha256 in hexadecimal of its file up to its end."""

    info: dict[str, Any]
    size: int
    sha256: str


class Spool:
    """The file that one process writes in a folder, hashed and written by a thread while the next rows are scored.

    after: what an earlier run has written, to go on with; waiting: how many blocks the thread may be behind, 0 for any number.
    A body that fails is the last one in its file.
    """

    def __init__(self, folder: str, after: "Beginning | None" = None, waiting: int = WAITING) -> None:
        self.folder, self.waiting, self.after = folder, waiting, after
        self.name = ""
        self.start = self.size = 0
        self.writer: _Writer | None = None

    def open(self) -> None:
        """Begin a body. Raises OSError."""
        if self.writer is None:
            after, self.after = self.after or Beginning(uuid.uuid4().hex + BODIES), None
            self.name, self.size = after.name, after.size
            stream = open(join(self.folder, self.name), "r+b" if after.size else "wb")  # noqa: SIM115
            stream.truncate(after.size)
            stream.seek(after.size)
            self.writer = _Writer(Hashed(stream, after.digest), self.waiting)
        self.start = self.size

    def write(self, data: bytes | bytearray | memoryview, then: Callable[[], None] | None = None) -> int:
        """Add to the body; `then` is called by the thread, once it needs the data no longer.

        Raises OSError where that or an earlier writing failed.
        """
        assert self.writer is not None
        if data:
            self.writer.put(data, then)
            self.size += len(data)
        return len(data)

    def end(self) -> Written:
        """Return what was written, once it is. Raises OSError.

        It is put on the disk in the background; a body that the disk has lost all the same is found by its digest.
        """
        found: Queue[Written | Exception] = Queue()
        self.end_later(found.put)
        written = found.get()
        if isinstance(written, Exception):
            raise written
        return written

    def end_later(self, tell: Callable[[Written | Exception], None]) -> None:
        """As `end`, without waiting: the thread tells what was written, or why it could not be."""
        assert self.writer is not None
        self.writer.end(partial(Written, {"file": self.name, "start": self.start}, self.size - self.start), tell)

    def rest(self) -> None:
        """Write what waits and end the thread, until there is more."""
        if self.writer is not None:
            self.writer.rest()

    def close(self) -> None:
        """Leave the file as it is; the next body begins another."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None


@dataclass(frozen=True)
class Beginning:
    """The beginning of a file of bodies: its bytes and their sha256."""

    name: str
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


_Job = Callable[[], None]


class _Writer:
    """A thread that hashes and writes what it is given, in order. After an error it only lets go of what it is given."""

    def __init__(self, out: Hashed, waiting: int) -> None:
        self.out = out
        self.error: Exception | None = None
        self.queue: Queue[_Job | None] = Queue(waiting)
        self.thread: threading.Thread | None = None

    def _run(self) -> None:
        while (job := self.queue.get()) is not None:
            try:
                job()
            except Exception as error:  # whatever it is, the other thread must not wait for ever
                self.error = self.error or error

    def _put(self, job: _Job) -> None:
        if self.thread is None:
            self.thread = threading.Thread(target=self._run, daemon=True)
            self.thread.start()
        self.queue.put(job)

    def put(self, data: bytes | bytearray | memoryview, then: Callable[[], None] | None) -> None:
        if self.error is not None:
            raise self.error
        self._put(partial(self._write, data, then))

    def _write(self, data: bytes | bytearray | memoryview, then: Callable[[], None] | None) -> None:
        try:
            if self.error is None:
                self.out.write(data)
        finally:
            if then is not None:
                then()

    def end(self, written: Callable[[str], Written], tell: Callable[[Written | Exception], None]) -> None:
        self._put(partial(self._end, written, tell))

    def _end(self, written: Callable[[str], Written], tell: Callable[[Written | Exception], None]) -> None:
        if self.error is None:
            try:
                self.out.stream.flush()
            except OSError as error:
                self.error = error
        if self.error is not None:
            tell(self.error)
            return
        tell(written(self.out.digest.hexdigest()))
        os.fsync(self.out.stream.fileno())

    def rest(self) -> None:
        if self.thread is not None:
            self.queue.put(None)
            self.thread.join()
            self.thread = None

    def close(self) -> None:
        self.rest()
        with suppress(OSError):
            self.out.stream.close()


def may_spool(folder: str, form: str, apart: bool) -> bool:
    """Whether bodies of a format may lie in one file, not each in its own. apart: each becomes a file."""
    return not apart and form == ".jsonl" and not is_url(folder)


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
