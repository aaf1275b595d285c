"""File to file: `parastance predict` beside a script around scikit-learn and fastText's command line, and its peak memory."""

import itertools
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

import speed_peers as peers

from parastance.train.data import LabelledRow

TURN = 20  # MB labelled in a turn of `growth`, and the most runs
SCRIPT = """
import json, pickle, sys
import numpy as np
from scipy.sparse import hstack
from scipy.special import expit
with open(sys.argv[1], "rb") as file:
    makers, weights, bias = pickle.load(file)
def chunks(stream):
    rows = []
    for line in stream:
        rows.append(json.loads(line))
        if len(rows) == 1000:
            yield rows
            rows = []
    if rows:
        yield rows
with open(sys.argv[2], encoding="utf-8") as source, open(sys.argv[3], "w", encoding="utf-8") as target:
    for rows in chunks(source):
        texts = [row["text"] for row in rows]
        parts = [maker.transform(texts) for maker in makers]
        p = expit((parts[0] if len(parts) == 1 else hstack(parts, format="csr")) @ weights + bias)
        for row, values in zip(rows, p.round(4).tolist()):
            row["probabilities"] = values
            row["labels"] = [at for at, value in enumerate(values) if value >= 0.5]
            target.write(json.dumps(row, ensure_ascii=False) + "\\n")
"""


def write_rows(path: Path, texts: Iterable[str]) -> None:
    """Write texts as JSONL rows with an id."""
    with open(path, "w", encoding="utf-8") as file:
        for at, text in enumerate(texts):
            file.write(json.dumps({"id": f"p{at}", "text": text}, ensure_ascii=False) + "\n")


def scikit_script(folder: Path, rows: Sequence[LabelledRow], truth: peers.Truth, characters: bool) -> list[str]:
    """Write the script and its model, of words alone or with characters beside them; return its command but for the files."""
    name = "characters" if characters else "words"
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    (folder / f"{name}.pickle").write_bytes(pickle.dumps(peers.scikit_model([row.text for row in rows], truth, characters)))
    return [sys.executable, str(folder / "script.py"), str(folder / f"{name}.pickle")]


def predict_command(source: Path, target: Path) -> list[str]:
    """Return our command from file to file."""
    return [sys.executable, "-m", "parastance.train", "predict", str(source), "--quiet", "-o", str(target)]


def race(texts: list[str], rows: Sequence[LabelledRow], binary: str | None, rounds: int) -> None:
    """Print a table of wall and processor seconds, file to file."""
    from speed import size_of, truth_of

    truth = truth_of(rows)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(folder / "big.jsonl", texts)
        predict = predict_command(folder / "big.jsonl", folder / "out.jsonl")
        files = [str(folder / "big.jsonl"), str(folder / "theirs.jsonl")]
        commands = {
            "parastance": predict, "parastance --jobs 2": [*predict, "--jobs", "2"],
            "scikit-learn script, words 1-2": [*scikit_script(folder, rows, truth, False), *files],
            "scikit-learn script, words 1-2 and char_wb 3-5": [*scikit_script(folder, rows, truth, True), *files],
        }  # fmt: skip
        if binary:
            peers.fasttext_model([row.text for row in rows], truth).save_model(str(folder / "model.bin"))
            (folder / "big.txt").write_text("".join(peers.normalised(text) + "\n" for text in texts), encoding="utf-8")
            commands["fasttext predict-prob"] = [binary, "predict-prob", str(folder / "model.bin"), str(folder / "big.txt"), "-1"]
        spent: dict[str, list[tuple[float, float]]] = {key: [] for key in commands}
        for _ in range(rounds):
            for key, command in commands.items():
                spent[key].append(_timed(command))
    print(f"{len(texts):,} paragraphs, {size_of(texts):.1f} MB of text, {rounds} rounds\n")
    print("| | wall s | MB/s | processor s | parastance is faster: wall | processor |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for key, values in spent.items():
        wall, cpu = (median(value[side] for value in values) for side in (0, 1))
        ratios = [median(b[side] / a[side] for a, b in zip(spent["parastance"], values, strict=True)) for side in (0, 1)]
        print(f"| {key} | {wall:.2f} | {size_of(texts) / wall:.2f} | {cpu:.2f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")


def _timed(command: Sequence[str]) -> tuple[float, float]:
    """Return (wall seconds, processor seconds of the process and its children) of a command, its modules compiled as pip does."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, spent


def up_to(source: Iterator[str], megabytes: float) -> Iterator[str]:
    """Yield texts of so many MB of UTF-8 in all, at least one."""
    left = megabytes * 1e6
    while True:
        text = next(source)
        yield text
        left -= len(text.encode())
        if left <= 0:
            return


def growth(source: Iterator[str], sizes: Sequence[int], rounds: int) -> None:
    """Print the processor seconds that each MB beyond the size before costs; for the first size beyond one row, which is the start.

    Every size has its turn in each round; a turn is as many runs as have TURN MB, so that small files are no less exact.
    """
    with tempfile.TemporaryDirectory() as name:
        commands = {}
        for size in (0, *sizes):
            path = Path(name, f"{size}.jsonl")
            write_rows(path, up_to(source, size))
            commands[size] = predict_command(path, Path(name, "out.jsonl"))
        turns = {size: max(1, min(TURN, TURN // max(size, 1))) for size in commands}
        spent: dict[int, list[float]] = {size: [] for size in commands}
        for _ in range(rounds):
            for size, command in commands.items():
                spent[size].append(sum(_timed(command)[1] for _ in range(turns[size])) / turns[size])
    print(f"start: {median(spent[0]):.3f} s of processor ({min(spent[0]):.3f} to {max(spent[0]):.3f}); {rounds} rounds\n")
    beside = f"beside {sizes[-1]:,} MB"
    print(f"| MB | runs | s of processor | each MB beyond the size above | least | greatest | {beside} | least | greatest |")
    print("| ---: " * 9 + "|")
    each = {
        size: [(one - less) / (size - before) for one, less in zip(spent[size], spent[before], strict=True)]
        for before, size in itertools.pairwise(commands)
    }
    for size in sizes:
        ratios = [a / b for a, b in zip(each[size], each[sizes[-1]], strict=True)]
        shown = [f"{pick(each[size]):.4f}" for pick in (median, min, max)] + [f"{pick(ratios):.2f}" for pick in (median, min, max)]
        print(f"| {size:,} | {turns[size]} | {median(spent[size]):.3f} | {' | '.join(shown)} |")


def peak(source: Iterator[str], sizes: Sequence[int]) -> None:
    """Print the peak resident memory, of parent or worker, by the size of the input and the number of jobs."""
    print("| MB of text | jobs | wall s | peak MB |\n| ---: | ---: | ---: | ---: |")
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name, "big.jsonl")
            write_rows(path, up_to(source, size))
            for jobs in (1, 2):
                start = time.perf_counter()
                process = subprocess.Popen([*predict_command(path, Path(name, "out.jsonl")), "--jobs", str(jobs)])
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                assert process.returncode == 0
                print(f"| {size:,} | {jobs} | {time.perf_counter() - start:.1f} | {usage.ru_maxrss / 1024:.0f} |", flush=True)
