"""Planted label errors: what share of them stands in the first part of the ranking that `check` makes.

    python tests/benchmarks/label_errors.py [--rows 2000] [--share 0.05] [--seeds 5] [DATA ...]

Rows are drawn from the data (default: the shipped corpus). In one run, one label is flipped in 5% of the rows; every row is then
ranked as `check` does, by what a model says of it held out, and the first 5% of the ranking are looked through. Chance finds 5%.
A stance is flipped to one of the others. The corpus's own errors count as misses.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from parastance.train.confident import doubts
from parastance.train.config import Config
from parastance.train.data import LabelledRow, corpus_files, read_labelled
from parastance.train.fit import fit


def flipped(row: LabelledRow, label: str, stances: Sequence[str], generator: np.random.Generator) -> LabelledRow:
    """Return the row with one topic the other way round, or with another stance where `label` is one."""
    if label in stances:
        return replace(row, stance=str(generator.choice([name for name in stances if name != row.stance])))
    return replace(row, topics=tuple(sorted(set(row.topics or ()) ^ {label})))


def found_share(
    rows: Sequence[LabelledRow], label: str, stances: Sequence[str], share: float, seed: int
) -> tuple[float, int, float, float]:
    """Return (share of planted errors in the first `share` of the ranking, errors planted, precision and recall of those named)."""
    generator = np.random.default_rng(seed)
    stance = label in stances
    able = [at for at, row in enumerate(rows) if not stance or (row.stance == label and row.kind != "boilerplate")]
    able = able if stance else [at for at in able if rows[at].kind != "boilerplate"]
    count = min(round(share * len(rows)), len(able) // (4 if stance else 1))
    chosen = set(generator.choice(able, count, replace=False).tolist())
    planted = [flipped(row, label, stances, generator) if at in chosen else row for at, row in enumerate(rows)]
    head = fit(planted, Config(regularisation=(3.0,))).heads["stance" if stance else "topics"]
    found = doubts("stance" if stance else "topics", head)
    column = 0 if stance else found.questions.index(label)
    order = head.rows[np.argsort(found.trust[:, column], kind="stable")].tolist()
    named = set(head.rows[found.likely[:, column]].tolist())
    hits = len(chosen & named)
    first = chosen & set(order[: round(share * len(rows))])
    return len(first) / count, count, hits / max(1, len(named)), hits / count


def main() -> None:
    """Print the share found, per label and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    everything = read_labelled(arguments.data or corpus_files())
    stances = sorted({row.stance for row in everything if row.stance})
    topics = sorted({name for row in everything for name in row.topics or ()})
    first = f"found in the first {arguments.share:.0%}"
    print(f"{'label flipped':<20}{'planted':>8}{first:>26}{'named: precision':>18}{'recall':>8}")
    for label in [*topics, *stances]:
        results = []
        for seed in range(arguments.seeds):
            chosen = np.random.default_rng(1000 + seed).choice(len(everything), min(arguments.rows, len(everything)), replace=False)
            results.append(found_share([everything[at] for at in np.sort(chosen)], label, stances, arguments.share, seed))
        share, count, precision, recall = np.mean(results, axis=0)
        low, high = min(result[0] for result in results), max(result[0] for result in results)
        spread = f"{share:.0%} ({low:.0%} to {high:.0%})"
        print(f"{label:<20}{count:>8.0f}{spread:>26}{precision:>18.0%}{recall:>8.0%}", flush=True)


if __name__ == "__main__":
    main()
