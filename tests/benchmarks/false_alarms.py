"""How often `parastance drift` calls chance a change, and how often it finds one: simulated runs, and two halves of real records.

    python tests/benchmarks/false_alarms.py
    python tests/benchmarks/false_alarms.py --records OUT.jsonl    # halves of the documents of a real output, dealt at random

Every comparison is a whole one: label shares, scores, vocabulary, corrected together. A false alarm is any change reported
between runs that differ by chance alone; at most 5% should have one. Exit status 1 where more than 8% do.
"""

import argparse
import random
import sys
from collections import defaultdict
from typing import Any

from parastance.train.drift import compare
from parastance.train.results import read_results
from parastance.train.summary import Summary
from parastance.train.tally import Labels

WORDS = [f"word{at}" for at in range(400)]


def archive(rng: random.Random, documents: int, share: float, spread: float) -> list[dict[str, Any]]:
    """Return records of documents that each have their own label share and their own favourite words."""
    rows = []
    for doc in range(documents):
        lean = min(1.0, max(0.0, rng.gauss(share, spread)))
        favourite = rng.sample(WORDS, 15)
        for at in range(rng.randint(3, 15)):
            hit = rng.random() < lean
            p = rng.betavariate(5, 2) if hit else rng.betavariate(1.5, 6)
            words = rng.choices(favourite, k=10) + rng.choices(WORDS, k=20)
            rows.append(
                {
                    "id": f"{doc}#{at}", "doc": f"{rng.random()}" if not at else rows[-1]["doc"], "text": " ".join(words),
                    "kind": "content", "topics": ["a"] * hit, "topic_probabilities": {"a": p, "b": p / 3}, "abstained": [],
                }
            )  # fmt: skip
    return rows


def alarms(old: list[dict[str, Any]], new: list[dict[str, Any]], seed: int) -> set[str]:
    """Return which kinds of change are reported."""
    labels = Labels()
    sides = [Summary(labels, None).read(((row, ()) for row in rows), lambda: "doc") for rows in (old, new)]
    return {change.kind for change in compare(*sides, seed).changes if change.changed}


def main() -> int:
    """Run the comparisons; return 1 where too many call chance a change."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--records", help="an output of predict")
    options = parser.parse_args()
    rng = random.Random(0)
    by_document: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in read_results([options.records]) if options.records else ():
        row["doc"] = str(row.get("group") or row.get("doc") or row["id"])
        by_document[row["doc"]].append(row)

    def pair(change: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        if not by_document:
            return archive(rng, 60, 0.3, 0.25), archive(rng, 40, 0.3 + change, 0.25)
        names = sorted(by_document)
        rng.shuffle(names)
        half = len(names) // 2
        return tuple([row for name in part for row in by_document[name]] for part in (names[:half], names[half:]))

    worst = 0.0
    for change in (0.0,) if by_document else (0.0, 0.1, 0.2):
        found = [alarms(*pair(change), at) for at in range(options.runs)]
        told = sum(map(bool, found)) / options.runs
        kinds = {kind: sum(kind in each for each in found) / options.runs for kind in ("share", "scores", "vocabulary")}
        parts = ", ".join(f"{kind} {part:.3f}" for kind, part in kinds.items())
        print(f"share moved by {change:.0%}: {told:.3f} of {options.runs} comparisons report a change ({parts})", flush=True)
        worst = max(worst, told if change == 0 else 0.0)
    return 1 if worst > 0.08 else 0


if __name__ == "__main__":
    sys.exit(main())
