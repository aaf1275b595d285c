"""Bodies that worker processes hand over, put into one file in the order in which the parts were given out.

So the file is the output in the end, as where one process writes it. What comes before its turn waits in the memory that workers
share (see `room`); where that is full, it goes into a file of its worker's, and the output is put together in the end.
"""

import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import Pipe

from parastance.predict.labelling import Done
from parastance.predict.parts import Part
from parastance.predict.room import Desk, Room
from parastance.predict.spool import Spool, Written
from parastance.predict.storage import writing
from parastance.predict.worker import Changed

PATIENCE = 2.0  # seconds: some ten times what a part takes


@dataclass(eq=False)
class Turn:
    """A part that was given to a worker, the blocks of its body that wait, what came of it, and where its body goes once it may."""

    part: Part
    desk: Desk
    blocks: deque[tuple[int, int]] = field(default_factory=deque)
    outcome: Done | Changed | None = None
    spool: Spool | None = None


class Gathering:
    """The file, who is to write in it next, and the room. `bell` can be waited on: then `finished` has something.

    output: its name in messages. Raises OutputError where writing fails.
    """

    def __init__(self, spool: Spool, output: str, room: Room) -> None:
        self.spool, self.output, self.room = spool, output, room
        self.turns: list[Turn] = []
        self.full: dict[Desk, Spool] = {}  # files of workers whose parts had to wait where the memory was full
        self.bell, self._rope = Pipe(duplex=False)
        self._written: deque[tuple[Turn, Written | Exception]] = deque()
        self.pending = 0  # parts whose outcome was not yet told
        self.since = time.monotonic()  # when the first part of those that are not written became the first

    def is_calm(self) -> bool:
        """Whether a worker may begin a part while its last one waits for its turn.

        Not where much waits already, so that memory does not grow; but nobody is held up by a part that takes long.
        """
        return self.room.waiting < self.room.calm or time.monotonic() - self.since > PATIENCE

    def begin(self, part: Part, desk: Desk) -> Turn:
        """Return the turn of a part: it comes after those that were given out before."""
        turn = Turn(part, desk)
        self.turns.append(turn)
        self.pending += 1
        return turn

    def take(self, turn: Turn, block: int, size: int) -> None:
        """Take over a block of a part's body."""
        turn.desk.take(block)
        turn.blocks.append((block, size))
        self._go_on()
        while self.room.waiting > self.room.most:
            waiting = [one for one in self.turns if one.spool is None]
            desk = max(waiting, key=lambda one: len(one.blocks)).desk
            first = next(one for one in waiting if one.desk is desk)  # a worker's earlier parts are whole, its last one may not be
            self._open(first, self.full.setdefault(desk, Spool(self.spool.folder, waiting=0)))
            self._go_on()
        self.room.serve(turn.desk)

    def end(self, turn: Turn, outcome: Done | Changed) -> None:
        """Take note that a part is done, or cannot be."""
        turn.outcome = outcome
        self._go_on()

    def lose(self, turn: Turn) -> None:
        """Forget a part whose worker has ended."""
        self._remove(turn)
        self.pending -= 1
        for block, _ in turn.blocks:
            self.room.give_back(block)
        self.room.clear(turn.desk)
        if turn.spool is not None:
            turn.spool.close()
        self._go_on()

    def finished(self) -> list[tuple[Part, Done | Changed]]:
        """Return the parts whose bodies are in the file, and those that cannot be done."""
        found: list[tuple[Part, Done | Changed]] = []
        while self._written:
            self.bell.recv_bytes()  # it has rung for this one, or is about to
            turn, written = self._written.popleft()
            self.pending -= 1
            assert turn.outcome is not None
            if isinstance(turn.outcome, Done):
                with writing(self.output):
                    if isinstance(written, Exception):
                        raise written
                turn.outcome.info, turn.outcome.size, turn.outcome.sha256 = written
            found.append((turn.part, turn.outcome))
        return found

    def rest(self) -> None:
        """Run no thread for now."""
        for spool in (self.spool, *self.full.values()):
            spool.rest()

    def close(self) -> None:
        """Leave what was written to whoever puts it together."""
        for spool in (self.spool, *self.full.values()):
            spool.close()

    def _open(self, turn: Turn, spool: Spool) -> None:
        with writing(self.output):
            spool.open()
        turn.spool = spool

    def _go_on(self) -> None:
        """Write what may be written: of the first part that has no file yet, which gets this one, and of those that have one."""
        free = all(turn.spool is not self.spool for turn in self.turns)
        for turn in list(self.turns):
            if turn.spool is None and free:
                free = False
                if turn.blocks or turn.outcome is not None:
                    self._open(turn, self.spool)
            if turn.spool is not None:
                with writing(self.output):
                    self._write(turn, turn.spool)
                free = free or (turn.spool is self.spool and turn.outcome is not None)
        self.room.waiting = sum(len(turn.blocks) for turn in self.turns)

    def _write(self, turn: Turn, spool: Spool) -> None:
        while turn.blocks:
            block, size = turn.blocks.popleft()
            spool.write(self.room.view(block, size), partial(self.room.give_back, block))
        if turn.outcome is None:
            return
        self._remove(turn)
        if isinstance(turn.outcome, Done):
            spool.end_later(partial(self._tell, turn))
        else:
            spool.close()  # with rows that are not wanted at its end
            self._tell(turn, Written({}, 0, ""))

    def _remove(self, turn: Turn) -> None:
        if self.turns[0] is turn:
            self.since = time.monotonic()
        self.turns.remove(turn)

    def _tell(self, turn: Turn, written: Written | Exception) -> None:
        self._written.append((turn, written))
        self._rope.send_bytes(b".")
