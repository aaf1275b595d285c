"""What there is to do, cut into parts: each a few small inputs or a slice of a large one, labelled independently.

The plan depends on the inputs and the size of a part alone, never on how many workers there are. Tables larger than a part
are cut between rows: JSON Lines, CSV and TSV at byte offsets, Parquet by row groups. A packed file and a document are one part.
"""

import csv
import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from parastance.predict.errors import InputError
from parastance.predict.inputs import DOCUMENTS, READ_ERRORS, TABLES, Slice, Source
from parastance.predict.rows import open_parquet
from parastance.predict.separated import delimiter_of, same_name
from parastance.predict.storage import BLOCK, is_url, open_read, sha256_of, stat

PART_SIZE = 8 << 20  # bytes of input: a fraction of a second to some seconds of work, so that a kill costs little
CUTS_PER_GROUP = 8  # slices of one Parquet row group: each decodes the rows before it again
LONGEST_FIELD = 1 << 30
READ = 1 << 18  # bytes read, hashed and counted at once
FEED = 10  # the byte that ends a line
MARK = b"\xef\xbb\xbf"  # of UTF-8, which is no part of the first column's name
GROUP = "part"  # the name of parts that hold several documents


@dataclass(frozen=True)
class Piece:
    """A source of a part as it was when the plan was made.

    size: its bytes; stamp: see `storage.stat`; digest: the whole file's sha256, where the plan had to read it. Slices of JSON Lines
    are labelled while the plan still reads: there it is that of the file from its beginning to the slice's end.
    """

    source: Source
    size: int
    stamp: str
    digest: str | None = None


@dataclass(frozen=True)
class Part:
    """Some pieces to be labelled together. name: of its output below the output folder, without an ending; crashed: the
    places of the pieces that are to be rejected because labelling them ended the worker, with the reason."""

    name: str
    pieces: tuple[Piece, ...]
    crashed: tuple[tuple[int, str], ...] = ()

    @property
    def size(self) -> int:
        """Its bytes."""
        return sum(piece.size for piece in self.pieces)


def plan(sources: Iterable[Source], text_field: str, size: int = PART_SIZE, apart: bool = False) -> Iterator[Part]:
    """Yield the parts that the sources make, in order, none larger than `size` bytes where it can be cut.

    apart: tables are not put together with other inputs, nor documents of different folders, and parts are named after them.
    """
    names = _Names()
    waiting: list[Piece] = []
    key: object = None

    def group() -> Iterator[Part]:
        if waiting:
            yield Part(names.group(waiting[0].source) if apart else "", tuple(waiting))
            waiting.clear()

    for source in sources:
        pieces = survey(source, text_field, size)
        first = list(itertools.islice(pieces, 2))
        several = len(first) > 1
        alone = several or (apart and source.format in TABLES)
        found = PurePosixPath(source.name).parent if apart else None
        if waiting and (alone or found != key or sum(piece.size for piece in waiting) + first[0].size > size):
            yield from group()
        key = found
        if not alone:
            waiting.extend(first)
            continue
        stem = names.table(source) if apart else ""
        for index, piece in enumerate(itertools.chain(first, pieces)):
            yield Part(f"{stem}-{index:05d}" if apart and several else stem, (piece,))
    yield from group()


