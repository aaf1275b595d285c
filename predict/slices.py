"""Slices of inputs too large for one part: tables cut between rows, JSON Lines, CSV and TSV at byte offsets, Parquet by row groups.

A packed file and a document are one piece.
"""

import csv
import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from parastance.predict.errors import InputError
from parastance.predict.inputs import DOCUMENTS, READ_ERRORS, TABLES, Slice, Source
from parastance.predict.rows import open_parquet
from parastance.predict.separated import delimiter_of, same_name
from parastance.predict.storage import BLOCK, is_url, open_read, sha256_of, stat

TAIL, LEAST = 4, 4  # tapered, a slice takes a TAILth of what is left of its file, but no less than a LEASTth of a part
CUTS_PER_GROUP = 8  # slices of one Parquet row group: each decodes the rows before it again
LONGEST_FIELD = 1 << 30
READ = 1 << 18  # bytes read, hashed and counted at once
FEED = 10  # the byte that ends a line
MARK = b"\xef\xbb\xbf"  # of UTF-8, which is no part of the first column's name
Span = Callable[[int], int]  # how large the next slice of a text table is to be, so many bytes of the file being left


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


def _even(size: int, length: int, left: int) -> int:
    return size


def _tapered(size: int, length: int, left: int) -> int:
    first = left == length  # half a part, so that two workers never end at once, and less of the one's rows wait for the other's
    return min(-(-size // 2) if first else size, max(left // TAIL, size // LEAST, 1))


def survey(source: Source, text_field: str, size: int, tapered: bool = False) -> Iterator[Piece]:
    """Yield the pieces of one source: itself, or slices of about `size` bytes that together hold all its rows.

    tapered: the first and last slices of a text table are smaller, so that workers take turns and end together. What cannot be
    read, or has no such column, stays one piece: reading it will say why.
    """
    try:
        length, stamp = stat(source.path)
    except OSError:
        yield Piece(source, 0, "")
        return
    whole, span = Piece(source, length, stamp), partial(_tapered if tapered else _even, size, length)
    if length <= size or source.packing or source.format in DOCUMENTS or source.format not in TABLES:
        yield whole
    elif source.format == ".jsonl":
        slices = _sliced_lines(whole, span)
        yield from list(slices) if is_url(source.path) else slices  # a store may hand out one stream to all who read a file
    else:
        yield from _sliced(whole, text_field, size, span)


def _sliced(whole: Piece, text_field: str, size: int, span: Span) -> Iterator[Piece]:
    source, length = whole.source, whole.size
    try:
        if source.format == ".parquet":
            slices, digest = _cut_parquet(source, text_field, size, length)
        else:
            slices, digest = _cut_separated(source, text_field, span, length)
    except (*READ_ERRORS, InputError, csv.Error):
        slices = []
    if len(slices) < 2:
        yield whole
        return
    total = max(sum(part.stop - part.start for part in slices), 1)
    for part in slices:
        yield Piece(replace(source, slice=part), length * (part.stop - part.start) // total, whole.stamp, digest)


def _sliced_lines(whole: Piece, span: Span) -> Iterator[Piece]:
    """Yield slices as they are found. Where reading fails on the way, the rest of the file is one slice."""
    last, several = Slice(0, 0, 0), False
    digest: str | None = None
    try:
        for found in _cut_lines(whole.source, span, whole.size):
            if last.stop:
                yield _slice_of(whole, last, digest)
                several = True
            last, digest = found
    except READ_ERRORS:
        last, digest = replace(last, stop=max(whole.size, last.stop)), None
    yield _slice_of(whole, last, digest) if several else whole


def _slice_of(whole: Piece, part: Slice, digest: str | None) -> Piece:
    return Piece(replace(whole.source, slice=part), part.stop - part.start, whole.stamp, digest)


def _cut_lines(source: Source, span: Span, length: int) -> Iterator[tuple[Slice, str]]:
    """Yield each slice with the digest of the file up to its end."""
    digest = hashlib.sha256()
    at = start = rows = first = 0
    least = span(length)
    block = bytearray(READ)  # one for the whole file, so that it stays in the processor's cache
    view, bytes_of = memoryview(block), np.frombuffer(block, np.uint8)
    with open_read(source.path) as stream:
        while filled := stream.readinto(block):  # type: ignore[attr-defined]
            done = 0
            while end := block.find(b"\n", max(start + least - at - 1, 0), filled) + 1:
                digest.update(view[done:end])
                rows += int(np.count_nonzero(bytes_of[done:end] == FEED))  # ten times as fast as bytes.count
                yield Slice(start, at + end, first), digest.copy().hexdigest()
                start, first, done = at + end, rows, end
                least = span(length - start)
            digest.update(view[done:filled])
            rows += int(np.count_nonzero(bytes_of[done:filled] == FEED))
            at += filled
    if start < at:
        yield Slice(start, at, first), digest.hexdigest()


def _cut_separated(source: Source, text_field: str, span: Span, length: int) -> tuple[list[Slice], str]:
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
        least = span(length - start)
        for line in given:
            if b'"' in line:
                rows += bool(next(csv.reader(decoded(line), delimiter=delimiter)))
            else:
                position += len(line)
                rows += line not in (b"\n", b"\r\n")
            if position - start >= least:
                slices.append(Slice(start, position, first, head))
                start, first = position, rows
                least = span(length - start)
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
