"""Learning from the queue against random choice: macro-F1 by number of labels, and the labels random choice needs for the same.

    python tests/benchmarks/learning.py [--pool 4000] [--start 200] [--step 100] [--rounds 8] [--seeds 3] [DATA ...]

Simulated: the labels of the data (default: the shipped corpus) are hidden. Half of its articles are the test set, paragraphs of
the other half the pool. A model is trained on START random paragraphs; in each round STEP more are labelled, chosen by `queue`
from what the model says of the pool (with its default audit share, or none), or at random, and the model is trained anew on all.
"""

import argparse
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from parastance.predict.model import Model, Unit, chunks
from parastance.predict.records import labelled as label_units
from parastance.train.config import Config
from parastance.train.data import LabelledRow, corpus_files, read_labelled
from parastance.train.evaluate import evaluate
from parastance.train.fit import fit
from parastance.train.queue import Labelled, survey
from parastance.train.queue_pick import pick

AUDITS = {"random": 1.0, "queue": 0.2, "queue without audit": 0.0}
HEADS = ("topics", "stance")


def halves(rows: Sequence[LabelledRow], generator: np.random.Generator) -> tuple[list[LabelledRow], list[LabelledRow]]:
    """Return (pool, test): half of the groups each."""
    groups = sorted({row.group for row in rows})
    test = set(generator.choice(groups, len(groups) // 2, replace=False).tolist())
    return [row for row in rows if row.group not in test], [row for row in rows if row.group in test]


def trained(rows: Sequence[LabelledRow]) -> Model:
    """Return a model of few rows: fewer folds and one C."""
    config = Config(folds=4, regularisation=(3.0,), notions=False)
    return Model.from_artifact(fit(rows, config).artifact, "learning")


def chosen(
    model: Model, pool: Sequence[LabelledRow], known: Sequence[LabelledRow], count: int, audit: float, seed: int
) -> list[int]:
    """Return the places in the pool of the rows that the queue asks for."""
    units = [Unit(row.text, row.target, row.mentions, row.place) for row in pool]
    records = [record for part in chunks(units) for record in label_units(model, part)]
    for at, record in enumerate(records):
        record["id"] = str(at)
    random = round(audit * count)
    done = Labelled(known, model.registry.default)
    found = survey(records, model.heads, done, count, random, seed)
    return [int(choice.record["id"]) for choice in pick(found, done, count, random)]


def curve(pool: list[LabelledRow], test: list[LabelledRow], audit: float, steps: Sequence[int], seed: int) -> NDArray[np.float64]:
    """Return macro-F1, float64 (steps, heads), after each number of labels; the first `steps[0]` are random."""
    order = np.random.default_rng(seed).permutation(len(pool)).tolist()
    mine: list[int] = []
    model: Model | None = None
    results = []
    for step in steps:
        if model is None or audit == 1.0:
            mine = order[:step]
        else:
            rest = sorted(set(range(len(pool))) - set(mine))
            places = chosen(model, [pool[at] for at in rest], [pool[at] for at in mine], step - len(mine), audit, seed + step)
            mine = mine + [rest[at] for at in places]
        model = trained([pool[at] for at in mine])
        scores = evaluate(model, test)
        results.append([scores[head]["macro_f1"] for head in HEADS])
    return np.array(results)


def needed(steps: Sequence[int], random: NDArray[np.float64], value: float) -> str:
    """Return how many random labels reach a score, interpolated on their curve made monotone."""
    rising = np.maximum.accumulate(random)
    if value > rising[-1]:
        return f"> {steps[-1]:,}"
    return f"{np.interp(value, rising, steps):,.0f}"


def main() -> None:
    """Print the curves, averaged over the seeds, and what random choice needs for the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*")
    for name, default in (("pool", 4000), ("test", 3000), ("start", 200), ("step", 100), ("rounds", 8), ("seeds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    rows = read_labelled(arguments.data or corpus_files())
    steps = [arguments.start + at * arguments.step for at in range(arguments.rounds + 1)]
    long = [*steps, *(steps[-1] + at * 2 * arguments.step for at in range(1, arguments.rounds + 1))]  # random goes on
    curves: dict[str, list[NDArray[np.float64]]] = {name: [] for name in AUDITS}
    for seed in range(arguments.seeds):
        pool, test = halves(rows, np.random.default_rng(seed))
        cut = np.random.default_rng(100 + seed)
        pool = [pool[at] for at in cut.permutation(len(pool))[: arguments.pool]]
        test = [test[at] for at in cut.permutation(len(test))[: arguments.test]]
        for name, audit in AUDITS.items():
            curves[name].append(curve(pool, test, audit, long if audit == 1.0 else steps, seed))
            print(f"seed {seed}, {name}: {np.round(curves[name][-1][len(steps) - 1], 3).tolist()}", flush=True)
    mean = {name: np.mean(found, axis=0) for name, found in curves.items()}
    for at, head in enumerate(HEADS):
        print(f"\n{head}, macro-F1 (random labels needed for the same), {arguments.seeds} seeds, pool of {arguments.pool:,}")
        print(f"{'labels':>8}" + "".join(f"{name:>24}" for name in AUDITS))
        for row, step in enumerate(steps):
            cells = [f"{mean[name][row, at]:.3f}" for name in AUDITS]
            cells[1:] = [f"{cell} ({needed(long, mean['random'][:, at], float(cell))})" for cell in cells[1:]]
            print(f"{step:>8,}" + "".join(f"{cell:>24}" for cell in cells))
        for row in range(len(steps), len(long)):
            print(f"{long[row]:>8,}{mean['random'][row, at]:>24.3f}")


if __name__ == "__main__":
    main()
