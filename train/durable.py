"""Changes to the store that a kill or a power cut leaves whole, beside `storage.write_whole`: a line more, a swap, a lock."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from parastance.predict.lock import lock

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of renameat2(2)


def append_line(path: Path, line: str) -> None:
    """Add a line to a file and flush it. What a kill left of an earlier line is ended first, so that it spoils only itself."""
    with open(path, "ab+") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            line = line if stream.read(1) == b"\n" else "\n" + line
        stream.write((line + "\n").encode("utf-8"))
        stream.flush()
        os.fsync(stream.fileno())


def exchange(a: Path, b: Path) -> bool:
    """Swap two paths in one step; return False where the system cannot (renameat2 of Linux can)."""
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE) == 0)


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock on a file, alone among all processes; `waiting` is called where another holds it. A kill frees it."""
    with open(path, "ab") as stream:
        if not lock(stream):
            waiting()
            lock(stream, wait=True)
        yield
