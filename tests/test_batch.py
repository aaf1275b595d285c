"""Batch runs as a user relies on them: nothing lost, nothing twice, whatever stops a run; bad inputs cost no other."""

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from parastance.predict.batch import Options, run
from parastance.predict.bodies import assemble
from parastance.predict.destination import destination
from parastance.predict.errors import OutputError, UsageError
from parastance.predict.executors import Processes
from parastance.predict.inputs import Source, find_sources
from parastance.predict.labelling import Done, Job, label_part
from parastance.predict.ledger import Ledger
from parastance.predict.model import Model
from parastance.predict.parts import Part, plan
from parastance.predict.progress import Reporter, size_text, time_text
from parastance.predict.slices import Piece
from parastance.predict.snapshot import InputChanged
from parastance.predict.supervise import supervised
from parastance.predict.worker import Crash
from parastance.train.cli import main

TALKS, SHELLS = "Talks between Assad and the envoy failed in Geneva.", "Shells killed nine people in Homs."
SMALL = "0.0003"  # MB: many parts of few rows


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def fill(root: Path) -> Path:
    """Write an archive of all formats, with two bad rows and a bad file."""
    for month in (1, 2):
        folder = root / f"year=2016/month={month}"
        folder.mkdir(parents=True)
        rows = [{"id": f"{month}-{at}", "text": f"{(TALKS, SHELLS)[at % 2]} {at}", "n": at} for at in range(12)]
        (folder / "a.jsonl").write_bytes(lines(*rows[:5], {"text": ""}, *rows[5:]))
        (folder / "b.csv").write_text("id,text,n\n" + "".join(f'{row["id"]},"{row["text"]}, he said",{row["n"]}\n' for row in rows))
        (folder / "c.jsonl.gz").write_bytes(gzip.compress(lines(*rows), mtime=0))
        (folder / "d.txt").write_text(f"{TALKS}\n\n{SHELLS}\n")
        (folder / "e.txt").write_text(SHELLS)
        pq.write_table(pa.Table.from_pylist(rows, pa.schema([("id", pa.string()), ("text", pa.string()), ("n", pa.int8())])),
                       folder / "f.parquet", row_group_size=4)  # fmt: skip
    (root / "year=2016/month=2/g.txt").write_bytes(b"\xff\xd8\xff\xe0 picture")
    return root


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("archive") / "in")


def written(place: Path) -> dict[str, bytes]:
    return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def label(model: Model, inputs: Path | str, out: Path | str, report: Reporter | None = None, **options: Any) -> Any:
    """Run in this process, as the command does."""
    sources = find_sources([str(inputs)])
    size = options.pop("part_size", int(float(SMALL) * (1 << 20)))
    return run(model, sources, destination(str(out), sources), Options(part_size=size, **options), report or Reporter(quiet=True))


OUTPUTS = ["one.jsonl", "one.csv", "one.parquet", "parts/", "parts.parquet/"]


# ------------------------------------------------------------------------------------------------ stopped and resumed

class Stop(Exception):
    """Stands for whatever ends a run."""


