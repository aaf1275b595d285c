"""Promotions end to end: a worse candidate is refused with the reason, a better one passes, and nothing is ever half done."""

import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parastance.predict import load
from parastance.predict.artifact import DEFAULT, read_manifest
from parastance.predict.errors import ModelError, UsageError
from parastance.predict.store import HISTORY, PROMOTED, model_in_use
from parastance.train.cli import main
from parastance.train.config import Config
from parastance.train.data import corpus_files, labelled_row, read_labelled
from parastance.train.fit import fit
from parastance.train.gate import Limits
from parastance.train.hard_cases import cost_checks, hard_case_checks
from parastance.train.held_out import row_key
from parastance.train.models import models
from parastance.train.pairs import Side, common, on_rows
from parastance.train.promote import Verdict, promote
from parastance.train.save import save
from parastance.train.store import history, rollback

QUICK = Config(folds=2, regularisation=(10.0,))
WIDE = Limits(margin=0.20)  # the small models are judged on some 600 rows


def trained(rows: Any, folder: Path, config: Config = QUICK) -> Path:
    save(fit(rows, config), config, folder)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("candidates")


@pytest.fixture(scope="module")
def lost(small: Any, home: Path) -> Path:
    """The same training without the label `casualties`."""
    rows = [replace(row, topics=tuple(name for name in row.topics or () if name != "casualties")) for row in small.rows]
    return trained(rows, home / "lost")


@pytest.fixture(scope="module")
def shuffled(small: Any, home: Path) -> Path:
    """The same training with the labels of 30% of the rows dealt out anew."""
    chance = random.Random(1)
    chosen = chance.sample(range(len(small.rows)), int(0.3 * len(small.rows)))
    rows = list(small.rows)
    for at, other in zip(chosen, chance.sample(chosen, len(chosen)), strict=True):
        source = small.rows[other]
        rows[at] = replace(rows[at], topics=source.topics, stance=source.stance, kind=source.kind)
    return trained(rows, home / "shuffled")


@pytest.fixture(scope="module")
def better(home: Path) -> Path:
    """A training on three times the rows."""
    return trained(read_labelled(corpus_files())[::5], home / "better")


@pytest.fixture(scope="module")
def begun(small_folder: Path, home: Path) -> Path:
    assert promote(small_folder, home / "store", limits=WIDE, force=True).promoted
    return home / "store"


@pytest.fixture
def store(begun: Path, tmp_path: Path) -> Path:
    """A store in which the small model is in use."""
    return Path(shutil.copytree(begun, tmp_path / "store"))


def reasons(verdict: Verdict) -> str:
    return "\n".join(verdict.reasons)


def test_a_candidate_that_lost_a_label_is_refused(store: Path, lost: Path) -> None:
    before = model_in_use(store)
    verdict = promote(lost, store, limits=WIDE)
    assert not verdict.promoted
    assert "topics: it lost casualties; the candidate's are diplomacy, military_support" in reasons(verdict)
    assert model_in_use(store) == before
    assert history(store)[-1]["action"] == "refuse"
    assert history(store)[-1]["reasons"] == verdict.reasons
    assert sorted(path.name for path in (store / PROMOTED).iterdir()) == sorted({*history_folders(store)})


def history_folders(store: Path) -> set[str]:
    return {entry["kept"].split("/")[1] for entry in history(store) if "kept" in entry}


def test_a_candidate_of_shuffled_labels_is_refused_with_examples(store: Path, shuffled: Path) -> None:
    verdict = promote(shuffled, store)
    assert not verdict.promoted
    assert "were labelled differently for the model in use" in reasons(verdict)
    assert "F1 fell from" in reasons(verdict)
    assert "calibration error grew" in reasons(verdict)
    example = next(example for example in verdict.examples if example.head == "topics" and example.label)
    assert (example.label in example.truth) == (example.label in example.in_use.labels)
    assert (example.label in example.truth) != (example.label in example.candidate.labels)
    assert example.text in {row.text for row in read_labelled(corpus_files())}


def test_a_better_candidate_passes_and_is_what_predict_uses(store: Path, better: Path) -> None:
    verdict = promote(better, store, limits=WIDE, note="three times the rows")
    assert verdict.promoted and not verdict.forced, reasons(verdict)
    assert load(store=store).name == verdict.candidate
    entry = history(store)[-1]
    assert (entry["action"], entry["note"], entry["forced"], entry["before"]) == (
        "promote", "three times the rows", False, verdict.in_use,
    )  # fmt: skip
    assert promote(better, store).same
    assert rollback(store)["model"] == verdict.in_use


