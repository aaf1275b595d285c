"""Time and memory of `parastance train` on many rows of a user's own labels, settings searched as they are by default.

    python tests/benchmarks/scale.py
    python tests/benchmarks/scale.py --rows 20000 100000 --more 20
    python tests/benchmarks/scale.py --data mine.jsonl

Rows are made: per set of topics and stance a chain of words learnt on the shipped corpus, every thirtieth word made up, so that the
vocabulary grows as that of real text does; ten rows an article. `--more` adds topics, ever rarer ones. Prints rows, seconds,
processor seconds and the peak resident memory of all processes together. Needs psutil.
"""

import argparse
import json
import random
import resource
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from archive import MB, watch

from parastance.train.data import corpus_files, read_labelled

ARTICLE = 10  # rows
STRANGE = 1 / 30  # share of words that are made up
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]


def chains(files: list[str]) -> list[tuple[list[str], str, dict[str, list[str]], list[str]]]:
    """Return, per row of the corpus with content, its topics, its stance, and the chain and first words of rows labelled alike."""
    follow: dict[tuple[tuple[str, ...], str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    first: dict[tuple[tuple[str, ...], str], list[str]] = defaultdict(list)
    found = []
    for row in read_labelled(files):
        if row.topics is None or row.stance is None:
            continue
        key, words = (row.topics, row.stance), row.text.split()
        first[key].append(words[0])
        for word, after in zip(words, [*words[1:], ""], strict=True):
            follow[key][word].append(after)
        found.append(key)
    return [(list(key[0]), key[1], follow[key], first[key]) for key in found]


def strange(rng: random.Random) -> str:
    """Return a made-up word, some far more often than others."""
    number, word = int(rng.paretovariate(0.2)) % 10**9, ""
    while number:
        number, at = divmod(number, len(SYLLABLES))
        word += SYLLABLES[at]
    return word or "ba"


def made(count: int, more: int, files: list[str]) -> Iterator[dict[str, object]]:
    """Yield labelled rows."""
    rng, known = random.Random(0), chains(files)
    for at in range(count):
        topics, stance, follow, first = rng.choice(known)
        topics = list(topics)
        words, word = [strange(rng)], rng.choice(first)
        while word and len(words) < 120:
            words.append(strange(rng) if rng.random() < STRANGE else word)
            word = rng.choice(follow[word])
        for number in range(more):
            if rng.random() < 0.2 / (number + 1):
                topics.append(f"topic_{number}")
                words.insert(rng.randrange(len(words) + 1), f"subject{number}")
        yield {"text": " ".join(words), "topics": topics, "stance": stance, "group": f"article{at // ARTICLE}"}


def main() -> int:
    parser = argparse.ArgumentParser(description="Training on many rows.")
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000])
    parser.add_argument("--more", type=int, default=0, help="topics beside the corpus's three")
    parser.add_argument("--data", help="labelled rows to train on instead")
    parser.add_argument("--with", dest="files", action="append", default=[], help="rows to make rows of, beside the corpus")
    parser.add_argument("--fast", action="store_true")
    given = parser.parse_args()
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        for count in [0] if given.data else given.rows:
            path = Path(given.data or Path(folder) / f"{count}.jsonl")
            if not given.data:
                with open(path, "w", encoding="utf-8") as stream:
                    stream.writelines(json.dumps(row) + "\n" for row in made(count, given.more, corpus_files() + given.files))
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            options = ["--fast"] if given.fast else []
            command = [sys.executable, "-m", "parastance.train", "train", str(path), "-o", str(Path(folder) / "model"), *options]
            seconds, peaks, code = watch(command)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            rows = path.read_bytes().count(b"\n")
            print(
                f"{rows:,} rows, {path.stat().st_size / MB:.0f} MB: {seconds:.0f} s, {spent:.0f} s of processor, "
                f"{sum(peaks.values()) / MB:,.0f} MB at most in {len(peaks)} process{'es' * (len(peaks) > 1)}, exit status {code}",
                flush=True,
            )
            status = status or code
    return status


if __name__ == "__main__":
    sys.exit(main())