class _Names:
    """Names for the parts' files, each given once."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.groups: dict[str, int] = {}

    def table(self, source: Source) -> str:
        path = PurePosixPath(source.name)
        bare = path.name.lower().removesuffix(source.packing).removesuffix(source.format)
        bare = path.name[: len(bare)] or path.name
        choices = [str(path.with_name(bare)), str(path), *(f"{path}~{number}" for number in range(2, len(self.taken) + 3))]
        name = next(choice for choice in choices if choice not in self.taken)
        self.taken.add(name)
        return name

    def group(self, source: Source) -> str:
        folder = str(PurePosixPath(source.name).parent)
        while True:
            number = self.groups.get(folder, 0)
            self.groups[folder] = number + 1
            name = str(PurePosixPath(folder) / f"{GROUP}-{number:05d}")
            if name not in self.taken:
                self.taken.add(name)
                return name


def survey(source: Source, text_field: str, size: int) -> Iterator[Piece]:
    """Yield the pieces of one source: itself, or slices of about `size` bytes that together hold all its rows.

    What cannot be read, or has no such column, stays one piece: reading it will say why.
    """
    try:
        length, stamp = stat(source.path)
    except OSError:
        yield Piece(source, 0, "")
        return
    whole = Piece(source, length, stamp)
    if length <= size or source.packing or source.format in DOCUMENTS or source.format not in TABLES:
        yield whole
    elif source.format == ".jsonl":
        slices = _sliced_lines(whole, size)
        yield from list(slices) if is_url(source.path) else slices  # a store may hand out one stream to all who read a file
    else:
        yield from _sliced(whole, text_field, size)


def _sliced(whole: Piece, text_field: str, size: int) -> Iterator[Piece]:
    source, length = whole.source, whole.size
    try:
        slices, digest = CUTTERS[source.format](source, text_field, size, length)
    except (*READ_ERRORS, InputError, csv.Error):
        slices = []
    if len(slices) < 2:
        yield whole
        return
    span = sum(part.stop - part.start for part in slices)
    for part in slices:
        yield Piece(replace(source, slice=part), length * (part.stop - part.start) // max(span, 1), whole.stamp, digest)


def _sliced_lines(whole: Piece, size: int) -> Iterator[Piece]:
    """Yield slices as they are found. Where reading fails on the way, the rest of the file is one slice."""
    last, several = Slice(0, 0, 0), False
    digest: str | None = None
    try:
        for found in _cut_lines(whole.source, size):
            if last.stop:
                yield _slice_of(whole, last, digest)
                several = True
            last, digest = found
    except READ_ERRORS:
        last, digest = replace(last, stop=max(whole.size, last.stop)), None
    yield _slice_of(whole, last, digest) if several else whole


def _slice_of(whole: Piece, part: Slice, digest: str | None) -> Piece:
    return Piece(replace(whole.source, slice=part), part.stop - part.start, whole.stamp, digest)


def _cut_lines(source: Source, size: int) -> Iterator[tuple[Slice, str]]:
    """Yield each slice with the digest of the file up to its end."""
    digest = hashlib.sha256()
    at = start = rows = first = 0
    block = bytearray(READ)  # one for the whole file, so that it stays in the processor's cache
    view, bytes_of = memoryview(block), np.frombuffer(block, np.uint8)
    with open_read(source.path) as stream:
        while filled := stream.readinto(block):  # type: ignore[attr-defined]
            done = 0
            while end := block.find(b"\n", max(start + size - at - 1, 0), filled) + 1:
                digest.update(view[done:end])
                rows += int(np.count_nonzero(bytes_of[done:end] == FEED))  # ten times as fast as bytes.count
                yield Slice(start, at + end, first), digest.copy().hexdigest()
                start, first, done = at + end, rows, end
            digest.update(view[done:filled])
            rows += int(np.count_nonzero(bytes_of[done:filled] == FEED))
            at += filled
    if start < at:
        yield Slice(start, at, first), digest.hexdigest()


def _cut_separated(source: Source, text_field: str, size: int, length: int) -> tuple[list[Slice], str]:
    """Cut where `csv.reader` ends a row; a line without quotation marks outside of a row is a row by itself."""
    digest = hashlib.sha256()
    position = 0  # of the bytes handed to the reader

    def lines() -> Iterator[bytes]:
        rest = b""
        with open_read(source.path) as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
                pieces = (rest + block).split(b"\n")
                rest = pieces.pop()
                for piece in pieces:
                    yield piece + b"\n"
        if rest:
            yield rest

    given = lines()

    def decoded(first: bytes) -> Iterator[str]:
        nonlocal position
        for line in itertools.chain([first], given):
            position += len(line)
            yield line.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1") + "\n"

    limit = csv.field_size_limit(LONGEST_FIELD)
    try:
        first_line = next(given)
        position = len(first_line) - len(first_line.removeprefix(MARK))
        delimiter = delimiter_of(first_line.removeprefix(MARK).decode("latin-1"), source.format)
        header = next(csv.reader(decoded(first_line.removeprefix(MARK)), delimiter=delimiter))
        if text_field.encode().decode("latin-1") not in header or same_name(header):
            return [], ""
        head = start = position
        slices: list[Slice] = []
        rows = first = 0
        for line in given:
            if b'"' in line:
                rows += bool(next(csv.reader(decoded(line), delimiter=delimiter)))
            else:
                position += len(line)
                rows += line not in (b"\n", b"\r\n")
            if position - start >= size:
                slices.append(Slice(start, position, first, head))
                start, first = position, rows
        if start < position:
            slices.append(Slice(start, position, first, head))
    finally:
        csv.field_size_limit(limit)
    return slices, digest.hexdigest()


def _cut_parquet(source: Source, text_field: str, size: int, length: int) -> tuple[list[Slice], str]:
    slices: list[Slice] = []
    with open_parquet(source) as table:
        if text_field not in table.schema_arrow.names or same_name(table.schema_arrow.names):
            return [], ""
        start = at = filled = 0
        total = sum(table.metadata.row_group(index).total_byte_size for index in range(table.metadata.num_row_groups)) or 1
        for index in range(table.metadata.num_row_groups):
            group = table.metadata.row_group(index)
            held = group.total_byte_size * length // total  # as packed in the file
            cuts = min(CUTS_PER_GROUP, -(-held // size)) if held > 2 * size else 1
            for cut in range(1, cuts + 1):
                end = at + group.num_rows * cut // cuts
                filled += held // cuts
                if filled >= size and end > start:
                    slices.append(Slice(start, end, start))
                    start, filled = end, 0
            at += group.num_rows
        if start < at:
            slices.append(Slice(start, at, start))
    return slices, sha256_of(source.path)


CUTTERS: dict[str, Any] = {
    ".csv": _cut_separated, ".tsv": _cut_separated, ".parquet": _cut_parquet
}  # fmt: skip
