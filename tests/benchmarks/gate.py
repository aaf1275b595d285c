"""Puts candidates whose quality is known through the gate and prints what it says of each.

    python tests/benchmarks/gate.py [DATA ...] [--step 1] [--full]

In use is a model of half of the groups (DATA, else the shipped corpus). Candidates: the whole data, the half with 30% of its rows'
labels dealt out anew, the half without its first topic, and the half again under another order of its rows.
"""

import argparse
import random
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from parastance.train.cli_store import describe
from parastance.train.config import Config
from parastance.train.data import LabelledRow, corpus_files, read_labelled
from parastance.train.fit import fit
from parastance.train.held_out import digest
from parastance.train.promote import promote
from parastance.train.save import save
from parastance.train.store import rollback


def dealt_anew(rows: Sequence[LabelledRow], share: float) -> list[LabelledRow]:
    """Return the rows with the labels of a share of them dealt out anew among these."""
    chance = random.Random(7)
    chosen = chance.sample(range(len(rows)), int(share * len(rows)))
    result = list(rows)
    for at, other in zip(chosen, chance.sample(chosen, len(chosen)), strict=True):
        source = rows[other]
        result[at] = replace(rows[at], topics=source.topics, stance=source.stance, kind=source.kind)
    return result


def without(rows: Sequence[LabelledRow], topic: str) -> list[LabelledRow]:
    """Return the rows without one topic."""
    return [replace(row, topics=row.topics and tuple(name for name in row.topics if name != topic)) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="*")
    parser.add_argument("--step", type=int, default=1, help="take every so many rows")
    parser.add_argument("--full", action="store_true", help="print figures and examples too")
    arguments = parser.parse_args()
    rows = read_labelled(arguments.data or corpus_files())[:: arguments.step]
    half = [row for row in rows if digest(row.group) % 2]
    topic = min(name for row in rows for name in row.topics or ())
    trainings = {
        "half": half,
        "the_half_in_another_order": random.Random(1).sample(half, len(half)),
        "labels_dealt_anew": dealt_anew(half, 0.3),
        f"without_{topic}": without(half, topic),
        "whole": rows,
    }
    with tempfile.TemporaryDirectory() as place:
        store = Path(place) / "store"
        for name, training in trainings.items():
            config = Config(notions=not arguments.data)
            save(fit(training, config), config, folder := Path(place) / name)
            verdict = promote(folder, store, force=name == "half")
            text = describe(verdict)
            print(f"== {name}, {len(training):,} rows: {'passes' if verdict.promoted or verdict.same else 'refused'}")
            if verdict.promoted and name != "half":
                rollback(store)  # every candidate meets the same model
            print(text if arguments.full else "\n".join(f"   - {reason}" for reason in verdict.reasons), flush=True)


if __name__ == "__main__":
    main()
