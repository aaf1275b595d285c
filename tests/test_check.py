"""A check of labelled data: each fault and doubt is found, by row and with its reason, and clean data pass."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.label_errors import found_share
from conftest import Run

from parastance.train.check import check, label_errors, read_entries
from parastance.train.cli import main
from parastance.train.confident import confident
from parastance.train.config import Config
from parastance.train.data import CORPUS, corpus_files, read_labelled
from parastance.train.exchange import ignore
from parastance.train.findings import Finding, table

QUICK = Config(folds=2, regularisation=(3.0,), notions=False)
STORY = (
    "Before the end of the month two battalions will leave the border province, the ministry said in a statement, and "
    "monitors will take over their posts along the river."
)
ROW = {"id": "a", "text": STORY, "topics": ["diplomacy"], "stance": "neutral", "kind": "content", "group": "a"}


def found(tmp_path: Path, *files: list[Any]) -> list[Finding]:
    names = []
    for at, rows in enumerate(files):
        names.append(str(tmp_path / f"f{at}.jsonl"))
        Path(names[-1]).write_text("".join((json.dumps(row) if isinstance(row, dict) else row) + "\n" for row in rows))
    return check(read_entries(names, ignore), QUICK, note=ignore)


def other(at: int = 1, **changes: Any) -> dict[str, Any]:
    return {**ROW, "id": f"b{at}", "group": f"b{at}", **changes}


NAMES = ("Amir", "Badr", "Dana", "Elias", "Farid", "Ghada")
SPELT = [other(at, text=f"{name} met the envoy in town.") for at, name in enumerate(NAMES)]

CASES: list[tuple[str, list[list[Any]], str, str, str]] = [
    ("a broken row", [[ROW, "{"]], "broken_row", "f0.jsonl:2", "not JSON"),
    ("an id used twice", [[ROW, {**ROW, "stance": "opposed", "text": "Rain."}]], "broken_row", "f0.jsonl:2", "used before"),
    ("the same text, another stance", [[ROW, other(1), other(2, stance="opposed")]], "contradiction", "f0.jsonl:3",
     "says opposed, the same text says neutral at .*f0.jsonl:1"),
    ("the same text, other topics", [[ROW, other(1), other(2, topics=[])]], "contradiction", "f0.jsonl:3", "says no topic"),
    ("white space and case aside", [[ROW, other(1, text="  " + STORY.upper(), kind="boilerplate", topics=None)]],
     "contradiction", "f0.jsonl:2", "kind: says boilerplate"),
    ("nearly the same text", [[ROW, other(text=STORY.replace("statement", "message"), stance="opposed")]],
     "near_contradiction", "f0.jsonl:2", r"stance: says opposed, a text \d\d% alike says neutral"),
    ("one text in two files", [[ROW], [other()]], "leak", "f1.jsonl:1", "the same text stands in another file, at .*f0.jsonl:1"),
    ("nearly one text in two files", [[ROW], [other(text=STORY.replace("statement", "message"))]], "leak", "f1.jsonl:1",
     "alike a text in another file"),
    ("one article in two files", [[ROW], [other(text="Rain fell.", group="a")]], "shared_group", "f1.jsonl:1", "group 'a'"),
    ("furniture with a topic", [[other(kind="boilerplate")]], "illegal_value", "f0.jsonl:1", "it has topics: diplomacy"),
    ("furniture with a stance", [[other(kind="boilerplate", topics=[], stance="opposed")]], "illegal_value", "f0.jsonl:1",
     "its stance is opposed"),
    ("a label in another spelling", [[ROW, *SPELT[:2], {**SPELT[2], "topics": ["Diplomacy "]}]], "odd_value", "f0.jsonl:4",
     "'Diplomacy ' stands in 1 row, 'diplomacy' in 3"),
    ("a misspelt label", [[ROW, *SPELT, {**other(9, text="Rain."), "stance": "nuetral"}]], "odd_value", "f0.jsonl:8", "'nuetral'"),
    ("an unknown target", [[{**ROW, "target": "the_moon"}]], "odd_value", "f0.jsonl:1", "not in the registry"),
    ("people disagree", [[{**ROW, "stance": None, "disputed": ["stance"]}]], "disputed", "f0.jsonl:1", "disagree evenly"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "files", "sort", "place", "reason"), CASES, ids=[case[0] for case in CASES])
def test_a_finding(what: str, files: list[list[Any]], sort: str, place: str, reason: str, tmp_path: Path) -> None:
    import re

    findings = found(tmp_path, *files)
    assert [(f.sort, f.entry.place.endswith(place)) for f in findings] == [(sort, True)]
    assert re.search(reason, findings[0].reason)


PASSING: list[tuple[str, list[list[Any]]]] = [
    ("one row", [[ROW]]),
    ("the same row twice", [[ROW, ROW]]),
    ("another target, another stance", [[ROW, other(target="hezbollah", stance="opposed")]]),
    ("nothing said of the stance", [[ROW, other(stance=None)]]),
    ("furniture in two files", [[{**ROW, "text": "Share this article", "kind": "boilerplate", "topics": []}],
                                [other(text="Share this article", kind="boilerplate", topics=[])]]),
    ("two labels of like names, both frequent", [[ROW, *SPELT[:3], *({**row, "topics": ["diplomats"]} for row in SPELT[3:])]]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "files"), PASSING, ids=[case[0] for case in PASSING])
def test_clean_data_pass(what: str, files: list[list[Any]], tmp_path: Path) -> None:
    assert found(tmp_path, *files) == []


def test_confident_learning_by_hand() -> None:
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
    answer = np.array([0, 0, 0, 1, 1, 1])
    own, trust, likely, other = confident(p, answer)
    # thresholds: label 0 mean(.9, .8, .1) = .60; label 1 mean(.8, .7, .4) = .63
    assert own.tolist() == [0.9, 0.8, 0.1, 0.8, 0.7, 0.4]
    assert likely.tolist() == [False, False, True, False, False, True]
    assert other.tolist() == [1, 1, 1, 0, 0, 0]
    assert trust[2] == pytest.approx((0.1 / 0.6) / (0.1 / 0.6 + 0.9 / (1.9 / 3)))
    assert trust.argmin() == 2


def test_a_label_that_no_row_bears_is_never_the_likely_one() -> None:
    own, _, likely, _ = confident(np.array([[0.2, 0.1, 0.7], [0.6, 0.3, 0.1]]), np.array([0, 1]))
    assert not likely[0] and likely[1]


def test_planted_errors_lead_the_doubts() -> None:
    rows = read_labelled(corpus_files())[::20]
    share, planted, *_ = found_share(rows, "casualties", ["neutral", "opposed", "supportive"], 0.05, 0)
    assert planted == round(0.05 * len(rows))
    assert share > 0.4  # chance: 0.05


def test_label_errors_are_named_by_row_and_label(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (CORPUS / "start.jsonl").read_text(encoding="utf-8").splitlines()[:400]]
    at = next(at for at, row in enumerate(rows) if row["topics"] == ["casualties"] and "killed" in row["text"])
    rows[at]["topics"] = []
    (tmp_path / "f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    errors = label_errors(read_entries([str(tmp_path / "f.jsonl")], ignore), QUICK, note=ignore)
    mine = next(error for error in errors if error.entry.number == at + 1 and error.label == "casualties")
    assert (mine.head, mine.given, mine.suggested, mine.fault) == ("topics", "not casualties", "casualties", False)
    assert mine.reason.startswith("topics: says not casualties, held out the model gives that 0.")


def test_the_command(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "clean.jsonl").write_text(json.dumps(ROW) + "\n")
    (tmp_path / "bad.jsonl").write_text(json.dumps(other(2, stance="opposed")) + "\n{\n")
    done = run("check", "clean.jsonl", "bad.jsonl", "-o", "out.jsonl")
    assert done.returncode == 1
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [record["finding"] for record in records] == ["broken_row", "contradiction", "leak"]
    assert records[1]["other_file"] == "clean.jsonl" and records[1]["given"] == "opposed"
    assert [record["rank"] for record in records] == [1, 2, 3]
    monkeypatch.chdir(tmp_path)
    assert main(["check", "clean.jsonl"]) == 0
    assert "nothing found" in capsys.readouterr().err
    assert main(["check", "clean.jsonl", "bad.jsonl", "-o", "out.csv", "--quiet"]) == 1
    assert capsys.readouterr().err == ""
    assert (tmp_path / "out.csv").read_text().startswith("rank,finding,fault,score,file,row,")
    assert main(["check", "clean.jsonl", "-o", "clean.jsonl"]) == 2
    assert main(["check", "none.jsonl"]) == 2
    assert "no such file" in capsys.readouterr().err


def test_the_table_for_people(tmp_path: Path) -> None:
    text = table(found(tmp_path, [ROW, other(1, stance="opposed"), "{"]), 1)
    assert "f0.jsonl:3  not JSON" in text and "and 1 more" in text
