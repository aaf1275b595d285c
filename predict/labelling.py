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
from typing import TYPE_CHECKING, Any, NamedTuple

from parastance.predict.bodies import SPOOLED, Body, Hashed, LineBody, assemble, body_of
from parastance.predict.chunks import Item, Wanted, count_labels, label_items, unreadable
from parastance.predict.errors import InputError, ParastanceError
from parastance.predict.inputs import Source
from parastance.predict.lines import Lender, label_lines, takes_lines
from parastance.predict.model import Model
from parastance.predict.parts import Part
from parastance.predict.rejects import REJECTS, RejectLines
from parastance.predict.snapshot import InputChanged, hold
from parastance.predict.spool import Spool
from parastance.predict.storage import ASIDE, close_synced, join, open_write, remove, stat, writing
from parastance.predict.units import Reading, read_units

if TYPE_CHECKING:
    from parastance.predict.room import Handed

MOST_NAMED = 20  # rejects named one by one on standard error; all are in the rejects file
Note = Callable[[int, int, int], None]  # bytes, paragraphs and rejects that have just been done


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
    """What came of a part. aside, rejects: where body and rejects lie, the body nowhere of its own where it is spooled; named:
    messages of the first rejects."""

    aside: str | None
    info: dict[str, Any]
    size: int = 0
    sha256: str = ""
    rejects: str | None = None
    paragraphs: int = 0
    rejected: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    pieces: list[dict[str, Any]] = field(default_factory=list)
    named: list[str] = field(default_factory=list)


def label_part(
    model: Model, part: Part, job: Job, note: Note = lambda *_: None, spool: "Spool | Handed | None" = None
) -> Done:
    """Label a part; write its body and its rejects aside, the body into the spool if there is one; return what came of it.

    Raises InputChanged where a sliced input is not as planned, OutputError where writing fails.
    """
    name = uuid.uuid4().hex
    done = Done(None if spool else join(job.folder, f"{name}{ASIDE}"), {})
    rejects = RejectLines(join(job.folder, f"{name}.rejects{ASIDE}"), f"{job.output}{REJECTS}")
    try:
        if spool:
            _label_spooled(model, part, job, spool, rejects, done, note)
        else:
            _label_aside(model, part, job, rejects, done, note)
        done.rejects = rejects.close()
    except BaseException:
        if spool:
            spool.close()
        for path in (rejects.discard(), done.aside):
            if path is not None:
                with suppress(OSError):
                    remove(path)
        raise
    return done


def _label_spooled(
    model: Model, part: Part, job: Job, spool: "Spool | Handed", rejects: RejectLines, done: Done, note: Note
) -> None:
    with writing(job.output):
        spool.open()
    _label_into(model, part, job, LineBody(spool), rejects, done, note)
    with writing(job.output):
        done.info, done.size, done.sha256 = spool.end()


def _label_aside(model: Model, part: Part, job: Job, rejects: RejectLines, done: Done, note: Note) -> None:
    assert done.aside is not None
    with writing(job.output):
        stream = open_write(done.aside)
    try:
        out = Hashed(stream)
        gathered = job.whole and job.form != ".jsonl"
        spool: Any = tempfile.SpooledTemporaryFile(SPOOLED) if gathered else out  # noqa: SIM115
        body = body_of(job.form, spool)
        _label_into(model, part, job, body, rejects, done, note)
        with writing(job.output):
            done.info = body.finish()
            if gathered:
                spool.seek(0)
                assemble(job.form, [done.info], [lambda: spool], out)
            close_synced(stream)
    finally:
        with suppress(OSError):
            stream.close()
    done.size, done.sha256 = out.size, out.digest.hexdigest()


def _label_into(model: Model, part: Part, job: Job, body: Body, rejects: RejectLines, done: Done, note: Note) -> None:
    done.pieces = [{"paragraphs": 0, "rejected": 0} for _ in part.pieces]

    def straight(at: int) -> bool:
        return takes_lines(model, part.pieces[at].source, job.form, job.reading, job.wanted)

    for by_lines, places in itertools.groupby(range(len(part.pieces)), straight):
        label = _by_lines if by_lines else _by_units
        for chunk in label(model, part, places, job, body, done, note):
            for at, error in chunk.errors:
                rejects.add(error)
                done.pieces[at]["rejected"] += 1
                if len(done.named) < MOST_NAMED:
                    done.named.append(str(error))
            done.labels.update(chunk.labels)
            done.paragraphs += chunk.paragraphs
            done.rejected += len(chunk.errors)
            note(0, chunk.paragraphs, len(chunk.errors))


class _Chunk(NamedTuple):
    """What came of some paragraphs whose records are in the body."""

    paragraphs: int
    labels: Counter[str]
    errors: list[tuple[int, InputError]]  # with the place of the piece


def _by_units(
    model: Model, part: Part, places: Iterable[int], job: Job, body: Body, done: Done, note: Note
) -> Iterator[_Chunk]:
    items = itertools.chain.from_iterable(_items(part, at, job.reading, done, note) for at in places)
    for found, records, types, errors in label_items(model, items, job.wanted):
        with writing(job.output):
            body.write(records, types)
        for at in found:
            done.pieces[at]["paragraphs"] += 1
        labels: Counter[str] = Counter()
        count_labels(labels, records)
        yield _Chunk(len(records), labels, errors)


def _by_lines(
    model: Model, part: Part, places: Iterable[int], job: Job, body: Body, done: Done, note: Note
) -> Iterator[_Chunk]:
    assert isinstance(body, LineBody)
    lender = body.stream if isinstance(body.stream, Lender) else None
    for at in places:
        for source in _opened(part, at, done):
            if isinstance(source, InputError):
                yield _Chunk(0, Counter(), [(at, source)])
                continue
            for found in label_lines(model, source, job.reading, job.wanted, lender):
                with writing(job.output):
                    body.stream.write(found.lines)
                done.pieces[at]["paragraphs"] += found.paragraphs
                yield _Chunk(found.paragraphs, found.labels, [(at, error) for error in found.errors])
        note(part.pieces[at].size, 0, 0)


def _items(part: Part, at: int, reading: Reading, done: Done, note: Note) -> Iterator[tuple[int, Item]]:
    """Yield (place of the piece, item) of one piece; note its size once it is done."""
    for source in _opened(part, at, done):
        items = [source] if isinstance(source, InputError) else guarded(source, read_units(source, reading))
        for item in items:
            yield at, item
    note(part.pieces[at].size, 0, 0)


def _opened(part: Part, at: int, done: Done) -> Iterator[Source | InputError]:
    """Yield one piece's source, or why it cannot be read; note its digest. Raises InputChanged where it was changed meanwhile."""
    piece = part.pieces[at]
    crash = dict(part.crashed).get(at)
    if crash is not None:
        where = f"rows from {piece.source.slice.row + 1} on: " if piece.source.slice else ""
        yield InputError(piece.source.name, where + crash)
        return
    try:
        source, facts = hold(piece)
    except OSError as error:
        yield InputError(piece.source.name, f"cannot be opened: {error.strerror or error}")
        return
    done.pieces[at].update(facts)
    yield source
    if source.held is not None:
        return
    with suppress(OSError):  # it may be gone
        if facts["stamp"] == stat(source.path)[1]:
            return
    raise InputChanged(source.path)


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
            yield unreadable(source.name, error)
            return
        yield item


