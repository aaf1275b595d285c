"""Memory that worker processes share with their parent: rows go through it, block by block, instead of through a file.

There is one room for all. The block used last is given out next, and one never used only where workers must wait for each other or
the parent is not far behind: so few are ever touched, and those never touched take no memory.
"""

import mmap
import threading
from collections import deque
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from parastance.predict.spool import Written

SIZE = 3 << 20  # bytes of a block
AHEAD = 2  # blocks that a worker has at hand
BEHIND = 2  # blocks that the parent may be behind before workers wait for it
WAITING = 24  # blocks for each worker but one that may wait for their turn: more than a part's rows take
CALM = 6  # of these, how many keep a worker from beginning one part more: half of a part's rows and some


class Room:
    """The parent's side of the blocks. path: of the file that backs them, None where a fork shares them; workers: their number.

    waiting: how many blocks hold what waits for its turn; as many as `most` may, and `calm` without anybody waiting for it.
    """

    def __init__(self, path: str | None, workers: int) -> None:
        self.path, self.most, self.waiting = path, WAITING * (workers - 1), 0
        self.few, self.calm = AHEAD * workers + BEHIND, CALM * (workers - 1)
        self.memory = _memory(path, SIZE * (self.few + self.most), make=True)
        self.touched = 0  # blocks that were ever given out
        self.free: list[int] = []
        self.hungry: deque[Desk] = deque()
        self.lock = threading.Lock()  # blocks are given back by a thread that writes

    def view(self, block: int, size: int) -> memoryview:
        """Return what a block holds."""
        return memoryview(self.memory)[block * SIZE : block * SIZE + size]

    def serve(self, desk: "Desk") -> None:
        """Give a worker one more block, at once or when there is one."""
        with self.lock:
            self.hungry.append(desk)
            self._serve()

    def give_back(self, block: int) -> None:
        """Take back a block that was written."""
        with self.lock:
            self.free.append(block)
            self._serve()

    def clear(self, desk: "Desk") -> None:
        """Take back what a worker that has ended had at hand."""
        with self.lock:
            self.hungry = deque(one for one in self.hungry if one is not desk)
            self.free += desk.blocks
            desk.blocks.clear()
            self._serve()

    def _serve(self) -> None:
        while self.hungry and (self.free or self.touched < self.few + min(self.waiting, self.most)):
            desk = self.hungry.popleft()
            block = self.free.pop() if self.free else self.touched
            self.touched = max(self.touched, block + 1)
            desk.blocks.add(block)
            with suppress(OSError):  # the worker may have ended
                desk.giving.send_bytes(b"%d" % block)


class Desk:
    """One worker's place in a room: the blocks it has at hand. share: what the worker itself gets of it."""

    def __init__(self, room: Room, context: Any) -> None:
        self.room = room
        self.blocks: set[int] = set()
        given, self.giving = context.Pipe(duplex=False)
        self.share = Share(room.path, room.memory, given)
        for _ in range(AHEAD):
            room.serve(self)

    def take(self, block: int) -> None:
        """Take note that the worker has handed over a block."""
        self.blocks.remove(block)


class Share:
    """A worker's side of a room."""

    def __init__(self, path: str | None, memory: mmap.mmap, given: Connection) -> None:
        self.path, self.memory, self.given = path, memory, given

    def __getstate__(self) -> tuple[str | None, int, Connection]:
        return self.path, len(self.memory), self.given

    def __setstate__(self, state: tuple[str | None, int, Connection]) -> None:
        self.path, size, self.given = state
        self.memory = _memory(self.path, size, make=False)


def _memory(path: str | None, size: int, make: bool) -> mmap.mmap:
    if path is None:
        return mmap.mmap(-1, size)
    with open(path, "w+b" if make else "r+b") as stream:
        if make:
            stream.truncate(size)
        return mmap.mmap(stream.fileno(), size)


class Handed:
    """Bodies that a worker hands over to its parent, which puts them into the file: a spool, and a lender (see `lines`)."""

    def __init__(self, share: Share, connection: Connection) -> None:
        self.share, self.connection = share, connection
        self.view = memoryview(share.memory)
        self.block: int | None = None
        self.filled = 0

    def open(self) -> None:
        """Begin a body."""
        self.filled = 0

    def lend(self, size: int) -> memoryview | None:
        """Return room for so many bytes, None where no block has as much. Wait where none is free."""
        if size > SIZE:
            return None
        if self.filled + size > SIZE:
            self._send()
        start = self._at()
        return self.view[start : start + size]

    def keep(self, size: int) -> None:
        """Add to the body so many bytes, which are in the room lent last."""
        self.filled += size

    def write(self, data: bytes | bytearray) -> int:
        """Add to the body. Wait where no block is free."""
        rest = memoryview(data)
        while len(rest):
            start = self._at()
            part = rest[: SIZE - self.filled]
            self.view[start : start + len(part)] = part
            self.filled += len(part)
            rest = rest[len(part) :]
            if self.filled == SIZE:
                self._send()
        return len(data)

    def end(self) -> Written:
        """Hand over the rest; where it lies, and its digest, the parent knows."""
        if self.filled:
            self._send()
        return Written({}, 0, "")

    def close(self) -> None:
        """Forget what was not yet handed over."""
        self.filled = 0

    def _at(self) -> int:
        """Return where the next byte goes."""
        if self.block is None:
            self.block = int(self.share.given.recv_bytes())
        return self.block * SIZE + self.filled

    def _send(self) -> None:
        self.connection.send(("block", (self.block, self.filled)))
        self.block, self.filled = None, 0
