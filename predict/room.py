"""Memory that a worker process shares with its parent: rows go through it, block by block, instead of through a file."""

import mmap
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from parastance.predict.spool import Written

SIZE, BLOCKS = 4 << 20, 16  # bytes of a block; blocks: more than a part's rows take, and those never used take no memory


class Room:
    """The blocks of one worker. context: of multiprocessing; path: of the file that backs them, None where a fork shares them."""

    def __init__(self, context: Any, path: str | None) -> None:
        self.path, self.blocks = path, BLOCKS
        self.freed, self.freeing = context.Pipe(duplex=False)
        self.memory = _memory(path, make=True)

    def view(self, block: int, size: int) -> memoryview:
        """Return what a block holds."""
        return memoryview(self.memory)[block * SIZE : block * SIZE + size]

    def give_back(self, block: int) -> None:
        """Tell the worker that it may use a block again."""
        with suppress(OSError):  # it may have ended
            self.freeing.send_bytes(bytes([block]))

    def __getstate__(self) -> tuple[str | None, int, Connection]:
        return self.path, self.blocks, self.freed

    def __setstate__(self, state: tuple[str | None, int, Connection]) -> None:
        self.path, self.blocks, self.freed = state
        self.memory = _memory(self.path, make=False)


def _memory(path: str | None, make: bool) -> mmap.mmap:
    if path is None:
        return mmap.mmap(-1, SIZE * BLOCKS)
    with open(path, "w+b" if make else "r+b") as stream:
        if make:
            stream.truncate(SIZE * BLOCKS)
        return mmap.mmap(stream.fileno(), SIZE * BLOCKS)


class Handed:
    """The worker's side of a room: bodies that the parent puts into the file. Has the methods of a spool."""

    def __init__(self, room: Room, connection: Connection) -> None:
        self.room, self.connection = room, connection
        self.free = list(range(BLOCKS))
        self.block: int | None = None
        self.filled = 0

    def open(self) -> None:
        """Begin a body."""
        self.filled = 0

    def write(self, data: bytes | bytearray) -> int:
        """Add to the body; wait where all blocks are full, which the parent then empties."""
        view = memoryview(data)
        while len(view):
            if self.block is None:
                self.block = self._next()
            part = view[: SIZE - self.filled]
            start = self.block * SIZE + self.filled
            self.room.memory[start : start + len(part)] = part
            self.filled += len(part)
            view = view[len(part) :]
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

    def _next(self) -> int:
        while not self.free or self.room.freed.poll():
            self.free += self.room.freed.recv_bytes()
        return self.free.pop()

    def _send(self) -> None:
        self.connection.send(("block", (self.block, self.filled)))
        self.block, self.filled = None, 0