def test_force_leaves_a_trace(store: Path, lost: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict = promote(lost, store, limits=WIDE, force=True, note="casualties are counted elsewhere now")
    assert verdict.promoted and verdict.forced
    entry = history(store)[-1]
    assert entry["forced"] and any("lost casualties" in reason for reason in entry["reasons"])
    assert main(["models", "--store", str(store)]) == 0
    assert f"* {verdict.candidate}" in (out := capsys.readouterr().out)
    assert ", forced" in out
    rollback(store)
    rollback(store, to=verdict.candidate)
    assert next(one for one in models(store) if one.in_use).forced, "a rollback does not wash it off"
    assert main(["models", "--history", "--store", str(store)]) == 0
    out = capsys.readouterr().out
    assert "promoted by force lost@" in out and "casualties are counted elsewhere now" in out and "it lost casualties" in out


def test_another_labelling_scheme_needs_a_word(store: Path, home: Path) -> None:
    names = {"wheat": "crop", "corn": "crop", "goat": "animal", "sheep": "animal"}
    rows = [
        labelled_row({"text": f"The {name} stands in field {at} near town {at % 7}.", "topics": [kind]}, f"r{at}-{name}")
        for at in range(15)
        for name, kind in names.items()
    ]
    own = trained(rows, home / "own")
    verdict = promote(own, store)
    assert not verdict.promoted
    assert "lost casualties, diplomacy, military_support; the candidate's are animal, crop" in reasons(verdict)
    assert "the candidate has no stance at all" in reasons(verdict)
    assert "--new-scheme" in reasons(verdict)
    verdict = promote(own, store, limits=Limits(new_scheme=True))
    assert verdict.promoted and not verdict.forced, reasons(verdict)
    assert {check.label for check in verdict.checks if check.what == "floor"} == {"animal", "crop"}


def test_rows_of_a_file_judge_each_model_fairly(small: Any, small_folder: Path, better: Path, store: Path) -> None:
    candidate, in_use = Side.open(better), Side.open(small_folder)
    fresh = read_labelled(corpus_files())[3::50]
    rows = [*small.rows[:50], *fresh]
    pairs = on_rows(candidate, in_use, rows, "mixed.jsonl")
    assert pairs.left_out > 0, "rows of articles that were trained on are left out"
    assert pairs.rows + pairs.left_out == len(rows)
    known = small.heads["topics"]
    topics = pairs.heads["topics"]
    trained_on = [at for at, row in enumerate(topics.rows) if row < 50]
    place = {int(row): at for at, row in enumerate(known.rows)}
    expected = known.out_of_fold[[place[int(topics.rows[at])] for at in trained_on]]
    assert topics.probability[1][trained_on] == pytest.approx(expected, abs=1e-5)
    new = [at for at, row in enumerate(topics.rows) if row >= 50]
    direct = in_use.answers([rows[topics.rows[at]] for at in new])["topics"][1]
    assert topics.probability[1][new] == pytest.approx(direct)


def test_rows_trained_on_and_never_held_out_judge_nothing(small: Any, small_folder: Path, better: Path) -> None:
    whole = Side.open(better)
    assert whole.record is not None
    topics = whole.record.heads["topics"]
    part = np.arange(0, len(topics.rows), 5)
    fewer = replace(
        topics, rows=topics.rows[part], truth=topics.truth[part], given=topics.given[part], probability=topics.probability[part]
    )
    fast = replace(whole, record=replace(whole.record, heads={**whole.record.heads, "topics": fewer}))
    pairs = on_rows(fast, Side.open(small_folder), small.rows, "rows")
    held = {key for at, key in enumerate(whole.record.keys.tolist()) if at in set(fewer.rows.tolist())}
    keys = [row_key(row.text, row.target, "assad_government") for row in small.rows]
    assert 0 < len(pairs.heads["topics"].rows) < len(pairs.heads["kind"].rows)
    assert {keys[at] for at in pairs.heads["topics"].rows} <= held


def test_common_rows_are_those_of_both(small: Any, small_folder: Path, better: Path) -> None:
    pairs = common(Side.open(better), Side.open(small_folder))
    assert pairs.rows == len(small.rows)
    assert pairs.disputed == 0
    assert {pairs.text(at) for at in range(pairs.rows)} == {row.text for row in small.rows}


def test_no_row_in_common_asks_for_rows(store: Path, home: Path, tmp_path: Path) -> None:
    rows = read_labelled(corpus_files())[7::40]
    other = trained(rows, home / "other")
    with pytest.raises(UsageError, match="no row in common: name labelled rows"):
        promote(other, store)
    assert history(store)[-1]["action"] == "promote"
    held_out = tmp_path / "held_out.jsonl"
    held_out.write_text("".join(json.dumps({"text": row.text, "topics": row.topics, "stance": row.stance}) + "\n" for row in rows))
    verdict = promote(other, store, [str(held_out)])
    assert "kind: no labelled row to judge it by" in reasons(verdict)
    judged = re.search(r"(\d+) rows of .*\((\d+) for the candidate, 0 for the model in use\)", verdict.judged[0])
    assert judged and judged[1] == judged[2] and 0 < int(judged[1]) <= len(rows)


def test_a_training_without_a_record_is_not_judged(store: Path, small_folder: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(small_folder, old)
    manifest = read_manifest(old)
    del manifest["held_out_sha256"]
    (old / "manifest.json").write_text(json.dumps(manifest))
    assert promote(old, store).same
    fresh = tmp_path / "fresh"
    with pytest.raises(UsageError, match="has no record of held-out answers, so no row judges it fairly"):
        promote(old, fresh)
    assert model_in_use(fresh) == DEFAULT
    assert promote(old, fresh, force=True).in_use == load(DEFAULT).name


def test_force_does_not_pass_over_a_file_that_is_not_there(store: Path, better: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        promote(better, store, ["nowhere.jsonl"], force=True)
    assert load(store=store).name.startswith("small@")


@pytest.mark.parametrize("broken", ["nothing there", "no model", "damaged"])
def test_a_broken_candidate_changes_nothing(broken: str, store: Path, small_folder: Path, tmp_path: Path) -> None:
    candidate = tmp_path / "candidate"
    if broken != "nothing there":
        candidate.mkdir()
    if broken == "damaged":
        shutil.copytree(small_folder, candidate, dirs_exist_ok=True)
        (candidate / "model.joblib").write_bytes(b"x")
    before = (store / HISTORY).read_bytes()
    with pytest.raises(ModelError, match=str(candidate)):
        promote(candidate, store, force=True)
    assert (store / HISTORY).read_bytes() == before
    assert {path.name for path in (store / PROMOTED).iterdir()} == history_folders(store)


def test_the_command_line(store: Path, better: Path, shuffled: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place = ["--store", str(store)]
    assert main(["promote", str(shuffled), *place]) == 1
    out = capsys.readouterr().out
    assert "what speaks against it:" in out and "refused: small@" in out and "for example" in out
    assert main(["promote", str(better), "--margin", "0.2", "--json", *place]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["promoted"] is True
    assert {check["what"] for check in verdict["checks"]} >= {"F1", "floor", "calibration error", "hard cases", "speed", "size"}
    (tmp_path / "a.txt").write_text("Tehran sent advisers to Damascus.")
    assert main(["predict", str(tmp_path / "a.txt"), "-o", str(tmp_path / "a.jsonl"), "--quiet", *place]) == 0
    assert json.loads((tmp_path / "a.jsonl").read_text())["model"] == verdict["candidate"]
    assert main(["rollback", *place]) == 0
    assert f"{verdict['in_use']} is in use again, instead of {verdict['candidate']}" in capsys.readouterr().out
    assert main(["models", "--json", *place]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["in_use"] for one in listed] == [True, False, False]
    assert [one["model"] for one in listed] == [verdict["in_use"], verdict["candidate"], load(DEFAULT).name]
    assert listed[0]["files"] == []
    assert all(one["rows"] and one["scores"]["topics"] and one["data_sha256"] for one in listed)
    assert main(["rollback", "--to", "none@0", *place]) == 2
    assert "was never in use" in capsys.readouterr().err


def test_train_writes_a_candidate_into_the_store(tmp_path: Path, small: Any, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps({"id": row.id, "text": row.text, "topics": row.topics}) + "\n" for row in small.rows[:60]))
    shipped = (DEFAULT / "model.joblib").stat().st_mtime_ns
    assert main(["train", str(data), "--store", str(tmp_path / "store"), "--quiet"]) == 0
    assert load(tmp_path / "store" / "candidate").heads.keys() == {"topics"}
    assert main(["models", "--store", str(tmp_path / "store")]) == 0
    assert "rows.jsonl" in capsys.readouterr().out
    assert load(store=tmp_path / "store").name == load(DEFAULT).name, "a candidate is not in use"
    assert main(["promote", "--store", str(tmp_path / "store"), "--force"]) == 0
    assert load(store=tmp_path / "store").name == load(tmp_path / "store" / "candidate").name
    capsys.readouterr()
    assert main(["train", str(data), "-o", str(DEFAULT)]) == 2
    assert "that is the shipped model" in capsys.readouterr().err
    assert (DEFAULT / "model.joblib").stat().st_mtime_ns == shipped


def promotion(candidate: Path, store: Path, started: Any, ended: Any) -> None:
    started.set()
    promote(candidate, store, limits=WIDE, force=True)
    ended.set()


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_killed_in_the_middle_the_old_or_the_new_model_is_in_use(store: Path, lost: Path, better: Path) -> None:
    context = multiprocessing.get_context("fork")
    start = time.perf_counter()
    names = {path: f"{path.name}@{read_manifest(path)['sha256'][:8]}" for path in (lost, better)}
    promote(lost, store, limits=WIDE, force=True)
    whole = time.perf_counter() - start
    chance = random.Random(0)
    for _ in range(4):
        before, lines = load(store=store).name, history(store)
        candidate = lost if before == names[better] else better
        process = context.Process(target=promotion, args=(candidate, store, context.Event(), context.Event()))
        process.start()
        process.join(chance.uniform(0, whole))
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert load(store=store).name in (before, names[candidate])
        assert history(store)[: len(lines)] == lines
    assert promote(better, store, limits=WIDE, force=True).candidate == names[better] == load(store=store).name


@pytest.mark.parametrize("broken", ["pointer", "model"])
def test_force_gets_past_a_model_in_use_that_cannot_be_read(broken: str, store: Path, better: Path) -> None:
    if broken == "pointer":
        (store / "in_use.json").write_text("{")
    else:
        (model_in_use(store) / "manifest.json").write_text('{"format": 0, "sha256": "0"}')
    with pytest.raises(UsageError, match="or --force, which compares nothing"):
        promote(better, store)
    verdict = promote(better, store, force=True)
    assert verdict.forced and verdict.in_use.startswith("small@")
    assert load(store=store).name == verdict.candidate
    assert "not compared" in history(store)[-1]["reasons"][0]


def test_two_promotions_at_once_come_one_after_the_other(store: Path, lost: Path, better: Path) -> None:
    context = multiprocessing.get_context("fork")
    ended = [context.Event(), context.Event()]
    processes = [
        context.Process(target=promotion, args=(candidate, store, context.Event(), event))
        for candidate, event in zip((lost, better), ended, strict=True)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    entries = history(store)
    assert [entry["n"] for entry in entries] == list(range(len(entries)))
    assert {entry["model"].split("@")[0] for entry in entries[-2:]} == {"lost", "better"}
    assert entries[-1]["before"] == entries[-2]["model"], "the second was compared with what the first had put in use"
    assert load(store=store).name == entries[-1]["model"]


def test_a_slower_or_much_larger_candidate_is_refused(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    side = Side.open(small_folder)
    slow = Side.open(small_folder)
    seconds = {id(side): 0.1, id(slow): 0.16}
    monkeypatch.setattr("parastance.train.hard_cases._seconds", lambda model, units: seconds[id(model)])
    found = [check.reason for check in cost_checks(slow, side, Limits())]
    assert found == ["speed: 1,250 paragraphs a second instead of 2,000", ""]
    assert [check.passed for check in cost_checks(side, slow, Limits())] == [True, True]
    tight = Limits(size=1000, larger=0.5)
    assert [check.passed for check in cost_checks(side, side, tight)] == [True, False]


def test_worse_answers_to_the_hard_cases_are_refused(small_folder: Path) -> None:
    shipped = replace(Side.open(DEFAULT), record=None)
    found, lost = hard_case_checks(Side.open(small_folder), shipped)
    reason = next(check.reason for check in found if check.head == "topics")
    assert "macro-F1 on the codebook's 128 hard cases fell from" in reason
    for example in lost["topics"]:
        assert sorted(example.in_use.labels) == sorted(example.truth) != sorted(example.candidate.labels)
    found, _ = hard_case_checks(shipped, shipped)
    assert all(check.passed for check in found) and len(found) == 2
