"""Labelled rows to questions: what each head is to learn, from which rows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.scorer import Matrix

ENOUGH, MOST = 30, 20  # rows about a target that may have features of its own, and how many such targets there may be
NEUTRAL = ("neutral", "none", "other")  # names of the label that means "nothing to see"


@dataclass(frozen=True)
class Question:
    """What a head is to learn: the rows that answer it and their answers.

    rows: indices into the data; truth: bool of shape (len(rows), k); weights: float64 of shape (len(rows),). target: int64 of
    shape (len(rows),), the number in `targets` of whom the row is about, -1 where it is about another; targets: the names of
    those about whom there are enough rows for features of their own. counts: int64 of shape (len(rows),), how often each row is
    reckoned with by calibration and cut-offs; None: once.
    """

    name: str
    labels: tuple[str, ...]
    exclusive: bool
    rows: NDArray[np.int64]
    truth: NDArray[np.bool_]
    weights: Matrix
    target: NDArray[np.int64]
    targets: tuple[str, ...] = ()
    counts: NDArray[np.int64] | None = None

    @property
    def fallback(self) -> int:
        """The label for a text of which nothing is known: the one named as neutral, else the most frequent."""
        named = [at for at, name in enumerate(self.labels) if name.lower() in NEUTRAL or name == "content"]
        return named[0] if named else int(self.truth.sum(axis=0).argmax())

    def part(self, chosen: NDArray[np.int64], labels: NDArray[np.int64] | None = None) -> "Question":
        """Return the question put to some of its rows, of an inclusive head about some of its labels."""
        truth = self.truth[chosen] if labels is None else self.truth[chosen][:, labels]
        names = self.labels if labels is None else tuple(self.labels[at] for at in labels)
        rows, weights, target = self.rows[chosen], self.weights[chosen], self.target[chosen]
        counts = None if self.counts is None else self.counts[chosen]
        return replace(self, labels=names, rows=rows, truth=truth, weights=weights, target=target, counts=counts)

    def counted(self, counts: NDArray[np.int64]) -> "Question":
        """Return the question with each row of the data reckoned with so many times; counts: int64, one a row of the data."""
        own = counts[self.rows]
        return self if (own == 1).all() else replace(self, weights=self.weights * own, counts=own)


def questions(rows: Sequence[Any], weights: Matrix) -> list[Question]:
    """Return the heads' questions that some labelled rows answer."""
    found: list[Question] = []
    content = [at for at, row in enumerate(rows) if row.kind != "boilerplate"]
    for name in ("topics", "kind", "stance"):
        pool = range(len(rows)) if name == "kind" else content
        answered = np.array([at for at in pool if getattr(rows[at], name) is not None], dtype=np.int64)
        answers = [getattr(rows[at], name) for at in answered]
        many = name == "topics"
        labels = tuple(sorted({label for answer in answers for label in (answer if many else [answer])}))
        if name == "kind" and labels and labels != ("boilerplate", "content"):
            continue  # one kind only: nothing to learn
        if not labels:
            continue
        index = {label: at for at, label in enumerate(labels)}
        truth = np.zeros((len(answers), len(labels)), dtype=np.bool_)
        for at, answer in enumerate(answers):
            truth[at, [index[label] for label in (answer if many else [answer])]] = True
        target, targets = _targets(rows, answered) if name == "stance" else (np.full(len(answers), -1), ())
        found.append(Question(name, labels, not many, answered, truth, weights[answered], target, targets))
    return found


def _targets(rows: Sequence[Any], answered: NDArray[np.int64]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return (each row's target as a number, the names of the targets numbered): those with ENOUGH rows, of several."""
    counts = Counter(rows[at].target for at in answered)
    names = [name for name, count in counts.most_common(MOST) if name and count >= ENOUGH]
    if len(counts) < 2:
        return np.full(len(answered), -1), ()
    number = {name: at for at, name in enumerate(sorted(names))}
    return np.array([number.get(rows[at].target, -1) for at in answered], dtype=np.int64), tuple(sorted(names))
