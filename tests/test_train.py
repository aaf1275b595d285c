"""Labelled data in, a model out: what stops it, what is kept together, what is written."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parastance.predict import load
from parastance.predict.errors import DataError, OutputError, UsageError
from parastance.train.cli import main
from parastance.train.config import Config
from parastance.train.data import corpus_files, labelled_row, read_labelled
from parastance.train.evaluate import evaluate, report
from parastance.train.fit import fit
from parastance.train.folds import folds, join_groups, near_duplicates
from parastance.train.run import describe
from parastance.train.save import save

QUICK = Config(folds=2, regularisation=(10.0,))
GOOD = {"id": "a", "text": "Talks failed.", "topics": ["diplomacy"], "stance": "neutral"}

BROKEN = [
    ("not JSON", "{", "not JSON"),
    ("a list", "[]", "not a JSON object"),
    ("no text", json.dumps({"id": "b"}), "no `text`"),
    ("text is a number", json.dumps({"text": 5}), "must be a string"),
    ("text of punctuation", json.dumps({"text": "..."}), "no letter"),
    ("topics is a number", json.dumps({**GOOD, "id": "b", "topics": 3}), "`topics` must be a list"),
    ("topics of numbers", json.dumps({**GOOD, "id": "b", "topics": [3]}), "`topics` must be a list"),
    ("stance is a list", json.dumps({**GOOD, "id": "b", "stance": ["neutral"]}), "`stance` must be a string"),
    ("unknown kind", json.dumps({**GOOD, "id": "b", "kind": "advert"}), "content or boilerplate"),
    ("mentions outside", json.dumps({**GOOD, "id": "b", "target_mentions": [[0, 99]]}), "outside the text"),
    ("mentions are words", json.dumps({**GOOD, "id": "b", "target_mentions": ["Assad"]}), r"\[start, end\]"),
    ("id is a list", json.dumps({**GOOD, "id": ["b"]}), "`id` must be a string"),
    ("id used twice", json.dumps({**GOOD, "stance": "opposed"}), "used before with other content"),
    ("half a surrogate pair", '{"text": "Talks \\ud800 failed"}', "surrogate"),
]


@pytest.mark.parametrize(("what", "line", "reason"), BROKEN, ids=[case[0] for case in BROKEN])
def test_a_broken_row_stops_training_by_name(what: str, line: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(GOOD) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"rows\.jsonl:2: .*{reason}"):
        read_labelled([str(file)])


def test_the_same_row_twice_is_one(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text((json.dumps(GOOD) + "\n") * 2)
    assert len(read_labelled([str(file)])) == 1


def test_a_later_file_overrides(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text(json.dumps(GOOD))
    second.write_text(json.dumps({**GOOD, "stance": "opposed"}))
    assert [row.stance for row in read_labelled([str(first)], [str(second)])] == ["opposed"]


def test_tables(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text,topics,stance\n1,Talks failed.,diplomacy|casualties,neutral\n2,Rain.,,\n")
    (tmp_path / "a.tsv").write_text("id\ttext\ttopics\n3\tRain fell.\t\n")
    rows = read_labelled([str(tmp_path / "a.csv"), str(tmp_path / "a.tsv")])
    assert [row.topics for row in rows] == [("diplomacy", "casualties"), (), ()]
    assert [row.stance for row in rows] == ["neutral", None, None]
    with pytest.raises(UsageError, match="labelled data are"):
        (tmp_path / "a.txt").write_text("x")
        read_labelled([str(tmp_path / "a.txt")])


def test_near_duplicates_share_a_group() -> None:
    story = (
        "Before the end of the month two battalions will leave the border province, the ministry said in a statement, and "
        "monitors will take over their posts along the river."
    )
    texts = [story, "Rain fell on the hills.", story.replace("statement", "message"), "Wholly other words stand here today."]
    pairs = near_duplicates(texts)
    assert pairs == [(0, 2)]
    assert join_groups(["a", "b", "c", "d"], pairs).tolist() == [0, 1, 0, 3]


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=60), st.integers(2, 5))
def test_no_fold_parts_a_group(names: list[str], count: int) -> None:
    groups = join_groups(names, [])
    for train, test in folds(groups, count):
        assert not set(groups[train]) & set(groups[test])
        assert len(train) + len(test) == len(names)


def rows_of(pairs: list[tuple[str, Any]], field: str) -> list[Any]:
    return [labelled_row({"text": text, field: value}, f"r{at}") for at, (text, value) in enumerate(pairs)]


def test_any_labelling_scheme_trains() -> None:
    crops = [(name, at) for at in range(20) for name in ("wheat", "corn")]
    many = [(f"{name} number {at} grows in field {at % 7}", [name, f"odd{at % 2}"]) for name, at in crops]
    many.append(("a single barley", ["barley"]))
    fitted = fit(rows_of(many, "topics"), QUICK)
    assert set(fitted.heads) == {"topics"}
    assert fitted.heads["topics"].head.labels == ("barley", "corn", "odd0", "odd1", "wheat")
    verbs = {"like": "FAVOR", "hate": "AGAINST", "know": "NONE"}
    plans = ["new road", "old tax", "long wall", "small bank", "free press", "grey law", "high tower", "deep mine"]
    towns = [(plan, town) for plan in plans for town in ("Bara", "Hama")]
    one = [(f"I {verb} the {plan} of {town}", label) for plan, town in towns for verb, label in verbs.items()]
    fitted = fit(rows_of(one, "stance"), QUICK)
    assert fitted.heads["stance"].head.labels == ("AGAINST", "FAVOR", "NONE")
    assert fitted.heads["stance"].head.fallback == 2
    assert fitted.heads["stance"].scores["accuracy"] > 0.95


def test_two_trainings_write_the_same_bytes(small: Any, small_folder: Path, tmp_path: Path) -> None:
    again = fit(small.rows, QUICK)
    save(again, QUICK, tmp_path / "again")
    for name in ("model.joblib", "manifest.json", "metrics.json", "card.md"):
        assert (tmp_path / "again" / name).read_bytes() == (small_folder / name).read_bytes(), name


def test_a_model_folder_is_whole(small: Any, small_folder: Path) -> None:
    manifest = json.loads((small_folder / "manifest.json").read_text())
    assert manifest["labels"]["topics"] == ["casualties", "diplomacy", "military_support"]
    assert {"format", "sha256", "data_sha256", "versions", "seed", "data"} <= set(manifest)
    assert load(small_folder).name == f"small@{manifest['sha256'][:8]}"
    metrics = json.loads((small_folder / "metrics.json").read_text())
    assert 0 < metrics["cross_validated"]["topics"]["per_label"]["casualties"]["f1"] <= 1


def test_a_folder_that_is_no_model_is_left_alone(small: Any, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_text("x")
    with pytest.raises(OutputError, match="no model folder"):
        save(small, QUICK, tmp_path / "photos")
    assert [path.name for path in tmp_path.rglob("*")] == ["photos", "one.jpg"]


def test_saving_replaces_a_model_and_leaves_nothing_aside(small: Any, tmp_path: Path) -> None:
    save(small, QUICK, tmp_path / "m")
    save(small, QUICK, tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_evaluate_agrees_with_scikit_learn(small_model: Any, small: Any) -> None:
    from sklearn.metrics import f1_score

    rows = small.rows
    scores = evaluate(small_model, rows)
    records = small_model.label([row.text for row in rows])
    truth = [row.stance for row in rows]
    same_target = [row.target in (None, "assad_government") for row in rows]
    if all(same_target) and not any(row.mentions for row in rows):
        assert scores["stance"]["macro_f1"] == pytest.approx(f1_score(truth, [r["stance"] for r in records], average="macro"))
    per_label = scores["topics"]["per_label"]["casualties"]
    found = f1_score(["casualties" in (row.topics or ()) for row in rows], ["casualties" in r["topics"] for r in records])
    assert per_label["f1"] == pytest.approx(found)


def test_labels_that_the_model_lacks_count_against_it(small_model: Any) -> None:
    scores = evaluate(small_model, rows_of([("Talks failed.", ["weather"])], "topics"))
    assert scores["topics"]["per_label"]["weather"]["recall"] == 0.0
    assert np.isfinite(scores["topics"]["macro_f1"])
    (note,) = scores["notes"]
    assert note.startswith("topics: the model has no weather; it has casualties, diplomacy")
    assert f"note: {note}" in report(scores)


def test_queued_rows_and_a_broken_promise_are_told(small_folder: Path, tmp_path: Path, capsys: Any) -> None:
    """Rows on which a certified label is wrong break its promise, but not where they were queued for being uncertain."""
    model = load(small_folder)
    label = next(at for at, level in zip(model.heads["kind"].labels, model.heads["kind"].certified, strict=True) if level < 1)
    wrong = next(other for other in ("content", "boilerplate") if other != label)
    rows = [row for row in read_labelled(corpus_files())[1::40] if row.kind == label]
    for queue, status in (("audit", 1), ("uncertain", 0)):
        lines = [{"text": row.text, "kind": wrong, "queue": queue} for row in rows]
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        assert main(["evaluate", str(tmp_path / "rows.jsonl"), "--model", str(small_folder), "--exit-code"]) == status
        told = capsys.readouterr().out
        assert ("broken" in told) == bool(status)
        assert (f"{len(rows):,} of the rows were queued for being uncertain" in told) == (not status)


def test_a_fast_training_says_what_it_leaves_out(tmp_path: Path) -> None:
    rows = read_labelled(corpus_files())[::20]
    config = Config(held=1, regularisation=(3.0,))
    fitted = fit(rows, config)
    assert 0.1 < len(fitted.heads["topics"].rows) / len(rows) < 0.3
    assert fitted.heads["topics"].out_of_fold.shape == fitted.heads["topics"].truth.shape
    save(fitted, config, tmp_path / "fast")
    assert "on 1 of 5 grouped folds, held out: a fast training" in (tmp_path / "fast" / "card.md").read_text()
    assert "one fold of 5 was held out" in describe(fitted, tmp_path / "fast", config)
    found = load(tmp_path / "fast").label(["At least 20 civilians were killed in the bombing."])
    assert found[0]["topics"] == ["casualties"]
