"""Runs killed at random moments and resumed: every output must be byte for byte that of an undisturbed run.

    python tests/benchmarks/kills.py --kills 200 --jobs 1
    python tests/benchmarks/kills.py --kills 200 --jobs 2
    python tests/benchmarks/kills.py --kills 200 --jobs 2 --single 20
    python tests/benchmarks/kills.py --kills 20 --dask

With --single the input is one file of JSON Lines of so many MB, as is the output, and half of the runs are killed again before they
are resumed to the end. With --dask it is a worker of a cluster of two that is killed half-way; another takes its place, the run
itself goes on.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from archive_maker import ARTICLES, make_archive

OUTPUTS = ("folder/", "one.jsonl", "one.parquet", "one.csv", "parts.parquet/")


def snapshot(place: Path, name: str) -> dict[str, bytes]:
    """Return the bytes of all that a run wrote, by path."""
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in sorted(place.rglob("*")) if path.is_file() and path.relative_to(place).parts[0].startswith(name.rstrip("/"))
    }  # fmt: skip


def command(archive: Path, output: str, options: list[str]) -> list[str]:
    return [sys.executable, "-m", "parastance.train", "predict", str(archive), "-o", output, "--quiet", *options]


def run(arguments: list[str]) -> float:
    """Run to the end; return the seconds. The archive holds bad rows: the exit status is 1."""
    began = time.monotonic()
    done = subprocess.run(arguments, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr[-2000:]
    return time.monotonic() - began


def make_single(archive: Path, size: int, rng: random.Random) -> None:
    """Write a folder with one file of JSON Lines, some rows of which are bad."""
    archive.mkdir()
    words = [text for path in sorted(ARTICLES.glob("*.txt")) for text in path.read_text(encoding="utf-8").split()]
    with open(archive / "rows.jsonl", "w", encoding="utf-8") as stream:
        while stream.tell() < size:
            text = " ".join(rng.choices(words, k=rng.randint(5, 60)))
            stream.write(json.dumps({"id": stream.tell(), "text": text}) + "\n" if rng.random() > 0.001 else '{"text": \n')


def parts_done(place: Path) -> int:
    return sum(1 for folder in [*place.glob(".*.run"), *place.glob("*/_run")] for _ in folder.glob("*.json")) - 1


def cluster(folder: Path) -> tuple[str, subprocess.Popen[bytes], list[subprocess.Popen[bytes]]]:
    """Start a scheduler and two workers of one thread; return (address, scheduler, workers)."""
    file = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
         "--scheduler-file", str(file)], **quiet,
    )  # fmt: skip
    while not file.exists() or not file.read_text().strip():
        if scheduler.poll() is not None:
            sys.exit("no Dask scheduler comes up: pip install 'parastance[dask]', or leave Dask out")
        time.sleep(0.05)
    address = json.loads(file.read_text())["address"]
    return address, scheduler, [worker(address), worker(address)]


def worker(address: str) -> subprocess.Popen[bytes]:
    """Start one worker process."""
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rows", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--single", type=float, default=0, metavar="MB")
    parser.add_argument("--dask", action="store_true")
    parser.add_argument("--model")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        return dask_kills(given, rng, Path(folder)) if given.dask else kills(given, rng, Path(folder))


def options_of(given: argparse.Namespace) -> list[str]:
    return ["--part-size", "0.3" if given.single else "0.002", *(["--model", given.model] if given.model else [])]


def kills(given: argparse.Namespace, rng: random.Random, root: Path) -> int:
    """Kill, resume, compare; print a line now and then and the sum."""
    archive = root / "archive"
    if given.single:
        make_single(archive, int(given.single * 1e6), rng)
    else:
        make_archive(archive, given.files, given.rows, given.seed)
    outputs = ("one.jsonl",) if given.single else OUTPUTS
    options = [*options_of(given), "--jobs", str(given.jobs)]
    wanted, seconds = {}, {}
    (root / "wanted").mkdir()
    for name in outputs:
        seconds[name] = run(command(archive, f"{root}/wanted/{name}", options))
        wanted[name] = snapshot(root / "wanted", name)
    what = f"a file of {given.single:g} MB" if given.single else f"{given.files} files"
    print(f"{what}, undisturbed: " + ", ".join(f"{name} {spent:.1f} s" for name, spent in seconds.items()), flush=True)
    equal = in_work = before = after = differing = 0
    done: list[int] = []
    for number in range(given.kills):
        name = outputs[number % len(outputs)]
        place = root / "killed"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        arguments = [*command(archive, f"{place}/{name}", options), "--resume"]
        process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
        if given.single and number % 2:  # a first time, then as all others
            time.sleep(rng.uniform(0.2, 0.6) * seconds[name])
            process.send_signal(signal.SIGKILL)
            process.wait()
            process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
        if rng.random() < 0.2:  # at any moment, also while it starts
            time.sleep(rng.uniform(0, seconds[name]))
        else:  # at work, or while the output is put together
            while parts_done(place) < 1 and process.poll() is None:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.8 * seconds[name]))
        process.send_signal(signal.SIGKILL)
        process.wait()
        parts = parts_done(place)
        after += process.returncode != -signal.SIGKILL
        before += process.returncode == -signal.SIGKILL and parts < 1
        in_work += parts > 0
        done.append(max(parts, 0))
        run(arguments)
        if wanted[name] and snapshot(place, name) == wanted[name]:
            equal += 1
        else:
            differing += 1
            print(f"kill {number}: {name} differs", flush=True)
        if (number + 1) % 20 == 0:
            print(f"{number + 1} kills: {equal} equal, {differing} differ", flush=True)
    print(
        f"jobs {given.jobs}: {given.kills} kills over {what}: {equal} outputs equal, {differing} differ; "
        f"{in_work} killed with some parts done (from {min(done)} to {max(done)}), {before} before the first, {after} after the end"
    )
    return int(differing > 0)


def dask_kills(given: argparse.Namespace, rng: random.Random, root: Path) -> int:
    """Kill one worker of two in each run, half-way at random; start another; compare."""
    archive = root / "archive"
    if given.single:
        make_single(archive, int(given.single * 1e6), rng)
    else:
        make_archive(archive, given.files, given.rows, given.seed)
    outputs = ("one.jsonl",) if given.single else OUTPUTS
    options = options_of(given)
    (root / "wanted").mkdir()
    wanted = {}
    for name in OUTPUTS:
        run(command(archive, f"{root}/wanted/{name}", [*options, "--jobs", "2"]))
        wanted[name] = snapshot(root / "wanted", name)
    address, scheduler, workers = cluster(root)
    equal = 0
    try:
        (root / "timed").mkdir()
        process = subprocess.Popen(command(archive, f"{root}/timed/{OUTPUTS[0]}", [*options, "--dask", address]))
        while parts_done(root / "timed") < 1:
            time.sleep(0.01)
        began = time.monotonic()
        process.wait()
        seconds = time.monotonic() - began
        print(f"{given.files} files on two workers, undisturbed: {seconds:.1f} s from the first part on", flush=True)
        number = early = 0
        while number < given.kills:
            name = outputs[number % len(outputs)]
            place = root / "killed"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            process = subprocess.Popen(command(archive, f"{place}/{name}", [*options, "--dask", address]), stderr=subprocess.PIPE)
            while parts_done(place) < 1 and process.poll() is None:
                time.sleep(0.02)
            time.sleep(rng.uniform(0, 0.6 * seconds))
            at = rng.randrange(2)
            parts = parts_done(place)
            if parts < 1 or process.poll() is not None:  # over before it could be disturbed: no kill
                process.communicate()
                early += 1
                continue
            workers[at].kill()
            workers[at].wait()
            number += 1
            workers[at] = worker(address)
            _, messages = process.communicate(timeout=600)
            assert process.returncode == 1 and b"Traceback" not in messages, messages.decode()[-2000:]
            same = snapshot(place, name) == wanted[name]
            equal += same
            verdict = "equal" if same else "DIFFERS"
            print(f"worker kill {number}: {name}, {parts} parts done: {verdict}", flush=True)
    finally:
        for process in [*workers, scheduler]:
            process.kill()
            process.wait()
    print(
        f"dask: {given.kills} kills of a worker half-way, over {given.files} files: {equal} outputs equal; "
        f"{early} more runs were over too soon"
    )
    return int(equal < given.kills)


if __name__ == "__main__":
    sys.exit(main())
