"""The command line as a user relies on it: options, outputs, exit statuses, messages, and nothing half-written.

What can be read, and what is wrong with what cannot, is in test_reading.
"""

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Run

from parastance.train.cli import main
from parastance.train.data import corpus_files

ARTICLES = Path(__file__).resolve().parent.parent / "seeds" / "articles"
TALKS, SHELLS = "Talks between Assad and the envoy failed in Geneva.", "Shells killed nine people in Homs."
FRENCH = "Les négociations ont échoué à Genève, a déclaré le ministère des Affaires étrangères. " * 4
FORMATS = (".jsonl", ".csv", ".tsv", ".parquet")
ROW = [
    "id", "text", "kind", "topics", "topic_probabilities", "stance", "stance_probabilities", "target", "target_mentioned",
    "abstained", "model",
]  # fmt: skip
DOCUMENT = ["id", "doc", "paragraph", "start", "end", *ROW[1:]]


@dataclass
class Done:
    """How a run ended."""

    status: int
    records: list[dict[str, Any]]
    rejects: list[dict[str, Any]]
    messages: str


Predict = Callable[..., Done]


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def write(path: Path, *rows: Any) -> Path:
    """Write rows as JSON Lines, or one string as it is."""
    path.write_text(rows[0] if isinstance(rows[0], str) else "".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*.part")]


def status_of(*arguments: str | Path) -> int:
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as stop:  # argparse
        return int(stop.code or 0)


@pytest.fixture
def predict(
    small_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Predict:
    """Run `predict` with the small model in this process; an exception is a failure, and so is a file left half-written."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path, out: str = "out.jsonl", model: Path = small_folder) -> Done:
        capsys.readouterr()
        status = status_of("predict", *arguments, "-o", out, "--model", model)
        messages = capsys.readouterr().err
        assert leftovers(tmp_path) == []
        assert "Traceback" not in messages
        records = json_lines(Path(out)) if out.endswith(".jsonl") and Path(out).is_file() else []
        rejects = Path(f"{out}.rejects.jsonl")
        return Done(status, records, json_lines(rejects) if rejects.is_file() else [], messages)

    return call


# ------------------------------------------------------------------------------------------------ the examples

# (file, options, records, whether they are paragraphs of documents)
EXAMPLES = [
    ("one_line.txt", [], 16, True), ("blank_lines.txt", [], 15, True), ("wrapped.txt", [], 12, True),
    ("wrapped_indented.txt", [], 9, True), ("crlf.txt", [], 13, True), ("page.html", [], 15, True),
    ("paragraphs.jsonl", [], 8, False), ("documents.jsonl", ["--unit", "document"], 21, True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "count", "parts"), EXAMPLES, ids=[case[0] for case in EXAMPLES])
def test_every_example(name: str, options: list[str], count: int, parts: bool, predict: Predict) -> None:
    done = predict(ARTICLES / name, *options)
    assert (done.status, len(done.records), done.rejects) == (0, count, [])
    assert all(list(record)[: len(DOCUMENT if parts else ROW)] == (DOCUMENT if parts else ROW) for record in done.records)
    if name.endswith(".txt"):
        with open(ARTICLES / name, encoding="utf-8", newline="") as stream:
            document = stream.read()
        assert all(document[record["start"] : record["end"]] == record["text"] for record in done.records)
    assert f"{count} paragraphs labelled from 1 input" in done.messages


def test_all_examples_at_once(run: Run) -> None:
    """One run with the shipped model, as in the README: a folder to a pipe."""
    done = run("predict", ARTICLES, "--quiet")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert list(dict.fromkeys(r.get("doc", r["id"].rstrip("0123456789")) for r in records)) == [
        "blank_lines.txt", "crlf.txt", "moscow-", "tripoli-", "hodeida-", "one_line.txt", "page.html", "p", "wrapped.txt",
        "wrapped_indented.txt",
    ]  # fmt: skip
    by_id = {record["id"]: record for record in records}
    assert by_id["p1"]["stance"] == "supportive" and "military_support" in by_id["p1"]["topics"]
    assert by_id["p6"]["stance"] == "opposed"
    assert by_id["p8"]["kind"] == "boilerplate"
    assert by_id["p2"]["outlet"] == "The Harbour Wire"


# ------------------------------------------------------------------------------------------------ outputs

MANY = [
    {"id": "a", "text": TALKS, "day": "2016-03-01", "n": 3, "meta": {"x": [1, 2]}, "tags": ["p", "q"]},
    {"id": "b", "text": 'He said: "No,\nnever", and\tleft Homs.', "day": "2016-03-02", "n": None, "meta": {"x": []}, "tags": []},
    {"id": "ç", "text": "Шойгу met Assad – “again”.", "day": "", "n": -1, "meta": {"x": [0]}, "tags": ["r"]},
]


def test_the_four_formats_agree(predict: Predict, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", *MANY)
    wanted = predict("in.jsonl").records
    assert [record["id"] for record in wanted] == ["a", "b", "ç"]
    assert [record["text"] for record in wanted] == [row["text"] for row in MANY]
    for form in FORMATS[1:]:
        assert predict("in.jsonl", out=f"out{form}").status == 0
    assert pq.read_table("out.parquet").to_pylist() == [{**record, "encoding": None} for record in wanted]
    for form, mark in ((".csv", ","), (".tsv", "\t")):
        with open(f"out{form}", encoding="utf-8", newline="") as stream:
            found = list(csv.DictReader(stream, delimiter=mark))
        for row, record in zip(found, wanted, strict=True):
            assert [row[key] for key in ("id", "text", "kind", "stance", "target", "model", "day")] == [
                record[key] for key in ("id", "text", "kind", "stance", "target", "model", "day")
            ]
            assert [row[key].split("|") if row[key] else [] for key in ("topics", "abstained", "tags")] == [
                record[key] for key in ("topics", "abstained", "tags")
            ]
            for head in ("topic", "stance"):
                columns = {key: row[f"{head}_probability_{key}"] for key in record[f"{head}_probabilities"]}
                assert {key: float(value) for key, value in columns.items()} == record[f"{head}_probabilities"]
            assert row["target_mentioned"] == ("true" if record["target_mentioned"] else "false")
            assert json.loads(row["meta"]) == record["meta"]
            assert row["n"] == ("" if record["n"] is None else str(record["n"]))


@pytest.mark.parametrize("form", FORMATS)
def test_what_was_written_can_be_read_again(form: str, predict: Predict, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", *MANY)
    predict("in.jsonl", out=f"first{form}")
    again = predict(f"first{form}")
    assert (again.status, again.rejects) == (0, [])
    assert [(record["id"], record["text"]) for record in again.records] == [(row["id"], row["text"]) for row in MANY]


def test_other_columns_of_a_parquet_file_pass_through(predict: Predict, tmp_path: Path) -> None:
    columns = {
        "day": date(2016, 3, 1), "at": datetime(2016, 3, 1, 9, 30), "n": 3, "share": 0.25, "yes": True, "none": None,
        "meta": {"a": [1, 2], "b": {"c": "x"}}, "list": [{"k": 1}], "raw": b"\x00\xff",
    }  # fmt: skip
    pq.write_table(pa.Table.from_pylist([{"id": "x", "text": TALKS, **columns}]), tmp_path / "in.parquet")
    assert predict("in.parquet", out="out.parquet").status == 0
    row = pq.read_table("out.parquet").to_pylist()[0]
    assert {key: row[key] for key in columns} == columns
    assert list(row) == [*ROW, *columns]
    record = predict("in.parquet").records[0]
    assert (record["day"], record["at"], record["meta"]) == ("2016-03-01", "2016-03-01T09:30:00", columns["meta"])


def test_our_columns_win(predict: Predict, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", {"stance": "x", "text": TALKS, "model": "y", "outlet": "z", "start": 1})
    record = predict("in.jsonl").records[0]
    assert list(record) == [*ROW, "outlet", "start"]
    assert record["stance"] != "x" and record["model"].startswith("small@")


# (what, the row, endings that can hold it)
HARD = [
    ("a number of thirty digits", {"n": 10**30}, FORMATS),
    ("half a surrogate pair", {"note": "\ud800"}, FORMATS),
    ("half a surrogate pair in the id", {"id": "\ud800"}, FORMATS),
    ("half a surrogate pair in a column's name", {"\ud800": 1}, FORMATS),
    ("deep nesting", {"x": json.loads("[" * 700 + "]" * 700)}, (".jsonl", ".csv")),
    ("an empty object", {"meta": {}}, FORMATS),
    ("NaN", {"n": float("nan")}, FORMATS),
    ("a line break and a quotation mark", {"note": 'a\n"b"\r\nc'}, FORMATS),
]
HARD_CASES = [(what, row, form) for what, row, forms in HARD for form in forms]


@pytest.mark.parametrize(("what", "row", "form"), HARD_CASES, ids=[f"{case[0]} to {case[2]}" for case in HARD_CASES])
def test_other_columns_never_end_in_a_traceback(
    what: str, row: dict[str, Any], form: str, predict: Predict, tmp_path: Path
) -> None:
    """Written, rejected with a reason, or refused in one line: never an exception."""
    write(tmp_path / "in.jsonl", {"text": TALKS, **row})
    done = predict("in.jsonl", out=f"out{form}")
    assert done.status == 0 or done.rejects or done.status == 2


def test_a_file_name_that_is_no_utf8(predict: Predict, tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9.txt")).write_text(TALKS)
    assert predict(tmp_path, out="out.jsonl").status in (0, 1)


def test_nested_values_keep_all_keys_in_parquet(predict: Predict, tmp_path: Path) -> None:
    """Whatever the first thousand rows hold: kept, or refused by name, but never dropped in silence."""
    write(tmp_path / "in.jsonl", *[{"text": "Talks failed.", "meta": {"a": 1}}] * 1000, {"text": TALKS, "meta": {"b": 2}})
    done = predict("in.jsonl", out="out.parquet")
    assert done.status == 2 or pq.read_table("out.parquet").to_pylist()[-1]["meta"]["b"] == 2


@pytest.mark.parametrize("form", FORMATS)
def test_one_file_of_another_encoding_among_others(form: str, predict: Predict, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(TALKS)
    (tmp_path / "in" / "b.txt").write_bytes(FRENCH.encode("latin-1"))
    done = predict("in", out=f"out{form}")
    assert done.status == 0, done.messages
    if form == ".jsonl":
        assert ["encoding" in record for record in done.records] == [False, True]


# ------------------------------------------------------------------------------------------------ standard input

STDIN = [
    ("text", f"{TALKS}\n\n{SHELLS}\n".encode(), ["stdin#1", "stdin#2"]),
    ("JSON Lines", b'{"id": "a", "text": "Talks failed."}\n{"text": "Shells fell."}\n', ["a", "stdin#2"]),
    ("CSV", f"id,text\na,{TALKS}\nb,{SHELLS}\n".encode(), ["a", "b"]),
    ("TSV", f"text\tid\n{TALKS}\ta\n".encode(), ["a"]),
    ("HTML", (ARTICLES / "page.html").read_bytes(), [f"stdin#{number}" for number in range(1, 16)]),
]


@pytest.mark.parametrize(("what", "data", "ids"), STDIN, ids=[case[0] for case in STDIN])
def test_standard_input(what: str, data: bytes, ids: list[str], run: Run, small_folder: Path) -> None:
    done = run("predict", "-", "--model", small_folder, stdin=data)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ids


def test_standard_input_is_meant_where_nothing_is_named(run: Run, small_folder: Path) -> None:
    assert json.loads(run("predict", "--model", small_folder, stdin=TALKS.encode()).stdout)["text"] == TALKS


def test_standard_input_twice(run: Run, small_folder: Path) -> None:
    done = run("predict", "-", "-", "--model", small_folder, stdin=TALKS.encode())
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr


def test_empty_standard_input(run: Run, small_folder: Path) -> None:
    done = run("predict", "-", "--model", small_folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert "stdin: the file is empty" in done.stderr


# ------------------------------------------------------------------------------------------------ options

def test_help_lists_the_commands(run: Run) -> None:
    done = run("--help")
    assert done.returncode == 0
    assert all(f"    {name} " in done.stdout for name in ("predict", "train", "evaluate", "corpora"))


OPTIONS = [
    "--model", "--target", "--unit", "--text-field", "--id-field", "--explain", "--jobs", "--keep-text",
    "--no-text", "--quiet", "--resume", "--dask",
]  # fmt: skip


@pytest.mark.parametrize("option", OPTIONS)
def test_help_names_every_option_of_the_contract(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("predict", "--help") == 0
    assert f"{option} " in capsys.readouterr().out.replace(",", " ").replace("]", " ")


def test_fields_by_other_names(predict: Predict, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", {"key": 7, "body": TALKS, "x": 1})
    record = predict("in.jsonl", "--text-field", "body", "--id-field", "key").records[0]
    assert (record["id"], record["text"], record["x"]) == ("7", TALKS, 1)
    assert list(record) == [*ROW, "x"]


@pytest.mark.parametrize("option", ["--no-text"])
def test_without_the_text(option: str, predict: Predict, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", {"id": "a", "text": TALKS})
    assert list(predict("in.jsonl", option).records[0]) == [name for name in ROW if name != "text"]


def test_evidence(predict: Predict, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", {"id": "a", "text": SHELLS, "x": 1})
    record = predict("in.jsonl", "--explain").records[0]
    assert list(record) == [*ROW, "evidence", "x"]
    assert {"label", "start", "end", "weight"} == set(record["evidence"][0])
    words = {SHELLS[item["start"] : item["end"]] for item in record["evidence"] if item["label"] == "casualties"}
    assert words & {"killed", "killed nine", "people"}
    for form in FORMATS[1:]:
        assert predict("in.jsonl", "--explain", out=f"out{form}").status == 0
    assert pq.read_table("out.parquet").to_pylist()[0]["evidence"] == record["evidence"]


OWN = 'name = "bara_council"\naliases = ["Bara council"]\nadversaries = ["assad_government"]\n'
# (what, option, the row's own target, text, target in the record, whether mentioned)
TARGETS = [
    ("the default", None, None, TALKS, "assad_government", True),
    ("by name", "hezbollah", None, "Hezbollah left Bara.", "hezbollah", True),
    ("by name, not mentioned", "hezbollah", None, TALKS, "hezbollah", False),
    ("by file", "own.toml", None, "The Bara council met.", "bara_council", True),
    ("the row's own", None, "hezbollah", "Hezbollah left Bara.", "hezbollah", True),
    ("the row's own, unknown to the registry", None, "Bara council", "The Bara council met.", "Bara council", True),
    ("the row's own is empty", None, "", TALKS, "assad_government", True),
    ("the option overrides the row", "hezbollah", "assad_government", TALKS, "hezbollah", False),
]


@pytest.mark.parametrize(("what", "option", "own", "text", "target", "named"), TARGETS, ids=[case[0] for case in TARGETS])
def test_targets(
    what: str, option: str | None, own: str | None, text: str, target: str, named: bool, predict: Predict, tmp_path: Path
) -> None:
    write(tmp_path / "own.toml", OWN)
    write(tmp_path / "in.jsonl", {"text": text} if own is None else {"text": text, "target": own})
    record = predict("in.jsonl", *(["--target", option] if option else [])).records[0]
    assert (record["target"], record["target_mentioned"]) == (target, named)


def test_mentions_of_the_rows_target_are_not_those_of_another(predict: Predict, tmp_path: Path) -> None:
    row = {"text": "Assad spoke.", "target": "assad_government", "target_mentions": [[0, 5]]}
    write(tmp_path / "in.jsonl", row)
    assert predict("in.jsonl").records[0]["target_mentioned"] is True
    assert predict("in.jsonl", "--target", "hezbollah").records[0]["target_mentioned"] is False


def test_more_jobs_give_the_same_bytes(run: Run, small_folder: Path, tmp_path: Path) -> None:
    rows = [{"id": str(at), "text": f"{(TALKS, SHELLS)[at % 2]} {at}"} for at in range(2300)]
    write(tmp_path / "in.jsonl", *rows[:1200], {"text": ""}, *rows[1200:])
    write(tmp_path / "own.toml", OWN)
    for jobs in (1, 2):
        options = ["--jobs", str(jobs), "--target", "own.toml", "--model", small_folder]
        done = run("predict", "in.jsonl", "-o", f"{jobs}.jsonl", *options)
        assert done.returncode == 1
    for ending in ("jsonl", "jsonl.rejects.jsonl"):
        assert (tmp_path / f"1.{ending}").read_bytes() == (tmp_path / f"2.{ending}").read_bytes() != b""
    assert [record["id"] for record in json_lines(tmp_path / "2.jsonl")] == [row["id"] for row in rows]


# ------------------------------------------------------------------------------------------------ rejects

def test_rejects_are_kept_with_reasons_and_the_rest_is_labelled(predict: Predict, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    lines = [json.dumps({"text": TALKS}), json.dumps({"text": SHELLS}), "{broken", '{"id": 5}', '{"text": "End."}']
    write(tmp_path / "in" / "a.jsonl", "\n".join(lines))
    (tmp_path / "in" / "b.txt").write_bytes(b"\xff\xd8\xff\xe0 picture")
    (tmp_path / "in" / "c.txt").write_text(SHELLS)
    done = predict("in")
    assert done.status == 1
    assert [record["id"] for record in done.records] == ["a.jsonl#1", "a.jsonl#2", "a.jsonl#5", "c.txt#1"]
    assert all(list(reject) == ["file", "row", "reason", "raw"] for reject in done.rejects)
    assert [(reject["file"], reject["row"], reject["raw"]) for reject in done.rejects] == [
        ("a.jsonl", 3, "{broken"), ("a.jsonl", 4, {"id": 5}), ("b.txt", None, None),
    ]  # fmt: skip
    for reject in done.rejects:
        place = reject["file"] if reject["row"] is None else f"{reject['file']}:{reject['row']}"
        assert f"parastance: {place}: {reject['reason']}\n" in done.messages
    assert "4 paragraphs labelled from 3 inputs, 3 rejected" in done.messages
    assert "out.jsonl.rejects.jsonl" in done.messages


def test_many_rejects_do_not_flood_the_terminal(predict: Predict, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", *[{"text": ""}] * 500)
    done = predict("in.jsonl")
    assert len(done.rejects) == 500
    assert len(done.messages.splitlines()) < 40
    assert "more rejects follow" in done.messages


def test_a_rejects_file_of_an_earlier_run_is_removed(predict: Predict, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", {"text": ""})
    assert predict("in.jsonl").rejects
    write(tmp_path / "in.jsonl", {"text": TALKS})
    assert predict("in.jsonl").status == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl", "out.jsonl.manifest.json"]


def test_mended_rejects_are_not_lost(predict: Predict, tmp_path: Path) -> None:
    """To run the rejects file again under the old output name: labelled or refused, but never deleted unread."""
    write(tmp_path / "out.jsonl.rejects.jsonl", {"text": TALKS})
    done = predict("out.jsonl.rejects.jsonl")
    assert done.status == 2 and done.rejects or [record["text"] for record in done.records] == [TALKS]


def test_nothing_but_rejects(predict: Predict, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xd8\xff\xe0")
    for form in FORMATS:
        assert predict("a.txt", out=f"out{form}").status == 1
        assert Path(f"out{form}").exists()


# ------------------------------------------------------------------------------------------------ wrong use

# (what, arguments, what the message says)
WRONG = [
    ("no such file", ["none.txt"], "none.txt: no such file or folder"),
    ("no such glob", ["*.pdf"], "no file matches"),
    ("a folder without texts", ["empty"], "holds no file that can be read"),
    ("unknown target", ["a.txt", "--target", "nobody"], "no such target; there are"),
    ("no target file", ["a.txt", "--target", "none.toml"], "none.toml: cannot be read"),
    ("a target file that is no TOML", ["a.txt", "--target", "bad.toml"], "not valid TOML"),
    ("a target file without a target", ["a.txt", "--target", "empty.toml"], "no target in it"),
    ("a target without aliases", ["a.txt", "--target", "bare.toml"], "`aliases` is missing"),
    ("a target that is a list", ["a.txt", "--target", "list.toml"], "list.toml"),
    ("targets that are a number", ["a.txt", "--target", "number.toml"], "number.toml"),
    ("a target's name that is a list", ["a.txt", "--target", "name.toml"], "name.toml"),
    ("output of an unknown ending", ["a.txt", "-o", "out.xlsx"], "the ending must be .jsonl, .csv, .tsv or .parquet"),
    ("packed output", ["a.txt", "-o", "out.jsonl.gz"], "the ending must be"),
    ("output in a folder that does not exist", ["a.txt", "-o", "none/out.jsonl"], "cannot be written"),
    ("output that is a folder", ["a.txt", "-o", "dir.jsonl"], "is a folder"),
    ("rejects that are a folder", ["a.txt", "-o", "taken.jsonl"], "taken.jsonl.rejects.jsonl"),
    ("no such model", ["a.txt", "--model", "none"], "no such model folder"),
    ("a folder that is no model", ["a.txt", "--model", "empty"], "not a model folder"),
    ("a file for a model", ["a.txt", "--model", "a.txt"], "no such model folder"),
    ("no jobs", ["a.txt", "--jobs", "0"], "0: must be a whole number, 1 or more"),
    ("jobs that are no number", ["a.txt", "--jobs", "many"], "--jobs"),
    ("unknown unit", ["a.txt", "--unit", "sentence"], "invalid choice"),
    ("unknown option", ["a.txt", "--colour"], "unrecognized arguments"),
]
TOML = {
    "bad": "name = ", "empty": "", "bare": 'name = "x"\n', "list": '[targets]\nhamas = ["Hamas"]\n', "number": "targets = 5\n",
    "name": 'name = ["x"]\naliases = ["y"]\n',
}  # fmt: skip


@pytest.mark.parametrize(("what", "arguments", "message"), WRONG, ids=[case[0] for case in WRONG])
def test_wrong_use(
    what: str, arguments: list[str], message: str, small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text(TALKS)
    for name in ("empty", "dir.jsonl", "taken.jsonl.rejects.jsonl"):
        (tmp_path / name).mkdir()
    for name, text in TOML.items():
        (tmp_path / f"{name}.toml").write_text(text)
    before = sorted(tmp_path.rglob("*"))
    given = arguments if "--model" in arguments else [*arguments, "--model", str(small_folder)]
    assert status_of("predict", *(given if "-o" in given else [*given, "-o", "out.jsonl"])) == 2
    messages = capsys.readouterr().err
    assert message in messages
    assert "Traceback" not in messages
    assert sorted(tmp_path.rglob("*")) == before


def test_no_command() -> None:
    assert status_of() == 2
    assert status_of("guess") == 2


def test_a_damaged_model_is_refused(predict: Predict, small_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(small_folder, tmp_path / "model")
    (tmp_path / "model" / "model.joblib").write_bytes((small_folder / "model.joblib").read_bytes() + b" ")
    done = predict(ARTICLES / "one_line.txt", model=tmp_path / "model")
    assert (done.status, done.records) == (2, [])
    assert "sha256" in done.messages and done.messages.count("\n") == 1


# (what, file name, bytes, the reason)
BAD = [
    ("empty file", "a.txt", b"", "the file is empty"),
    ("JPEG", "a.txt", b"\xff\xd8\xff\xe0\x00\x10JFIF" * 9, "JPEG"),
    ("NUL byte", "a.txt", b"Talks\x00failed", "NUL byte"),
    ("3 MB on one line", "a.txt", b"word " * 600_000, "longer than 1,000,000"),
    ("row without text", "a.jsonl", b'{"id": "x"}\n', "no `text`"),
    ("row of punctuation", "a.jsonl", b'{"text": "..."}\n', "no letter"),
    ("cut gzip", "a.txt.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "cannot be read"),
    ("torn gzip", "a.txt.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + b"\xff" * 60, "cannot be read"),
]


@pytest.mark.parametrize(("what", "name", "data", "reason"), BAD, ids=[case[0] for case in BAD])
def test_a_bad_input_costs_no_other(what: str, name: str, data: bytes, reason: str, predict: Predict, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "good.txt").write_text(TALKS)
    done = predict(name, "good.txt")
    assert (done.status, [record["text"] for record in done.records]) == (1, [TALKS])
    assert len(done.rejects) == 1 and done.rejects[0]["file"] == name
    assert reason in done.rejects[0]["reason"]


def test_french_in_latin1_is_labelled_and_says_so(predict: Predict, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(FRENCH.encode("latin-1"))
    done = predict("a.txt")
    assert (done.status, done.records[0]["text"]) == (0, FRENCH.strip())
    assert list(done.records[0]) == [*DOCUMENT, "encoding"]


# ------------------------------------------------------------------------------------------------ pipes and full disks

def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "parastance.train", *map(str, arguments)]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return write(tmp_path / "large.jsonl", *[{"id": os.urandom(16).hex(), "text": f"{TALKS} {at}"} for at in range(2000)])


PRINTING = [["predict", ARTICLES / "one_line.txt", "--quiet"], ["evaluate", ARTICLES / "paragraphs.jsonl"]]


def test_a_reader_that_leaves_early(large: Path, small_folder: Path) -> None:
    with subprocess.Popen(
        command("predict", large, "--quiet", "--model", small_folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert json.loads(process.stdout.readline())["text"] == f"{TALKS} 0"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize("arguments", PRINTING, ids=["predict", "evaluate"])
def test_a_reader_that_never_reads(arguments: list[Any], small_folder: Path) -> None:
    end, start = os.pipe()
    os.close(end)
    done = subprocess.run(command(*arguments, "--model", small_folder), stdout=start, stderr=subprocess.PIPE)
    os.close(start)
    assert done.stderr == b""
    assert done.returncode == 0


@pytest.mark.parametrize("arguments", PRINTING, ids=["predict", "evaluate"])
def test_standard_output_on_a_full_disk(arguments: list[Any], small_folder: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(command(*arguments, "--model", small_folder), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert "No space left" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("form", FORMATS)
def test_a_disk_that_fills_up(form: str, large: Path, small_folder: Path, tmp_path: Path) -> None:
    """Every file is cut off at 4 kB: the run fails in one line, the output of an earlier run stays as it was."""
    (tmp_path / f"out{form}").write_text("as it was")
    done = subprocess.run(
        command("predict", large, "-o", tmp_path / f"out{form}", "--model", small_folder), capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert f"out{form}: cannot be written" in done.stderr and done.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large.jsonl", f"out{form}"]
    assert (tmp_path / f"out{form}").read_text() == "as it was"


def test_rejects_on_a_disk_that_fills_up(small_folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", *[{"text": "", "note": "x" * 90}] * 500)
    done = subprocess.run(
        command("predict", tmp_path / "in.jsonl", "-o", tmp_path / "out.jsonl", "--model", small_folder, "--quiet"),
        capture_output=True, text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )  # fmt: skip
    assert done.returncode == 2
    assert "out.jsonl.rejects.jsonl: cannot be written" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out.jsonl").exists() and leftovers(tmp_path) == []


def test_interrupted(small_folder: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        command("predict", "-", "-o", tmp_path / "out.jsonl", "--model", small_folder),
        stdin=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    for _ in range(500):
        if leftovers(tmp_path):
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"interrupted" in messages and b"Traceback" not in messages
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"], ids=["input", "output", "messages"])
def test_a_stream_that_is_closed(closed: str, small_folder: Path) -> None:
    """As under cron or a badly written service."""
    given = "-" if closed == "<&-" else ARTICLES / "one_line.txt"
    line = " ".join(command("predict", given, "--model", small_folder)) + f" {closed}"
    done = subprocess.run(line, shell=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == (0 if closed == "2>&-" else 2)
    assert "Traceback" not in done.stderr


# ------------------------------------------------------------------------------------------------ train, evaluate

def some_rows(count: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(corpus_files()[0]).read_text("utf-8").splitlines()[: 20 * count : 20]]


VERBS = {"like": "FAVOR", "hate": "AGAINST", "know": "NONE"}
PLANS = ["new road", "old tax", "long wall", "small bank", "free press", "grey law"]
OPINIONS = [
    {"text": f"I {verb} the {plan} of {town}", "stance": label}
    for plan in PLANS for verb, label in VERBS.items() for town in ("Bara", "Hama")
]  # fmt: skip


def test_train_predict_evaluate(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """From labelled rows of any scheme to labels and scores, with nothing but the command."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "rows.jsonl", *OPINIONS)
    assert status_of("train", "rows.jsonl", "-o", "mine", "--quiet") == 0
    files = {"card.md", "held_out.npz", "manifest.json", "metrics.json", "model.joblib"}
    assert {path.name for path in (tmp_path / "mine").iterdir()} == files
    write(tmp_path / "new.txt", "I hate the new bank of Bara\n")
    assert status_of("predict", "new.txt", "--model", "mine", "-o", "out.jsonl") == 0
    record = json_lines(tmp_path / "out.jsonl")[0]
    assert record["stance"] == "AGAINST" and record["model"].startswith("mine@")
    assert not {"kind", "topics", "topic_probabilities"} & set(record)
    capsys.readouterr()
    assert status_of("evaluate", "rows.jsonl", "--model", "mine", "--json") == 0
    scores = json.loads(capsys.readouterr().out)
    assert (list(scores), scores["n"]) == (["n", "stance"], len(OPINIONS))


def test_evaluate_has_the_keys_of_the_contract(small_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = some_rows(60)
    write(tmp_path / "rows.jsonl", *rows)
    assert status_of("evaluate", tmp_path / "rows.jsonl", "--model", small_folder, "--json") == 0

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    scores = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert list(scores) == ["n", "topics", "stance", "kind"]
    assert {"macro_f1", "micro_f1", "per_label", "calibration_error", "coverage"} <= set(scores["topics"])
    assert {"macro_f1", "accuracy", "per_label", "calibration_error", "coverage"} <= set(scores["stance"])
    assert {"accuracy"} <= set(scores["kind"])
    for head in ("topics", "stance"):
        for label in scores[head]["per_label"].values():
            assert {"precision", "recall", "f1", "support"} <= set(label)
    assert status_of("evaluate", tmp_path / "rows.jsonl", "--model", small_folder) == 0
    assert capsys.readouterr().out.startswith(f"{len(rows)} paragraphs\n")


# (what, arguments, what the message says)
UNTRAINABLE = [
    ("a broken row", ["train", "broken.jsonl", "-o", "m"], "broken.jsonl:2: not JSON"),
    ("a broken row in --with", ["train", "good.jsonl", "--with", "broken.jsonl", "-o", "m"], "broken.jsonl:2: not JSON"),
    ("no such data", ["train", "none.jsonl", "-o", "m"], "none.jsonl: no such file"),
    ("no such data in --with", ["train", "good.jsonl", "--with", "none.jsonl", "-o", "m"], "none.jsonl: no such file"),
    ("no rows", ["train", "empty.jsonl", "-o", "m"], "no"),
    ("rows without a label", ["train", "bare.jsonl", "-o", "m"], "label"),
    ("data of another format", ["train", "text.txt", "-o", "m"], "labelled data are"),
    ("a model folder that is a file", ["train", "good.jsonl", "-o", "text.txt"], "exists and is no model folder"),
    ("evaluate without data", ["evaluate"], "DATA"),
    ("evaluate a broken row", ["evaluate", "broken.jsonl"], "broken.jsonl:2: not JSON"),
    ("evaluate without a model", ["evaluate", "good.jsonl", "--model", "none"], "no such model folder"),
]


@pytest.mark.parametrize(("what", "arguments", "message"), UNTRAINABLE, ids=[case[0] for case in UNTRAINABLE])
def test_train_and_evaluate_stop(
    what: str, arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    good = json.dumps({"text": TALKS, "stance": "neutral"})
    for name, text in (
        ("good.jsonl", good), ("broken.jsonl", f"{good}\n{{"), ("empty.jsonl", ""), ("text.txt", TALKS),
        ("bare.jsonl", '{"text": "a"}'),
    ):  # fmt: skip
        (tmp_path / name).write_text(text + "\n" if text else "")
    before = sorted(tmp_path.rglob("*"))
    assert status_of(*arguments) == 2
    messages = capsys.readouterr().err
    assert message in messages
    assert "Traceback" not in messages
    assert sorted(tmp_path.rglob("*")) == before


def test_training_on_a_disk_that_fills_up(tmp_path: Path) -> None:
    write(tmp_path / "rows.jsonl", *OPINIONS)
    done = subprocess.run(
        command("train", tmp_path / "rows.jsonl", "-o", tmp_path / "m", "--quiet"), capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )  # fmt: skip
    assert done.returncode == 2
    assert "cannot be written" in done.stderr and done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]