@pytest.mark.parametrize("out", OUTPUTS)
def test_stopped_after_any_part_and_resumed(
    out: str, archive: Path, small_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends right before or after a part is recorded: the resumed run writes the same bytes, and does no part twice."""
    monkeypatch.setattr("parastance.predict.batch.Processes", inline)
    (tmp_path / "wanted").mkdir()
    tally = label(small_model, archive, f"{tmp_path}/wanted/{out}")
    assert (tally.paragraphs, tally.rejected) == (2 * (4 * 12 + 3), 3)
    wanted = written(tmp_path / "wanted")
    add = Ledger.add
    for stop_at in (0, 1, 7, 15):
        done: list[str] = []

        def stopping(self: Ledger, part: Part, outcome: Done, done: list[str] = done, stop_at: int = stop_at) -> None:
            if len(done) == stop_at:
                raise Stop
            add(self, part, outcome)
            done.append(str(part))

        place = tmp_path / f"stopped{stop_at}"
        place.mkdir()
        monkeypatch.setattr(Ledger, "add", stopping)
        with pytest.raises(Stop):
            label(small_model, archive, f"{place}/{out}")
        again: list[str] = []

        def adding(self: Ledger, part: Part, outcome: Done, again: list[str] = again) -> None:
            add(self, part, outcome)
            again.append(str(part))

        monkeypatch.setattr(Ledger, "add", adding)
        if stop_at:
            with pytest.raises(UsageError, match="--resume goes on"):
                label(small_model, archive, f"{place}/{out}")
        label(small_model, archive, f"{place}/{out}", resume=True)
        assert written(place) == wanted
        assert not set(done) & set(again)
        monkeypatch.setattr(Ledger, "add", add)


def inline(model: Model, job: Job, note: Any, count: int, spool: Any) -> Any:
    from parastance.predict.executors import Inline

    return Inline(model, job, note, spool)


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "parastance.train", "predict", *map(str, arguments)]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_and_resumed(jobs: str, archive: Path, small_folder: Path, tmp_path: Path) -> None:
    """kill -9 as soon as a part is done; hundreds of kills at random moments are in benchmarks/kills.py."""
    options = ["--model", small_folder, "--jobs", jobs, "--part-size", SMALL]
    wanted, killed = tmp_path / "wanted", tmp_path / "killed"
    wanted.mkdir()
    killed.mkdir()
    assert subprocess.run(command(archive, "-o", wanted / "o.jsonl", *options), capture_output=True).returncode == 1
    process = subprocess.Popen(command(archive, "-o", killed / "o.jsonl", *options), stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(killed.glob(".o.jsonl.run/*.json"))) < 4:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = subprocess.run(command(archive, "-o", killed / "o.jsonl", *options, "--resume"), capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert written(killed) == written(wanted)
    again = subprocess.run(command(archive, "-o", killed / "o.jsonl", *options, "--resume"), capture_output=True, text=True)
    assert again.returncode == 1 and "whole already" in again.stderr
    assert written(killed) == written(wanted)


def test_jobs_and_the_stream_agree(archive: Path, small_folder: Path, run: Any, tmp_path: Path) -> None:
    """One job, two jobs and standard output give the same records in the order of the input."""
    for jobs in ("1", "2"):
        options = ["--jobs", jobs, "--model", small_folder, "--part-size", SMALL]
        assert run("predict", archive, "-o", tmp_path / f"{jobs}.jsonl", *options).returncode == 1
    streamed = run("predict", archive, "--model", small_folder).stdout.encode()
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes() == streamed


@pytest.fixture
def stopped(archive: Path, small_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Return a function that leaves an unfinished run of a copy of the archive and returns the copy."""
    monkeypatch.setattr("parastance.predict.batch.Processes", inline)

    def make() -> Path:
        mine = fill(tmp_path / "mine")
        add = Ledger.add

        def stopping(self: Ledger, part: Part, outcome: Done) -> None:
            if len(self.records) == 20:
                raise Stop
            add(self, part, outcome)

        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "add", stopping)
            with pytest.raises(Stop):
                label(small_model, mine, tmp_path / "out.jsonl")
        return mine

    return make


def touch(path: Path) -> None:
    os.utime(path, (1, 1))


def change(path: Path) -> None:
    found = path.stat()
    path.write_bytes(path.read_bytes().replace(b"Geneva", b"Zurich"))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))  # same size, same time


def append(path: Path) -> None:
    with open(path, "ab") as stream:
        stream.write(lines({"id": "new", "text": SHELLS}))


# (what, what happens to the first file in between)
BETWEEN = [
    ("nothing", lambda path: None), ("touched", touch), ("changed, size and time as before", change), ("a row more", append),
    ("removed", lambda path: path.unlink()), ("a file more", lambda path: (path.parent / "0.txt").write_text(TALKS)),
]  # fmt: skip


