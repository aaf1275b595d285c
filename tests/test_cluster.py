"""A run on a Dask cluster: a real scheduler and two worker processes, both killed half-way, one after the other."""

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed")
sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

from archive_maker import make_archive
from kills import cluster, snapshot, worker

from parastance.predict.batch import Options, run
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
        patch.setattr("parastance.predict.batch.Processes", lambda model, job, note, count: Inline(model, job, note))
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


def test_no_scheduler_there(small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parastance.predict.cluster.CONNECT", 1)
    (tmp_path / "a.txt").write_text("Talks failed.")
    sources = find_sources([str(tmp_path / "a.txt")])
    with pytest.raises(UsageError, match="no scheduler answers"):
        run(load(small_folder), sources, destination(str(tmp_path / "o.jsonl"), sources), Options(dask="tcp://127.0.0.1:9"),
            Reporter(quiet=True))  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
