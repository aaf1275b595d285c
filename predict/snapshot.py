"""An input held still: what is labelled is what the digest was taken of.

A small file is read at once; a large one, and a slice of Parquet or JSON Lines, is looked at again after it was read (see
`labelling`).
"""

import hashlib
from typing import Any

from parastance.predict.inputs import Slice, Source
from parastance.predict.slices import Piece
from parastance.predict.storage import is_url, open_read, read_whole, sha256_of, stat

HELD = 64 << 20  # bytes: a smaller file is read at once, and the digest is of exactly the bytes that are labelled


class InputChanged(Exception):
    """An input is no longer what the plan was made for."""


def hold(piece: Piece) -> tuple[Source, dict[str, Any]]:
    """Return (the source with its bytes where they are few, the facts of it: bytes, stamp, sha256 of what will be read).

    Raises InputChanged where a sliced file is not as planned, or a file does not stay still; OSError where it cannot be read.
    """
    source = piece.source
    for _ in range(3):
        size, stamp = stat(source.path)
        if source.slice is not None:
            if stamp != piece.stamp:
                break
            held, digest = _slice(piece, source.slice)
        elif size <= HELD:
            held = read_whole(source.path)
            digest = hashlib.sha256(held).hexdigest()
        else:
            held, digest = None, sha256_of(source.path)
        if stat(source.path)[1] == stamp:
            facts = {"bytes": size, "stamp": stamp, "sha256": digest}
            return Source(source.path, source.name, source.format, source.packing, source.slice, held), facts
    raise InputChanged(source.path)


def _slice(piece: Piece, part: Slice) -> tuple[bytes | None, str]:
    """Return (header row and rows of a slice of a text table, the sha256 that stands for what is labelled).

    Parquet and JSON Lines are read while they are labelled: there the file is what the plan read, by its stamp, before and after.
    """
    source = piece.source
    if source.format == ".parquet":
        return None, piece.digest or ""
    if source.format == ".jsonl" and piece.digest is not None and not is_url(source.path):
        return None, piece.digest
    with open_read(source.path) as stream:
        held = stream.read(part.head)
        stream.seek(part.start)
        held += stream.read(part.stop - part.start)
    return held, piece.digest if source.format == ".jsonl" and piece.digest else hashlib.sha256(held).hexdigest()
