"""Where the paragraphs come from: files, folders, globs and standard input, read as streams of rows or documents.

Does not split documents (see `paragraphs`, `html`) nor label anything. Text is read through `decode`.
"""

import glob
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from parastance.predict.errors import InputError, UsageError
from parastance.predict.storage import BLOCK, filesystem, is_url, open_read

DOCUMENTS = (".txt", ".html", ".htm")
TABLES = (".jsonl", ".csv", ".tsv", ".parquet")
PACKED = (".gz", ".zst")
STDIN = "-"
READ_ERRORS = (OSError, EOFError, ValueError, zlib.error)  # of files, and of packed ones that are torn
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


def find_sources(inputs: list[str]) -> list[Source]:
    """Return the sources that the given files, folders and globs name, in the order given, folders sorted by path.

    A source's name is its path below the folder that was given, else its file name. Raises UsageError where an input
    does not exist or a folder or glob holds nothing that can be read.
    """
    sources: list[Source] = []
    for given in inputs:
        path = Path(given)
        if is_url(given):
            sources.extend(_remote(given))
        elif given == STDIN:
            if sys.stdin is None or any(source.path == STDIN for source in sources):
                raise UsageError("-: standard input is closed" if sys.stdin is None else "-: given twice")
            sources.append(Source(STDIN, "stdin", ""))
        elif path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.is_file() and not _hidden(file, path))
            readable = [file for file in inside if format_of(file.name)[0]]
            if not readable:
                kinds = ", ".join((*DOCUMENTS, *TABLES))
                raise UsageError(f"{given}: the folder holds no file that can be read ({kinds}, also .gz and .zst)")
            sources.extend(_source(file, file.relative_to(path).as_posix()) for file in readable)
        elif path.exists():
            sources.append(_source(path, path.name))
        else:
            matches = sorted(glob.glob(given, recursive=True)) if glob.has_magic(given) else []
            files = [Path(match) for match in matches if Path(match).is_file()]
            if not files:
                raise UsageError(f"{given}: {'no file matches' if glob.has_magic(given) else 'no such file or folder'}")
            sources.extend(_source(file, file.name) for file in files)
    return sources


def _hidden(file: Path, below: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(below).parts)


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


def open_bytes(source: Source) -> IO[bytes]:
    """Return the source's bytes, unpacked, as a stream. Raises InputError where it cannot be opened."""
    if source.path == STDIN and source.held is None:
        return sys.stdin.buffer
    try:
        raw: IO[bytes] = io.BytesIO(source.held) if source.held is not None else open_read(source.path)
        if source.packing == ".gz":
            return gzip.open(raw)  # type: ignore[return-value]
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


def line_blocks(source: Source) -> Iterator[tuple[int, bytes]]:
    """Yield (row of its first line, from 1, whole lines) of a line-based source. Raises InputError as `read_bytes`."""
    if source.held is not None and not source.packing:
        yield 1, source.held
        return
    try:
        with open_bytes(source) as stream:
            rest, row = b"", 1
            while block := stream.read(BLOCK):
                end = block.rfind(b"\n") + 1
                if not end:
                    rest += block
                    continue
                lines = rest + block[:end]
                yield row, lines
                row += lines.count(b"\n")
                rest = block[end:]
            if rest:
                yield row, rest
    except READ_ERRORS as error:
        raise InputError(source.name, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def byte_lines(source: Source) -> Iterator[tuple[int, bytes]]:
    """Yield (row, line) of a line-based source, rows from 1, line ends cut off. Raises InputError as `read_bytes`."""
    for row, block in line_blocks(source):
        for number, line in enumerate(io.BytesIO(block), row):
            yield number, line.removesuffix(b"\n").removesuffix(b"\r")


def sniff(head: bytes, text_field: str) -> str:
    """Return the format of standard input, by its first bytes."""
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"PAR1"):
        return ".parquet"
    if head.startswith(b"{"):
        return ".jsonl"
    if head[:1024].lower().startswith((b"<!doctype html", b"<html")):
        return ".html"
    columns = head.split(b"\n")[0].strip()
    for form, mark in ((".tsv", b"\t"), (".csv", b",")):
        if text_field.encode() in [name.strip(b'" ') for name in columns.split(mark)] and mark in columns:
            return form
    return ".txt"


def stdin_head() -> bytes:
    """Return the first bytes of standard input without consuming them."""
    buffer: Any = sys.stdin.buffer
    return bytes(buffer.peek(4096)[:4096])
