"""The manifest of a finished output: which bytes were read, with which model and options, and which bytes were written.

It names no time and no machine: the same inputs and options give the same bytes.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from parastance.predict.destination import Destination
from parastance.predict.part_record import sum_labels
from parastance.predict.parts import Part
from parastance.predict.storage import ASIDE, join, whole


def write_manifest(
    output: Destination, model: str, options: dict[str, Any], parts: Sequence[Part], records: Sequence[dict[str, Any]],
    written: dict[str, Any],
) -> None:  # fmt: skip
    """Write the manifest beside or in the output. written: size and digest of the one output file. Raises OSError."""
    aside = join(output.run, f"manifest{ASIDE}")
    inputs = list(_inputs(parts, records))
    counts = {
        "inputs": len(inputs),
        "bytes": sum(row["bytes"] for row in inputs),
        "paragraphs": sum(record["paragraphs"] for record in records),
        "rejected": sum(record["rejected"] for record in records),
        "labels": dict(sorted(sum_labels(records).items())),
    }
    with whole(output.manifest, aside) as stream:
        stream.write(b"{\n")
        for key, value in {"model": model, "options": options, "counts": counts, "output": written}.items():
            stream.write(f' "{key}": {_json(value)},\n'.encode())
        for key, rows in (("inputs", iter(inputs)), ("parts", _parts(parts, records, files=output.folder))):
            stream.write(f' "{key}": ['.encode())
            for at, row in enumerate(rows):
                stream.write(f'{"," if at else ""}\n  {_json(row)}'.encode())
            stream.write(b"\n ]" + (b",\n" if key == "inputs" else b"\n}\n"))


def _json(value: Any) -> str:
    return json.dumps(value)  # in ASCII: a path may be no UTF-8


def _inputs(parts: Sequence[Part], records: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield one row an input: its name and path, bytes, sha256 (None where it could not be read), paragraphs and rejects."""
    row: dict[str, Any] | None = None
    path = None
    for part, record in zip(parts, records, strict=True):
        for piece, facts in zip(part.pieces, record["inputs"], strict=True):
            source = piece.source
            if row is not None and source.slice is not None and source.slice.row and source.path == path:
                row["paragraphs"] += facts["paragraphs"]
                row["rejected"] += facts["rejected"]
                row["sha256"] = piece.digest
                continue
            if row is not None:
                yield row
            path = source.path
            row = {
                "name": source.name, "path": path, "bytes": facts.get("bytes", 0),
                "sha256": piece.digest if source.slice else facts.get("sha256"),
                "paragraphs": facts["paragraphs"], "rejected": facts["rejected"],
            }  # fmt: skip
    if row is not None:
        yield row


def _parts(parts: Sequence[Part], records: Sequence[dict[str, Any]], files: bool) -> Iterator[dict[str, Any]]:
    """Yield the records, their inputs stamped as they are now; with digests where the parts are files."""
    left_out = {"info"} if files else {"info", "sha256"}
    for part, record in zip(parts, records, strict=True):
        inputs = [
            {**facts, "stamp": piece.stamp} if "stamp" in facts else facts
            for piece, facts in zip(part.pieces, record["inputs"], strict=True)
        ]
        yield {**{key: value for key, value in record.items() if key not in left_out}, "inputs": inputs}
