"""Where the paragraphs come from: files, folders, globs and standard input, read as streams of rows or documents.

Does not split documents (see `paragraphs`, `html`) nor label anything. Text is read through `decode`.
"""

import bz2
import glob
import gzip
import io
import itertools
import lzma
import os
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any

from parastance.predict.errors import InputError, UsageError
from parastance.predict.storage import BLOCK, filesystem, is_url, open_read, stat
from parastance.predict.walk import distinct_names, walk

DOCUMENTS = (".txt", ".html", ".htm")
TABLES = (".jsonl", ".csv", ".tsv", ".parquet")
PACKED = (".gz", ".zst", ".bz2", ".xz")
STDIN = "-"
READ_ERRORS = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)  # of files, and of packed ones that are torn
PIECE = 1 << 18  # bytes of a slice that are read at once: what is made of them stays in the processor's cache
Row = dict[str, Any]


@dataclass(frozen=True)
class Slice:
    """A run of whole rows of a table.

    start, stop: bytes of the file, of Parquet rows; row: rows of the file before it; head: bytes of a CSV's header row.
    """

    start: int
    stop: int
    row: int
    head: int = 0


@dataclass(frozen=True)
class Source:
    """One input: its path or URL (`-` is standard input), the name its records bear, and its format (an ending).

    slice: the rows meant, where it is not the whole file; held: the file's bytes (those of the slice, its header row before
    them), where they were read already.
    """

    path: str
    name: str
    format: str
    packing: str = ""
    slice: Slice | None = None
    held: bytes | None = field(default=None, repr=False)

    @property
    def first(self) -> bool:
        """Whether the source holds the beginning of its file."""
        return self.slice is None or self.slice.row == 0


def find_sources(inputs: list[str], note: Callable[[str], None] = lambda _: None) -> list[Source]:
    """Return the sources that the given files, folders and globs name, in the order given, folders sorted by path.

    A source's name is its path below the folder that was given, else its file name; where two have the same, with as many folders
    before it as tell them apart. note is told what of a folder is left out. Raises UsageError where an input does not exist or a
    folder or glob holds nothing that can be read.
    """
    sources: list[Source] = []
    for given in inputs:
        path = Path(given)
        if not given:
            raise UsageError("an input without a name; `.` is the folder you are in")
        if is_url(given):
            sources.extend(_remote(given))
        elif given == STDIN:
            if sys.stdin is None or any(source.path == STDIN for source in sources):
                raise UsageError("-: standard input is closed" if sys.stdin is None else "-: given twice")
            sources.append(Source(STDIN, "stdin", ""))
        elif os.path.isdir(given):
            sources.extend(_inside(path, note))
        elif os.path.lexists(given):
            sources.append(_source(path, path.name))
        else:
            matches = sorted(glob.glob(given, recursive=True)) if glob.has_magic(given) else []
            files = [Path(match) for match in matches if not os.path.isdir(match)]
            if not files:
                raise UsageError(f"{given}: {_why_nothing(given)}")
            sources.extend(_source(file, file.name) for file in files)
    names = distinct_names([source.path for source in sources], [source.name for source in sources])
    return [replace(source, name=name) for source, name in zip(sources, names, strict=True)]


def _why_nothing(given: str) -> str:
    if glob.has_magic(given):
        return "no file matches"
    try:
        os.lstat(given)
    except (PermissionError, NotADirectoryError) as error:
        return f"cannot be opened: {error.strerror}"
    except (OSError, ValueError):
        pass
    return "no such file or folder"


def _inside(folder: Path, note: Callable[[str], None]) -> list[Source]:
    """Return the sources in a folder: files of known endings, and what cannot be looked at."""
    try:
        found = walk(folder)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be opened: {error.strerror or error}") from None
    readable = [file for file in found.files if format_of(file.name)[0] or not os.path.isfile(file)]
    if not readable:
        kinds = ", ".join((*DOCUMENTS, *TABLES))
        raise UsageError(f"{folder}: the folder holds no file that can be read ({kinds}, also packed: {', '.join(PACKED)})")
    for link in found.links:
        note(f"{link}: a link to a folder, not followed; name it as an input too if it is meant")
    others = Counter(file.suffix or "no ending" for file in found.files if file not in set(readable))
    if others:
        kinds = ", ".join(f"{ending} {count:,}" for ending, count in others.most_common(5))
        note(f"{folder}: {others.total():,} files of other kinds left out ({kinds}); one that is named is read by what it holds")
    return [_source(file, file.relative_to(folder).as_posix()) for file in readable]


