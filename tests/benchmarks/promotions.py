"""Kills promotions at random moments and runs two at once, and counts what is in use afterwards.

    python tests/benchmarks/promotions.py A B [--kills 100] [--pairs 20]

A and B are model folders of which each may replace the other (`--force` is used; the gate runs all the same). Half of the
kills fall anywhere in a promotion, half in its last steps: copy, keep, switch, log. After each, a model must be in use, the old or
the new one, its bytes must match its manifest, and no line of the history may be missing.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

from parastance.predict.artifact import read_artifact
from parastance.predict.store import model_in_use
from parastance.train import promote as promotions
from parastance.train.pairs import Side
from parastance.train.store import history, rollback

FORK = multiprocessing.get_context("fork")


def passing(candidate: Side, in_use: Side, *rest: Any) -> promotions.Verdict:
    """Return a verdict without judging, so that only the last steps take time."""
    return promotions.Verdict(candidate.name, in_use.name, promoted=False)


def run(folder: Path, store: Path, judged: bool) -> None:
    """Promote a folder, with the gate or without."""
    with mock.patch.object(promotions, "judge", promotions.judge if judged else passing):
        promotions.promote(folder, store, force=True)


def in_use(store: Path) -> str:
    """Return the name of the model in use, having read all its bytes."""
    folder = model_in_use(store)
    read_artifact(folder)
    return folder.name


def begun(folder: Path, store: Path, judged: bool) -> Any:
    """Start a promotion in a process of its own; return the process once it has begun."""
    started = FORK.Event()

    def work() -> None:
        started.set()
        run(folder, store, judged)

    process = FORK.Process(target=work)
    process.start()
    started.wait()
    return process


def kills(folders: dict[str, Path], store: Path, count: int, judged: bool, chance: random.Random) -> Counter[str]:
    """Kill `count` promotions at random moments; return what was found after each, and after those that ended before."""
    whole = 0.0
    for folder in folders.values():
        process = begun(folder, store, judged)
        start = time.perf_counter()
        process.join()
        whole = max(whole, time.perf_counter() - start)
    outcomes: Counter[str] = Counter()
    while sum(times for what, times in outcomes.items() if what.startswith("killed")) < count:
        old = in_use(store)
        new = next(name for name in folders if name != old)
        lines = history(store)
        process = begun(folders[new], store, judged)
        time.sleep(chance.uniform(0, whole))
        ended = not process.is_alive()
        if not ended:
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        now = in_use(store)
        whole_log = history(store)
        kept = whole_log[: len(lines)] == lines and [entry["n"] for entry in whole_log] == list(range(len(whole_log)))
        state = {old: "old in use", new: "new in use"}.get(now, f"NEITHER: {now}")
        outcomes[f"{'ended before the kill' if ended else 'killed'}, {state}{'' if kept else ', HISTORY LOST'}"] += 1
    return outcomes


def at_once(folders: dict[str, Path], store: Path, count: int) -> Counter[str]:
    """Run two promotions at once, `count` times; return what was found after each."""
    outcomes: Counter[str] = Counter()
    for _ in range(count):
        lines = len(history(store))
        processes = [FORK.Process(target=run, args=(folder, store, False)) for folder in folders.values()]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        entries = history(store)
        good = [process.exitcode for process in processes] == [0, 0]
        good = good and [entry["n"] for entry in entries] == list(range(len(entries)))
        good = good and entries[-1]["model"].split("@")[0] == in_use(store)
        outcomes[f"{len(entries) - lines} switches logged, {'consistent' if good else 'INCONSISTENT'}"] += 1
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs=2, metavar="MODEL")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=20)
    arguments = parser.parse_args()
    folders = {Path(name).resolve().name: Path(name) for name in arguments.models}
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        store = Path(place) / "store"
        result: dict[str, Any] = {
            "kills anywhere": kills(folders, store, arguments.kills // 2, True, chance),
            "kills in the last steps": kills(folders, store, arguments.kills - arguments.kills // 2, False, chance),
            "two at once": at_once(folders, store, arguments.pairs),
        }
        result["rolled back five times to"] = [rollback(store)["model"] for _ in range(5)]
        result["lines of history"] = len(history(store))
        result["in use at the end"] = in_use(store)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
