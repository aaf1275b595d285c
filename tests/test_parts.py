"""How inputs are cut into parts: every row in exactly one, in order, with the number it has in its file."""

import csv
import hashlib
import io
import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parastance.predict.errors import InputError
from parastance.predict.inputs import Source, find_sources
from parastance.predict.parts import plan
from parastance.predict.rows import read_rows
from parastance.predict.slices import survey
from parastance.predict.snapshot import hold

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
LINES = st.lists(
    st.one_of(
        st.builds(lambda text: json.dumps({"text": text}), CELL), st.just(""), st.just("{broken"), st.just("[1]"),
        st.builds(lambda text: json.dumps({"text": text}, ensure_ascii=False).replace("\n", " "), CELL),
    ),
    max_size=30,
)  # fmt: skip
CSV_LINES = st.lists(
    st.one_of(
        st.builds(lambda text: '"' + text.replace('"', '""') + '",1', CELL), st.just("plain,2"), st.just(""), st.just("one"),
        st.just('in"side,3'), st.just('a,"b\nc"'), st.just("a,b,c"), st.just('"never closed'), st.just("tab\t,\r4"),
    ),
    max_size=30,
)  # fmt: skip


def rows_of(source: Source) -> list[tuple[int, Any]]:
    return [
        (number, (row.reason, row.row, row.raw) if isinstance(row, InputError) else row)
        for number, row in read_rows(source, source.format)
    ]


def whole_and_cut(path: Path, size: int) -> tuple[list[tuple[int, Any]], list[tuple[int, Any]], int]:
    """Return (the rows read at once, the rows read slice by slice, how many slices); tapered slices hold the same rows."""
    source = Source(str(path), path.name, path.suffix)
    pieces, tapered = list(survey(source, "text", size)), list(survey(source, "text", size, tapered=True))
    whole, *cut = (rows_of(source), *([row for piece in some for row in rows_of(hold(piece)[0])] for some in (pieces, tapered)))
    assert cut[0] == cut[1]
    return whole, cut[0], len(pieces)