def _remote(url: str) -> list[Source]:
    """Return the sources that a URL names: a file, a folder or a glob."""
    system, inner = filesystem(url)
    try:
        if system.isdir(inner):
            below = inner.rstrip("/") + "/"
            names = {str(path): str(path)[len(below) :] for path in sorted(system.find(inner))}
            names = {path: name for path, name in names.items() if not any(part.startswith(".") for part in name.split("/"))}
            names = {path: name for path, name in names.items() if format_of(name)[0]}
        else:
            paths = sorted(map(str, system.glob(inner))) if glob.has_magic(inner) else [inner] if system.exists(inner) else []
            names = {path: PurePosixPath(path).name for path in paths if system.isfile(path)}
    except (OSError, ValueError) as error:
        raise UsageError(f"{url}: cannot be read: {error}") from None
    if not names:
        raise UsageError(f"{url}: no file there that can be read")
    return [Source(system.unstrip_protocol(path), name, *format_of(name)) for path, name in names.items()]


def _source(path: Path, name: str) -> Source:
    ending, packing = format_of(path.name)
    readable = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")  # a name may be no UTF-8
    return Source(str(path), readable, ending, packing)


def format_of(name: str) -> tuple[str, str]:
    """Return (format, packing) by a file name's endings: `a.csv.gz` is (".csv", ".gz"); "" where it is unknown."""
    lower = name.lower()
    packing = next((ending for ending in PACKED if lower.endswith(ending)), "")
    bare = lower.removesuffix(packing)
    return next((ending for ending in (*DOCUMENTS, *TABLES) if bare.endswith(ending)), ""), packing


UNPACKERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def open_bytes(source: Source) -> IO[bytes]:
    """Return the source's bytes, unpacked, as a stream. Raises InputError where it cannot be opened."""
    if source.path == STDIN and source.held is None:
        return sys.stdin.buffer
    try:
        raw: IO[bytes] = io.BytesIO(source.held) if source.held is not None else open_read(source.path)
        if source.packing in UNPACKERS:
            return UNPACKERS[source.packing](raw)  # type: ignore[no-any-return]
        if source.packing == ".zst":
            import pyarrow as pa

            return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")  # type: ignore[no-any-return]
        return raw
    except OSError as error:
        raise InputError(source.name, f"cannot be opened: {error.strerror or error}") from None


def read_bytes(source: Source) -> bytes:
    """Return all bytes of the source. Raises InputError where it cannot be read."""
    try:
        with open_bytes(source) as stream:
            return stream.read()
    except READ_ERRORS as error:
        raise InputError(source.name, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def line_blocks(source: Source) -> Iterator[bytes]:
    """Yield the whole lines of a line-based source, so many at once. Raises InputError as `read_bytes`."""
    if source.held is not None and not source.packing:
        yield source.held
        return
    try:
        if source.slice is not None and not source.packing:
            yield from _blocks_of(source, source.slice)
            return
        with open_bytes(source) as stream:
            rest: list[bytes] = []  # of a line that is not over, in pieces: it may be a long one
            while block := stream.read(BLOCK):
                end = block.rfind(b"\n") + 1
                if end:
                    yield b"".join([*rest, block[:end]])
                    rest.clear()
                rest.append(block[end:])
            if any(rest):
                yield b"".join(rest)
    except READ_ERRORS as error:
        raise InputError(source.name, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _blocks_of(source: Source, part: Slice) -> Iterator[bytes]:
    left = part.stop - part.start
    with open_read(source.path) as stream:
        stream.seek(part.start)
        while left > 0 and (lines := stream.read(min(PIECE, left))):
            if len(lines) < left and not lines.endswith(b"\n"):
                lines += stream.readline(left - len(lines))
            left -= len(lines)
            yield lines


def byte_lines(source: Source) -> Iterator[tuple[int, bytes]]:
    """Yield (row, line) of a line-based source, rows from 1, line ends cut off. Raises InputError as `read_bytes`."""
    lines = itertools.chain.from_iterable(map(io.BytesIO, line_blocks(source)))
    for number, line in enumerate(lines, 1):
        yield number, line.removesuffix(b"\n").removesuffix(b"\r")


def size_of(sources: Iterable[Source]) -> int:
    """Return the bytes of all sources whose size is known."""
    total = 0
    for source in sources:
        with suppress(OSError):
            total += stat(source.path)[0] if source.path != STDIN else 0
    return total
