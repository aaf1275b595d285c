"""What labelling tools export, read as rows: the shapes that the tools document, and whose answer counts."""

import csv
import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parastance.predict.errors import DataError, UsageError
from parastance.train.data import LabelledRow, read_labelled

TEXT = "Assad met the envoy. Eleven people died in Homs."
OTHER = "Rain fell on the hills."


def choice(control: str, *names: str) -> dict[str, Any]:
    return {"id": control, "from_name": control, "to_name": "text", "type": "choices", "value": {"choices": list(names)}}


def span(start: int, end: int, text: str | None, name: str, control: str = "target_mentions") -> dict[str, Any]:
    value = {"start": start, "end": end, "text": text, "labels": [name]}
    return {"id": "s", "from_name": control, "to_name": "text", "type": "labels", "value": value}


def annotation(*results: dict[str, Any], **more: Any) -> dict[str, Any]:
    done = {"id": 1001, "completed_by": 10, "result": list(results), "was_cancelled": False, "ground_truth": False}
    return {**done, "lead_time": 4.288, "task": 1, **more}


def task(*annotations: dict[str, Any], text: str = TEXT, number: int = 1, **data: Any) -> dict[str, Any]:
    return {
        "id": number, "created_at": "2021-03-09T21:52:49.513742Z", "project": 83, "data": {"text": text, **data},
        "annotations": list(annotations), "predictions": [], "meta": {},
    }  # fmt: skip


def read(tmp_path: Path, name: str, content: Any) -> tuple[list[LabelledRow], list[str]]:
    """Write an export (a list: one JSON array, or a line each; a string: as it is) and read it."""
    if name.endswith(".jsonl"):
        content = "".join(json.dumps(row) + "\n" for row in content)
    elif not isinstance(content, str):
        content = json.dumps(content)
    (tmp_path / name).write_text(content, encoding="utf-8")
    notes: list[str] = []
    return read_labelled([str(tmp_path / name)], note=notes.append), notes


def seen(row: LabelledRow) -> tuple[Any, ...]:
    return row.topics, row.stance, row.kind, row.mentions


