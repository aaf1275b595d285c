"""What goes in: files, folders and packings to units, with exact offsets; what cannot be read is named and the rest goes on.

Needs no model: units are looked at before they are labelled.
"""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parastance.predict.errors import InputError, UsageError
from parastance.predict.inputs import Source, find_sources, format_of
from parastance.predict.outputs import flatten
from parastance.predict.rejects import mended
from parastance.predict.rows import plain, read_rows
from parastance.predict.units import Reading, read_units

ARTICLES = Path(__file__).resolve().parent.parent / "seeds" / "articles"
TALKS, SHELLS = "Talks failed in Geneva.", "Shells killed nine in Homs."
FRENCH = "Les négociations ont échoué à Genève, a déclaré le ministère des Affaires étrangères. " * 4
LONG = "word " * 600_000  # 3 MB, one line

Found = tuple[list[tuple[str, dict[str, Any]]], list[InputError]]


def read(*inputs: Path | str, **reading: Any) -> Found:
    """Return ((text, lead and other columns) of the units, the errors)."""
    items = [item for source in find_sources([str(name) for name in inputs]) for item in read_units(source, Reading(**reading))]
    good = [(item[0].text, {**item[1].lead, **item[1].extra}) for item in items if not isinstance(item, InputError)]
    return good, [item for item in items if isinstance(item, InputError)]


def rows(*values: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def parquet(*values: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(values)), stream)
    return stream.getvalue()


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


# ------------------------------------------------------------------------------------------------ documents

# (file, paragraphs, the start of the first, the start of the last)
PAGES = [
    ("one_line.txt", 16, "Home > World", "© 2015"),
    ("blank_lines.txt", 15, "Sudan's warring", "Comments (3)"),
    ("wrapped.txt", 12, "Allies list", "Subscribe to"),
    ("wrapped_indented.txt", 9, "Coalition aircraft", "Reporting by our staff"),
    ("crlf.txt", 13, "Chemical weapons", "Terms of use"),
]


@pytest.mark.parametrize(("name", "count", "first", "last"), PAGES, ids=[case[0] for case in PAGES])
def test_offsets_of_a_text_file(name: str, count: int, first: str, last: str) -> None:
    with open(ARTICLES / name, encoding="utf-8", newline="") as stream:
        document = stream.read()
    units, errors = read(ARTICLES / name)
    assert (len(units), errors) == (count, [])
    assert units[0][0].startswith(first) and units[-1][0].startswith(last)
    for number, (text, lead) in enumerate(units, 1):
        assert document[lead["start"] : lead["end"]] == text
        assert list(lead.values())[:3] == [f"{name}#{number}", name, number]


def test_a_web_page() -> None:
    units, errors = read(ARTICLES / "page.html")
    texts = [text for text, _ in units]
    assert errors == []
    assert texts[0] == "Arab League takes Syria back after eleven years"
    assert any(text.startswith("The decision was taken behind closed doors in Cairo. All thirteen") for text in texts)
    assert "Saudi Arabia | to be reopened this year" in texts
    assert not any("Home" in text or "Terms of use" in text or "Post comment" in text for text in texts)
    document = "\n\n".join(texts)
    assert all(document[lead["start"] : lead["end"]] == text for text, lead in units)


def test_a_row_that_holds_an_article() -> None:
    units, errors = read(ARTICLES / "documents.jsonl", documents=True)
    given = {row["id"]: row["text"] for row in map(json.loads, (ARTICLES / "documents.jsonl").read_text("utf-8").splitlines())}
    assert errors == []
    assert list(dict.fromkeys(lead["doc"] for _, lead in units)) == ["moscow-2016", "tripoli-2019", "hodeida-2018"]
    assert [lead["id"] for _, lead in units[:2]] == ["moscow-2016#1", "moscow-2016#2"]
    assert all(given[lead["doc"]][lead["start"] : lead["end"]] == text for text, lead in units)
    assert len(read(ARTICLES / "documents.jsonl")[0]) == 3


# ------------------------------------------------------------------------------------------------ sources

FORMATS: list[tuple[str, bytes]] = [
    ("a.txt", f"{TALKS}\n{SHELLS}\n".encode()),
    ("a.html", (ARTICLES / "page.html").read_bytes()),
    ("a.jsonl", rows({"text": TALKS}, {"text": SHELLS})),
    ("a.csv", f"text,n\n{TALKS},1\n{SHELLS},2\n".encode()),
    ("a.tsv", f"text\tn\n{TALKS}\t1\n{SHELLS}\t2\n".encode()),
]


