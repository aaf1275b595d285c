"""One run over many inputs: units in, records out, in input order; what cannot be labelled goes to the rejects."""

import itertools
import json
import os
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from parastance.predict.errors import InputError, OutputError
from parastance.predict.inputs import Source
from parastance.predict.model import CHUNK, Model, Unit, load
from parastance.predict.outputs import Record, Writer
from parastance.predict.records import Origin, labelled, merge
from parastance.predict.rows import GUESSED, plain
from parastance.predict.units import Reading, read_units

Item = tuple[Unit, Origin] | InputError
MOST_NAMED = 20  # rejects named one by one on standard error; all are in the rejects file


@dataclass
class Tally:
    """What a run has done so far."""

    inputs: int = 0
    paragraphs: int = 0
    rejected: int = 0
    labels: Counter[str] = field(default_factory=Counter)

    def add(self, records: list[Record]) -> None:
        """Count the labels of some records."""
        self.paragraphs += len(records)
        for record in records:
            if record.get("kind") == "boilerplate":
                self.labels["boilerplate"] += 1
                continue
            self.labels.update(record.get("topics", ()))
            if "stance" in record:
                self.labels[record["stance"]] += 1

    def __str__(self) -> str:
        plural = ["s" * (count != 1) for count in (self.paragraphs, self.inputs)]
        head = f"{self.paragraphs:,} paragraph{plural[0]} labelled from {self.inputs:,} input{plural[1]}"
        if self.rejected:
            head += f", {self.rejected:,} rejected"
        shares = ", ".join(f"{name} {count:,}" for name, count in self.labels.most_common())
        return f"{head}: {shares}" if shares else head


class Rejects:
    """Names what could not be labelled on standard error and, where there is an output file, in `OUT.rejects.jsonl`."""

    def __init__(self, output: str | None, messages: TextIO) -> None:
        self.path = Path(f"{output}.rejects.jsonl") if output else None
        self.messages = messages
        self.count = 0
        self.stream: TextIO | None = None
        if self.path is not None:
            try:
                self.path.unlink(missing_ok=True)  # of an earlier run
            except OSError as error:
                raise OutputError(f"{self.path}: cannot be replaced: {error.strerror or error}") from None

    def add(self, error: InputError) -> None:
        """Record one reject."""
        self.count += 1
        if self.count <= MOST_NAMED:
            print(f"parastance: {error}", file=self.messages)
        elif self.count == MOST_NAMED + 1:
            print(f"parastance: more rejects follow{f', see {self.path}' if self.path else ''}", file=self.messages)
        if self.path is None:
            return
        row = {"file": error.place, "row": error.row, "reason": error.reason, "raw": plain(error.raw)}
        try:
            if self.stream is None:
                self.stream = open(self.path, "w", encoding="utf-8")  # noqa: SIM115
            self.stream.write(json.dumps(row, ensure_ascii=True) + "\n")
        except OSError as problem:
            raise OutputError(f"{self.path}: cannot be written: {problem.strerror or problem}") from None

    def close(self) -> None:
        """Make the file whole."""
        try:
            if self.stream is not None:
                self.stream.close()
        except OSError as problem:
            raise OutputError(f"{self.path}: cannot be written: {problem.strerror or problem}") from None


@dataclass(frozen=True)
class Wanted:
    """What records are to hold."""

    explain: bool = False
    keep_text: bool = True
    tabular: bool = False  # every record has the same columns, `encoding` among them


def run(
    model: Model, sources: list[Source], reading: Reading, wanted: Wanted, writer: Writer, rejects: Rejects,
    jobs: int = 1, progress: Any = None,
) -> Tally:  # fmt: skip
    """Label every unit of the sources in order and write the records; return the tally.

    Memory is bounded by the chunks under way. Raises OutputError where writing fails.
    """
    tally = Tally(inputs=len(sources))
    items = itertools.chain.from_iterable(read_units(source, reading) for source in sources)
    for records, errors in _labelled(model, items, wanted, jobs):
        for error in errors:
            rejects.add(error)
        writer.write(records)
        tally.add(records)
        tally.rejected += len(errors)
        if progress is not None:
            progress.update(len(records))
    return tally


def _split(items: Iterable[Item]) -> Iterator[tuple[list[tuple[Unit, Origin]], list[InputError]]]:
    """Yield the items in chunks, errors apart."""
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, CHUNK)):
        good = [item for item in chunk if not isinstance(item, InputError)]
        yield good, [item for item in chunk if isinstance(item, InputError)]


def _labelled(
    model: Model, items: Iterable[Item], wanted: Wanted, jobs: int
) -> Iterator[tuple[list[Record], list[InputError]]]:
    if jobs < 2:
        for good, errors in _split(items):
            yield label_chunk(model, good, wanted), errors
        return
    with ProcessPoolExecutor(jobs, initializer=_start_worker, initargs=(model.folder, model.registry)) as pool:
        pending: deque[tuple[Future[list[Record]], list[InputError]]] = deque()
        for good, errors in _split(items):
            pending.append((pool.submit(_work, good, wanted), errors))
            if len(pending) >= 3 * jobs:
                future, earlier = pending.popleft()
                yield future.result(), earlier
        while pending:
            future, earlier = pending.popleft()
            yield future.result(), earlier


def label_chunk(model: Model, items: list[tuple[Unit, Origin]], wanted: Wanted) -> list[Record]:
    """Return the finished records of some units: a pure function of the model and the units."""
    records = labelled(model, [unit for unit, _ in items], wanted.explain)
    merged = [merge(origin, record, wanted.keep_text) for (_, origin), record in zip(items, records, strict=True)]
    if wanted.tabular:
        for record in merged:
            record.setdefault(GUESSED, None)
    return merged


_worker: list[Model] = []


def _start_worker(folder: Path | None, registry: Any) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which stops its workers
    model = load(folder)
    model.registry = registry  # a target of the user's own may have been added
    _worker[:] = [model]


def _work(items: list[tuple[Unit, Origin]], wanted: Wanted) -> list[Record]:
    return label_chunk(_worker[0], items, wanted)


def progress_bar(quiet: bool, unit: str = " paragraphs") -> Any:
    """Return a tqdm bar on standard error, or None where that is no terminal or the user asked for quiet."""
    if quiet or not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    return tqdm(unit=unit, file=sys.stderr, leave=False, dynamic_ncols=True)


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
