"""What a training said of each of its rows when that row was held out, kept beside the model as `held_out.npz`.

Two models can then be compared on rows that both were trained on, each row judged by classifiers that had not seen its
group: the out-of-fold estimate is fair to both (Stone 1974, "Cross-validatory choice and assessment of statistical
predictions", JRSS B 36). No text is kept, only digests, so that a model folder can be given away.
"""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.errors import ModelError
from parastance.predict.scorer import Matrix
from parastance.train.data import LabelledRow
from parastance.train.fit import Fitted
from parastance.train.folds import SKETCH, shingles

FILE = "held_out.npz"
Truth = NDArray[np.bool_]
_NONE = np.uint32(0xFFFFFFFF)  # fills the sketch of a text of few words
STEPS = 65_535.0  # probabilities are kept in so many steps, two bytes each; what was given is kept as such
ALIKE = 0.4  # estimated similarity from which a row counts as seen; the true bound is 0.5, the estimate errs by some 0.17


@dataclass(frozen=True)
class HeadRecord:
    """One head's answers: rows, indices into the record, ascending; truth, given, bool, and probability, of shape (m, k)."""

    labels: tuple[str, ...]
    exclusive: bool
    rows: NDArray[np.int64]
    truth: Truth
    given: Truth
    probability: Matrix


@dataclass(frozen=True)
class Record:
    """A training's rows and what was said of them.

    keys: uint64 (n,), of text and target; groups: int64 (n,), no two folds share one; names: uint64, the named groups;
    sketches: uint32 (n, 8), the smallest hashed 5-grams, ascending.
    """

    keys: NDArray[np.uint64]
    groups: NDArray[np.int64]
    names: NDArray[np.uint64]
    sketches: NDArray[np.uint32]
    heads: dict[str, HeadRecord]

    def index(self) -> dict[int, int]:
        """Return each key's row."""
        return {key: at for at, key in reversed(list(enumerate(self.keys.tolist())))}


def digest(text: str) -> int:
    """Return 64 bits of a text's BLAKE2b."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def row_key(text: str, target: str | None, default: str) -> int:
    """Return what tells a row: its words, whatever the white space, and whom its stance is about."""
    return digest(f"{target or default}\n{' '.join(text.split())}")


def row_name(row: LabelledRow) -> int | None:
    """Return the digest of a row's group, None where the row stands alone."""
    return None if row.group == row.id else digest(row.group)


def sketch(text: str) -> NDArray[np.uint32]:
    """Return the bottom-8 sketch of a text's word 5-grams (Broder 1997), uint32 of shape (8,), ascending."""
    least = sorted(shingles(text))[:SKETCH]
    return np.array([gram >> 32 for gram in least] + [_NONE] * (SKETCH - len(least)), dtype=np.uint32)


def record_of(fitted: Fitted) -> Record:
    """Return the record of a finished training."""
    default, rows = str(fitted.artifact["codebook"]["default"]), fitted.rows
    boilerplate = np.zeros(len(rows), dtype=np.bool_)
    heads = {}
    for name in sorted(fitted.heads, key=lambda name: name != "kind"):
        fit = fitted.heads[name]
        given = fit.judged.given.copy()
        if name == "kind":
            boilerplate[fit.rows] = given[:, fit.head.labels.index("boilerplate")]
        else:
            fit.head.silence(given, boilerplate[fit.rows])
        heads[name] = HeadRecord(fit.head.labels, fit.head.exclusive, fit.rows, fit.truth, given, fit.out_of_fold)
    named = [found for found in map(row_name, rows) if found is not None]
    return Record(
        keys=np.array([row_key(row.text, row.target, default) for row in rows], dtype=np.uint64),
        groups=fitted.group_of,
        names=np.array(sorted(set(named)), dtype=np.uint64),
        sketches=np.array([sketch(row.text) for row in rows], dtype=np.uint32).reshape(-1, SKETCH),
        heads=heads if len(np.unique(fitted.group_of)) > 1 else {},
    )


def to_bytes(record: Record) -> bytes:
    """Return the record as an npz file, the same bytes for the same record."""
    arrays: dict[str, Any] = {
        "keys": record.keys, "groups": record.groups.astype(np.int32), "names": record.names, "sketches": record.sketches,
        "heads": np.array(list(record.heads), dtype=np.str_),
    }  # fmt: skip
    for name, head in record.heads.items():
        arrays[f"{name}.labels"] = np.array(head.labels, dtype=np.str_)
        arrays[f"{name}.exclusive"] = np.array(head.exclusive)
        arrays[f"{name}.rows"] = head.rows.astype(np.int32)
        arrays[f"{name}.truth"], arrays[f"{name}.given"] = head.truth, head.given
        arrays[f"{name}.probability"] = np.round(head.probability * STEPS).astype(np.uint16)
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def read(folder: Path, manifest: dict[str, Any]) -> Record | None:
    """Return the record of a model folder, None where its training left none.

    Raises ModelError where its bytes do not match the manifest.
    """
    expected = manifest.get("held_out_sha256")
    path = folder / FILE
    if expected is None:
        return None
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != expected:
            raise ValueError("its sha256 is not the manifest's")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            heads = {str(name): _head(arrays, str(name)) for name in arrays["heads"]}
            return Record(arrays["keys"], arrays["groups"].astype(np.int64), arrays["names"], arrays["sketches"], heads)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path}: cannot be read: {error}; train the model anew") from None


def _head(arrays: Any, name: str) -> HeadRecord:
    return HeadRecord(
        labels=tuple(arrays[f"{name}.labels"].tolist()),
        exclusive=bool(arrays[f"{name}.exclusive"]),
        rows=arrays[f"{name}.rows"].astype(np.int64),
        truth=arrays[f"{name}.truth"],
        given=arrays[f"{name}.given"],
        probability=arrays[f"{name}.probability"] / STEPS,
    )


def seen(record: Record, rows: Sequence[LabelledRow], texts: Sequence[str]) -> Truth:
    """Return which rows are of a group that was trained on, or near-duplicates of a row that was, bool of shape (n,)."""
    names = set(record.names.tolist())
    values: dict[int, list[int]] = {}
    for at, grams in enumerate(record.sketches.tolist()):
        for gram in grams:
            if gram != _NONE:
                values.setdefault(gram, []).append(at)
    found = np.zeros(len(rows), dtype=np.bool_)
    for at, (row, text) in enumerate(zip(rows, texts, strict=True)):
        own = sketch(text)
        near = {row for gram in own.tolist() if gram != _NONE for row in values.get(gram, ())}
        found[at] = row_name(row) in names or any(similarity(own, record.sketches[other]) >= ALIKE for other in near)
    return found


def similarity(a: NDArray[np.uint32], b: NDArray[np.uint32]) -> float:
    """Return the Jaccard similarity of two texts' 5-grams as estimated from their sketches (Broder 1997)."""
    left, right = set(a.tolist()) - {int(_NONE)}, set(b.tolist()) - {int(_NONE)}
    least = sorted(left | right)[:SKETCH]
    return sum(gram in left and gram in right for gram in least) / len(least) if least else 0.0