ALL = [choice("topics", "diplomacy", "casualties"), choice("stance", "neutral"), choice("kind", "content")]
EXPORTS: list[tuple[str, str, list[Any], tuple[Any, ...]]] = [
    ("label studio, several controls and a span", "a.json", [task(annotation(*ALL, span(0, 5, "Assad", "target")))],
     (("casualties", "diplomacy"), "neutral", "content", ((0, 5),))),
    ("label studio, none of the topics", "a.json", [task(annotation(*ALL[:1]), number=1), task(annotation(), text=OTHER)],
     (("casualties", "diplomacy"), None, None, None)),
    ("label studio, an own control's bare names", "a.json", [task(annotation(choice("answer", "opposed", "diplomacy")))],
     (("diplomacy",), "opposed", None, None)),
    ("label studio, a span marks a topic", "a.json", [task(annotation(span(21, 34, "Eleven people", "casualties", "topics")))],
     (("casualties",), None, None, None)),
    ("label studio before 1.0", "a.json", [{"id": 1, "data": {"text": TEXT}, "completions": [annotation(*ALL)]}],
     (("casualties", "diplomacy"), "neutral", "content", None)),
    ("label studio JSON-MIN", "a.json",
     [{"text": TEXT, "id": 1, "topics": {"choices": ["diplomacy", "casualties"]}, "stance": "neutral",
       "target_mentions": [{"start": 0, "end": 5, "text": "Assad", "labels": ["target"]}], "annotator": 1, "annotation_id": 7,
       "created_at": "2021-08-23T12:19:18Z", "updated_at": "2021-08-23T12:19:18Z", "lead_time": 8.4}],
     (("casualties", "diplomacy"), "neutral", None, ((0, 5),))),
    ("doccano classification", "a.jsonl", [{"id": 3, "text": TEXT, "label": ["diplomacy", "stance:opposed"], "Comments": []}],
     (("diplomacy",), "opposed", None, None)),
    ("doccano, read and without topic", "a.jsonl",
     [{"id": 3, "text": TEXT, "label": ["topic:none", "neutral"]}, {"id": 4, "text": OTHER, "label": ["diplomacy"]}],
     ((), "neutral", None, None)),
    ("doccano sequence labelling", "a.jsonl",
     [{"id": 3, "text": TEXT, "label": [[0, 5, "target"], [21, 34, "topic:casualties"]], "Comments": []}],
     (("casualties",), None, None, ((0, 5),))),
    ("doccano intents and slots", "a.jsonl", [{"id": 3, "text": TEXT, "cats": ["diplomacy"], "entities": [[0, 5, "target"]]}],
     (("diplomacy",), None, None, ((0, 5),))),
    ("doccano with relations", "a.jsonl",
     [{"id": 3, "text": TEXT, "relations": [], "cats": ["neutral"],
       "entities": [{"id": 0, "start_offset": 0, "end_offset": 5, "label": "target"}]}],
     (None, "neutral", None, ((0, 5),))),
    ("doccano JSON", "a.json", [{"id": 3, "text": TEXT, "label": ["casualties", "content"]}],
     (("casualties",), None, "content", None)),
    ("doccano 1.4 names the text data", "a.jsonl", [{"id": 3, "data": TEXT, "label": ["diplomacy"]}],
     (("diplomacy",), None, None, None)),
    ("doccano before 1.0", "a.jsonl", [{"id": 3, "text": TEXT, "meta": {}, "annotation_approver": None, "labels": ["diplomacy"]}],
     (("diplomacy",), None, None, None)),
    ("doccano CSV", "a.csv", f'id,text,label\n3,"{TEXT}",diplomacy#opposed\n', (("diplomacy",), "opposed", None, None)),
    ("prodigy choice with spans", "a.jsonl",
     [{"text": TEXT, "_input_hash": 1, "_task_hash": 2, "options": [{"id": "diplomacy", "text": "D"}, {"id": "casualties"}],
       "accept": ["casualties"], "answer": "accept", "_view_id": "choice", "config": {"choice_style": "multiple"},
       "spans": [{"start": 0, "end": 5, "label": "TARGET", "token_start": 0, "token_end": 0}], "tokens": []}],
     (("casualties",), None, None, ((0, 5),))),
    ("prodigy choice by number", "a.jsonl",
     [{"text": TEXT, "_task_hash": 2, "options": [{"id": 1, "text": "diplomacy"}, {"id": 2, "text": "casualties"}],
       "accept": [2], "answer": "accept"}], (("casualties",), None, None, None)),
    ("prodigy choice, nothing chosen", "a.jsonl",
     [{"text": TEXT, "_task_hash": 2, "options": [{"id": "diplomacy"}], "accept": [], "answer": "accept"}],
     ((), None, None, None)),
    ("prodigy accept and reject", "a.jsonl",
     [{"text": TEXT, "_task_hash": at, "label": name, "answer": answer}
      for at, (name, answer) in enumerate([("diplomacy", "accept"), ("casualties", "reject"), ("opposed", "accept")])],
     (("diplomacy",), "opposed", None, None)),
]  # fmt: skip


@pytest.mark.parametrize(("what", "name", "content", "expected"), EXPORTS, ids=[case[0] for case in EXPORTS])
def test_an_export_is_read(what: str, name: str, content: Any, expected: tuple[Any, ...], tmp_path: Path) -> None:
    rows, _ = read(tmp_path, name, content)
    assert rows[0].text == TEXT
    assert seen(rows[0]) == expected


