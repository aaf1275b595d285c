"""One file for the bodies of many parts, one behind the other, so that what is done in order need not be copied to become whole.

Only for JSON Lines on this machine, whose bodies put together are the output. The digest of a body is that of the file from its
beginning to the body's end: one pass over the bytes serves the body and, with the last one, the whole.
"""

import hashlib
import os
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Queue
from typing import Any, NamedTuple

from parastance.predict.bodies import Hashed
from parastance.predict.storage import is_url, join

BODIES = ".bodies"  # the ending of such a file
WAITING = 4  # blocks, of some 1.5 MB each


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

        It is put on the disk in the background, so that the whole need not wait for it; a body that the disk has lost all the same
        is found by its digest.
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
        self.syncing: threading.Thread | None = None

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
        if self.syncing is None or not self.syncing.is_alive():  # else what is new waits for the next time, or for the end
            self.syncing = threading.Thread(target=self._sync, daemon=True)
            self.syncing.start()

    def _sync(self) -> None:
        try:
            os.fsync(self.out.stream.fileno())
        except OSError as error:
            self.error = self.error or error

    def rest(self) -> None:
        if self.thread is not None:
            self.queue.put(None)
            self.thread.join()
            self.thread = None
        if self.syncing is not None:
            self.syncing.join()
            self.syncing = None

    def close(self) -> None:
        self.rest()
        with suppress(OSError):
            self.out.stream.close()


def may_spool(folder: str, form: str, apart: bool) -> bool:
    """Whether bodies of a format may lie in one file, not each in its own. apart: each becomes a file."""
    return not apart and form == ".jsonl" and not is_url(folder)
