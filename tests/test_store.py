"""The store: which model is in use, kept history, the way back, kills in the middle."""

import json
import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from parastance.predict import load
from parastance.predict.artifact import DEFAULT, read_manifest
from parastance.predict.errors import ModelError, OutputError, UsageError
from parastance.predict.storage import write_whole
from parastance.predict.store import HISTORY, IN_USE, PROMOTED, find_store, model_in_use, read_pointer
from parastance.train import store as writing
from parastance.train.cli import main
from parastance.train.durable import append_line, exchange, locked


def variant(source: Path, folder: Path, bias: float) -> Path:
    """Write a model folder that differs from another in one number."""
    import hashlib

    import joblib

    from parastance.predict.artifact import compressed, read_artifact, with_terms

    artifact, manifest = read_artifact(source)
    head = artifact["heads"]["topics"]
    head["bias"] = head["bias"] + bias
    folder.mkdir(parents=True)
    joblib.dump(with_terms(artifact, compressed), folder / "model.joblib")
    sha = hashlib.sha256((folder / "model.joblib").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps({**manifest, "sha256": sha}))
    shutil.copy(source / "metrics.json", folder)
    return folder


def put_in_use(store: Path, folder: Path) -> dict[str, Any]:
    """Switch without a gate, as `promote` does after it."""
    with writing.writing(store):
        if read_pointer(store) is None:
            writing.keep_shipped(store)
        kept = writing.keep(store, writing.snapshot(store, folder))
        entry = writing.new_entry(store, writing.PROMOTE, store / kept, kept=kept)
        writing.switch(store, entry)
        return entry


