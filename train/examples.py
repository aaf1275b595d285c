"""Paragraphs on which a candidate does worse than the model in use, with what each says of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from parastance.train.gate import Check
from parastance.train.pairs import HeadPair, Pairs

EXAMPLES = 3  # shown of each label


@dataclass(frozen=True)
class Said:
    """What a model says of a paragraph: the labels it gives under a head, and the probability of the label in question."""

    labels: list[str]
    probability: float | None = None


@dataclass(frozen=True)
class Example:
    """A paragraph on which the candidate does worse: what is true of it, and what each model says."""

    head: str
    label: str
    text: str
    truth: list[str]
    in_use: Said
    candidate: Said


def names(labels: Sequence[str], given: Iterable[Any]) -> list[str]:
    """Return the labels that a row of bools gives."""
    return [label for label, yes in zip(labels, given, strict=True) if yes]


def worse(pairs: Pairs, found: Sequence[Check]) -> list[Example]:
    """Return examples for each label whose F1 fails: rows that only the model in use got right, the clearest losses first."""
    examples: list[Example] = []
    for check in found:
        pair = pairs.heads.get(check.head)
        if check.what == "F1" and check.reason and pair is not None and check.label in pair.labels:
            examples += _examples(pairs, pair, check, {example.text for example in examples})
    return examples


def _examples(pairs: Pairs, pair: HeadPair, check: Check, shown: set[str]) -> list[Example]:
    at = pair.labels.index(check.label)
    truth, (new, old), (p, q) = pair.truth[:, at], pair.given, pair.probability
    rows = np.flatnonzero((old[:, at] == truth) & (new[:, at] != truth))
    loss = np.abs(truth[rows] - p[rows, at]) - np.abs(truth[rows] - q[rows, at])
    found: list[Example] = []
    for row in rows[np.argsort(-loss, kind="stable")]:
        text = pairs.text(int(pair.rows[row]))
        if text is None or text in shown:
            continue
        before, after = (
            Said(names(pair.labels, given[row]), round(float(probability[row, at]), 3))
            for given, probability in ((old, q), (new, p))
        )
        found.append(Example(check.head, check.label, text, names(pair.labels, pair.truth[row]), before, after))
        if len(found) == EXAMPLES:
            break
    return found
