"""Parts labelled on a Dask cluster: the model is sent once, workers read and write the shared storage themselves.

Needs the extra `dask`.
"""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from queue import Empty, Queue
from typing import Any

from parastance.predict.errors import OutputError, UsageError
from parastance.predict.labelling import Done, Job, Note
from parastance.predict.model import Model
from parastance.predict.parts import Part
from parastance.predict.storage import is_url
from parastance.predict.worker import Crash, Outcome, outcome_of

PARTS_PER_THREAD = 3  # parts under way for each thread of the cluster, so that none waits for the next
CONNECT = 30  # seconds
ASK_EVERY = 5.0  # seconds
GONE = "the Dask scheduler is gone; what is done is kept, --resume goes on with it"


class Cluster:
    """An executor on the Dask scheduler at an address (tcp://host:port). Raises UsageError where none answers."""

    def __init__(self, model: Model, job: Job, note: Note, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise UsageError("--dask needs the extra `dask`: pip install 'parastance[dask]'") from None
        _quiet()
        try:
            self.client: Any = Client(address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(f"--dask {address}: no scheduler answers: {str(error).splitlines()[0]}") from None
        self.job, self.note = replace(job, folder=_absolute(job.folder)), note
        self.parts: dict[Any, Part] = {}
        self.ready: Queue[Any] = Queue()
        self.threads, self.asked = 0, -ASK_EVERY
        try:
            self.client.wait_for_workers(1, timeout=CONNECT)
        except TimeoutError:
            self.client.close()
            raise UsageError(f"--dask {address}: the scheduler has no workers") from None
        self.model = self.client.submit(_same, model, pure=False)  # a task, so that the scheduler can make it anew when it is lost

    def _threads(self) -> int:
        """Return how many threads the cluster has, asked a few times a minute: workers come and go."""
        if time.monotonic() - self.asked > ASK_EVERY:
            with _connected():
                self.threads = sum(self.client.nthreads().values())
            self.asked = time.monotonic()
        return self.threads

    def has_room(self) -> bool:
        return self.pending() < PARTS_PER_THREAD * max(self._threads(), 1)

    def pending(self) -> int:
        return len(self.parts)

    def submit(self, part: Part) -> None:
        with _connected():
            future = self.client.submit(outcome_of, self.model, absolute(part), self.job, pure=False)
        self.parts[future] = part
        future.add_done_callback(self.ready.put)

    def wait(self, seconds: float) -> tuple[Part, Outcome] | None:
        try:
            return self._outcome(self.ready.get(timeout=seconds))
        except Empty:
            if self.client.status not in ("running", "connecting"):
                raise OutputError(GONE) from None
            return None

    def _outcome(self, future: Any) -> tuple[Part, Outcome]:
        from distributed import CancelledError, KilledWorker

        part = self.parts.pop(future)
        try:
            with _connected():
                outcome: Outcome = future.result()
        except (KilledWorker, CancelledError) as error:
            if self.client.status != "running":  # all is cancelled then, no worker is to blame
                raise OutputError(GONE) from None
            return part, Crash(f"its worker was lost: {type(error).__name__}")
        if isinstance(outcome, Done):
            self.note(part.size, outcome.paragraphs, outcome.rejected)
        return part, outcome

    def close(self) -> None:
        """Take back what is under way and leave the cluster."""
        with suppress(OSError, TimeoutError):
            self.client.cancel(list(self.parts))
            self.client.close()


@contextmanager
def _connected() -> Iterator[None]:
    """Say in one line that the connection is lost. An OSError is the connection's: those of files are outcomes."""
    try:
        yield
    except (OSError, TimeoutError):
        raise OutputError(GONE) from None


def _quiet() -> None:
    """Keep the client's tracebacks from standard error: what a user should know is said in one line."""
    for name in logging.root.manager.loggerDict:
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _same(model: Model) -> Model:
    return model


def absolute(part: Part) -> Part:
    """Return the part with paths that hold in any process of the machines that share the storage."""
    pieces = [replace(piece, source=replace(piece.source, path=_absolute(piece.source.path))) for piece in part.pieces]
    return replace(part, pieces=tuple(pieces))


def _absolute(path: str) -> str:
    return path if is_url(path) else os.path.abspath(path)
