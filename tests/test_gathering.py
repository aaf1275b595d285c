"""Bodies from several workers in one file: in the order in which the parts were given out, whoever is done first."""

import hashlib
import json
import multiprocessing
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from parastance.predict import room as rooms
from parastance.predict.bodies import Hashed
from parastance.predict.errors import OutputError
from parastance.predict.gathering import Gathering, Turn
from parastance.predict.labelling import Done
from parastance.predict.parts import Part
from parastance.predict.room import Desk, Handed, Room
from parastance.predict.spool import Beginning, Spool
from parastance.predict.worker import Changed


class Worker:
    """A worker in a thread: it hands over bodies, every other piece through room that it is lent, and its parent waits for the next
    thing that it says."""

    def __init__(self, gathering: Gathering) -> None:
        self.gathering, self.context = gathering, multiprocessing.get_context("spawn")
        self.desk = Desk(gathering.room, self.context)
        self.here, there = self.context.Pipe()
        self.handed = Handed(self.desk.share, there)
        self.there = there
        self.turn: Turn | None = None
        self.thread = threading.Thread()

    def begin(self, part: Part, chunks: list[bytes], changed: bool) -> None:
        self.turn = self.gathering.begin(part, self.desk)
        self.thread = threading.Thread(target=self._label, args=(chunks, changed), daemon=True)
        self.thread.start()

    def _label(self, chunks: list[bytes], changed: bool) -> None:
        self.handed.open()
        for at, chunk in enumerate(chunks):
            lent = self.handed.lend(len(chunk) + at) if at % 2 else None
            if lent is None:
                self.handed.write(chunk)
            else:
                lent[: len(chunk)] = chunk
                self.handed.keep(len(chunk))
        if changed:
            self.handed.close()
        else:
            self.handed.end()
        self.there.send(("done", Changed("a") if changed else Done(None, {})))

    def hear(self) -> bool:
        """Take what the worker says next, if it says anything; return whether it is at work."""
        assert self.turn is not None
        if self.here.poll(0.001):
            kind, value = self.here.recv()
            if kind == "done":
                self.gathering.end(self.turn, value)
                self.turn = None
                return False
            self.gathering.take(self.turn, *value)
        return True


BODIES = st.lists(st.tuples(st.lists(st.binary(max_size=40), max_size=6), st.integers(0, 9)), max_size=12)


def gathering_of(folder: Path, workers: int, after: Beginning | None = None) -> Gathering:
    return Gathering(Spool(str(folder), after, 0), "out", Room(None, workers))


