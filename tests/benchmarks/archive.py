"""Memory and speed of batch runs over a large archive.

    python tests/benchmarks/archive.py memory --size 2000 --jobs 2
    python tests/benchmarks/archive.py speed --size 100 --rounds 3

`memory` labels an archive of so many MB (one file of half of it, Parquet, CSV, packed text, small documents) and prints the peak
resident memory of every process. `speed` runs one job, two jobs and a Dask cluster of two workers in turn, on the same archive.
Needs psutil; Dask for its part.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent))
from archive_maker import ARTICLES, write_rows
from kills import cluster

MB = 1_000_000


def sentences() -> list[str]:
    """Return the sentences of the example articles."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(ARTICLES.glob("*.txt"))]
    return [part.strip() + "." for text in texts for part in " ".join(text.split()).split(". ") if len(part) > 40]


def make(root: Path, size: int, wide: int) -> None:
    """Write an archive of about `size` bytes: half in one JSON Lines file, the rest in files of 1/40 and documents.

    wide: characters of a column beside the text."""
    rng, known = random.Random(0), sentences()

    def rows(count: int) -> list[dict[str, object]]:
        return [
            {"id": f"{at:x}", "text": " ".join(rng.choices(known, k=rng.randint(2, 5))), "n": at, "page": page[:wide]}
            for at in range(count)
        ]

    root.mkdir(parents=True)
    page = " ".join(rng.choices(known, k=max(wide // 40, 1))).replace('"', "'")
    block = rows(2000)
    lines = "".join(json.dumps(row) + "\n" for row in block).encode()
    with open(root / "a_large.jsonl", "wb") as stream:
        while stream.tell() < size // 2:
            stream.write(lines)
    each = [row for _ in range(max(size // 40 // len(lines), 1)) for row in block]
    for number in range(18):
        ending = (".jsonl", ".csv", ".parquet", ".jsonl.gz", ".tsv", ".txt")[number % 6]
        folder = root / f"year={2010 + number % 3}"
        folder.mkdir(exist_ok=True)
        if ending == ".txt":
            for at in range(0, len(each), 40):
                write_rows(folder / f"d{number}-{at:06d}.txt", each[at : at + 40])
        else:
            write_rows(folder / f"f{number}{ending}", each)


def watch(arguments: list[str]) -> tuple[float, dict[str, int], int]:
    """Run; return (seconds, peak resident bytes by process, exit status)."""
    began = time.monotonic()
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE)
    peaks: dict[str, int] = {}
    names: dict[int, str] = {}
    while process.poll() is None:
        for one in family(process.pid):
            try:
                names.setdefault(one.pid, "parent" if one.pid == process.pid else f"worker {len(names)}")
                peaks[names[one.pid]] = max(peaks.get(names[one.pid], 0), one.memory_info().rss)
            except psutil.Error:
                continue
        time.sleep(0.05)
    return time.monotonic() - began, peaks, process.returncode


def family(pid: int) -> list[psutil.Process]:
    try:
        return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("memory", "speed"))
    parser.add_argument("--size", type=float, default=2000, help="MB")
    parser.add_argument("--wide", type=int, default=1, help="characters of a column beside the text")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-dask", action="store_true")
    parser.add_argument("--out", default="out.jsonl")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root / "archive", int(given.size * MB), given.wide)
        size = sum(path.stat().st_size for path in (root / "archive").rglob("*") if path.is_file())
        print(f"{size / MB:,.0f} MB in {sum(path.is_file() for path in (root / 'archive').rglob('*')):,} files", flush=True)
        return memory(root, given) if given.what == "memory" else speed(root, given, size)


def predict(root: Path, out: str, *options: str) -> list[str]:
    base = [sys.executable, "-m", "parastance.train", "predict", str(root / "archive"), "-o", str(root / out), "--quiet"]
    return [*base, *options]


def memory(root: Path, given: argparse.Namespace) -> int:
    seconds, peaks, status = watch(predict(root, given.out, "--jobs", str(given.jobs)))
    shown = ", ".join(f"{name} {peak / MB:.0f} MB" for name, peak in peaks.items())
    print(f"{given.out}, jobs {given.jobs}: exit status {status}, {seconds:.0f} s; peak resident memory: {shown}")
    return int(max(peaks.values()) > 400 * MB)


def speed(root: Path, given: argparse.Namespace, size: int) -> int:
    ways: dict[str, list[str]] = {"jobs 1": ["--jobs", "1"], "jobs 2": ["--jobs", "2"]}
    address, running = "", []
    if not given.no_dask:
        address, scheduler, workers = cluster(root)
        running = [scheduler, *workers]
        ways["dask"] = ["--dask", address]
    spent: dict[str, list[float]] = {name: [] for name in ways}
    try:
        for _ in range(given.rounds):
            for number, (name, options) in enumerate(ways.items()):
                began = time.monotonic()
                done = subprocess.run(predict(root, f"{number}.jsonl", *options), check=False, capture_output=True, text=True)
                spent[name].append(time.monotonic() - began)
                assert done.returncode == 0, done.stderr
                print(f"{name}: {spent[name][-1]:.1f} s", flush=True)
            first = (root / "0.jsonl").read_bytes()
            assert all((root / f"{number}.jsonl").read_bytes() == first for number in range(len(ways)))
    finally:
        for process in running:
            process.kill()
    for name, seconds in spent.items():
        middle = statistics.median(seconds)
        print(f"{name}: median {middle:.1f} s of {len(seconds)}, {size / middle / MB:.1f} MB/s")
    pairs = list(zip(spent["jobs 1"], spent["jobs 2"], strict=True))
    print(f"two jobs against one: {statistics.median(one / two for one, two in pairs):.2f}x (all outputs equal)")
    if "dask" in spent:
        both = list(zip(spent["dask"], spent["jobs 2"], strict=True))
        print(f"dask against two jobs: {100 * statistics.median(dask / two - 1 for dask, two in both):+.0f}% time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
