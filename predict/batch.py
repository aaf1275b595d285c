"""One run over many inputs: plan, parts, ledger, and at the end one whole output with its rejects and its manifest."""

import hashlib
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from parastance.predict.artifact import read_manifest
from parastance.predict.bodies import Hashed, assemble
from parastance.predict.chunks import Wanted
from parastance.predict.destination import Destination
from parastance.predict.errors import OutputError
from parastance.predict.executors import Executor, Inline, Processes
from parastance.predict.growing import Growing
from parastance.predict.inputs import Source, size_of
from parastance.predict.labelling import Job
from parastance.predict.ledger import Ledger
from parastance.predict.manifest import write_manifest
from parastance.predict.model import Model
from parastance.predict.part_record import key_of, sum_labels
from parastance.predict.parts import PART_SIZE, Part, plan
from parastance.predict.pipes import rereadable
from parastance.predict.progress import Reporter, Tally
from parastance.predict.spool import WAITING, Beginning, Spool, may_spool
from parastance.predict.spooled import adopt
from parastance.predict.storage import ASIDE, commit, join, open_read, remove, whole, writing
from parastance.predict.supervise import drop, supervised
from parastance.predict.units import Reading
from parastance.predict.version import VERSION
from parastance.predict.worker import Changed

ROUNDS = 3  # plans made anew because inputs changed while they were read


@dataclass(frozen=True)
class Options:
    """What a run is to do beside its inputs and its output."""

    reading: Reading = Reading()
    wanted: Wanted = Wanted()
    jobs: int = 1
    dask: str | None = None
    resume: bool = False
    part_size: int = PART_SIZE


def run(model: Model, sources: Sequence[Source], output: Destination, options: Options, report: Reporter) -> Tally:
    """Label the sources into a destination, part by part, and return the tally.

    What was done before the run was stopped, however that was, is kept: with `resume` a later run goes on from there and writes
    the same bytes as an undisturbed one. Raises OutputError where writing fails or another run writes the same output, UsageError
    where an unfinished run is in the way.
    """
    report.rejects_path = output.rejects
    decisive = deciding(model, output, options)
    with (
        Ledger(output, decisive, options.resume) as ledger,
        _told(ledger, report),
        rereadable(sources, output, options.reading.text_field) as given,
    ):
        report.start(size_of(given), len(given))
        if ledger.earlier is not None and not output.folder and ledger.is_whole(_plan(given, output, options)):
            report.say("the output is whole already: nothing to do")
            return _tally(len(sources), ledger.earlier["parts"])
        ledger.begin()
        growing = _growing(output, options, ledger)
        try:
            parts = _label(model, given, output, options, ledger, growing, report)
            records = [ledger.records[key_of(part)] for part in parts]
            with writing(output.path):
                facts = _assemble(output, ledger, parts, records, growing)
        finally:
            if growing is not None:
                growing.drop()
        with writing(output.path):
            write_manifest(output, model.name, decisive, parts, records, facts)
        return _tally(len(sources), records)


def deciding(model: Model, output: Destination, options: Options) -> dict[str, Any]:
    """Return all that decides what is written, beside the inputs."""
    reading, wanted = options.reading, options.wanted
    targets = hashlib.sha256(repr(sorted(model.registry.items())).encode()).hexdigest()
    return {
        "parastance": VERSION, "model": model.name,
        "model_sha256": read_manifest(model.folder)["sha256"] if model.folder else None,
        "targets_sha256": targets, "target": reading.target or model.registry.default,
        "unit": "document" if reading.documents else "paragraph",
        "text_field": reading.text_field, "id_field": reading.id_field,
        "explain": wanted.explain, "keep_text": wanted.keep_text, "tabular": wanted.tabular, "format": output.form,
        "part_size": options.part_size,
    }  # fmt: skip


@contextmanager
def _told(ledger: Ledger, report: Reporter) -> Iterator[None]:
    """Say what is kept where the run is stopped."""
    try:
        yield
    except BaseException:
        report.close()
        if ledger.records:
            count = f"{len(ledger.records):,} part{'s are' if len(ledger.records) > 1 else ' is'}"
            report.say(f"{count} done and kept: the same command with --resume goes on", "stopped")
        raise


def _plan(sources: Sequence[Source], output: Destination, options: Options) -> Iterator[Part]:
    lines = output.form == ".jsonl" and not output.folder
    return plan(sources, options.reading.text_field, options.part_size, apart=output.folder, tapered=lines)


def _growing(output: Destination, options: Options, ledger: Ledger) -> Growing | None:
    """Return what puts together meanwhile what a cluster writes; None where there is none, or the format does not allow it."""
    return Growing(ledger) if options.dask is not None and may_spool(output.run, output.form, output.folder) else None


