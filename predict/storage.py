"""Files by path or URL: local ones by the operating system, all others by fsspec where it is installed.

Knows nothing of formats. What is written appears under its name only when it is whole: written aside, synced, renamed.
"""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from parastance.predict.errors import OutputError, UsageError

ASIDE = ".part"  # the ending of what is not whole yet
SHORT = 40  # characters of a file's name in the name of what is written aside: names end at 255 bytes
BLOCK = 1 << 20  # bytes read or copied at once
VERSION_FIELDS = ("ETag", "etag", "md5Hash", "LastModified", "last_modified", "mtime", "modified", "updated", "created")


def is_url(path: str) -> bool:
    """Whether a path is for fsspec: `s3://bucket/key`, `memory://key`."""
    return "://" in path


def filesystem(url: str) -> tuple[Any, str]:
    """Return (fsspec file system, path within it). Raises UsageError where fsspec or the store's package is missing."""
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise UsageError(f"{url}: URLs need the extra `fsspec`: pip install 'parastance[fsspec]'") from None
    try:
        system, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise UsageError(f"{url}: cannot be reached: {error}") from None
    return system, path


def open_read(path: str) -> IO[bytes]:
    """Open a file to read its bytes. Raises OSError."""
    if not is_url(path):
        return open(path, "rb")
    system, inner = filesystem(path)
    return system.open(inner, "rb")  # type: ignore[no-any-return]


def open_write(path: str) -> IO[bytes]:
    """Open a file to write its bytes anew. Raises OSError."""
    if not is_url(path):
        return open(path, "wb")
    system, inner = filesystem(path)
    return system.open(inner, "wb")  # type: ignore[no-any-return]


@contextmanager
def writing(place: str) -> Iterator[None]:
    """Raise an OSError of what is done within as an OutputError that names the place."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{place}: cannot be written: {error.strerror or error}") from None


def close_synced(stream: IO[bytes]) -> None:
    """Close a stream of `open_write`, its bytes on the disk. Raises OSError."""
    stream.flush()
    if _on_disk(stream):
        os.fsync(stream.fileno())
    stream.close()


def _on_disk(stream: IO[bytes]) -> bool:
    try:
        return isinstance(stream.fileno(), int)
    except (AttributeError, ValueError, OSError):
        return False


def stat(path: str) -> tuple[int, str]:
    """Return (size in bytes, a stamp that changes with the file: size, times of change, or the store's version).

    Raises OSError where there is no such file.
    """
    if not is_url(path):
        found = os.stat(path)
        return found.st_size, f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"
    system, inner = filesystem(path)
    system.invalidate_cache()
    info = system.info(inner)
    size = int(info.get("size") or 0)
    version = next((str(info[name]) for name in VERSION_FIELDS if info.get(name)), "")
    return size, f"{size}:{version}"


def exists(path: str) -> bool:
    """Whether there is a file or folder of that name."""
    if not is_url(path):
        return os.path.exists(path)
    system, inner = filesystem(path)
    system.invalidate_cache()
    return bool(system.exists(inner))


def is_folder(path: str) -> bool:
    """Whether there is a folder of that name."""
    if not is_url(path):
        return os.path.isdir(path)
    system, inner = filesystem(path)
    return bool(system.isdir(inner))


def join(folder: str, name: str) -> str:
    """Return the path of a name below a folder."""
    if not is_url(folder):
        return os.path.join(folder, name)
    return f"{folder}{name}" if folder.endswith("/") else f"{folder}/{name}"


def parent(path: str) -> str:
    """Return the folder that holds a path."""
    if not is_url(path):
        return os.path.dirname(os.path.abspath(path))
    protocol, _, rest = path.partition("://")
    above, slash, _ = rest.rstrip("/").rpartition("/")
    return f"{protocol}://{above or slash}"


def name_of(path: str) -> str:
    """Return the last name of a path."""
    return path.rsplit("/", 1)[-1] if is_url(path) else os.path.basename(path)


def make_folder(path: str) -> None:
    """Make a folder and those above it. Raises OSError."""
    if not is_url(path):
        os.makedirs(path, exist_ok=True)
        return
    system, inner = filesystem(path)
    system.makedirs(inner, exist_ok=True)


def listing(folder: str) -> list[str]:
    """Return the names of what a folder holds, sorted; none where there is no such folder."""
    if not is_url(folder):
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    system, inner = filesystem(folder)
    system.invalidate_cache()
    if not system.isdir(inner):
        return []
    return sorted(Path(str(name)).name for name in system.ls(inner, detail=False))


def commit(aside: str, path: str, sync: bool = True) -> None:
    """Give what was written aside its name; sync: for good, whatever happens to the machine. Raises OSError."""
    if not is_url(path):
        os.replace(aside, path)
        if sync:
            sync_folder(os.path.dirname(path))
        return
    system, inner = filesystem(path)
    if system.exists(inner):
        system.rm_file(inner)
    system.mv(filesystem(aside)[1], inner)


def sync_folder(folder: str | Path) -> None:
    """Put a folder's names on the disk, where the operating system can."""
    with suppress(OSError, AttributeError):
        handle = os.open(folder or ".", os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove(path: str) -> None:
    """Remove a file or a folder with all that is in it; nothing happens where there is none."""
    if not is_url(path):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(FileNotFoundError):
                os.unlink(path)
        return
    system, inner = filesystem(path)
    with suppress(FileNotFoundError):
        system.rm(inner, recursive=True)


def read_whole(path: str) -> bytes:
    """Return all bytes of a file. Raises OSError."""
    with open_read(path) as stream:
        return stream.read()


def sha256_of(path: str) -> str:
    """Return the sha256 of a file's bytes in hexadecimal. Raises OSError."""
    digest = hashlib.sha256()
    with open_read(path) as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def aside_of(path: str) -> str:
    """Return a new hidden name beside a path, for what is not whole yet."""
    return join(parent(path), f".{name_of(path)[:SHORT]}.{uuid.uuid4().hex}{ASIDE}")


@contextmanager
def whole(path: str, aside: str | None = None, sync: bool = True) -> Iterator[IO[bytes]]:
    """Give a stream to what becomes the file at the end: a reader finds the old bytes or the new ones, whatever happens.

    aside: where the bytes are until then, by default beside it; sync: also where the machine itself fails. Raises OSError.
    """
    aside = aside or aside_of(path)
    try:
        stream = open_write(aside)
        try:
            yield stream
            if sync:
                close_synced(stream)
            else:
                stream.close()
        finally:
            with suppress(OSError):
                stream.close()
        commit(aside, path, sync)
    except BaseException:
        with suppress(OSError):
            remove(aside)
        raise


def write_whole(path: str, data: bytes, sync: bool = True) -> None:
    """Put a small file in the place of another at once; sync: as in `whole`. Raises OSError."""
    with whole(path, sync=sync) as stream:
        stream.write(data)


def write_text(path: str, text: str) -> None:
    """Put a text in the place of a file at once. Raises OutputError where it cannot be written."""
    with writing(path):
        write_whole(path, text.encode())