@pytest.fixture
def models(small_folder: Path, tmp_path: Path) -> list[Path]:
    return [variant(small_folder, tmp_path / f"m{at}", 0.01 * at) for at in range(3)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.mark.parametrize(
    ("given", "variable", "expected"), [("a", "b", "a"), (None, "b", "b"), (None, "", "artifacts"), (None, None, "artifacts")]
)
def test_where_the_store_is(given: str | None, variable: str | None, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARASTANCE_STORE", raising=False)
    if variable is not None:
        monkeypatch.setenv("PARASTANCE_STORE", variable)
    assert find_store(given) == Path(expected)


def test_a_store_that_says_nothing_means_the_shipped_model(store: Path) -> None:
    assert model_in_use(store) == DEFAULT
    store.mkdir()
    assert model_in_use(store) == DEFAULT
    assert load(store=store).name == load(DEFAULT).name


def test_the_model_in_use_is_what_load_loads(store: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_use(store, models[1])
    sha = read_manifest(models[1])["sha256"][:8]
    assert load(store=store).name == f"m1@{sha}"
    assert load().name == load(DEFAULT).name
    monkeypatch.setenv("PARASTANCE_STORE", str(store))
    assert load().name == f"m1@{sha}"
    assert load(models[2]).name.startswith("m2@"), "a folder that is named goes before the store"
    shutil.rmtree(models[1])
    assert load(store=store).name == f"m1@{sha}", "the candidate's folder may go: the store keeps its own copy"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"n": 1}', '{"n": "1", "kept": "promoted/a/b"}', '{"n": 1, "kept": "../../x"}'])
def test_a_broken_pointer_is_never_taken_for_the_shipped_model(text: str, store: Path) -> None:
    store.mkdir()
    (store / IN_USE).write_text(text)
    with pytest.raises(ModelError, match="does not say which model is in use"):
        model_in_use(store)


def test_a_file_is_no_store_and_asking_makes_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelError, match="a store is a folder"):
        load(store=tmp_path / "file")
    with pytest.raises(UsageError, match="nothing was ever promoted"):
        writing.rollback(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_rollback_takes_the_way_back_step_by_step(store: Path, models: list[Path]) -> None:
    names = [put_in_use(store, model)["model"] for model in models]
    assert writing.rollback(store)["model"] == names[1]
    assert writing.rollback(store)["model"] == names[0]
    shipped = writing.rollback(store)["model"]
    assert shipped == load(DEFAULT).name
    assert load(store=store).name == shipped
    with pytest.raises(UsageError, match="nothing to go back to"):
        writing.rollback(store)
    assert writing.rollback(store, to=names[2], note="after all")["before"] == shipped
    assert writing.rollback(store)["model"] == shipped
    with pytest.raises(UsageError, match="was never in use"):
        writing.rollback(store, to="m9@00000000")
    with pytest.raises(UsageError, match=f"say which one: {names[2]}"):
        writing.rollback(store, to=names[2].partition("@")[0])
    log = [json.loads(line) for line in (store / HISTORY).read_text().splitlines()]
    assert [entry["n"] for entry in log] == list(range(9))
    assert [entry["action"] for entry in log] == ["start", *["promote"] * 3, *["rollback"] * 5]
    assert log[7]["note"] == "after all"
    assert len(list((store / PROMOTED).iterdir())) == 4


def test_models_are_listed_whatever_is_wrong(store: Path, models: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    names = [put_in_use(store, model)["model"] for model in models[:2]]
    shutil.copytree(models[2], store / "candidate")
    shutil.copytree(models[2], store / ".candidate.left")
    (store / writing.history(store)[1]["kept"] / "manifest.json").write_text("{")
    (store / IN_USE).write_text("{")
    assert main(["models", "--store", str(store)]) == 1
    said = capsys.readouterr()
    assert names[1] in said.out and "broken" in said.out and "candidate@" in said.out and ".left" not in said.out
    assert "*" not in said.out and "does not say which model is in use" in said.err


def test_rollback_mends_a_broken_pointer_and_a_lost_model(store: Path, models: list[Path]) -> None:
    names = [put_in_use(store, model)["model"] for model in models]
    (store / IN_USE).write_text("{")
    assert writing.rollback(store)["model"] == names[1]
    shutil.rmtree(model_in_use(store).parent)
    with pytest.raises(ModelError, match="is gone"):
        load(store=store)
    assert writing.rollback(store)["model"] == names[0]
    assert load(store=store).name == names[0]


def test_a_damaged_model_is_not_rolled_back_to(store: Path, models: list[Path]) -> None:
    kept = put_in_use(store, models[0])["kept"]
    name = put_in_use(store, models[1])["model"]
    (store / kept / "model.joblib").write_bytes(b"x")
    with pytest.raises(ModelError, match="changed or damaged"):
        writing.rollback(store)
    assert load(store=store).name == name


def test_a_damaged_candidate_leaves_the_store_as_it_was(store: Path, models: list[Path]) -> None:
    (models[0] / "model.joblib").write_bytes(b"x")
    with pytest.raises(ModelError, match=f"{models[0].name}.*changed or damaged"):
        put_in_use(store, models[0])
    assert model_in_use(store) == DEFAULT
    assert not [path for path in (store / PROMOTED).iterdir() if path.name.startswith(".")]


def test_a_full_disk_leaves_the_store_as_it_was(store: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    name = put_in_use(store, models[0])["model"]

    def full(source: Any, target: Any) -> None:
        target.write(b"some")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OutputError, match="No space left"):
        patch.setattr(shutil, "copyfileobj", full)
        put_in_use(store, models[1])
    assert load(store=store).name == name
    assert not [path for path in (store / PROMOTED).iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("moment", ["before the switch", "between switch and log", "within the log's line"])
def test_a_kill_at_any_moment_leaves_old_or_new_and_the_history_whole(
    moment: str, store: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = put_in_use(store, models[0])["model"]

    class Killed(BaseException):
        pass

    def die(*anything: Any) -> None:
        raise Killed

    def half(path: Path, line: str) -> None:
        with open(path, "ab") as stream:
            stream.write(line[: len(line) // 2].encode())
        raise Killed

    name, replacement = {
        "before the switch": ("write_whole", die),
        "between switch and log": ("append_line", die),
        "within the log's line": ("append_line", half),
    }[moment]
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(writing, name, replacement)
        put_in_use(store, models[1])
    now = load(store=store).name
    assert now == (old if moment == "before the switch" else writing.model_name(models[1], read_manifest(models[1])))
    assert [entry["model"] for entry in writing.trail(store)][-1] == now
    put_in_use(store, models[2])
    assert [entry["n"] for entry in writing.history(store)] == list(range(3 if moment == "before the switch" else 4))
    assert writing.rollback(store)["model"] == now


def test_left_overs_of_kills_are_removed(store: Path, models: list[Path]) -> None:
    with writing.writing(store):
        writing.snapshot(store, models[0])
        (store / f".{IN_USE}.abc").write_text("half")
    put_in_use(store, models[1])
    assert sorted(path.name for path in store.iterdir()) == [".lock", HISTORY, IN_USE, PROMOTED]
    assert not [path for path in (store / PROMOTED).iterdir() if path.name.startswith(".")]


def test_a_store_that_cannot_be_written_is_one_line(tmp_path: Path, models: list[Path]) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        put_in_use(tmp_path / "file", models[0])


def hold(path: Path, said: Path) -> None:
    with locked(path, lambda: None):
        said.touch()
        time.sleep(60)


def test_one_writer_at_a_time_and_a_kill_frees_the_lock(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    holder = context.Process(target=hold, args=(tmp_path / "lock", tmp_path / "held"))
    holder.start()
    try:
        while not (tmp_path / "held").exists():
            time.sleep(0.01)
        waited = []

        def waiting() -> None:
            waited.append(True)
            os.kill(holder.pid, signal.SIGKILL)

        with locked(tmp_path / "lock", waiting):
            assert waited
    finally:
        holder.kill()
        holder.join()


def test_files_are_replaced_and_added_to_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_whole(str(path), b"one\n")
    append_line(path, "two")
    with open(path, "a") as stream:
        stream.write("torn")
    append_line(path, "three")
    assert path.read_text() == "one\ntwo\ntorn\nthree\n"
    assert [found.name for found in tmp_path.iterdir()] == ["a"]


def test_two_folders_change_places_at_once(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if exchange(tmp_path / "a", tmp_path / "b"):
        assert [(tmp_path / "a" / "b").exists(), (tmp_path / "b" / "a").exists()] == [True, True]
    assert not exchange(tmp_path / "a", tmp_path / "none")


def test_training_never_writes_over_a_kept_or_the_shipped_model(store: Path, models: list[Path]) -> None:
    kept = store / put_in_use(store, models[0])["kept"]
    for folder in (kept, kept.parent / "other"):
        with pytest.raises(UsageError, match="never written to"):
            writing.refuse_kept(folder, own_data=False)
    with pytest.raises(UsageError, match="that is the shipped model"):
        writing.refuse_kept(DEFAULT, own_data=True)
    writing.refuse_kept(DEFAULT, own_data=False)
    writing.refuse_kept(store / "candidate", own_data=True)
