"""Formats told by what a file holds, where its name does not say it; pipes, which can be read but once."""

import bz2
import gzip
import json
import lzma
import os
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parastance.predict.errors import InputError
from parastance.predict.inputs import find_sources
from parastance.predict.recognise import recognised
from parastance.predict.units import Reading, read_units

TALKS = "Talks between Assad and the envoy failed in Geneva."
ROW = json.dumps({"id": "x", "text": TALKS})


def parquet() -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": [TALKS]}), out)
    return out.getvalue().to_pybytes()


def texts(path: Path) -> list[str]:
    found = [item for source in find_sources([str(path)]) for item in read_units(source, Reading())]
    return [item.reason if isinstance(item, InputError) else item[0].text for item in found]


# (file, bytes, format, texts or reasons)
FILES: list[tuple[str, bytes, str, list[str]]] = [
    ("a.md", TALKS.encode(), ".txt", [TALKS]),
    ("a", ROW.encode(), ".jsonl", [TALKS]),
    ("a.ndjson", f"{ROW}\n{ROW}\n".encode(), ".jsonl", [TALKS, TALKS]),
    ("a.json", b"\xef\xbb\xbf" + ROW.encode(), ".jsonl", [TALKS]),
    ("a.json.gz", gzip.compress(ROW.encode()), ".jsonl", [TALKS]),
    ("a.dat", f"id,text\n1,{TALKS}\n".encode(), ".csv", [TALKS]),
    ("b.dat", f"id;text\n1;{TALKS}\n".encode(), ".csv", [TALKS]),
    ("c.dat", f"id\ttext\n1\t{TALKS}\n".encode(), ".tsv", [TALKS]),
    ("part-0000", parquet(), ".parquet", [TALKS]),
    ("a.aspx", b"<!DOCTYPE html><html></html>", ".html", ["no article text"]),
    ("a.bz2", bz2.compress(ROW.encode()), ".jsonl", [TALKS]),
    ("a.jsonl.bz2", bz2.compress(f"{ROW}\n".encode() * 3), ".jsonl", [TALKS] * 3),
    ("a.csv.xz", lzma.compress(f"id,text\n1,{TALKS}\n".encode()), ".csv", [TALKS]),
    ("a.txt.XZ", lzma.compress(TALKS.encode()), ".txt", [TALKS]),
]


@pytest.mark.parametrize(("name", "data", "form", "wanted"), FILES, ids=[case[0] for case in FILES])
def test_formats_by_content(name: str, data: bytes, form: str, wanted: list[str], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    assert recognised(find_sources([str(tmp_path / name)])[0], "text").format == form
    found = texts(tmp_path / name)
    assert len(found) == len(wanted)
    assert all(start in text for text, start in zip(found, wanted, strict=True))


# (file, bytes, reason)
BAD = [
    ("a.json", b'[\n {"text": "a"}\n]', "not one object a line"),
    ("a.json", b'{\n "text": "a"\n}', "not one object a line"),
    ("a.json", b'[{"text": "a"}]', "not one object a line"),
    ("a.json.gz", gzip.compress(b'["a"]'), "not one object a line"),
    ("a.json", b"", "the file is empty"),
    ("a.jsonl.bz2", bz2.compress(ROW.encode() * 99)[:-9], "cannot be read"),
    ("a.jsonl.xz", lzma.compress(ROW.encode() * 99)[:-9], "cannot be read"),
    ("a.xz", b"\xfd7zXZ\x00garbage", "cannot be read"),
    ("a.txt.bz2", b"no bzip2 at all", "cannot be read"),
]


@pytest.mark.parametrize(("name", "data", "reason"), BAD)
def test_one_reason_for_a_file_that_cannot_be_used(name: str, data: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    (found,) = texts(tmp_path / name)
    assert reason in found


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are Unix's")
@pytest.mark.parametrize(("name", "options"), [
    ("pipe", ()), ("pipe", ("-o", "out.jsonl")), ("pipe.jsonl", ("-o", "out.jsonl")), ("pipe", ("-o", "parts/")),
])  # fmt: skip
def test_a_named_pipe_is_read_once(name: str, options: tuple[str, ...], run: Any, small_folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    writer = threading.Thread(target=lambda: (tmp_path / name).write_text(f"{ROW}\n" * 3), daemon=True)
    writer.start()
    done = run("predict", name, *options, "--model", small_folder)
    assert done.returncode == 0, done.stderr
    out = {(): None, "parts/": tmp_path / "parts" / "pipe.jsonl"}.get(options[-1:] and options[-1], tmp_path / "out.jsonl")
    written = done.stdout if not options else out.read_text()
    assert [json.loads(line)["id"] for line in written.splitlines()] == ["x"] * 3
    writer.join(10)


def test_standard_input_into_a_folder(run: Any, small_folder: Path, tmp_path: Path) -> None:
    done = run("predict", "-", "-o", "parts/", "--model", small_folder, stdin=f"{ROW}\n".encode())
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == ["_manifest.json", "stdin.jsonl"]
    assert json.loads((tmp_path / "parts" / "stdin.jsonl").read_text())["id"] == "x"