@pytest.mark.parametrize(("what", "happens"), BETWEEN, ids=[case[0] for case in BETWEEN])
def test_inputs_that_change_in_between(
    what: str, happens: Callable[[Path], None], stopped: Callable[[], Path], small_model: Model, tmp_path: Path
) -> None:
    mine = stopped()
    happens(mine / "year=2016/month=1/a.jsonl")
    label(small_model, mine, tmp_path / "out.jsonl", resume=True)
    label(small_model, mine, tmp_path / "wanted.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "wanted.jsonl").read_bytes()


def spoil(path: Path) -> None:
    """Change a file's bytes, not its size."""
    path.write_bytes(path.read_bytes()[::-1])


@pytest.mark.parametrize("happens", [spoil, Path.unlink, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("out", ["out.jsonl", "parts/"])
def test_output_that_changed_in_between_is_written_anew(
    out: str, happens: Callable[[Path], None], archive: Path, small_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parastance.predict.batch.Processes", inline)
    label(small_model, archive, f"{tmp_path}/{out}")
    wanted = written(tmp_path)
    happens(next(path for path in sorted((tmp_path / out).rglob("c.jsonl"))) if out == "parts/" else tmp_path / out)
    label(small_model, archive, f"{tmp_path}/{out}", resume=True)
    assert written(tmp_path) == wanted


def test_rejects_that_were_removed_are_written_anew(archive: Path, small_model: Model, tmp_path: Path) -> None:
    label(small_model, archive, tmp_path / "out.jsonl")
    wanted = written(tmp_path)
    (tmp_path / "out.jsonl.rejects.jsonl").unlink()
    label(small_model, archive, tmp_path / "out.jsonl", resume=True)
    assert written(tmp_path) == wanted


@pytest.mark.parametrize("data", [b"", b"{", b"[]1", b"\x00" * 40, b"7"])
def test_a_damaged_ledger_is_named(data: bytes, stopped: Callable[[], Path], small_model: Model, tmp_path: Path) -> None:
    mine = stopped()
    (tmp_path / ".out.jsonl.run" / "options.json").write_bytes(data)
    with pytest.raises(UsageError, match=r"options.json: is damaged; delete .*\.out\.jsonl\.run to start afresh"):
        label(small_model, mine, tmp_path / "out.jsonl", resume=True)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\x00" * 40])
def test_damaged_records_are_made_anew(data: bytes, stopped: Callable[[], Path], small_model: Model, tmp_path: Path) -> None:
    mine = stopped()
    records = sorted(path for path in (tmp_path / ".out.jsonl.run").glob("*.json") if path.name != "options.json")
    for path in records[:5]:
        path.write_bytes(data)
    label(small_model, mine, tmp_path / "out.jsonl", resume=True)
    label(small_model, mine, tmp_path / "wanted.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "wanted.jsonl").read_bytes()


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def spoil_the_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(("happens", "again"), [(spoil_the_middle, 8), (cut_off, 8), (Path.unlink, 20), (lambda path: None, 0)])
def test_bodies_that_changed_are_made_anew(
    happens: Callable[[Path], None], again: int, stopped: Callable[[], Path], small_model: Model, tmp_path: Path, monkeypatch: Any
) -> None:
    """Of 20 parts done, those that lie before what changed are kept."""
    mine = stopped()
    (bodies,) = (tmp_path / ".out.jsonl.run").glob("*.bodies")
    happens(bodies)
    done: list[Part] = []
    monkeypatch.setattr(
        "parastance.predict.worker.label_part", lambda model, part, *rest: done.append(part) or label_part(model, part, *rest)
    )
    label(small_model, mine, tmp_path / "out.jsonl", resume=True)
    resumed = len(done)
    label(small_model, mine, tmp_path / "wanted.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "wanted.jsonl").read_bytes()
    left = len(done) - resumed - 20
    assert left + again <= resumed <= left + (again and 20)


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_a_resumed_run_goes_on_in_the_same_file(
    jobs: int, stopped: Callable[[], Path], small_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the number of jobs, before and now: nothing is copied in the end."""
    mine = stopped()
    monkeypatch.setattr("parastance.predict.batch.Processes", Processes)
    copied: list[int] = []
    monkeypatch.setattr(
        "parastance.predict.batch.assemble", lambda form, infos, *rest: copied.append(len(infos)) or assemble(form, infos, *rest)
    )
    label(small_model, mine, tmp_path / "out.jsonl", resume=True, jobs=jobs)
    assert not any(copied)
    label(small_model, mine, tmp_path / "wanted.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "wanted.jsonl").read_bytes()
    manifests = [(tmp_path / f"{name}.jsonl.manifest.json").read_bytes() for name in ("out", "wanted")]
    assert manifests[0] == manifests[1]


@pytest.mark.parametrize("links", [True, False])
def test_bodies_in_order_are_not_copied(
    links: bool, archive: Path, small_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the file system has links; where it has none they are."""
    monkeypatch.setattr("parastance.predict.batch.Processes", inline)
    label(small_model, archive, tmp_path / "wanted.jsonl")
    copied: list[int] = []
    monkeypatch.setattr(
        "parastance.predict.batch.assemble", lambda form, infos, *rest: copied.append(len(infos)) or assemble(form, infos, *rest)
    )
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError()))
    label(small_model, archive, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "wanted.jsonl").read_bytes()
    names = [f"{name}.jsonl.manifest.json" for name in ("out", "wanted")]
    mine, other = ((tmp_path / name).read_bytes() for name in names)
    assert mine == other
    assert [count for count in copied if count] == ([] if links else [len(json.loads(mine)["parts"])])
    assert json.loads(mine)["output"]["sha256"] == hashlib.sha256((tmp_path / "out.jsonl").read_bytes()).hexdigest()
    assert not (tmp_path / ".out.jsonl.run").exists()


def test_own_outputs_in_a_folder_of_inputs_are_left_out(run: Any, small_folder: Path, tmp_path: Path) -> None:
    """The same command may be given again, whatever its first run left; a file that no run wrote is never overwritten."""
    (tmp_path / "a.jsonl").write_bytes(lines({"text": TALKS}, {"text": ""}))
    for more in ((), ("--resume",), ()):
        assert run("predict", ".", "-o", "out.jsonl", "--model", small_folder, *more).returncode == 1
        assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 1
    done = run("predict", ".", "-o", "a.jsonl", "--model", small_folder)
    assert done.returncode == 2 and "would overwrite" in done.stderr
    done = run("predict", "out.jsonl", "-o", "out.jsonl", "--model", small_folder)
    assert done.returncode == 2 and "would overwrite" in done.stderr


def test_an_unfinished_run_with_other_options_is_refused(stopped: Callable[[], Path], small_model: Model, tmp_path: Path) -> None:
    mine = stopped()
    with pytest.raises(UsageError, match="part_size"):
        label(small_model, mine, tmp_path / "out.jsonl", resume=True, part_size=999)


def test_a_second_run_on_the_same_output_is_refused(archive: Path, small_model: Model, tmp_path: Path) -> None:
    for out in ("out.jsonl", "parts/"):
        output = destination(f"{tmp_path}/{out}", ())
        with Ledger(output, {}, False), pytest.raises(OutputError, match="another run is writing it"):
            label(small_model, archive, f"{tmp_path}/{out}", resume=True)


def test_input_that_changes_while_it_is_read(archive: Path, small_model: Model, tmp_path: Path, monkeypatch: Any) -> None:
    """Labelled as it is in the end; a file that never rests is rejected, the rest goes on."""
    monkeypatch.setattr("parastance.predict.batch.Processes", inline)
    mine = fill(tmp_path / "mine")
    restless = mine / "year=2016/month=1/a.jsonl"
    times = [1]

    def reading(model: Model, part: Part, job: Job, note: Any, *rest: Any) -> Done:
        if part.pieces[0].source.path == str(restless) and times[0]:
            times[0] -= 1
            append(restless)
        return label_part(model, part, job, note)

    monkeypatch.setattr("parastance.predict.worker.label_part", reading)
    label(small_model, mine, tmp_path / "out.jsonl")
    label(small_model, mine, tmp_path / "wanted.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "wanted.jsonl").read_bytes()
    times[0] = 1000
    tally = label(small_model, mine, tmp_path / "restless.jsonl")
    reasons = [json.loads(line)["reason"] for line in (tmp_path / "restless.jsonl.rejects.jsonl").read_text().splitlines()]
    assert any("it keeps changing while it is read" in reason for reason in reasons)
    assert tally.paragraphs > 80


def test_an_input_that_is_removed_while_it_is_read(small_model: Model, tmp_path: Path) -> None:
    """The part is given up and planned anew: then the input is a reject."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"{TALKS} {at}" for at in range(3000)]}), path, row_group_size=1000)
    parts = list(plan(find_sources([str(path)]), "text", size=9000))
    assert len(parts) > 1
    job = Job("out.jsonl", str(tmp_path), ".jsonl")
    with pytest.raises(InputChanged):
        label_part(small_model, parts[0], job, lambda size, paragraphs, rejects: path.unlink(missing_ok=True))
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------ workers that end

class FakeExecutor:
    """Ends with the worker where a part holds a deadly piece; counts what it was asked to do."""

    def __init__(self, deadly: set[str], once: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        self.deadly, self.once = set(deadly), set(once)
        self.waiting: list[Part] = []
        self.tried: list[Part] = []

    def has_room(self) -> bool:
        return len(self.waiting) < 3

    def pending(self) -> int:
        return len(self.waiting)

    def submit(self, part: Part) -> None:
        self.waiting.append(part)

    def wait(self, seconds: float) -> tuple[Part, Any]:
        part = self.waiting.pop()
        self.tried.append(part)
        given_up = {at for at, _ in part.crashed}
        for at, piece in enumerate(part.pieces):
            if at not in given_up and piece.source.name in self.deadly | self.once:
                self.once.discard(piece.source.name)
                return part, Crash("SIGSEGV")
        return part, Done("", {})

    def close(self) -> None: ...


def part_of(*names: str) -> Part:
    return Part(names[0], tuple(Piece(Source(name, name, ".txt"), 1, "") for name in names))


# (what, deadly pieces, pieces that end the worker once, pieces given up in the end)
ENDS = [
    ("nobody", set(), set(), []), ("once is no harm", set(), {"b"}, []), ("one alone", {"d"}, set(), ["d"]),
    ("one among others", {"b"}, set(), ["b"]), ("two of one part, one once", {"a", "c"}, {"e"}, ["a", "c"]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "deadly", "once", "lost"), ENDS, ids=[case[0] for case in ENDS])
def test_the_input_that_ends_the_worker_is_found(what: str, deadly: set[str], once: set[str], lost: list[str]) -> None:
    executor = FakeExecutor(deadly, once)
    parts = [part_of("a", "b", "c"), part_of("d"), part_of("e", "f")]
    found = {part.name: part for part, outcome in supervised(executor, iter(parts)) if isinstance(outcome, Done)}  # type: ignore[arg-type]
    assert sorted(found) == ["a", "d", "e"]
    assert sorted(part.pieces[at].source.name for part in found.values() for at, _ in part.crashed) == lost
    assert all("ended on it twice (SIGSEGV)" in reason for part in found.values() for _, reason in part.crashed)
    assert len(executor.tried) < 20


class Deadly(Model):
    """A model that ends its process, or raises, on certain paragraphs."""

    def decide(self, units: Any) -> Any:
        if any("DEADLY" in unit.text for unit in units):
            os._exit(9)
        if any("FAULTY" in unit.text for unit in units):
            raise RuntimeError("cannot do it")
        return super().decide(units)


def test_a_worker_that_crashes_costs_its_input_only(small_model: Model, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(6):
        (tmp_path / "in" / f"{number}.txt").write_text(f"{TALKS} {'DEADLY' if number == 2 else ''}\n\n{SHELLS}")
    (tmp_path / "in" / "rows.jsonl").write_bytes(lines({"text": TALKS}, {"id": "x", "text": "FAULTY"}, {"text": SHELLS}))
    model = Deadly(**{field.name: getattr(small_model, field.name) for field in fields(Model) if field.init})
    tally = label(model, tmp_path / "in", tmp_path / "out.jsonl", part_size=1000, jobs=2)
    assert (tally.paragraphs, tally.rejected) == (12, 2)
    rejects = [json.loads(line) for line in (tmp_path / "out.jsonl.rejects.jsonl").read_text().splitlines()]
    assert [(row["file"], row["row"]) for row in rejects] == [("2.txt", None), ("rows.jsonl", 2)]
    assert "the worker ended on it twice (exit status 9)" in rejects[0]["reason"]
    assert rejects[1]["reason"] == "labelling it failed twice: RuntimeError: cannot do it"
    assert rejects[1]["raw"] == {"id": "x", "text": "FAULTY"}


def test_a_worker_killed_from_outside_costs_nothing(small_model: Model, small_folder: Path, archive: Path, tmp_path: Path) -> None:
    job = Job("out", str(tmp_path), ".jsonl")
    from parastance.predict.model import load

    executor = Processes(load(small_folder), job, lambda *_: None, 1)
    sources = find_sources([str(archive / "year=2016/month=1/a.jsonl")])
    done = []
    try:
        for part, outcome in supervised(executor, plan(sources, "text", 300)):
            assert isinstance(outcome, Done) and not part.crashed
            if len(done) == 1:
                executor.workers[0].process.kill()
            done.append(outcome.paragraphs)
    finally:
        executor.close()
    assert sum(done) == 12


# ------------------------------------------------------------------------------------------------ rejects, run again

def test_mended_rejects_are_run_again_by_themselves(small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text('id,text,n\n1,"Talks, failed.",1\n2,Talks, failed.,2\n,"",3\n')
    Path("b.jsonl").write_bytes(lines({"text": TALKS}) + b'{"text": "Talks failed."\n' + lines({"id": "z", "text": 5, "n": 1}))
    Path("c.txt").write_bytes(b"\xff\xd8\xff\xe0")
    options = ["--model", str(small_folder), "--quiet"]
    assert main(["predict", "a.csv", "b.jsonl", "c.txt", "-o", "out.jsonl", *options]) == 1
    rejects = [json.loads(line) for line in Path("out.jsonl.rejects.jsonl").read_text().splitlines()]
    assert [row["raw"] for row in rejects] == [
        "2,Talks, failed.,2", {"id": "", "text": "", "n": "3"}, '{"text": "Talks failed."', {"id": "z", "text": 5, "n": 1}, None
    ]  # fmt: skip
    rejects[0]["raw"] = '2,"Talks, failed.",2'
    rejects[1]["raw"]["text"] = SHELLS
    rejects[2]["raw"] += "}"
    rejects[3]["raw"]["text"] = TALKS
    Path("mended.rejects.jsonl").write_bytes(lines(*rejects))
    assert main(["predict", "mended.rejects.jsonl", "-o", "again.jsonl", *options]) == 1
    again = [json.loads(line) for line in Path("again.jsonl").read_text().splitlines()]
    assert [(row["id"], row["text"], row.get("n")) for row in again] == [
        ("2", "Talks, failed.", "2"), ("a.csv#3", SHELLS, "3"), ("b.jsonl#2", "Talks failed.", None), ("z", TALKS, 1),
    ]  # fmt: skip
    left = [json.loads(line) for line in Path("again.jsonl.rejects.jsonl").read_text().splitlines()]
    assert [(row["file"], row["row"]) for row in left] == [("c.txt", None)]


# ------------------------------------------------------------------------------------------------ what is written

def test_a_folder_of_parts_keeps_the_names_and_the_types(archive: Path, small_model: Model, tmp_path: Path) -> None:
    label(small_model, archive, f"{tmp_path}/out.parquet/", part_size=1 << 20, jobs=2)
    names = sorted(str(path.relative_to(tmp_path / "out.parquet")) for path in (tmp_path / "out.parquet").rglob("*.parquet"))
    assert [name for name in names if "month=1" in name] == [
        f"year=2016/month=1/{name}.parquet" for name in ("a", "b", "c", "f", "part-00000")
    ]
    table = ds.dataset(tmp_path / "out.parquet/year=2016/month=1/f.parquet", partitioning="hive").to_table()
    assert table.schema.field("n").type == pa.int8()
    manifest = json.loads((tmp_path / "out.parquet" / "_manifest.json").read_text())
    assert manifest["counts"]["paragraphs"] == 102 and manifest["counts"]["rejected"] == 3
    assert sum(row["paragraphs"] for row in manifest["inputs"]) == 102
    assert manifest["model"] == "small" and len(manifest["inputs"]) == 13
    assert (tmp_path / "out.parquet.rejects.jsonl").read_text().count("\n") == 3
    assert not (tmp_path / "out.parquet" / "_run").exists()


def test_arrow_types_of_other_columns_pass_through(small_model: Model, tmp_path: Path) -> None:
    columns = {
        "small": pa.array([1, None], pa.int16()), "big": pa.array([1, 2**63], pa.uint64()),
        "day": pa.array([date(2016, 3, 1), None]),
        "at": pa.array([1, 10**18 + 1], pa.timestamp("ns", "UTC")), "money": pa.array([Decimal("1.20"), None]),
        "name": pa.array(["a", "b"]).dictionary_encode(), "long": pa.array(["a", "b"], pa.large_string()),
        "none": pa.nulls(2), "bytes": pa.array([b"\xff", b""]), "list": pa.array([[1], None], pa.list_(pa.int8())),
        "record": pa.array([{"x": 1.5}, None], pa.struct([("x", pa.float32())])),
        "map": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int8())),
    }  # fmt: skip
    table = pa.table({"text": [TALKS, SHELLS], **columns})
    pq.write_table(table, tmp_path / "in.parquet")
    for out in ("out.parquet", "parts.parquet/"):
        label(small_model, tmp_path / "in.parquet", f"{tmp_path}/{out}", part_size=1 << 20)
    for path in (tmp_path / "out.parquet", tmp_path / "parts.parquet" / "in.parquet"):
        found = pq.read_table(path)
        wanted = pq.read_table(tmp_path / "in.parquet")
        for name in columns:
            if name != "none":
                assert found.schema.field(name).type == wanted.schema.field(name).type, name
            assert found.column(name).equals(wanted.column(name).cast(found.column(name).type)), name
    label(small_model, tmp_path / "in.parquet", tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert rows[0]["small"] == 1 and rows[0]["day"] == "2016-03-01" and rows[1]["at"].startswith("2001-09-09")


@pytest.mark.parametrize("form", [".csv", ".tsv", ".parquet"])
def test_columns_that_differ_between_rows_and_parts(form: str, small_model: Model, tmp_path: Path) -> None:
    """A table has all columns; a column of clashing types becomes text; nothing is dropped."""
    rows = [
        {"text": TALKS, "a": 1}, {"text": SHELLS, "b": "x"}, {"text": TALKS, "a": "one", "c": {"k": 1}},
        {"text": SHELLS, "c": {"l": 2}},
    ]  # fmt: skip
    (tmp_path / "in.jsonl").write_bytes(lines(*rows))
    label(small_model, tmp_path / "in.jsonl", tmp_path / f"out{form}", part_size=60)
    label(small_model, tmp_path / f"out{form}", tmp_path / "back.jsonl")
    found = [json.loads(line) for line in (tmp_path / "back.jsonl").read_text().splitlines()]
    assert [str(row["a"] or "") for row in found] == ["1", "", "one", ""]
    assert [row["b"] or "" for row in found] == ["", "x", "", ""]
    assert [json.loads(row["c"]) if isinstance(row["c"], str) and row["c"] else row["c"] or None for row in found][3] in (
        {"l": 2}, {"k": None, "l": 2}
    )  # fmt: skip


def test_a_folder_that_is_not_ours_is_left_alone(archive: Path, small_model: Model, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letters.txt").write_text("x")
    with pytest.raises(UsageError, match=r"holds letters.txt, which no run wrote"):
        label(small_model, archive, f"{tmp_path}/mine/")
    assert written(tmp_path) == {"mine/letters.txt": b"x"}


def test_a_folder_written_anew_holds_no_part_of_before(archive: Path, small_model: Model, tmp_path: Path) -> None:
    label(small_model, archive, f"{tmp_path}/out/", part_size=1 << 20, jobs=2)
    label(small_model, archive / "year=2016/month=1/a.jsonl", f"{tmp_path}/out/", part_size=1 << 20)
    assert sorted(written(tmp_path / "out")) == ["_manifest.json", "a.jsonl"]


# ------------------------------------------------------------------------------------------------ URLs

@pytest.fixture
def memory() -> Iterator[Any]:
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    yield system
    system.rm("/", recursive=True)


@pytest.mark.parametrize("out", OUTPUTS)
def test_urls(out: str, memory: Any, archive: Path, small_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parastance.predict.batch.Processes", inline)
    memory.put(str(archive), "/archive", recursive=True)
    label(small_model, "memory://archive", f"memory://results/{out}")
    label(small_model, archive, f"{tmp_path}/{out}")
    wanted = {name: data for name, data in written(tmp_path).items() if "manifest" not in name}
    found = {path.removeprefix("/results/"): memory.cat(path) for path in memory.find("/results")}
    assert {name: data for name, data in found.items() if "manifest" not in name} == wanted
    assert any("manifest" in name for name in found)


def test_a_url_without_its_package() -> None:
    with pytest.raises(UsageError, match="nowhere"):
        find_sources(["nowhere://bucket/a.jsonl"])


# ------------------------------------------------------------------------------------------------ messages

def test_messages_for_machines(archive: Path, small_folder: Path, run: Any, tmp_path: Path) -> None:
    done = run("predict", archive, "-o", tmp_path / "out.jsonl", "--model", small_folder, "--log-json")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["event"] for event in events if event["event"] != "progress"] == ["start", "reject", "reject", "reject", "end"]
    end = events[-1]
    assert (end["paragraphs"], end["rejected"], end["inputs"]) == (102, 3, 13)
    assert end["shares"]["neutral"] == round(end["labels"]["neutral"] / 102, 4)
    wrong = run("predict", "none.txt", "--log-json")
    assert json.loads(wrong.stderr)["event"] == "error"


def test_plain_lines_where_no_terminal_is(small_model: Model, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    clock = [0.0]
    monkeypatch.setattr("parastance.predict.progress.time.monotonic", lambda: clock[0])
    report = Reporter(stream=io.StringIO())
    report.start(4_000_000, 3)
    for _ in range(4):
        clock[0] += 6
        report.note(500_000, 1500, 1)
        report.tick()
    assert report.stream.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "parastance: 25% of 4.0 MB, 3,000 paragraphs, 250/s, 36 s left, 2 rejects",
        "parastance: 50% of 4.0 MB, 6,000 paragraphs, 250/s, 24 s left, 4 rejects",
    ]


def test_sizes_and_times_as_people_read_them() -> None:
    assert [size_text(size) for size in (5, 1500, 2_100_000_000)] == ["5 bytes", "1.5 kB", "2.1 GB"]
    assert [time_text(seconds) for seconds in (5, 300, 7200)] == ["5 s", "5 min", "2.0 h"]


