"""CSV and TSV as spreadsheets and scripts write them: delimiters, quotation marks, names; a row that is not whole is named."""

from pathlib import Path
from typing import Any

import pytest

from parastance.predict.errors import InputError
from parastance.predict.inputs import find_sources
from parastance.predict.parts import plan
from parastance.predict.rejects import mended, reject_row
from parastance.predict.rows import read_rows
from parastance.predict.separated import delimiter_of
from parastance.predict.snapshot import hold


def rows_of(path: Path) -> list[tuple[int, Any]]:
    (source,) = find_sources([str(path)])
    return [(number, row.reason if isinstance(row, InputError) else row) for number, row in read_rows(source, source.format)]


# (header, format, delimiter)
HEADERS = [
    ("id,text", ".csv", ","),
    ("id;text;date", ".csv", ";"),
    ("id\ttext", ".csv", "\t"),
    ("text", ".csv", ","),
    ('"a;b",text', ".csv", ","),
    ('"a,b";text', ".csv", ";"),
    ("id,text", ".tsv", "\t"),
    ("id;text;\r\n", ".csv", ";"),
    ("id,te\rxt", ".csv", ","),
    ("", ".csv", ","),
]


@pytest.mark.parametrize(("header", "form", "wanted"), HEADERS)
def test_delimiter_by_the_header(header: str, form: str, wanted: str) -> None:
    assert delimiter_of(header, form) == wanted


# (what, file, bytes, rows and reasons)
TABLES: list[tuple[str, str, bytes, list[tuple[int, Any]]]] = [
    ("semicolons", "a.csv", b'id;text\r\n1;"a; b, c"\r\n2;d\r\n',
     [(1, {"id": "1", "text": "a; b, c"}), (2, {"id": "2", "text": "d"})]),
    ("a mark and semicolons", "a.csv", b"\xef\xbb\xbftext;n\na;1\n", [(1, {"text": "a", "n": "1"})]),
    ("line ends within", "a.csv", b'text,n\n"a\r\nb",1\n"c\n\nd",2\n',
     [(1, {"text": "a\nb", "n": "1"}), (2, {"text": "c\n\nd", "n": "2"})]),
    ("a column without a name", "a.csv", b",text\n0,a\n", [(1, {"": "0", "text": "a"})]),
    ("a quotation mark that stays open", "a.csv", b'text,n\na,1\n"b,2\nc,3\n',
     [(1, {"text": "a", "n": "1"}), (2, "a quotation mark is opened and never closed")]),
    ("one that stays open in the last line", "a.csv", b'text,n\n"b,2', [(1, "a quotation mark is opened and never closed")]),
    ("one closed by the last line", "a.csv", b'text,n\na,"2\n3"', [(1, {"text": "a", "n": "2\n3"})]),
    ("one in the middle of a field", "a.tsv", b'text\tn\nsaid "a"\t1\n', [(1, {"text": 'said "a"', "n": "1"})]),
    ("a field too few", "a.csv", b"text,n\na\nb,2\n", [(1, "1 fields where the header names 2"), (2, {"text": "b", "n": "2"})]),
    ("a carriage return in a field", "a.csv", b"text,n\na\rb,1\nc,2\n",
     [(1, "cannot be read: a carriage return outside of quotation marks: lines end with a line feed"),
      (2, {"text": "c", "n": "2"})]),
    ("a line that is no text", "a.csv", b"text,n\na\x00,1\nb,2\n",
     [(1, "NUL byte at byte 1 of the row"), (2, {"text": "b", "n": "2"})]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "name", "data", "wanted"), TABLES, ids=[case[0] for case in TABLES])
def test_rows(what: str, name: str, data: bytes, wanted: list[tuple[int, Any]], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    assert rows_of(tmp_path / name) == wanted


# (what, bytes, reason)
HEADS = [
    ("two columns of one name", b"text,n,n\na,1,2\n", "two columns bear the same name, `n`: rename one"),
    ("lines that end with carriage returns", b"id,text\r1,a\r", "carriage return"),
    ("UTF-16", "id,text\n1,a\n".encode("utf-16"), "this is UTF-16: save it as UTF-8"),
]


@pytest.mark.parametrize(("what", "data", "reason"), HEADS, ids=[case[0] for case in HEADS])
def test_a_header_that_cannot_be_used(what: str, data: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(InputError, match=reason):
        rows_of(tmp_path / "a.csv")


@pytest.mark.parametrize("size", [1, 40, 100, 1000])
def test_semicolons_are_cut_between_rows(size: int, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id;text\n" + "".join(f'{at};"a,{at}\n""b""; c"\n{at}a;plain, {at}\n' for at in range(30)))
    parts = list(plan(find_sources([str(path)]), "text", size=size))
    assert len(parts) > 1 or size == 1000
    cut = [found for part in parts for found in read_rows(hold(part.pieces[0])[0], ".csv")]
    assert cut == list(read_rows(find_sources([str(path)])[0], ".csv"))
    assert len(cut) == 60


# (what, file, raw, columns, delimiter, the row)
RAWS = [
    ("a comma", "a.csv", 'x,"a; b"', ["id", "text"], None, {"id": "x", "text": "a; b"}),
    ("a semicolon", "a.csv", "x;a, b", ["id", "text"], ";", {"id": "x", "text": "a, b"}),
    ("a tab", "a.tsv.gz", "x\ta, b", ["id", "text"], None, {"id": "x", "text": "a, b"}),
    ("a tab in a CSV", "a.csv", "x\ta, b", ["id", "text"], "\t", {"id": "x", "text": "a, b"}),
    ("one column", "a.tsv", "a, b", ["text"], None, {"text": "a, b"}),
    ("a line end within", "a.csv", 'x,"a\nb"', ["id", "text"], None, {"id": "x", "text": "a\nb"}),
    ("a line separator within", "a.csv", "x,a\u2028b", ["id", "text"], None, {"id": "x", "text": "a\u2028b"}),
    ("a line end behind", "a.csv", "x,a\n", ["id", "text"], None, {"id": "x", "text": "a"}),
    ("a name without an ending", "stdin", "x,a", ["id", "text"], None, {"id": "x", "text": "a"}),
]


@pytest.mark.parametrize(("what", "file", "raw", "columns", "mark", "wanted"), RAWS, ids=[case[0] for case in RAWS])
def test_a_mended_line_is_a_row(
    what: str, file: str, raw: str, columns: list[str], mark: str | None, wanted: dict[str, str]
) -> None:
    reject = {"file": file, "row": 1, "reason": "", "raw": raw, "columns": columns}
    assert mended({**reject, "delimiter": mark} if mark else reject) == wanted


def test_a_reject_of_a_semicolon_table_says_so_and_is_mended(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;text\n1;a, b;c\n")
    (source,) = find_sources([str(tmp_path / "a.csv")])
    ((_, error),) = read_rows(source, ".csv")
    assert isinstance(error, InputError)
    reject = reject_row(error)
    assert reject["delimiter"] == ";"
    assert mended({**reject, "raw": "1;a, b"}) == {"id": "1", "text": "a, b"}


@pytest.mark.parametrize("raw", ["x", "x,y,z", "x,y\nx,y", ""])
def test_a_line_that_is_no_row(raw: str) -> None:
    with pytest.raises(ValueError, match="not one row of 2 fields"):
        mended({"file": "a.csv", "row": 1, "reason": "", "raw": raw, "columns": ["id", "text"]})
