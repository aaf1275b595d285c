"""The record of a part that is done: its key, what was written, what its inputs were; JSON, in the ledger and in the manifest."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from parastance.predict.labelling import Done
from parastance.predict.parts import Part
from parastance.predict.slices import Piece
from parastance.predict.snapshot import InputChanged, hold

Record = dict[str, Any]


def key_of(part: Part) -> str:
    """Return a name for what a part is to do: its inputs and its output's name, whatever the inputs hold."""
    pieces = [[piece.source.path, piece.source.name, piece.source.format, _slice(piece)] for piece in part.pieces]
    return hashlib.sha256(json.dumps([part.name, pieces]).encode()).hexdigest()[:24]


def _slice(piece: Piece) -> list[int] | None:
    found = piece.source.slice
    return [found.start, found.stop, found.row, found.head] if found else None


def record_of(part: Part, done: Done) -> Record:
    """Return the record of a part with what came of it."""
    record = {
        "key": key_of(part), "name": part.name, "bytes": done.size, "sha256": done.sha256, "paragraphs": done.paragraphs,
        "rejected": done.rejected, "labels": dict(done.labels), "info": done.info,
        "inputs": [
            {"name": piece.source.name, "slice": _slice(piece), **facts}
            for piece, facts in zip(part.pieces, done.pieces, strict=True)
        ],
    }  # fmt: skip
    return {**record, "crashed": True} if part.crashed else record


def holds(record: Record, part: Part) -> bool:
    """Whether a record is of this part with its inputs as they are now; a crash is worth another try."""
    if record["key"] != key_of(part) or record.get("crashed"):
        return False
    return all(_as_it_was(piece, facts) for piece, facts in zip(part.pieces, record["inputs"], strict=True))


def _as_it_was(piece: Piece, facts: Record) -> bool:
    """Whether a piece is what the record says: the same stamp, else the same bytes."""
    if "stamp" not in facts:
        return False
    if facts["stamp"] == piece.stamp:
        return True
    try:
        return bool(hold(piece)[1]["sha256"] == facts["sha256"])
    except (OSError, InputChanged):
        return False


def sum_labels(records: Iterable[Record]) -> Counter[str]:
    """Return the label counts of all records together."""
    total: Counter[str] = Counter()
    for record in records:
        total.update(record["labels"])
    return total
