"""A model file cannot run code, and a folder that is no model says so."""

import hashlib
import io
import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from parastance.predict import load
from parastance.predict.artifact import (
    FORMAT,
    OLDER,
    compressed,
    expanded,
    load_plain,
    pack_terms,
    unpack_terms,
    with_terms,
)
from parastance.predict.errors import ModelError


class Evil:
    """Pickles to a call of os.system."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch pwned",)


def dumped(value: Any) -> bytes:
    stream = io.BytesIO()
    joblib.dump(value, stream)
    return stream.getvalue()


OBJECTS = np.empty(1, dtype=object)
OBJECTS[0] = Evil()
REFUSED = [
    ("a call", pickle.dumps(Evil())),
    ("a call deep inside", dumped({"format": FORMAT, "blocks": {"words": [Evil()]}})),
    ("an array of objects", dumped({"format": FORMAT, "x": OBJECTS})),
    ("a module-level function", pickle.dumps(os.getcwd)),
    ("a class of joblib", pickle.dumps(joblib.Memory)),
    ("a class of numpy", pickle.dumps(np.random.default_rng(0))),
    ("no dict", dumped([1, 2])),
    ("another format", dumped({"format": FORMAT + 1})),
    ("not a pickle", b"hello"),
    ("nothing", b""),
    ("cut short", dumped({"format": FORMAT, "x": np.zeros(1000)})[:300]),
]


@pytest.mark.parametrize(("what", "data"), REFUSED, ids=[case[0] for case in REFUSED])
def test_refused_before_anything_runs(what: str, data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="here"):
        load_plain(data, "here")
    assert not (tmp_path / "pwned").exists()


def test_arrays_and_containers_are_read() -> None:
    value = {"format": FORMAT, "a": np.arange(5, dtype=np.float32), "b": [1, "x", None, {"c": 2.5}], "d": np.zeros((2, 3))}
    found = load_plain(dumped(value), "here")
    assert found["b"] == value["b"]
    assert np.array_equal(found["a"], value["a"])


ARRAYS = [
    np.arange(6, dtype=np.uint8), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(24).reshape(2, 3, 4)[:, ::2],
    np.array(3.5), np.zeros((0, 4), np.float32), np.arange(3, dtype=">i4"), np.array([True, False]), np.array(["a", "bcd"]),
    np.asfortranarray(np.zeros((3, 0))), np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
]  # fmt: skip


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_arrays_are_those_that_joblib_reads(array: Any, tmp_path: Path) -> None:
    joblib.dump({"format": FORMAT, "x": "y" * 7, "a": [array, array]}, tmp_path / "a")
    mine, theirs = load_plain((tmp_path / "a").read_bytes(), "here")["a"], joblib.load(tmp_path / "a")["a"]
    for found, wanted in zip(mine, theirs, strict=True):
        assert found.dtype == wanted.dtype and found.dtype.isnative
        assert found.shape == wanted.shape and found.flags.writeable
        assert found.tolist() == wanted.tolist()


def broken(folder: Path, to: Path, how: str) -> Path:
    shutil.copytree(folder, to)
    manifest = json.loads((to / "manifest.json").read_text())
    if how == "hash":
        (to / "model.joblib").write_bytes((to / "model.joblib").read_bytes() + b" ")
    elif how == "format":
        manifest["format"] = 99
    elif how == "no model":
        (to / "model.joblib").unlink()
    elif how == "no manifest":
        (to / "manifest.json").unlink()
    elif how == "bad manifest":
        (to / "manifest.json").write_text("{")
    elif how == "evil, with a right hash":
        (to / "model.joblib").write_bytes(pickle.dumps(Evil()))
        manifest["sha256"] = hashlib.sha256(pickle.dumps(Evil())).hexdigest()
    if how in ("format", "evil, with a right hash"):
        (to / "manifest.json").write_text(json.dumps(manifest))
    return to


FOLDERS = [
    ("hash", "sha256"), ("format", "format 99"), ("no model", "cannot be read"), ("no manifest", "not a model folder"),
    ("bad manifest", "cannot be read"), ("evil, with a right hash", "no parastance model does"),
]  # fmt: skip


@pytest.mark.parametrize(("how", "reason"), FOLDERS, ids=[case[0] for case in FOLDERS])
def test_a_broken_folder_says_what_is_wrong(how: str, reason: str, small_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=reason):
        load(broken(small_folder, tmp_path / "model", how))


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model folder"):
        load(tmp_path / "nothing")


def test_compressed_terms_come_back_and_older_files_are_read() -> None:
    packed = pack_terms(["a", "a b", "straße"])
    model = {"format": FORMAT, "blocks": {"masked": {"terms": packed, "idf": np.ones(3)}, "shape": {"weights": np.ones(2)}}}
    for kept in (with_terms(model, compressed), {**model, "format": OLDER[0]}):
        read = load_plain(dumped(kept), "here")
        assert unpack_terms(read["blocks"]["masked"]["terms"]) == ["a", "a b", "straße"]
    for damage in (lambda terms: compressed(terms)[:-6], lambda terms: compressed(terms)[::-1].copy()):
        with pytest.raises(ModelError, match="here: not a model file: its terms are"):
            load_plain(dumped(with_terms(model, damage)), "here")


def test_terms_that_would_fill_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parastance.predict.artifact.MOST_TERMS", 1000)
    with pytest.raises(ModelError, match="too many"):
        expanded(compressed(np.zeros(1001, dtype=np.uint8)))


def test_terms_come_back() -> None:
    terms = ["a", "a b", " ab", "straße", "𐐀"]
    assert unpack_terms(pack_terms(terms)) == terms
    assert unpack_terms(pack_terms([])) == []
