"""Who labels the parts: this process, worker processes of this machine, or a Dask cluster (see `cluster`).

All have one small interface: submit a part where there is room, wait for what comes of one.
"""

import gc
import os
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

from parastance.predict.errors import ModelError, OutputError, ParastanceError, UsageError
from parastance.predict.labelling import Done, InputChanged, Job, Note, label_part
from parastance.predict.model import Model, load
from parastance.predict.parts import Part

NOTE_EVERY = 0.2  # seconds between a worker's notes of what it has done
FATAL: tuple[type[ParastanceError], ...] = (OutputError, ModelError, UsageError)
COLLECT_AFTER = 200_000  # containers; a chunk makes some 15,000, in no cycles: searching each for cycles took a tenth of the time


@dataclass(frozen=True)
class Crash:
    """The worker ended while it had the part."""

    reason: str


@dataclass(frozen=True)
class Changed:
    """An input of the part is not as it was when the plan was made."""

    path: str


Outcome = Done | Crash | Changed


class Executor(Protocol):
    """Labels parts. `wait` returns a part that is finished and its outcome, or None after `seconds`.

    note is called with (bytes, paragraphs, rejects) as they are done, negative where they must be done again. A ParastanceError of
    a worker is raised by `wait`.
    """

    def has_room(self) -> bool: ...
    def pending(self) -> int: ...
    def submit(self, part: Part) -> None: ...
    def wait(self, seconds: float) -> tuple[Part, Outcome] | None: ...
    def close(self) -> None: ...


class Inline:
    """One part at a time, in this process."""

    def __init__(self, model: Model, job: Job, note: Note) -> None:
        self.model, self.job, self.note = model, job, note
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
        try:
            return part, label_part(self.model, part, self.job, self.note)
        except InputChanged as error:
            return part, Changed(str(error))

    def close(self) -> None:
        """Nothing."""


@dataclass
class _Worker:
    process: Any
    connection: Connection
    part: Part | None = None
    noted: list[int] = field(default_factory=lambda: [0, 0, 0])


class Processes:
    """Worker processes, each with one part at a time, so that it is known what a worker had when it ended."""

    def __init__(self, model: Model, job: Job, note: Note, count: int) -> None:
        self.model, self.job, self.note = model, job, note
        self.context = get_context("spawn")  # a fork would copy locks that Arrow's threads hold
        self.workers: list[_Worker] = []
        self.count = count
        self.ready: deque[tuple[Part, Outcome]] = deque()

    def has_room(self) -> bool:
        return self.pending() < self.count

    def pending(self) -> int:
        return sum(worker.part is not None for worker in self.workers) + len(self.ready)

    def submit(self, part: Part) -> None:
        worker = next((worker for worker in self.workers if worker.part is None), None) or self._start()
        worker.part, worker.noted = part, [0, 0, 0]
        try:
            worker.connection.send(part)
        except OSError:
            self._crashed(worker)

    def wait(self, seconds: float) -> tuple[Part, Outcome] | None:
        end = time.monotonic() + seconds
        while not self.ready:
            busy = {worker.connection: worker for worker in self.workers if worker.part is not None}
            found = wait(list(busy), max(end - time.monotonic(), 0)) if busy else []
            for connection in found:
                self._receive(busy[connection])  # type: ignore[index]
            if not found and time.monotonic() >= end:
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
        elif kind == "error":
            name, text = value
            raise next((error for error in FATAL if error.__name__ == name), ParastanceError)(text)
        else:
            part, worker.part = worker.part, None
            assert part is not None
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
        self.ready.append((part, Crash(name)))

    def _start(self) -> _Worker:
        here, there = self.context.Pipe()
        own = None if self.model.folder is not None else self.model
        process = self.context.Process(
            target=serve, args=(there, self.model.folder, self.model.name, self.model.registry, own, self.job), daemon=True
        )
        with _single_threaded():
            process.start()
        there.close()
        worker = _Worker(process, here)
        self.workers.append(worker)
        return worker

    def close(self) -> None:
        """End the workers, also those at work."""
        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.process.join(5)
            worker.connection.close()
        self.workers.clear()


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


def serve(connection: Connection, folder: Path | None, name: str, registry: Any, model: Model | None, job: Job) -> None:
    """Label the parts that arrive until the connection closes: the body of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which stops its workers
    _end_with_parent()
    try:
        if model is None:
            model = load(folder)
        if model.name != name:
            raise ModelError(f"{folder}: the model was replaced while the run was under way")
        model.registry = registry  # a target of the user's own may have been added
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER)
        while True:
            part = connection.recv()
            note = _Notes(connection)
            try:
                outcome: Outcome = label_part(model, part, job, note)
            except InputChanged as error:
                outcome = Changed(str(error))
            note.send()
            connection.send(("done", outcome))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except ParastanceError as error:
        connection.send(("error", (type(error).__name__, str(error))))


class _Notes:
    """Sends what has been done to the parent, a few times a second."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.since = time.monotonic()
        self.counts = [0, 0, 0]

    def __call__(self, size: int, paragraphs: int, rejects: int) -> None:
        self.counts = [had + new for had, new in zip(self.counts, (size, paragraphs, rejects), strict=True)]
        if time.monotonic() - self.since > NOTE_EVERY:
            self.send()

    def send(self) -> None:
        self.connection.send(("note", self.counts))
        self.counts = [0, 0, 0]
        self.since = time.monotonic()


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended, also where that was killed."""
    import threading
    from multiprocessing import parent_process

    above = parent_process()
    if above is None:
        return

    def watch(join: Callable[[], object] = above.join) -> None:
        join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