def test_label_studio_csv_as_its_exporter_writes_it(tmp_path: Path) -> None:
    spans = [{"start": 0, "end": 5, "text": "Assad", "labels": ["target"]}]
    stream = io.StringIO()
    columns = {
        "annotation_id": 5, "annotator": 1, "created_at": "2021", "id": 1, "lead_time": 8.4, "paragraph_id": "doc#1",
        "stance": "opposed", "target_mentions": json.dumps(spans), "text": TEXT,
        "topics": json.dumps({"choices": ["diplomacy", "casualties"]}), "updated_at": "2021", "was_cancelled": False,
    }  # fmt: skip
    writer = csv.DictWriter(stream, columns, quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    writer.writerow(columns)
    writer.writerow({**columns, "paragraph_id": "doc#2", "text": OTHER, "topics": "", "target_mentions": ""})
    writer.writerow({**columns, "paragraph_id": "doc#3", "was_cancelled": True})
    rows, notes = read(tmp_path, "a.csv", stream.getvalue())
    assert [row.id for row in rows] == ["doc#1", "doc#2"]
    assert seen(rows[0]) == (("casualties", "diplomacy"), "opposed", None, ((0, 5),))
    assert seen(rows[1]) == ((), "opposed", None, None)
    assert "paragraphs without an answer, left out: 1" in notes[0]


OFFSETS = [
    ("code points", "💩 Assad spoke.", 2, 7, "Assad", ((2, 7),)),
    ("UTF-16 units", "💩 Assad spoke.", 3, 8, "Assad", ((2, 7),)),
    ("shifted, but said once", "a\r\nAssad spoke.", 2, 7, "Assad", ((3, 8),)),
    ("no text of its own", "Assad spoke.", 0, 5, None, ((0, 5),)),
    ("a line break inside", "Bashar\nAssad spoke.", 0, 12, "Bashar\\nAssad", ((0, 12),)),
]


@pytest.mark.parametrize(("what", "text", "start", "end", "marked", "expected"), OFFSETS, ids=[case[0] for case in OFFSETS])
def test_offsets_are_those_of_the_marked_text(
    what: str, text: str, start: int, end: int, marked: str | None, expected: Any, tmp_path: Path
) -> None:
    rows, _ = read(tmp_path, "a.json", [task(annotation(*ALL, span(start, end, marked, "target")), text=text)])
    assert rows[0].mentions == expected


BROKEN = [
    ("a span that is not in the text", "a.json", [task(annotation(span(0, 5, "Putin", "target")))], "a.json:1: .*Putin"),
    ("a span beyond the text", "a.jsonl", [{"text": TEXT, "cats": ["neutral"], "entities": [[0, 99, "target"]]}], "outside"),
    ("two stances", "a.jsonl", [{"text": TEXT, "label": ["opposed", "neutral"]}], "two answers to stance: neutral, opposed"),
    ("labels by number, as doccano had them once", "a.jsonl",
     [{"id": 1, "text": TEXT, "annotations": [{"label": 2, "user": 1}], "meta": {}}], "a.jsonl:1: its labels are numbers"),
    ("a text by another name", "a.json", [{"data": {"article": TEXT}, "annotations": [annotation(*ALL)]}], "which has article"),
    ("labels by number", "a.jsonl", [{"text": TEXT, "label": [1, 2]}], "a.jsonl:1: `label` must be a list of names"),
    ("a task without text", "a.json", [{"data": {"image": "x.png"}, "annotations": [annotation(*ALL)]}], "no `text`"),
    ("JSON of one object", "a.json", {"text": TEXT}, "JSON array"),
    ("JSON cut short", "a.json", '[{"text": "a', "not JSON"),
    ("an item that is no object", "a.json", [{"text": TEXT, "label": ["neutral"]}, 5], "a.json:2: not a JSON object"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "name", "content", "reason"), BROKEN, ids=[case[0] for case in BROKEN])
def test_a_broken_export_is_refused_by_row(what: str, name: str, content: Any, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=reason):
        read(tmp_path, name, content)


def test_whose_answer_counts(tmp_path: Path) -> None:
    yes, no = annotation(choice("topics", "diplomacy"), choice("stance", "opposed")), annotation(choice("stance", "neutral"))
    tasks = [
        task(yes, yes, no, text="Two against one."),
        task(yes, no, text="One against one."),
        task(yes, yes, {**no, "ground_truth": True}, text="A ground truth."),
        task({**yes, "was_cancelled": True}, no, text="One was skipped."),
        task({**yes, "was_cancelled": True}, text="All were skipped."),
        task(text="Nobody came."),
    ]
    rows, notes = read(tmp_path, "a.json", tasks)
    assert [(row.text, row.topics, row.stance) for row in rows] == [
        ("Two against one.", ("diplomacy",), "opposed"),
        ("One against one.", None, None),
        ("A ground truth.", (), "neutral"),
        ("One was skipped.", (), "neutral"),
    ]
    assert rows[1].fields["disputed"] == ["topics", "stance"]
    assert "paragraphs without an answer, left out: 2" in notes[0]
    assert "on which people disagree evenly, those labels left open: 1" in notes[1]


def test_files_of_several_people_joined_are_settled_by_majority(tmp_path: Path) -> None:
    """doccano and Prodigy write a file a person, where labels are not shared: one behind the other they are one export."""
    people = [["diplomacy"], ["diplomacy", "casualties", "opposed"], ["diplomacy", "casualties", "neutral"]]
    for what in ("doccano", "prodigy"):
        rows = [
            {"id": 1, "text": TEXT, "label": names} if what == "doccano"
            else {"text": TEXT, "_task_hash": 1, "_session_id": at, "accept": names, "answer": "accept"}
            for at, names in enumerate(people)
        ]  # fmt: skip
        (row,), notes = read(tmp_path, f"{what}.jsonl", rows)
        assert (row.topics, row.stance, row.fields["disputed"]) == (("casualties", "diplomacy"), None, ["stance"])
        assert "people disagree evenly" in notes[0]


def test_what_nobody_answered_is_left_out(tmp_path: Path) -> None:
    rows, notes = read(tmp_path, "a.jsonl", [
        {"text": TEXT, "_task_hash": 1, "label": "diplomacy", "answer": "accept"},
        {"text": OTHER, "_task_hash": 2, "label": "diplomacy", "answer": "ignore"},
        {"text": OTHER, "_task_hash": 3, "label": "casualties", "answer": "reject"},
    ])  # fmt: skip
    assert [(row.text, row.topics) for row in rows] == [(TEXT, None), (OTHER, None)]
    assert "paragraphs without an answer, left out: 1" in notes[0]
    assert "asked about some topics only, their topics left open: 2" in notes[1]


def test_spans_that_mark_no_target_are_named(tmp_path: Path) -> None:
    rows, notes = read(tmp_path, "a.jsonl", [{"text": TEXT, "cats": ["neutral"], "entities": [[0, 5, "PER"], [43, 47, "LOC"]]}])
    assert rows[0].mentions is None
    assert "PER (1), LOC (1)" in notes[0]


def test_a_bare_name_is_a_stance_where_other_rows_use_it_so(tmp_path: Path) -> None:
    (tmp_path / "ours.jsonl").write_text(json.dumps({"id": "x", "text": "A tax.", "stance": "AGAINST"}))
    (tmp_path / "theirs.jsonl").write_text(json.dumps({"id": 1, "text": "A road.", "label": ["AGAINST", "roads"]}))
    rows = read_labelled([str(tmp_path / "ours.jsonl"), str(tmp_path / "theirs.jsonl")])
    assert (rows[1].stance, rows[1].topics) == ("AGAINST", ("roads",))


def test_a_json_array_of_our_own_rows(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, "a.json", [{"id": "a", "text": TEXT, "topics": ["diplomacy"], "stance": "neutral"}])
    assert rows[0].id == "a" and rows[0].stance == "neutral"


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 60) | st.sampled_from(["", "target", "opposed", TEXT]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["start", "labels", "id"]), inner, max_size=3),
    max_leaves=6,
)
SHAPES = [case[2][0] for case in EXPORTS if not isinstance(case[2], str)]


def holes(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested lists and objects."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [place for key, item in inside for place in holes(item, (*path, key))]


@given(st.data())
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_export_ends_in_a_traceback(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever stands at any place of a documented shape: it is read, or refused as the labelled data it is."""
    row = json.loads(json.dumps(data.draw(st.sampled_from(SHAPES))))
    *way, last = data.draw(st.sampled_from(holes(row)))
    inner = row
    for key in way:
        inner = inner[key]
    inner[last] = data.draw(JUNK)
    with suppress(DataError, UsageError):
        read(tmp_path, "fuzz.json", [row])
