"""The model file: a joblib file that holds no class of ours nor of scikit-learn's, and can run no code.

It is one dict of numpy arrays, strings, numbers, lists and dicts. The manifest beside it holds the sha256 of its
bytes; exactly the bytes that were hashed are unpickled, by an unpickler that admits an exact list of names.
"""

import hashlib
import io
import json
import math
import pickle
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from parastance.predict.errors import ModelError

FORMAT = 2  # raise it with every change of the layout, and keep a recipe that reads the older ones
OLDER = (1,)  # formats that can be read: in 1, terms were not compressed
READABLE = (FORMAT, *OLDER)
MOST_TERMS = 1 << 30  # bytes of a block's terms
ARTIFACTS = Path(__file__).resolve().parent.parent / "artifacts"
DEFAULT = ARTIFACTS / "default"
TERM_SEPARATOR = "\n"


@dataclass(frozen=True)
class Files:
    """The files of an artifact folder."""

    model: str = "model.joblib"
    manifest: str = "manifest.json"
    metrics: str = "metrics.json"
    card: str = "card.md"


FILES = Files()


class _Array:
    """What joblib writes in front of an array, its NumpyArrayWrapper. To import that is to import all of joblib, 50 ms of the 190
    that a short run takes."""

    subclass: type
    shape: tuple[int, ...]
    order: str
    dtype: np.dtype[Any]
    numpy_array_alignment_bytes: int | None = None

    def read(self, stream: io.BytesIO, data: bytes) -> NDArray[Any]:
        """Return the array whose bytes come next in the stream of these data.

        For arrays of objects joblib falls back on pickle; they are refused.
        """
        if self.dtype.hasobject or self.subclass is not np.ndarray:
            raise ModelError("the model file holds an array of objects; it is not a parastance model")
        if self.numpy_array_alignment_bytes is not None:
            stream.seek(stream.read(1)[0], io.SEEK_CUR)
        count, start = math.prod(self.shape), stream.tell()
        end = stream.seek(start + count * self.dtype.itemsize)
        if end > len(data):
            raise EOFError("it ends within an array")
        flat = np.frombuffer(data, self.dtype, count, start) if start < end else np.empty(count, self.dtype)
        return flat.astype(self.dtype.newbyteorder("=")).reshape(self.shape, order="F" if self.order == "F" else "C")


class _PlainUnpickler(pickle._Unpickler):
    """Reads arrays and builtin containers; every other name in the file is refused before anything is called."""

    stack: list[Any]  # of what is being read, as joblib too uses it
    ADMITTED = {
        ("joblib.numpy_pickle", "NumpyArrayWrapper"): _Array,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def __init__(self, data: bytes) -> None:
        self.data, self.stream = data, io.BytesIO(data)
        super().__init__(self.stream)

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self.ADMITTED[module, name]
        except KeyError:
            raise ModelError(f"the model file names {module}.{name}, which no parastance model does") from None

    def load_build(self) -> None:
        """Put an array in the place of what joblib writes in front of it."""
        super().load_build()  # type: ignore[misc]
        if isinstance(self.stack[-1], _Array):
            self.stack[-1] = self.stack[-1].read(self.stream, self.data)

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch, pickle.BUILD[0]: load_build}


def pack_terms(terms: list[str]) -> Any:
    """Return the terms as one uint8 array: UTF-8, parted by line feeds, which no term holds."""
    return np.frombuffer(TERM_SEPARATOR.join(terms).encode("utf-8"), dtype=np.uint8).copy()


def unpack_terms(packed: Any) -> list[str]:
    """Return the list of terms that `pack_terms` packed."""
    text = packed.tobytes().decode("utf-8")
    return text.split(TERM_SEPARATOR) if text else []


def with_terms(artifact: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """Return an artifact with the packed terms of every block changed."""
    blocks = {
        name: {**table, "terms": change(table["terms"])} if "terms" in table else table
        for name, table in artifact.get("blocks", {}).items()
    }  # fmt: skip
    return {**artifact, "blocks": blocks} if blocks else artifact


def compressed(packed: Any) -> Any:
    """Return packed terms as the file holds them, uint8: a quarter of the bytes, read in 10 ms."""
    return np.frombuffer(zlib.compress(packed.tobytes(), 9), dtype=np.uint8).copy()


def expanded(squeezed: Any) -> Any:
    """Return the packed terms that `compressed` made smaller. Raises ModelError where they are damaged, or beyond MOST_TERMS."""
    reader = zlib.decompressobj()
    try:
        data = reader.decompress(squeezed.tobytes(), MOST_TERMS)
    except zlib.error as error:
        raise ModelError(f"not a model file: its terms are damaged: {error}") from None
    if not reader.eof:
        raise ModelError("not a model file: its terms are cut short, or too many")
    return np.frombuffer(data, dtype=np.uint8)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a model folder's manifest. Raises ModelError that says what is wrong with the folder."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder")
    path = folder / FILES.manifest
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{folder}: not a model folder: it has no {FILES.manifest}") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("sha256"), str):
        raise ModelError(f"{path}: not a parastance manifest: it names no sha256")
    if manifest.get("format") not in READABLE:
        raise ModelError(
            f"{path}: format {manifest.get('format')}, this version reads format {FORMAT}: train the model anew"
        )
    return manifest


def model_name(folder: Path, manifest: dict[str, Any]) -> str:
    """Return the name that records bear: the folder's, and the start of the model file's sha256."""
    return f"{folder.resolve().name}@{manifest['sha256'][:8]}"


def read_artifact(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (artifact, manifest) of a model folder.

    Raises ModelError where the folder is no model, its bytes do not match the manifest, or the file names anything
    but arrays and builtin containers.
    """
    manifest = read_manifest(folder)
    path = folder / FILES.model
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from None
    found = hashlib.sha256(data).hexdigest()
    if found != manifest["sha256"]:
        raise ModelError(
            f"{path}: its sha256 is {found[:12]}…, the manifest says {manifest['sha256'][:12]}…: "
            "the file was changed or damaged; take it anew from where you had it"
        )
    return load_plain(data, str(path)), manifest


def load_plain(data: bytes, place: str) -> dict[str, Any]:
    """Return the dict in the bytes of a model file. Raises ModelError for anything but a plain one."""
    try:
        artifact = _PlainUnpickler(data).load()
        if isinstance(artifact, dict) and artifact.get("format") == FORMAT:
            artifact = with_terms(artifact, expanded)
    except ModelError as error:
        raise ModelError(f"{place}: {error}") from None
    except (pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise ModelError(f"{place}: not a model file: {error}") from None
    if not isinstance(artifact, dict) or artifact.get("format") not in READABLE:
        raise ModelError(f"{place}: not a parastance model of format {FORMAT}")
    return artifact