@given(LINES, st.integers(1, 90), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_json_lines_cut_anywhere(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], size: int, end: str, last: bool, mark: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.jsonl"
    path.write_bytes((b"\xef\xbb\xbf" if mark else b"") + (end.join(lines) + (end if last else "")).encode())
    whole, cut, _ = whole_and_cut(path, size)
    assert cut == whole


@given(CSV_LINES, st.integers(1, 90), st.sampled_from(["\n", "\r\n"]), st.booleans())
@settings(max_examples=300)
def test_csv_cut_anywhere(tmp_path_factory: pytest.TempPathFactory, lines: list[str], size: int, end: str, mark: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.csv"
    path.write_bytes((b"\xef\xbb\xbf" if mark else b"") + end.join(["text,n", *lines, ""]).encode())
    whole, cut, _ = whole_and_cut(path, size)
    assert cut == whole


@pytest.mark.parametrize("group", [1, 7, 40, 1000])
@pytest.mark.parametrize("size", [200, 2000])
def test_parquet_cut_by_row_groups_and_within(group: int, size: int, tmp_path: Path) -> None:
    table = pa.table({"text": [f"Talks {at} failed." for at in range(400)], "n": pa.array(range(400), pa.int16())})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=group)
    whole, cut, slices = whole_and_cut(tmp_path / "a.parquet", size)
    assert cut == whole
    assert slices > 1


def test_a_large_file_is_cut_into_parts_of_the_size_asked_for(tmp_path: Path) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerows([["text", "n"], *[[f'He said "{at}",\nand left.', at] for at in range(20_000)]])
    (tmp_path / "a.csv").write_text(stream.getvalue(), newline="")
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": f"Talks {at}."}) + "\n" for at in range(40_000)))
    for name in ("a.csv", "a.jsonl"):
        whole, cut, slices = whole_and_cut(tmp_path / name, 100_000)
        size = (tmp_path / name).stat().st_size
        assert cut == whole
        assert size // 110_000 <= slices <= size // 100_000 + 1


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_tapered_slices_are_smaller_at_both_ends(name: str, tmp_path: Path) -> None:
    rows = [["text"], *[[f"Talks {at}"] for at in range(40_000)]]
    lines = [json.dumps({"text": text}) if name == "a.jsonl" else text for (text,) in rows]
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    source = Source(str(tmp_path / name), name, Path(name).suffix)
    size = (tmp_path / name).stat().st_size // 6
    found = [piece.source.slice for piece in survey(source, "text", size, tapered=True)]
    parts = [part for part in found if part]
    spans = [part.stop - part.start for part in parts]
    if name == "a.jsonl":
        assert spans.pop(0) == pytest.approx(size / 2, abs=40)
    assert spans[0] == pytest.approx(size, abs=40)
    assert all(two < one + 40 for one, two in itertools.pairwise(spans))
    assert max(spans[-2:]) < size // 4 + 40
    assert len(spans) < 14
    assert all(one.stop == two.start for one, two in itertools.pairwise(parts))
    assert parts[-1].stop == (tmp_path / name).stat().st_size


def test_slices_of_json_lines_bear_the_digest_of_the_file_up_to_their_end(tmp_path: Path) -> None:
    data = "".join(json.dumps({"text": f"Talks {at}." * (at % 5)}) + "\n" for at in range(40_000)).encode()
    (tmp_path / "a.jsonl").write_bytes(data)
    pieces = list(survey(Source(str(tmp_path / "a.jsonl"), "a.jsonl", ".jsonl"), "text", 300_000))
    slices = [piece.source.slice for piece in pieces if piece.source.slice]
    assert len(slices) == len(pieces) > 3
    assert [piece.digest for piece in pieces] == [hashlib.sha256(data[: part.stop]).hexdigest() for part in slices]
    assert [part.row for part in slices] == [data[: part.start].count(b"\n") for part in slices]
    assert (slices[0].start, slices[-1].stop) == (0, len(data))


# (what, file, data): cannot be cut, so it stays whole and says itself what is wrong
UNCUT = [
    ("no such column", "a.csv", b"id,body\n" + b"1,x\n" * 99),
    ("two columns of one name", "a.csv", b"text,text\n" + b"1,x\n" * 99),
    ("no Parquet", "a.parquet", b"PAR1" * 99),
    ("a document", "a.txt", b"Talks failed.\n\n" * 99),
]


@pytest.mark.parametrize(("what", "name", "data"), UNCUT, ids=[case[0] for case in UNCUT])
def test_what_cannot_be_cut_stays_whole(what: str, name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    assert [piece.source.slice for piece in survey(Source(str(tmp_path / name), name, Path(name).suffix), "text", 50)] == [None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("y=1/a.txt", "y=1/b.txt", "y=1/c.jsonl", "y=1/d.csv", "y=2/c.csv", "y=2/c.jsonl", "y=2/d.txt", "y=2/e.txt"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text({".txt": "Talks failed.", ".csv": "text\nTalks\n", ".jsonl": '{"text": "Talks failed."}\n'}[path.suffix])
    (tmp_path / "in" / "y=2" / "f.jsonl").write_text('{"text": "Talks failed."}\n' * 50)
    return tmp_path / "in"


def test_parts_of_an_output_folder_keep_the_names(folder: Path) -> None:
    parts = list(plan(find_sources([str(folder)]), "text", size=600, apart=True))
    assert [part.name for part in parts] == [
        "y=1/part-00000", "y=1/c", "y=1/d", "y=2/c", "y=2/c.jsonl", "y=2/part-00000", "y=2/f-00000", "y=2/f-00001", "y=2/f-00002",
    ]  # fmt: skip
    assert [len(part.pieces) for part in parts] == [2, 1, 1, 1, 1, 2, 1, 1, 1]


def test_parts_of_one_file_put_small_inputs_together(folder: Path) -> None:
    parts = list(plan(find_sources([str(folder)]), "text", size=600))
    assert [[piece.source.name for piece in part.pieces] for part in parts[:1]] == [
        ["y=1/a.txt", "y=1/b.txt", "y=1/c.jsonl", "y=1/d.csv", "y=2/c.csv", "y=2/c.jsonl", "y=2/d.txt", "y=2/e.txt"]
    ]
    assert [part.pieces[0].source.name for part in parts[1:]] == ["y=2/f.jsonl"] * 3


def test_the_same_names_from_two_folders_stay_apart(folder: Path) -> None:
    parts = list(plan(find_sources([str(folder / "y=1"), str(folder / "y=2"), str(folder / "y=1")]), "text", apart=True))
    names = [part.name for part in parts]
    assert len(names) == len(set(names))
