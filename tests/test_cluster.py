"""A run on a Dask cluster: a real scheduler and two worker processes, both killed half-way, one after the other."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed")
sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

from archive_maker import make_archive
from kills import cluster, snapshot, worker

from parastance.predict.batch import Options, run
from parastance.predict.cluster import GONE
from parastance.predict.destination import destination
from parastance.predict.errors import UsageError
from parastance.predict.executors import Inline
from parastance.predict.inputs import find_sources
from parastance.predict.ledger import Ledger
from parastance.predict.model import load
from parastance.predict.progress import Reporter


def test_workers_killed_half_way(small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_archive(tmp_path / "archive", 60, 6)
    model, sources = load(small_folder), find_sources([str(tmp_path / "archive")])
    options = {"part_size": 1000}
    with monkeypatch.context() as patch:
        patch.setattr("parastance.predict.batch.Processes", lambda model, job, note, count, spool: Inline(model, job, note, spool))
        run(model, sources, destination(str(tmp_path / "wanted.jsonl"), sources), Options(**options), Reporter(quiet=True))
    address, scheduler, workers = cluster(tmp_path)
    add, done = Ledger.add, []

    def adding(self: Ledger, *given: Any) -> None:
        add(self, *given)
        done.append(given)
        if len(done) == 5:
            workers.append(worker(address))
            workers[0].kill()
        if len(done) == 15:
            workers[1].kill()  # neither of those that got the model is left

    try:
        monkeypatch.setattr(Ledger, "add", adding)
        output = destination(str(tmp_path / "found.jsonl"), sources)
        tally = run(model, sources, output, Options(dask=address, **options), Reporter(quiet=True))
    finally:
        for process in [*workers, scheduler]:
            process.kill()
            process.wait()
    assert len(done) > 20
    found = {name.removeprefix("found"): data for name, data in snapshot(tmp_path, "found").items()}
    assert found == {name.removeprefix("wanted"): data for name, data in snapshot(tmp_path, "wanted").items()}
    assert tally.rejected > 0


def test_a_scheduler_killed_half_way(small_folder: Path, tmp_path: Path) -> None:
    """One line says so, what is done is kept, and the run goes on without a cluster."""
    make_archive(tmp_path / "archive", 30, 6)
    address, scheduler, workers = cluster(tmp_path)
    code = f"""
import os, signal, sys
from parastance.predict import ledger
from parastance.train.cli import main
add = ledger.Ledger.add
def adding(self, part, done):
    add(self, part, done)
    if len(self.records) == 3:
        os.kill({scheduler.pid}, signal.SIGKILL)
ledger.Ledger.add = adding
if __name__ == "__main__":
    sys.exit(main())
"""
    (tmp_path / "killing.py").write_text(code)
    options = ["predict", "archive", "-o", "out.jsonl", "--part-size", "0.001", "--model", str(small_folder), "--quiet"]
    try:
        command = [sys.executable, "killing.py", *options, "--dask", address]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    finally:
        for process in [*workers, scheduler]:
            process.kill()
            process.wait()
    assert done.returncode == 2, done.stderr
    assert [line for line in done.stderr.splitlines() if "`text`" not in line][-1] == f"parastance: {GONE}"
    assert "Traceback" not in done.stderr and "distributed" not in done.stderr
    for out, more in (("out.jsonl", ["--resume"]), ("wanted.jsonl", [])):
        options[3] = out
        subprocess.run([sys.executable, "-m", "parastance.train", *options, *more], cwd=tmp_path, capture_output=True, check=False)
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "wanted.jsonl").read_bytes() != b""


def test_no_scheduler_there(small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parastance.predict.cluster.CONNECT", 1)
    (tmp_path / "a.txt").write_text("Talks failed.")
    sources = find_sources([str(tmp_path / "a.txt")])
    with pytest.raises(UsageError, match="no scheduler answers"):
        run(load(small_folder), sources, destination(str(tmp_path / "o.jsonl"), sources), Options(dask="tcp://127.0.0.1:9"),
            Reporter(quiet=True))  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
