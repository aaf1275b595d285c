"""Who labels the parts: this process, worker processes of this machine, or a Dask cluster (see `cluster`).

All have one small interface: submit a part where there is room, wait for what comes of one.
"""

import os
import signal
import sys
import threading
import time
import uuid
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from parastance.predict.errors import ModelError, OutputError, ParastanceError, UsageError
from parastance.predict.gathering import Gathering, Turn
from parastance.predict.labelling import Job, Note
from parastance.predict.model import Model, Unit
from parastance.predict.parts import Part
from parastance.predict.room import Desk, Room
from parastance.predict.spool import Spool
from parastance.predict.storage import ASIDE, join
from parastance.predict.worker import Crash, Outcome, outcome_of, serve

FATAL: tuple[type[ParastanceError], ...] = (OutputError, ModelError, UsageError)


class Executor(Protocol):
    """Labels parts. `wait` returns a part that is finished and its outcome, or None after `seconds` or where there is room again.

    note is called with (bytes, paragraphs, rejects) as they are done, negative where they must be done again. A ParastanceError of
    a worker is raised by `wait`.
    """

    def has_room(self) -> bool: ...
    def pending(self) -> int: ...
    def submit(self, part: Part) -> None: ...
    def wait(self, seconds: float) -> tuple[Part, Outcome] | None: ...
    def close(self) -> None: ...


class Inline:
    """One part at a time, in this process. spool: for bodies, where they are not to be files of their own."""

    def __init__(self, model: Model, job: Job, note: Note, spool: Spool | None = None) -> None:
        self.model, self.job, self.note, self.spool = model, job, note, spool
        self.part: Part | None = None

    def has_room(self) -> bool:
        return self.part is None

    def pending(self) -> int:
        return int(self.part is not None)

    def submit(self, part: Part) -> None:
        self.part = part

    def wait(self, seconds: float) -> tuple[Part, Outcome] | None:
        part, self.part = self.part, None
        if part is None:
            return None
        return part, outcome_of(self.model, part, self.job, self.note, self.spool)

    def close(self) -> None:
        """Leave what was written to whoever puts it together."""
        if self.spool is not None:
            self.spool.close()


@dataclass
class _Worker:
    process: Any
    connection: Connection
    desk: Desk | None = None
    part: Part | None = None
    turn: Turn | None = None
    noted: list[int] = field(default_factory=lambda: [0, 0, 0])


def may_fork() -> bool:
    """Whether a worker may be a fork of this process, which starts at once and shares the model's memory.

    A fork copies locks that other threads hold, those of Arrow among them, which are not seen by Python; and only Linux's own
    libraries bear it.
    """
    return sys.platform == "linux" and "pyarrow" not in sys.modules and threading.active_count() == 1


