"""The record of held-out answers: what it holds, how rows are told, what counts as seen."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parastance.predict.artifact import read_manifest
from parastance.predict.errors import ModelError
from parastance.predict.metrics import head_scores
from parastance.train.data import labelled_row
from parastance.train.held_out import FILE, read, record_of, row_key, seen, similarity, sketch, to_bytes

STORY = "Before the end of the month two battalions will leave the border province, the ministry said in a short statement."


def row(text: str, **fields: Any) -> Any:
    return labelled_row({"text": text, "topics": [], **fields}, "new#1")


def test_the_record_is_what_was_cross_validated(small: Any, small_folder: Path) -> None:
    record = read(small_folder, read_manifest(small_folder))
    assert record is not None
    assert set(record.heads) == set(small.heads)
    assert len(record.keys) == len(small.rows)
    for name, head in record.heads.items():
        fitted = small.heads[name]
        assert np.array_equal(head.truth, fitted.truth)
        assert np.allclose(head.probability, fitted.out_of_fold, atol=1e-5)
        if name == "kind":
            scores = head_scores(head.labels, head.truth, head.given, head.probability, head.given, head.exclusive)
            assert scores["macro_f1"] == pytest.approx(fitted.scores["macro_f1"])


def test_what_is_called_boilerplate_out_of_fold_gets_no_topic(small: Any) -> None:
    record = record_of(small)
    kind, topics = record.heads["kind"], record.heads["topics"]
    furniture = kind.rows[kind.given[:, kind.labels.index("boilerplate")]]
    assert not topics.given[np.isin(topics.rows, furniture)].any()


def test_no_text_is_kept(small: Any) -> None:
    data = to_bytes(record_of(small))
    assert data == to_bytes(record_of(small))
    assert all(word not in data for word in (b"Damascus", b"Syria"))


def test_a_changed_record_is_refused(small_folder: Path, tmp_path: Path) -> None:
    manifest = read_manifest(small_folder)
    (tmp_path / FILE).write_bytes(b"PK")
    with pytest.raises(ModelError, match="sha256"):
        read(tmp_path, manifest)
    assert read(tmp_path, {**manifest, "held_out_sha256": None}) is None


def test_a_row_is_told_by_its_words_and_target() -> None:
    key = row_key("Talks  failed.\n", None, "assad_government")
    assert key == row_key("Talks failed.", "assad_government", "assad_government")
    assert key != row_key("Talks failed.", "hezbollah", "assad_government")
    assert key != row_key("Talks failed!", None, "assad_government")


@pytest.mark.parametrize(
    ("other", "alike"), [(STORY, 1.0), (STORY.replace("short statement", "statement"), 0.7), ("Rain fell on the hills.", 0.0)]
)
def test_similarity_is_estimated_from_sketches(other: str, alike: float) -> None:
    assert similarity(sketch(STORY), sketch(other)) == pytest.approx(alike, abs=0.3)


def test_rows_of_a_known_group_and_near_duplicates_count_as_seen(small: Any) -> None:
    record = record_of(small)
    known = next(row for row in small.rows if row.group != row.id)
    long = next(row for row in small.rows if len(row.text) > 300)
    rows = [row("Other words.", group=known.group), row(long.text + " It said."), row(STORY), replace(known, group="x")]
    assert seen(record, rows, [each.text for each in rows]).tolist() == [True, True, False, True]