@pytest.mark.parametrize(("ending", "pack"), [(".gz", gzip.compress), (".zst", zstd)])
@pytest.mark.parametrize(("name", "data"), FORMATS, ids=[case[0] for case in FORMATS])
def test_packed_files_read_as_plain_ones(
    name: str, data: bytes, ending: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / (name + ending)).write_bytes(pack(data))
    wanted, packed = read(tmp_path / name), read(tmp_path / (name + ending))
    assert [text for text, _ in packed[0]] == [text for text, _ in wanted[0]] != []
    assert packed[1] == []
    assert packed[0][0][1]["id"] == f"{name}{ending}#1"


ENDINGS = [
    ("a.txt", (".txt", "")), ("a.b.JSONL", (".jsonl", "")), ("A.CSV.GZ", (".csv", ".gz")), ("a.htm.zst", (".htm", ".zst")),
    ("a.gz", ("", ".gz")), ("a", ("", "")), ("a.pdf", ("", "")), ("a.json", ("", "")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "wanted"), ENDINGS, ids=[case[0] for case in ENDINGS])
def test_format_by_ending(name: str, wanted: tuple[str, str]) -> None:
    assert format_of(name) == wanted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.txt", "a.jsonl", "sub/a.txt", ".hidden.txt", ".git/x.txt", "sub/.x.txt", "picture.jpg", "notes"):
        file = tmp_path / "news" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(rows({"text": TALKS}) if name.endswith(".jsonl") else TALKS.encode())
    return tmp_path / "news"


# (what, inputs below the folder, names of the sources)
PLACES = [
    ("a folder, sorted, hidden and unknown files left out", ["."], ["a.jsonl", "b.txt", "sub/a.txt"]),
    ("a folder and a file", ["sub", "b.txt"], ["a.txt", "b.txt"]),
    ("a glob", ["*.txt"], ["b.txt"]),
    ("a glob through folders", ["**/*.txt"], ["b.txt", "a.txt"]),
    ("a file of an unknown ending, named", ["notes"], ["notes"]),
    ("a hidden file, named", [".hidden.txt"], [".hidden.txt"]),
    ("in the order given", ["b.txt", "a.jsonl"], ["b.txt", "a.jsonl"]),
    ("standard input among files", ["b.txt", "-"], ["b.txt", "stdin"]),
]


@pytest.mark.parametrize(("what", "inputs", "names"), PLACES, ids=[case[0] for case in PLACES])
def test_sources(what: str, inputs: list[str], names: list[str], folder: Path) -> None:
    assert [source.name for source in find_sources([given if given == "-" else f"{folder}/{given}" for given in inputs])] == names


def test_doc_names_of_a_folder(folder: Path) -> None:
    assert [lead.get("doc", lead["id"]) for _, lead in read(folder)[0]] == ["a.jsonl#1", "b.txt", "sub/a.txt"]


@pytest.mark.parametrize(("given", "reason"), [
    ("none.txt", "no such file or folder"), ("*.pdf", "no file matches"), ("empty", "holds no file that can be read"),
])  # fmt: skip
def test_nothing_to_read(given: str, reason: str, folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "empty" / "x.jpg").write_bytes(b"x")
    with pytest.raises(UsageError, match=reason):
        find_sources([f"{folder}/{given}"])


# ------------------------------------------------------------------------------------------------ bad files