@pytest.mark.parametrize("blocks", [0, 2, 60])
@given(bodies=BODIES, heard=st.lists(st.integers(0, 2), max_size=60), before=st.binary(max_size=20))
@example(  # the third worker's second part has more blocks than its first, when there is room for neither
    bodies=[([b"a"], 1), ([b"b" * 70], 1), ([b"c" * 17], 1), ([b"d" * 90, b"d" * 40], 1)], heard=[2] * 20 + [1] * 20, before=b""
)
@settings(max_examples=40, deadline=None)
def test_bodies_stand_in_the_order_given(
    tmp_path_factory: pytest.TempPathFactory, blocks: int, bodies: list[tuple[list[bytes], int]], heard: list[int], before: bytes
) -> None:
    """Whichever worker is heard next; a part in ten has changed. Where a worker's memory is full, its body is in another file."""
    folder = tmp_path_factory.mktemp("bodies")
    (folder / "b").write_bytes(before + b"rest of a part that was not recorded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rooms, "SIZE", 16)
        patch.setattr(rooms, "WAITING", blocks)
        gathering = gathering_of(folder, 3, Beginning("b", len(before), hashlib.sha256(before)) if before else None)
        todo = {Part(str(at), ()): (chunks, fate == 0) for at, (chunks, fate) in enumerate(bodies)}
        found: dict[Part, Any] = {}
        workers = [Worker(gathering) for _ in range(3)]
        given = iter(todo)
        while gathering.pending or len(found) < len(todo):
            for worker in workers:
                if worker.turn is None and (part := next(given, None)):
                    worker.begin(part, *todo[part])
            at = [heard.pop(), 0, 1, 2] if heard else [0, 1, 2]
            for place in at:
                if workers[place].turn is not None:
                    workers[place].hear()
            found.update(gathering.finished())
        gathering.close()
        room = gathering.room
        blocks = sorted(room.free + [block for worker in workers for block in worker.desk.blocks])
        assert blocks == list(range(room.touched))  # none is lost
        assert room.touched <= room.few + room.most
    assert found.keys() == todo.keys()
    spans: dict[str, list[tuple[int, int]]] = {}
    for part, (chunks, changed) in todo.items():
        assert isinstance(found[part], Changed) == changed
        if changed:
            continue
        data, (name, start) = (folder / found[part].info["file"]).read_bytes(), found[part].info.values()
        stop = start + found[part].size
        assert data[start:stop] == b"".join(chunks)
        assert found[part].sha256 == hashlib.sha256(data[:stop]).hexdigest()
        spans.setdefault(name, []).append((start, stop))
    for name, places in spans.items():
        assert places[0][0] == (len(before) if name == "b" else 0)
        assert all(one[1] == other[0] for one, other in zip(places, places[1:], strict=False))
    if blocks == 60:
        assert list(found) == list(todo)
        assert len(spans) == 1 or any(changed for _, changed in todo.values()) or not todo


def test_a_part_that_is_lost_or_long_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gathering = gathering_of(tmp_path, 3)
    workers = [Worker(gathering) for _ in range(3)]
    for at, worker in enumerate(workers):
        worker.begin(Part(str(at), ()), [b"%d" % at], False)
        worker.thread.join()
        while worker.turn is not None and at:
            worker.hear()
    assert gathering.room.waiting == 2
    assert gathering.is_calm()
    monkeypatch.setattr(gathering.room, "calm", 2)
    assert not gathering.is_calm()  # a worker that is done waits for the first part
    monkeypatch.setattr(gathering, "since", gathering.since - 60)
    assert gathering.is_calm()  # but not for ever
    assert workers[0].turn is not None
    gathering.lose(workers[0].turn)  # what it had handed over is not heard of
    assert not workers[0].desk.blocks
    found: list[Any] = []
    while gathering.pending:
        found += gathering.finished()
    gathering.close()
    assert [part.name for part, _ in found] == ["1", "2"]
    (name,) = {outcome.info["file"] for _, outcome in found}
    assert (tmp_path / name).read_bytes() == b"12"
    room = gathering.room
    assert sorted(room.free + [block for worker in workers for block in worker.desk.blocks]) == list(range(room.touched))


def test_a_worker_waits_where_the_parent_falls_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory is no larger for a large file than for a small one."""
    monkeypatch.setattr(rooms, "SIZE", 16)
    gathering, going_on, write = gathering_of(tmp_path, 1), threading.Event(), Hashed.write
    monkeypatch.setattr(Hashed, "write", lambda *given: going_on.wait(30) and write(*given))
    worker, body = Worker(gathering), [b"0123456789abcdef"] * 100
    worker.begin(Part("", ()), body, False)
    for _ in range(100):
        assert worker.hear()
    assert gathering.room.touched == gathering.room.few
    going_on.set()
    while worker.turn is not None:
        worker.hear()
    while gathering.pending:
        for _, outcome in gathering.finished():
            assert isinstance(outcome, Done)
            assert (tmp_path / outcome.info["file"]).read_bytes() == b"".join(body)
    assert gathering.room.touched == gathering.room.few
    gathering.close()


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gathering = gathering_of(tmp_path, 1)
    worker = Worker(gathering)
    monkeypatch.setattr("parastance.predict.bodies.Hashed.write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    worker.begin(Part("", ()), [b"a"], False)
    while worker.turn is not None:
        worker.hear()
    with pytest.raises(OutputError, match="out: cannot be written: No space left"):
        while True:
            gathering.finished()


FORK = """
import sys
from parastance.predict import batch, executors, room
room.SIZE, room.WAITING = 4096, int(sys.argv[1])
assert executors.may_fork()
copied = []
assemble = batch.assemble
batch.assemble = lambda form, infos, *rest: copied.append(len(infos)) or assemble(form, infos, *rest)
from parastance.train.cli import main
status = main(sys.argv[2:])
assert room.WAITING < 9 or not any(copied), copied
sys.exit(status)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forks on Linux alone")
@pytest.mark.parametrize("blocks", ["0", "3", "90"])
def test_any_number_of_jobs_writes_the_same_bytes(blocks: str, small_folder: Path, tmp_path: Path) -> None:
    """Also with less room than a part takes; with more, nothing is copied in the end."""
    rows = [{"id": at, "text": f"Talks between Assad and envoy {at} failed. " * (at % 7 + 1), "n": [at]} for at in range(4000)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    written = []
    for jobs in ("1", "2", "3"):
        arguments = ["predict", "in.jsonl", "-o", "o.jsonl", "--jobs", jobs, "--part-size", "0.05", "--model", str(small_folder)]
        done = subprocess.run([sys.executable, "-c", FORK, blocks, *arguments], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 1, done.stderr
        written.append([(tmp_path / name).read_bytes() for name in ("o.jsonl", "o.jsonl.manifest.json", "o.jsonl.rejects.jsonl")])
        assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith((".", "o"))) == [
            "o.jsonl", "o.jsonl.manifest.json", "o.jsonl.rejects.jsonl"
        ]  # fmt: skip
    assert written[0] == written[1] == written[2]
    manifest = json.loads(written[0][1])
    assert len(manifest["parts"]) > 8
    assert manifest["inputs"][0]["sha256"] == hashlib.sha256((tmp_path / "in.jsonl").read_bytes()).hexdigest()
    assert manifest["output"]["sha256"] == hashlib.sha256(written[0][0]).hexdigest()
