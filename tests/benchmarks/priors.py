"""Does it help to re-estimate the label shares on the archive at hand? Macro-F1 with and without, per data set.

    python tests/benchmarks/priors.py real.jsonl --model artifacts/written

The method is EM on calibrated probabilities (Saerens, Latinne and Decaestecker 2002, Neural Computation 14): the labels' shares
that make the probabilities agree with them best, and the probabilities that follow. It supposes that paragraphs of a label
look the same in every archive, only in other numbers. A model should be judged on data that it never saw, with shares of their
own; rows are split by their `set` or `source`.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from parastance.predict import load
from parastance.predict.heads import Head
from parastance.predict.metrics import head_scores, matrix
from parastance.predict.model import Unit
from parastance.train.data import read_labelled

ROUNDS, TOLERANCE = 500, 1e-7
FEWEST = 60  # rows of a set that is judged


def estimate(probabilities: np.ndarray, prior: np.ndarray, weight: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return (probabilities under the new shares (n, k), new shares (k,)) of exclusive labels.

    prior: the shares that the probabilities were calibrated at; weight: rows that the prior counts as.
    """
    share = prior
    for _ in range(ROUNDS):
        moved = probabilities * (share / prior)
        moved /= moved.sum(axis=1, keepdims=True)
        found = (moved.sum(axis=0) + weight * prior) / (len(moved) + weight)
        if np.abs(found - share).max() < TOLERANCE:
            break
        share = found
    return moved, share


def adjusted(head: Head, probabilities: np.ndarray, prior: np.ndarray, weight: float) -> np.ndarray:
    """Return a head's probabilities under re-estimated shares; topics one by one, each against its absence."""
    if head.exclusive:
        return estimate(probabilities, prior / prior.sum(), weight)[0]
    columns = [
        estimate(np.stack([p, 1 - p], axis=1), np.array([share, 1 - share]), weight)[0][:, 0]
        for p, share in zip(probabilities.T, prior, strict=True)
    ]
    return np.stack(columns, axis=1)


def told(head: Head, probabilities: np.ndarray, share: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Return the probabilities under shares that are known: what the best estimate could give."""
    share = np.clip(share, 0.003, 0.997)
    if head.exclusive:
        moved = probabilities * (share / prior * prior.sum())
        return moved / moved.sum(axis=1, keepdims=True)
    yes, no = probabilities * share / prior, (1 - probabilities) * (1 - share) / (1 - prior)
    return yes / (yes + no)


def macro_f1(head: Head, truth: np.ndarray, probabilities: np.ndarray) -> float:
    given = head.decide(probabilities)
    return float(head_scores(head.labels, truth, given, probabilities, given, head.exclusive)["macro_f1"])


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--model")
    options = parser.parse_args()
    model = load(options.model)
    data: dict[str, Any] = json.loads((Path(str(model.folder)) / "manifest.json").read_text())["data"]
    rows = [row for row in read_labelled([options.data]) if row.topics is not None and row.stance is not None]
    labels = model.decide([Unit(row.text, row.target, row.mentions, row.place) for row in rows])
    sets = np.array([str(row.fields.get("set") or row.fields.get("source") or "") for row in rows])
    print(f"{'head':<8}{'set':<14}{'rows':>6}{'as it is':>10}{'EM':>8}{'EM, prior of 100':>18}{'shares known':>14}")
    for name in ("topics", "stance"):
        head, p = model.heads[name], labels.probabilities[name]
        prior = np.array([data[name].get(label, 0) for label in head.labels]) / data["rows"]
        truth = matrix(head.labels, [row.topics if name == "topics" else [row.stance] for row in rows])
        for which in ("all", *sorted(set(sets))):
            at = (sets == which) | (which == "all")
            if at.sum() >= FEWEST:
                ways = [p[at], *(adjusted(head, p[at], prior, weight) for weight in (0, 100))]
                ways.append(told(head, p[at], truth[at].mean(axis=0), prior))
                plain, em, held, known = (macro_f1(head, truth[at], way) for way in ways)
                print(f"{name:<8}{which:<14}{at.sum():>6}{plain:>10.3f}{em:>8.3f}{held:>18.3f}{known:>14.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
