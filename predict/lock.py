"""A lock on a file, for one process at a time. It falls with the process, however that ends."""

import os
from contextlib import suppress
from typing import IO
from weakref import WeakSet

_held: "WeakSet[IO[bytes]]" = WeakSet()


def _let_go() -> None:
    """Close a fork's copies of locked files, with which it would hold on to the locks when its parent has ended."""
    for stream in list(_held):
        stream.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt
    import time

    def lock(stream: IO[bytes], wait: bool = False) -> bool:
        while True:
            try:
                msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
                return True
            except OSError:
                if not wait:
                    return False
                time.sleep(0.2)
else:

    def lock(stream: IO[bytes], wait: bool = False) -> bool:
        """Lock an open file; return False where another process has it. wait: until it is free.

        Raises OSError where the file system has no locks.
        """
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True


def lock_path(path: str) -> IO[bytes] | None:
    """Return a file that is opened, made where there is none, and locked; None where another process has it locked.

    Close it to unlock it. The file may be removed while it is locked: then the next one who comes makes it anew. Raises OSError.
    """
    while True:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        stream = open(path, "ab")  # noqa: SIM115
        try:
            if not lock(stream):
                stream.close()
                return None
        except BaseException:
            stream.close()
            raise
        _held.add(stream)
        with suppress(OSError):
            if os.path.samestat(os.fstat(stream.fileno()), os.stat(path)):
                return stream
        stream.close()  # who had it was just removing it
