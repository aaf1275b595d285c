"""Corrections: what they change, what they leave, and which rows they are meant for."""

import json
from pathlib import Path
from typing import Any

import pytest

from parastance.predict.errors import DataError
from parastance.train.data import LabelledRow, read_labelled

ROW = {
    "id": "a", "text": "Assad spoke.", "topics": ["diplomacy"], "stance": "neutral", "kind": "content", "group": "g",
    "target_mentions": [[0, 5]], "outlet": "SANA",
}  # fmt: skip


def corrected(tmp_path: Path, rows: list[Any], *files: list[Any]) -> list[LabelledRow]:
    for name, content in [("data", rows), *((f"with{at}", file) for at, file in enumerate(files))]:
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content))
    more = [str(tmp_path / f"with{at}.jsonl") for at in range(len(files))]
    return read_labelled([str(tmp_path / "data.jsonl")], more)


CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("one label by id alone", {"id": "a", "stance": "opposed"}, {"stance": "opposed"}),
    ("by id, with the text", {"id": "a", "text": "Assad spoke.", "topics": []}, {"topics": ()}),
    ("null says nothing", {"id": "a", "topics": None, "stance": "opposed"}, {"stance": "opposed"}),
    ("by text", {"text": "Assad  spoke. ", "stance": "opposed"}, {"stance": "opposed", "text": "Assad  spoke. ", "mentions": None}),
    ("the group can be set", {"id": "a", "group": "h"}, {"group": "h"}),
    ("a new text is a new row of the same article", {"id": "a", "text": "Rain.", "topics": []},
     {"text": "Rain.", "topics": (), "stance": None, "kind": None, "mentions": None}),
    ("mentions without the text", {"id": "a", "target_mentions": [[6, 11]]}, {"mentions": ((6, 11),)}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "expected"), CASES, ids=[case[0] for case in CASES])
def test_a_correction_changes_what_it_names(what: str, change: Any, expected: Any, tmp_path: Path) -> None:
    before = corrected(tmp_path, [ROW])[0]
    after = corrected(tmp_path, [ROW], [change])
    assert len(after) == 1
    for name in ("text", "topics", "stance", "kind", "target", "mentions", "group"):
        assert getattr(after[0], name) == expected.get(name, getattr(before, name)), name


def test_by_text_only_where_an_id_is_absent(tmp_path: Path) -> None:
    text = {"text": "Assad spoke.", "stance": "opposed"}
    assert len(corrected(tmp_path, [ROW], [{**text, "id": "other"}])) == 2
    assert [row.stance for row in corrected(tmp_path, [{**ROW, "id": None}], [{**text, "id": "other"}])] == ["opposed"]
    assert [row.stance for row in corrected(tmp_path, [ROW, {**ROW, "id": "b"}], [text])] == ["opposed", "opposed"]


def test_a_stance_is_corrected_toward_the_target_it_names(tmp_path: Path) -> None:
    rows = [{**ROW, "target_mentions": None}, {**ROW, "id": "b", "target": "hezbollah", "target_mentions": None}]
    change = {"text": "Assad spoke.", "stance": "opposed"}
    assert [row.stance for row in corrected(tmp_path, rows, [change])] == ["opposed", "neutral"]
    assert [row.stance for row in corrected(tmp_path, rows, [{**change, "target": "hezbollah"}])] == ["neutral", "opposed"]
    assert [row.stance for row in corrected(tmp_path, rows, [{**change, "target": "iran"}])] == ["neutral", "neutral", "opposed"]
    topics = {"text": "Assad spoke.", "topics": []}
    assert [row.topics for row in corrected(tmp_path, rows, [topics])] == [(), ()]


def test_later_files_win_and_new_rows_are_added(tmp_path: Path) -> None:
    files = [[{"id": "a", "stance": "opposed"}], [{"id": "a", "stance": "supportive"}, {"text": "Rain.", "topics": []}]]
    rows = corrected(tmp_path, [ROW], *files)
    assert [(row.text, row.stance) for row in rows] == [("Assad spoke.", "supportive"), ("Rain.", None)]


def test_the_same_said_twice_in_one_file_is_no_conflict(tmp_path: Path) -> None:
    changes = [{"text": "Assad spoke.", "topics": ["a", "b"]}, {"id": "a", "topics": ["b", "a"], "stance": "opposed"}]
    assert [(row.topics, row.stance) for row in corrected(tmp_path, [ROW], changes)] == [(("b", "a"), "opposed")]


BROKEN = [
    ("an unknown id without text", [{"id": "z", "stance": "opposed"}], r"with0\.jsonl:1: no `text`, and id 'z'"),
    ("no id and no text", [{"stance": "opposed"}], r"with0\.jsonl:1: no `text`"),
    ("two minds in one file", [{"id": "a", "stance": "opposed"}, {"id": "a", "stance": "neutral"}], r":2: id 'a' was used before"),
    ("two minds by text", [{"text": "Assad spoke.", "topics": []}, {"text": "Assad  spoke.", "topics": ["talks"]}],
     r":2: topics of row 'a' is corrected otherwise at .*with0\.jsonl:1"),
    ("two minds, by id and by text", [{"id": "a", "stance": "opposed"}, {"text": "Assad spoke.", "stance": "neutral"}],
     r":2: stance of row 'a' is corrected otherwise"),
    ("two minds on a new text", [{"text": "Rain.", "stance": "opposed"}, {"text": "Rain.", "stance": "neutral"}], r":2: stance"),
    ("mentions outside the old text", [{"id": "a", "target_mentions": [[0, 99]]}], r"with0\.jsonl:1: .*outside the text"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "changes", "reason"), BROKEN, ids=[case[0] for case in BROKEN])
def test_a_correction_that_cannot_be_made_stops_by_row(what: str, changes: Any, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=reason):
        corrected(tmp_path, [ROW], changes)
