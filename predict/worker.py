"""A worker process: it labels the parts that it is sent, one by one, and says what came of each."""

import gc
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from parastance.predict.cli import COLLECT_AFTER
from parastance.predict.errors import ModelError, ParastanceError
from parastance.predict.labelling import Done, Job, Note, label_part
from parastance.predict.model import Model, load
from parastance.predict.parts import Part
from parastance.predict.room import Handed, Share
from parastance.predict.snapshot import InputChanged
from parastance.predict.spool import Spool

NOTE_EVERY = 0.2  # seconds between a worker's notes of what it has done


@dataclass(frozen=True)
class Crash:
    """The worker ended while it had the part."""

    reason: str


@dataclass(frozen=True)
class Changed:
    """An input of the part is not as it was when the plan was made."""

    path: str


Outcome = Done | Crash | Changed


def outcome_of(
    model: Model, part: Part, job: Job, note: Note = lambda *_: None, spool: Spool | Handed | None = None
) -> Done | Changed:
    """Label a part, see `label_part`; an input that is not as planned is an outcome too."""
    try:
        return label_part(model, part, job, note, spool)
    except InputChanged as error:
        return Changed(str(error))


def serve(
    connection: Connection, folder: Path | None, name: str, registry: Any, model: Model | None, job: Job, share: Share | None
) -> None:
    """Label the parts that arrive until the connection closes: the body of a worker process. share: for its bodies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which stops its workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a fork has its parent's handler
    _end_with_parent()
    try:
        if model is None:
            model = load(folder)
        if model.name != name:
            raise ModelError(f"{folder}: the model was replaced while the run was under way")
        model.registry = registry  # a target of the user's own may have been added
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER)
        spool = Handed(share, connection) if share is not None else None
        while True:
            part = connection.recv()
            note = _Notes(connection)
            outcome = outcome_of(model, part, job, note, spool)
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
