"""The labels of public texts: rebuilt from files as published, every text checked, what is missing named."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from parastance.train.corpora import CAPITALS, SETS, join, paragraph, read_labels, read_sets
from parastance.train.corpus_check import agreement, kappa

TEXT = "Two battalions left the province on Monday."


def label(name: str, document: str, start: int, end: int, text: str) -> dict[str, Any]:
    return {"set": name, "document": document, "start": start, "end": end, "sha1": hashlib.sha1(text.encode()).hexdigest()}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    (tmp_path / "FA-KES-Dataset.csv").write_text(f'unit_id,article_content\n7,"Monday.\n  {TEXT} More."\n')
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "train_bodies.csv").write_text(f"Body ID,articleBody\n3,{TEXT}\n")
    (tmp_path / "competition_test_bodies.csv").write_text(f"Body ID,articleBody\n3,Other. {TEXT}\n")
    (tmp_path / "muc4_train.json").write_text(json.dumps({"DEV-1": {"doc": TEXT.upper()}}))
    (tmp_path / "PLOVER_GSR_CAMEO.txt").write_text(f'{{"text": "One."}},\n{{"x": 1, "text": "{TEXT}"}}')
    return tmp_path


CASES = [
    ("FA-KES", "7", 8, TEXT), ("FNC-1", "t3", 0, TEXT), ("FNC-1", "c3", 7, TEXT), ("PLOVER-GSR", "1", 0, TEXT),
    (CAPITALS, "DEV-1", 0, TEXT[:1] + TEXT[1:].lower()),
]  # fmt: skip


@pytest.mark.parametrize(("name", "document", "start", "text"), CASES)
def test_a_text_is_found_in_its_set(name: str, document: str, start: int, text: str, published: Path) -> None:
    sets, missing = read_sets(published)
    assert missing == []
    assert paragraph(label(name, document, start, start + len(text), text), sets[name]) == text


def test_what_is_missing_or_differs_is_named(published: Path) -> None:
    (published / "muc4_train.json").unlink()
    sets, missing = read_sets(published)
    assert [message.split(":")[0] for message in missing] == ["MUC-4"]
    rows, messages = join(
        [label("FA-KES", "7", 8, 8 + len(TEXT), TEXT), label("FA-KES", "9", 0, 5, "x"), label("FNC-1", "t3", 0, 5, "other")], sets
    )
    assert [row["text"] for row in rows] == [TEXT]
    assert messages == [
        "FA-KES: document 9 is missing (1 paragraphs)",
        "FNC-1: document t3 differs from the one labelled (1 paragraphs)",
    ]


def test_the_shipped_labels_hold_no_text() -> None:
    labels = read_labels()
    assert len(labels) >= 6000
    assert len({row["id"] for row in labels}) == len(labels)
    assert {row["set"] for row in labels} == {public.name for public in SETS}
    for row in labels:
        assert "text" not in row
        assert 0 <= row["start"] < row["end"]
        assert len(row["sha1"]) == 40
        assert row["first"] and row["second"]


def test_kappa() -> None:
    assert kappa([1, 1, 0, 0], [1, 1, 0, 0]) == 1.0
    assert kappa([1, 1, 0, 0], [1, 0, 1, 0]) == 0.0
    assert kappa([1] * 3, [1] * 3) == 1.0
    found = agreement([("md s", "md s"), ("- n", "c n"), ("c o", "c o"), ("b n", "b n")])
    assert found["military_support"] == 1.0
    assert found["casualties"] < 1.0
