"""The unit of work: one pure function over one part. Its inputs in; a body, its rejects and their counts out.

It reads and writes storage itself, keeps no state, and gives the same bytes wherever and however often it is run.
"""

import itertools
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from parastance.predict.bodies import SPOOLED, Hashed, assemble, body_of
from parastance.predict.errors import InputError, ParastanceError
from parastance.predict.inputs import Source
from parastance.predict.model import CHUNK, Model, Unit
from parastance.predict.outputs import Record
from parastance.predict.parts import Part
from parastance.predict.records import Origin, labelled, merge
from parastance.predict.rejects import REJECTS, RejectLines
from parastance.predict.rows import GUESSED
from parastance.predict.snapshot import InputChanged, hold
from parastance.predict.storage import ASIDE, close_synced, join, open_write, remove, stat, writing
from parastance.predict.units import Reading, read_units

MOST_NAMED = 20  # rejects named one by one on standard error; all are in the rejects file
Item = tuple[Unit, Origin] | InputError
Note = Callable[[int, int, int], None]  # bytes, paragraphs and rejects that have just been done


@dataclass(frozen=True)
class Wanted:
    """What records are to hold."""

    explain: bool = False
    keep_text: bool = True
    tabular: bool = False  # every record has the same columns, `encoding` among them


@dataclass(frozen=True)
class Job:
    """What is common to the parts of a run.

    output: its name in messages; folder: where bodies are written aside; form: the output's ending; whole: whether each part
    becomes a file of its own.
    """

    output: str
    folder: str
    form: str
    reading: Reading = Reading()
    wanted: Wanted = Wanted()
    whole: bool = False


@dataclass
class Done:
    """What came of a part. aside, rejects: where body and rejects lie; named: messages of the first rejects."""

    aside: str
    info: dict[str, Any]
    size: int = 0
    sha256: str = ""
    rejects: str | None = None
    paragraphs: int = 0
    rejected: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    pieces: list[dict[str, Any]] = field(default_factory=list)
    named: list[str] = field(default_factory=list)


def label_part(model: Model, part: Part, job: Job, note: Note = lambda *_: None) -> Done:
    """Label a part; write its body and its rejects aside; return what came of it.

    Raises InputChanged where a sliced input is not as planned, OutputError where writing fails.
    """
    name = uuid.uuid4().hex
    done = Done(join(job.folder, f"{name}{ASIDE}"), {})
    rejects = RejectLines(join(job.folder, f"{name}.rejects{ASIDE}"), f"{job.output}{REJECTS}")
    try:
        with writing(job.output):
            stream = open_write(done.aside)
        try:
            _label_into(model, part, job, stream, rejects, done, note)
        finally:
            with suppress(OSError):
                stream.close()
        done.rejects = rejects.close()
    except BaseException:
        for path in (rejects.discard(), done.aside):
            with suppress(OSError):
                remove(path)
        raise
    return done


def _label_into(
    model: Model, part: Part, job: Job, stream: IO[bytes], rejects: RejectLines, done: Done, note: Note
) -> None:
    out = Hashed(stream)
    gathered = job.whole and job.form != ".jsonl"
    spool: Any = tempfile.SpooledTemporaryFile(SPOOLED) if gathered else out  # noqa: SIM115
    body = body_of(job.form, spool)
    done.pieces = [{"paragraphs": 0, "rejected": 0} for _ in part.pieces]
    items = itertools.chain.from_iterable(_items(part, at, job.reading, done, note) for at in range(len(part.pieces)))
    for places, records, types, errors in label_items(model, items, job.wanted):
        with writing(job.output):
            body.write(records, types)
        for at, error in errors:
            rejects.add(error)
            done.pieces[at]["rejected"] += 1
            if len(done.named) < MOST_NAMED:
                done.named.append(str(error))
        for at in places:
            done.pieces[at]["paragraphs"] += 1
        count_labels(done.labels, records)
        done.paragraphs += len(records)
        done.rejected += len(errors)
        note(0, len(records), len(errors))
    with writing(job.output):
        done.info = body.finish()
        if gathered:
            spool.seek(0)
            assemble(job.form, [done.info], [lambda: spool], out)
        close_synced(stream)
    done.size, done.sha256 = out.size, out.digest.hexdigest()