def _label(
    model: Model, sources: Sequence[Source], output: Destination, options: Options, ledger: Ledger, growing: Growing | None,
    report: Reporter,
) -> list[Part]:  # fmt: skip
    """Label all parts that are not done; return the plan's parts in order."""
    job = Job(output.path, output.run, output.form, options.reading, options.wanted, output.folder)
    unsteady: Counter[str] = Counter()
    executor: Executor | None = None
    try:
        while True:
            parts: list[Part] = []
            done: set[str] = set()
            todo = _todo(_plan(sources, output, options), parts, done, ledger, report, unsteady)
            ahead = list(itertools.islice(todo, 2))
            if ahead and executor is None:
                executor = _executor(model, job, options, report, sources, ahead, ledger.beginning(parts, done))
            changed: set[str] = set()
            for part, outcome in supervised(executor, itertools.chain(ahead, todo), report.tick) if executor else ():
                if isinstance(outcome, Changed):
                    changed.add(outcome.path)
                    continue
                try:
                    with writing(output.path):
                        ledger.add(part, outcome)
                except OutputError:
                    drop(outcome)
                    raise
                done.add(key_of(part))
                if growing is not None:
                    with writing(output.path):
                        growing.take(parts, done)
                report.rejects(outcome.named, outcome.rejected)
            unsteady.update(changed)
            if not changed:
                if growing is not None:
                    with writing(output.path):
                        growing.take(parts, done)
                return parts
            if growing is not None:
                growing.drop()
    finally:
        if executor is not None:
            executor.close()


def _todo(
    planned: Iterable[Part], parts: list[Part], done: set[str], ledger: Ledger, report: Reporter, unsteady: Counter[str]
) -> Iterator[Part]:
    """Yield the planned parts that are not done, and list all; an input that changed in every round is given up."""
    for part in planned:
        parts.append(part)
        restless = [at for at, piece in enumerate(part.pieces) if unsteady[piece.source.path] >= ROUNDS]
        if restless:
            yield replace(part, crashed=tuple((at, "it keeps changing while it is read") for at in restless))
        elif ledger.has(part):
            done.add(key_of(part))
            report.skip(part.size if not unsteady else 0)
        else:
            yield part


def _executor(
    model: Model, job: Job, options: Options, report: Reporter, sources: Sequence[Source], ahead: Sequence[Part],
    after: Beginning | None,
) -> Executor:  # fmt: skip
    if options.dask is not None:
        from parastance.predict.cluster import Cluster

        return Cluster(model, job, report.note, options.dask)
    stored = any(path.startswith("memory://") for path in (job.folder, *(source.path for source in sources)))
    single = len(ahead) == 1 and len(ahead[0].pieces) == 1
    inline = stored or single  # another process has another memory; nothing else could be lost
    spool = Spool(job.folder, after, WAITING if inline else 0) if may_spool(job.folder, job.form, job.whole) else None
    return Inline(model, job, report.note, spool) if inline else Processes(model, job, report.note, options.jobs, spool)


def _assemble(
    output: Destination, ledger: Ledger, parts: Sequence[Part], records: Sequence[dict[str, Any]], growing: Growing | None
) -> dict[str, Any]:
    """Write the rejects and, where the output is one file, that file; return its size and digest."""
    facts: dict[str, Any] = {}
    aside = join(output.run, f"whole{ASIDE}")
    if growing is not None and (grown := growing.finish(parts, output.path)):
        facts = grown
    elif adopted := adopt(output.run, records, aside):
        facts = adopted
        commit(aside, output.path)
    elif not output.folder:
        infos = [record["info"] for record in records]
        bodies = [partial(ledger.open_body, part) for part in parts]
        facts = _written(output.path, aside, lambda out: assemble(output.form, infos, bodies, out))
    paths = [ledger.rejects(record["key"]) for record in records if record["rejected"]]
    if paths:
        rejects = [partial(open_read, path) for path in paths]
        _written(output.rejects, join(output.run, f"rejects{ASIDE}"), lambda out: assemble(".jsonl", [], rejects, out))
    else:
        remove(output.rejects)
    ledger.remove_stale({part.name for part in parts})
    return facts


def _written(path: str, aside: str, fill: Callable[[Hashed], None]) -> dict[str, Any]:
    with whole(path, aside) as stream:
        out = Hashed(stream)
        fill(out)
    return {"bytes": out.size, "sha256": out.digest.hexdigest()}


def _tally(inputs: int, records: Sequence[dict[str, Any]]) -> Tally:
    paragraphs = sum(record["paragraphs"] for record in records)
    return Tally(inputs, paragraphs, sum(record["rejected"] for record in records), sum_labels(records))


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
