"""Labels may have any names: in messages, in the cells of CSV, and all the way from training to evaluation."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from hypothesis import given
from hypothesis import strategies as st

from parastance.predict.names import LONGEST, join_names, part_names, shown

SHOWN = [
    ("plain", "military_support", "military_support"),
    ("line break", "a\nb", "a\\u000ab"),
    ("line separator", "a\u2028b", "a\\u2028b"),
    ("terminal colour", "\x1b[31mred", "\\u001b[31mred"),
    ("letters", "标签 é 😀", "标签 é 😀"),
]


@pytest.mark.parametrize(("what", "name", "line"), SHOWN, ids=[case[0] for case in SHOWN])
def test_a_name_in_a_line(what: str, name: str, line: str) -> None:
    assert shown(name) == line


def test_a_long_name_keeps_its_ends() -> None:
    line = shown("begin" + "x" * 600 + "end")
    assert len(line) <= LONGEST
    assert line.startswith("begin")
    assert line.endswith("end")


CELLS = [
    ("names", ["a", "b c"], "a|b c"),
    ("none", [], ""),
    ("a bar in a name", ["a|b", "c"], '["a|b", "c"]'),
    ("spaces around", [" a"], '[" a"]'),
    ("brackets", ["[a]"], "[a]"),
    ("a list", ['["a"]'], '["[\\"a\\"]"]'),
]


@pytest.mark.parametrize(("what", "names", "cell"), CELLS, ids=[case[0] for case in CELLS])
def test_names_in_a_cell(what: str, names: list[str], cell: str) -> None:
    assert join_names(names) == cell
    assert part_names(cell) == names


@given(st.lists(st.text(min_size=1)))
def test_every_list_of_names_comes_back_from_a_cell(names: list[str]) -> None:
    assert part_names(join_names(names)) == names


NAMES = [
    "a label, with commas", "new\nline", "tab\there", "null", "None", "nan", "true", "1", "Ünï cødé 标签 😀", "pipe|inside",
    'quo"te', "  spaced  ", "=cmd()", "-", "<b>html</b>", "neutral", "content", "__proto__", "a:b/c\\d", "`md`*_|", "x" * 600,
    "topics", "[1]",
]  # fmt: skip
WORDS = [
    "ape", "bat", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay", "koi", "lark", "mole", "newt", "owl", "pig", "quail",
    "rat", "swan", "toad", "urus", "vole", "wasp",
]  # fmt: skip


def rows() -> list[dict[str, Any]]:
    """Rows of which each tells its names by words of their own; one label stands in a single row."""
    found: list[dict[str, Any]] = []
    for at in range(12 * len(NAMES)):
        first, second = at % len(NAMES), (at * 7 + at // len(NAMES)) % len(NAMES)
        chosen = sorted({first, second})
        text = f"tale {WORDS[at % 5]}x of the " + " and ".join(f"{WORDS[one]} {WORDS[one]}" for one in chosen)
        found.append({"id": f"r{at}", "text": text, "topics": [NAMES[one] for one in chosen]})
    return [*found, {"id": "once", "text": "a single zebra", "topics": ["once"]}]


def write(path: Path, found: list[dict[str, Any]]) -> None:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in found))
        return
    with path.open("w", newline="") as stream:
        table = csv.DictWriter(stream, list(found[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
        table.writeheader()
        table.writerows({**row, "topics": join_names(row["topics"])} if "topics" in row else row for row in found)


TOML = 'folds = 2\nsearch = false\nregularisation = [30]\n[topics]\nblocks = ["masked"]\n[stance]\nblocks = ["masked"]\n'


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".tsv"])
def test_topics_of_any_name_from_training_to_evaluation(ending: str, run: Run, tmp_path: Path) -> None:
    write(tmp_path / f"in{ending}", rows())
    (tmp_path / "c.toml").write_text(TOML)
    trained = run("train", f"in{ending}", "-o", "m", "--config", "c.toml")
    assert trained.returncode == 0, trained.stderr
    assert "once (1)" in trained.stderr
    assert max(map(len, trained.stderr.splitlines())) < 2500
    assert "\nline" not in trained.stderr
    labelled = run("predict", f"in{ending}", "--model", "m", "-o", f"out{ending}")
    assert labelled.returncode == 0, labelled.stderr
    done = run("evaluate", f"out{ending}", "--model", "m", "--json")  # what it said of itself
    itself = json.loads(done.stdout)["topics"]
    assert itself["micro_f1"] == 1.0
    scores = json.loads(run("evaluate", f"in{ending}", "--model", "m", "--json").stdout)["topics"]
    assert set(scores["per_label"]) == {*NAMES, "once"}
    assert scores["micro_f1"] > 0.95
    shares = run("shares", f"out{ending}")
    assert shares.returncode == 0, shares.stderr


@pytest.mark.parametrize("ending", [".jsonl", ".csv"])
def test_stances_of_any_name(ending: str, run: Run, tmp_path: Path) -> None:
    found = [
        {"id": row["id"], "text": " ".join(row["text"].split()[:5]), "stance": NAMES[int(row["id"][1:]) % len(NAMES)]}
        for row in rows()[:-1]
    ]
    for at, row in enumerate(found):
        row["text"] = f"tale {at} of the {WORDS[at % len(NAMES)]}"
    write(tmp_path / f"in{ending}", found)
    (tmp_path / "c.toml").write_text(TOML)
    assert run("train", f"in{ending}", "-o", "m", "--config", "c.toml").returncode == 0
    assert run("predict", f"in{ending}", "--model", "m", "-o", f"out{ending}").returncode == 0
    scores = json.loads(run("evaluate", f"out{ending}", "--model", "m", "--json").stdout)["stance"]
    assert scores["accuracy"] == 1.0
    assert json.loads(run("evaluate", f"in{ending}", "--model", "m", "--json").stdout)["stance"]["accuracy"] > 0.9