def label_items(
    model: Model, items: Iterable[tuple[int, Item]], wanted: Wanted
) -> Iterator[tuple[list[int], list[Record], list[Any], list[tuple[int, InputError]]]]:
    """Yield, chunk by chunk, (the places of the records, the records, the Arrow types of their columns, what was rejected).

    An item comes with a place of the caller's. An item that cannot be labelled by itself either is rejected.
    """
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, CHUNK)):
        good = [(at, item) for at, item in chunk if not isinstance(item, InputError)]
        errors = [(at, item) for at, item in chunk if isinstance(item, InputError)]
        try:
            records = label_chunk(model, [item for _, item in good], wanted)
        except ParastanceError:
            raise
        except Exception:  # whatever it is, it must not cost the other rows
            good, records, failed = _one_by_one(model, good, wanted)
            errors += failed
        yield [at for at, _ in good], records, [origin.types for _, (_, origin) in good], errors


def _one_by_one(
    model: Model, items: list[tuple[int, tuple[Unit, Origin]]], wanted: Wanted
) -> tuple[list[tuple[int, tuple[Unit, Origin]]], list[Record], list[tuple[int, InputError]]]:
    kept, records, errors = [], [], []
    for at, (unit, origin) in items:
        try:
            records += label_chunk(model, [(unit, origin)], wanted)
            kept.append((at, (unit, origin)))
        except ParastanceError:
            raise
        except Exception as error:
            reason = f"labelling it failed twice: {type(error).__name__}: {error}"
            errors.append((at, InputError(origin.place, reason, origin.row, {**origin.lead, "text": unit.text, **origin.extra})))
    return kept, records, errors


def label_chunk(model: Model, items: list[tuple[Unit, Origin]], wanted: Wanted) -> list[Record]:
    """Return the finished records of some units: a pure function of the model and the units."""
    records = labelled(model, [unit for unit, _ in items], wanted.explain)
    merged = [merge(origin, record, wanted.keep_text) for (_, origin), record in zip(items, records, strict=True)]
    if wanted.tabular:
        for record in merged:
            record.setdefault(GUESSED, None)
    return merged


def count_labels(labels: Counter[str], records: list[Record]) -> None:
    """Count the labels of some records."""
    for record in records:
        if record.get("kind") == "boilerplate":
            labels["boilerplate"] += 1
            continue
        labels.update(record.get("topics", ()))
        if "stance" in record:
            labels[record["stance"]] += 1


def _items(part: Part, at: int, reading: Reading, done: Done, note: Note) -> Iterator[tuple[int, Item]]:
    """Yield (place of the piece, item) of one piece; note its digest, and its size once it is done."""
    piece = part.pieces[at]
    crash = dict(part.crashed).get(at)
    if crash is not None:
        where = f"rows from {piece.source.slice.row + 1} on: " if piece.source.slice else ""
        yield at, InputError(piece.source.name, where + crash)
    else:
        try:
            source, facts = hold(piece)
        except OSError as error:
            yield at, InputError(piece.source.name, f"cannot be opened: {error.strerror or error}")
        else:
            done.pieces[at].update(facts)
            for item in guarded(source, read_units(source, reading)):
                yield at, item
            if source.held is None and facts["stamp"] != stat(source.path)[1]:
                raise InputChanged(source.path)
    note(piece.size, 0, 0)


def guarded(source: Source, items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items; an exception that reading was not prepared for is one reject more, and the end of this source."""
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except ParastanceError:
            raise
        except Exception as error:
            yield InputError(source.name, f"reading it failed: {type(error).__name__}: {error}")
            return
        yield item