class Processes:
    """Worker processes, each with one part at a time, so that it is known what a worker had when it ended.

    spool: for bodies, where they are not to be files of their own.
    """

    def __init__(self, model: Model, job: Job, note: Note, count: int, spool: Spool | None = None) -> None:
        self.model, self.job, self.note = model, job, note
        self.context: Any = get_context("fork" if may_fork() else "spawn")
        self.workers: list[_Worker] = []
        self.count = count
        self.ready: deque[tuple[Part, Outcome]] = deque()
        self.gathering = Gathering(spool, job.output, self._room(count)) if spool is not None else None

    def has_room(self) -> bool:
        if self._busy() + len(self.ready) >= self.count:
            return False
        return self.gathering is None or not self._busy() or self.gathering.is_calm()

    def pending(self) -> int:
        return (self.gathering.pending if self.gathering else self._busy()) + len(self.ready)

    def _busy(self) -> int:
        return sum(worker.part is not None for worker in self.workers)

    def submit(self, part: Part) -> None:
        worker = next((worker for worker in self.workers if worker.part is None), None) or self._start()
        worker.part, worker.noted = part, [0, 0, 0]
        if self.gathering is not None:
            assert worker.desk is not None
            worker.turn = self.gathering.begin(part, worker.desk)
        try:
            worker.connection.send(part)
        except OSError:
            self._crashed(worker)

    def wait(self, seconds: float) -> tuple[Part, Outcome] | None:
        end = time.monotonic() + seconds
        while not self.ready:
            busy: dict[Any, _Worker] = {worker.connection: worker for worker in self.workers if worker.part is not None}
            bell = [self.gathering.bell] if self.gathering else []
            found = wait([*busy, *bell], max(end - time.monotonic(), 0)) if self.pending() else []
            for connection in found:
                if connection in busy:
                    self._receive(busy[connection])
            if self.gathering is not None:
                self.ready += self.gathering.finished()
            idle = any(worker.part is None for worker in busy.values())  # it can have the next part before this one is written
            if not self.ready and (idle or (not found and time.monotonic() >= end)):
                return None
        return self.ready.popleft()

    def _receive(self, worker: _Worker) -> None:
        try:
            kind, value = worker.connection.recv()
        except (EOFError, OSError):
            self._crashed(worker)
            return
        if kind == "note":
            worker.noted = [had + new for had, new in zip(worker.noted, value, strict=True)]
            self.note(*value)
        elif kind == "block":
            assert self.gathering is not None and worker.turn is not None
            self.gathering.take(worker.turn, *value)
        elif kind == "error":
            name, text = value
            raise next((error for error in FATAL if error.__name__ == name), ParastanceError)(text)
        else:
            part, worker.part = worker.part, None
            assert part is not None
            if self.gathering is not None:
                assert worker.turn is not None
                self.gathering.end(worker.turn, value)
            else:
                self.ready.append((part, value))

    def _crashed(self, worker: _Worker) -> None:
        worker.process.join(5)
        code = worker.process.exitcode
        name = signal.Signals(-code).name if code is not None and code < 0 else f"exit status {code}"
        part = worker.part
        self.note(*(-number for number in worker.noted))
        self.workers.remove(worker)
        worker.connection.close()
        assert part is not None
        if self.gathering is not None:
            assert worker.turn is not None
            self.gathering.lose(worker.turn)
        self.ready.append((part, Crash(name)))

    def _start(self) -> _Worker:
        here, there = self.context.Pipe()
        if self.context.get_start_method() == "fork":
            with suppress(Exception):  # that is for the worker to meet
                self.model.decide([Unit("Talks failed.")])  # so that the fork has what scores, in memory that is shared
            if self.gathering is not None:
                self.gathering.rest()  # a fork has none of this process's threads, but the locks that they hold
        own = None if self.context.get_start_method() == "spawn" and self.model.folder is not None else self.model
        desk = Desk(self.gathering.room, self.context) if self.gathering is not None else None
        share = desk.share if desk is not None else None
        process = self.context.Process(
            target=serve, args=(there, self.model.folder, self.model.name, self.model.registry, own, self.job, share), daemon=True
        )
        with _single_threaded():
            process.start()
        there.close()
        worker = _Worker(process, here, desk)
        self.workers.append(worker)
        return worker

    def _room(self, workers: int) -> Room:
        fork = self.context.get_start_method() == "fork"
        return Room(None if fork else join(self.job.folder, f"{uuid.uuid4().hex}{ASIDE}"), workers)

    def close(self) -> None:
        """End the workers, also those at work."""
        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.process.join(5)
            worker.connection.close()
        self.workers.clear()
        if self.gathering is not None:
            self.gathering.close()


class _single_threaded:
    """What is started within uses one thread for matrix products: the workers are the threads."""

    NAMES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

    def __enter__(self) -> None:
        self.before = {name: os.environ.get(name) for name in self.NAMES}
        os.environ.update(dict.fromkeys(self.NAMES, "1"))

    def __exit__(self, *_: object) -> None:
        for name, value in self.before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