CUT = gzip.compress(TALKS.encode() * 50)[:-12]
TORN = bytes(gzip.compress(TALKS.encode() * 50)[:10]) + b"\xff" * 60
BAD_FILES = [
    ("a.txt", b"", "empty"),
    ("a.txt", b" \n\t\n", "empty"),
    ("a.txt", b"***\n---\n", "not one line has a letter or digit"),
    ("a.txt", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" * 20, "JPEG"),
    ("a.txt", b"Talks\x00failed.", "NUL byte at byte 5"),
    ("a.txt", LONG.encode(), "longer than 1,000,000"),
    ("a.html", b"<html></html>", "no article text"),
    ("a.html", b"<" * 5000, "no article text"),
    ("a.jsonl", b"", "no rows"),
    ("a.jsonl", b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"),
    ("a.jsonl", gzip.compress(rows({"text": TALKS})), "gzip"),
    ("a.csv", b"", "empty"),
    ("a.csv", b"text\n", "no rows"),
    ("a.csv", b"id,body\n1,x\n", "no column `text`; there are id, body: name one with --text-field"),
    ("a.csv", b"text,text\nx,y\n", "two columns"),
    ("a.parquet", b"PAR1 but no more", "not a Parquet file"),
    ("a.parquet", b"", "not a Parquet file"),
    ("a.parquet", parquet({"body": "x"}), "no column `text`"),
    ("a.txt.gz", b"not gzip", "cannot be read"),
    ("a.txt.gz", CUT, "cannot be read"),
    ("a.txt.gz", TORN, "cannot be read"),
    ("a.jsonl.gz", TORN, "cannot be read"),
    ("a.parquet.gz", CUT, "Parquet|cannot be read"),
    ("a.txt.zst", b"\x28\xb5\x2f\xfdgarbage", "cannot be read"),
    ("a.csv.zst", b"garbage", "cannot be read"),
]


@pytest.mark.parametrize(("name", "data", "reason"), BAD_FILES, ids=[f"{case[0]}: {case[2][:30]}" for case in BAD_FILES])
def test_a_bad_file_is_one_error_and_the_next_is_read(name: str, data: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "next.txt").write_text(TALKS)
    units, errors = read(tmp_path / name, tmp_path / "next.txt")
    assert [text for text, _ in units] == [TALKS]
    assert [error.place for error in errors] == [name]
    assert re.search(reason, errors[0].reason), errors[0].reason


def test_a_table_in_utf16_is_refused_not_misread(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(f"text\n{TALKS}\n".encode("utf-16"))
    units, errors = read(tmp_path / "a.csv")
    assert units == []
    assert errors


def test_the_torn_file_is_torn() -> None:
    with pytest.raises(zlib.error):
        gzip.decompress(TORN)


def test_broken_utf8_is_guessed_and_the_guess_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(FRENCH.encode("latin-1"))
    units, errors = read(tmp_path / "a.txt")
    assert errors == []
    assert units[0][0] == FRENCH.strip()
    assert isinstance(units[0][1]["encoding"], str)


def test_a_row_of_broken_utf8_names_its_guess(tmp_path: Path) -> None:
    line = json.dumps({"text": FRENCH}, ensure_ascii=False).encode("latin-1")
    (tmp_path / "a.jsonl").write_bytes(rows({"text": TALKS}) + line + b"\n")
    units, errors = read(tmp_path / "a.jsonl")
    assert errors == []
    assert ["encoding" in columns for _, columns in units] == [False, True]


# ------------------------------------------------------------------------------------------------ bad rows

# (what, the line between two good ones, the reason)
BAD_LINES = [
    ("not JSON", b"{", "not JSON"),
    ("cut in the text", b'{"text": "Talks fai', "not JSON"),
    ("a list", b"[1]", "not a JSON object"),
    ("a string", b'"Talks failed."', "not a JSON object"),
    ("Infinity", b'{"text": "a", "n": Infinity}', "no JSON number"),
    ("nested without end", b'{"text": "a", "n": ' + b"[" * 100_000, "not usable JSON|not JSON"),
    ("no text", b'{"id": "x"}', "no `text`"),
    ("null", b'{"text": null}', "no `text`"),
    ("a number for a text", b'{"text": 5}', "must be a string"),
    ("an empty text", b'{"text": ""}', "is empty"),
    ("punctuation only", b'{"text": "... !"}', "no letter"),
    ("NUL in the text", b'{"text": "a\\u0000b"}', "NUL"),
    ("NUL in the line", b'{"text": "a\x00b"}', "NUL"),
    ("half a surrogate pair", b'{"text": "a \\ud800"}', "surrogate"),
    ("a list for an id", b'{"text": "a", "id": [1]}', "`id` must be a string"),
    ("true for an id", b'{"text": "a", "id": true}', "`id` must be a string"),
    ("a number for a target", b'{"text": "a", "target": 1}', "`target` must be a string"),
    ("mentions outside the text", b'{"text": "a", "target_mentions": [[0, 9]]}', "outside the text"),
    ("mentions that are words", b'{"text": "a", "target_mentions": ["Assad"]}', r"\[start, end\]"),
    ("a text of 3 MB", json.dumps({"text": LONG}).encode(), "longer than 1,000,000"),
]


@pytest.mark.parametrize(("what", "line", "reason"), BAD_LINES, ids=[case[0] for case in BAD_LINES])
def test_a_bad_row_is_named_and_those_around_it_are_read(what: str, line: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(rows({"text": TALKS}) + line + b"\n" + rows({"text": SHELLS}))
    units, errors = read(tmp_path / "a.jsonl")
    assert [(text, columns["id"]) for text, columns in units] == [(TALKS, "a.jsonl#1"), (SHELLS, "a.jsonl#3")]
    assert [(error.place, error.row) for error in errors] == [("a.jsonl", 2)]
    assert re.search(reason, errors[0].reason), errors[0].reason
    assert errors[0].raw, "the row is kept, so that it can be mended"


# (what, file, data, texts read, rows named as bad)
TABLES = [
    ("blank lines do not count", "a.jsonl", rows({"text": TALKS}) + b"\n\n" + rows({"text": SHELLS}), [TALKS, SHELLS], []),
    ("no line end at the end", "a.jsonl", rows({"text": TALKS})[:-1], [TALKS], []),
    ("CRLF", "a.jsonl", rows({"text": TALKS}, {"text": SHELLS}).replace(b"\n", b"\r\n"), [TALKS, SHELLS], []),
    ("byte-order mark", "a.jsonl", b"\xef\xbb\xbf" + rows({"text": TALKS}), [TALKS], []),
    ("byte-order mark", "a.csv", f"\ufefftext,n\n{TALKS},1\n".encode(), [TALKS], []),
    ("CRLF", "a.csv", f"text,n\r\n{TALKS},1\r\n{SHELLS},2\r\n".encode(), [TALKS, SHELLS], []),
    ("a quoted comma", "a.csv", b'text,n\n"Talks, again",1\n', ["Talks, again"], []),
    ("a quoted line break", "a.csv", b'text,n\n"Talks\nagain",1\n', ["Talks\nagain"], []),
    ("quotation marks", "a.csv", b'text,n\n"He said ""no"".",1\n', ['He said "no".'], []),
    ("a field too many", "a.csv", f"text,n\n{TALKS},1\nx,2,3\n{SHELLS},2\n".encode(), [TALKS, SHELLS], [2]),
    ("a field too few", "a.tsv", f"text\tn\n{TALKS}\t1\nx\n{SHELLS}\t2\n".encode(), [TALKS, SHELLS], [2]),
    ("an empty text", "a.csv", f"text,n\n{TALKS},1\n,2\n{SHELLS},3\n".encode(), [TALKS, SHELLS], [2]),
    ("one column", "a.csv", f"text\n{TALKS}\n".encode(), [TALKS], []),
    ("NUL in a row", "a.csv", f"id,text\n1,{TALKS}\n2,a\0b\n3,{SHELLS}\n".encode(), [TALKS, SHELLS], [2]),
    ("ids like the mark of a sound file", "a.csv", f"id,text\nID2,{TALKS}\nID3,{SHELLS}\n".encode(), [TALKS, SHELLS], []),
    ("a null", "a.parquet", parquet({"text": TALKS}, {"text": None}, {"text": SHELLS}), [TALKS, SHELLS], [2]),
]


@pytest.mark.parametrize(("what", "name", "data", "texts", "bad"), TABLES, ids=[f"{case[1]}: {case[0]}" for case in TABLES])
def test_tables(what: str, name: str, data: bytes, texts: list[str], bad: list[int], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    units, errors = read(tmp_path / name)
    assert [text for text, _ in units] == texts
    assert [error.row for error in errors] == bad


def test_a_paragraph_that_is_too_long_is_named_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(rows({"id": "x", "text": TALKS}, {"id": "y", "text": f"{SHELLS}\n\n{LONG}"}))
    units, errors = read(tmp_path / "a.jsonl", documents=True)
    assert [text for text, _ in units] == [TALKS, SHELLS]
    assert [error.place for error in errors] == ["a.jsonl"]


def test_fields_by_other_names(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(rows({"key": 7, "body": TALKS, "x": 1}))
    assert read(tmp_path / "a.jsonl", text_field="body", id_field="key") == ([(TALKS, {"id": "7", "x": 1})], [])


def test_parquet_columns_keep_their_types(tmp_path: Path) -> None:
    columns = {"day": date(2016, 3, 1), "at": datetime(2016, 3, 1, 9, 30), "n": 3, "meta": {"a": [1, 2]}, "none": None, "yes": True}
    (tmp_path / "a.parquet").write_bytes(parquet({"id": "x", "text": TALKS, **columns}))
    assert read(tmp_path / "a.parquet")[0] == [(TALKS, {"id": "x", **columns})]


# ------------------------------------------------------------------------------------------------ properties

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
ROWS = st.lists(st.dictionaries(TEXT, JSON, max_size=4), max_size=8)


def rows_in(data: bytes, form: str, folder: Path) -> list[tuple[int, Any]]:
    file = folder / f"any{form}"
    file.write_bytes(data)
    return list(read_rows(Source(str(file), file.name, form), form))


@given(ROWS, st.booleans())
def test_any_json_rows_come_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, values: list[dict[str, Any]], escaped: bool
) -> None:
    data = "".join(json.dumps(value, ensure_ascii=escaped) + "\n" for value in values).encode()
    assert rows_in(data, ".jsonl", tmp_path_factory.getbasetemp()) == list(enumerate(values, 1))


PRINTED = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"), min_size=1, max_size=20)


@given(st.lists(st.lists(PRINTED, min_size=2, max_size=2), max_size=8), st.sampled_from([(".csv", ","), (".tsv", "\t")]))
def test_any_cells_come_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]], form: tuple[str, str]
) -> None:
    stream = io.StringIO()
    csv.writer(stream, delimiter=form[1]).writerows([["a", "b"], *cells])
    found = rows_in(stream.getvalue().encode(), form[0], tmp_path_factory.getbasetemp())
    assert found == [(number, dict(zip("ab", row, strict=True))) for number, row in enumerate(cells, 1)]


@given(ROWS)
def test_bad_lines_cost_no_good_row(tmp_path_factory: pytest.TempPathFactory, values: list[dict[str, Any]]) -> None:
    data = b"".join(json.dumps(value).encode() + b"\n{broken\n" for value in values)
    found = rows_in(data, ".jsonl", tmp_path_factory.getbasetemp())
    assert [row for _, row in found if not isinstance(row, InputError)] == values
    assert [number for number, row in found if isinstance(row, InputError)] == [2 * at for at in range(1, len(values) + 1)]


NAMES = TEXT.filter(lambda name: not name.endswith("_probabilities"))


@given(st.dictionaries(NAMES, JSON, max_size=6))
def test_a_flat_row_has_the_same_columns_and_only_scalars(record: dict[str, Any]) -> None:
    flat = flatten(record)
    assert list(flat) == list(record)
    assert all(value is None or isinstance(value, (str, int, float)) and not isinstance(value, bool) for value in flat.values())
    for name, value in record.items():
        if isinstance(value, (dict, list)) and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            assert json.loads(flat[name]) == value


FLAT = [
    ("topics", ["a", "b"], {"topics": "a|b"}),
    ("abstained", [], {"abstained": ""}),
    ("topic_probabilities", {"a": 0.5, "b": 0.1}, {"topic_probability_a": 0.5, "topic_probability_b": 0.1}),
    ("stance_probabilities", {"x": 1.0}, {"stance_probability_x": 1.0}),
    ("target_mentioned", True, {"target_mentioned": "true"}),
    ("day", date(2016, 3, 1), {"day": "2016-03-01"}),
    ("evidence", [{"label": "a", "start": 0}], {"evidence": '[{"label": "a", "start": 0}]'}),
    ("meta", {"é": None}, {"meta": '{"é": null}'}),
    ("my_probabilities", {"a": {"b": None}}, {"my_probabilities": '{"a": {"b": null}}'}),
    ("nan", float("nan"), {"nan": None}),
]


@pytest.mark.parametrize(("key", "value", "wanted"), FLAT, ids=[case[0] for case in FLAT])
def test_flatten(key: str, value: Any, wanted: dict[str, Any]) -> None:
    assert flatten({key: value}) == wanted


@given(JSON)
def test_plain_leaves_json_as_it_is(value: Any) -> None:
    assert plain(value) == value


def test_a_reject_that_was_not_mended_is_rejected_again() -> None:
    """Half a surrogate pair in another column than the text cannot be written either."""
    with pytest.raises(ValueError, match="half a surrogate pair"):
        mended({"file": "a.jsonl", "row": 1, "reason": "", "raw": '{"text": "Talks failed.", "k": "\\ud83d"}'})
