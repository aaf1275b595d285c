"""Intervals of scores by the bootstrap over groups: rows of one article are right or wrong together.

Groups are drawn with replacement and scores computed anew from the drawn groups' counts (Field and Welsh 2007,
"Bootstrapping clustered data", JRSS B 69: the cluster bootstrap; intervals are percentiles). Only sums per group enter, so
a draw is one row of a matrix product. Two systems judged on the same rows are compared on the same draws (Efron and
Tibshirani 1993, "An Introduction to the Bootstrap": paired).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.scorer import Matrix

Truth = NDArray[np.bool_]
DRAWS = 1000  # the ends of a 95% interval then move by some 3% of its width from seed to seed
LEVEL = 0.95
BLOCK = 4_000_000  # group draws held at once: 32 MB


@dataclass(frozen=True)
class Figures:
    """The scores of a head in d draws, NaN where a draw leaves them undefined.

    macro_f1, micro_f1, accuracy: float64 of shape (d,); precision, recall, f1: of shape (d, k). Accuracy is the share of rows
    whose labels are all right. As in `predict.metrics`, macro-F1 leaves out labels that neither truth nor model use.
    """

    macro_f1: Matrix
    micro_f1: Matrix
    accuracy: Matrix
    precision: Matrix
    recall: Matrix
    f1: Matrix

    def __sub__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, name) - getattr(other, name) for name in self.__dataclass_fields__))


def group_sums(groups: NDArray[Any], values: NDArray[Any]) -> Matrix:
    """Return the sums of values, of shape (n, m), over each distinct group, float64 of shape (g, m), groups ascending."""
    names, group = np.unique(groups, return_inverse=True)
    columns = [np.bincount(group, column.astype(np.float64), minlength=len(names)) for column in values.T]
    return np.column_stack(columns) if columns else np.zeros((len(names), 0))


def resampled(sums: Matrix, draws: int = DRAWS, seed: int = 0) -> Matrix:
    """Return totals of `sums`, of shape (g, m), over g groups drawn with replacement: float64 of shape (draws, m)."""
    count = len(sums)
    random = np.random.default_rng(seed)
    totals = np.zeros((draws, sums.shape[1]))
    step = max(1, BLOCK // max(1, count))
    for start in range(0, draws if count else 0, step):
        size = min(step, draws - start)
        drawn = random.integers(count, size=(size, count)) + np.arange(size)[:, None] * count
        times = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count)
        totals[start : start + size] = times.astype(np.float64) @ sums
    return totals


def confusion(truth: Truth, given: Truth) -> NDArray[np.bool_]:
    """Return what `figures` needs of each row, bool of shape (n, 3k + 2): hits, wrong, missed, one, all right."""
    right = (truth == given).all(axis=1)
    return np.column_stack([truth & given, ~truth & given, truth & ~given, np.ones(len(truth), dtype=np.bool_), right])


def figures(totals: Matrix) -> Figures:
    """Return the scores of sums of `confusion`, of shape (d, 3k + 2)."""
    k = (totals.shape[1] - 2) // 3
    hits, wrong, missed, rows, right = np.split(totals, [k, 2 * k, 3 * k, 3 * k + 1], axis=1)
    used = hits + wrong + missed > 0
    f1 = np.where(used, ratio(2 * hits, 2 * hits + wrong + missed), np.nan)
    over_all = hits.sum(axis=1), (wrong + missed).sum(axis=1)
    return Figures(
        macro_f1=ratio(np.where(used, f1, 0.0).sum(axis=1), used.sum(axis=1)),
        micro_f1=ratio(2 * over_all[0], 2 * over_all[0] + over_all[1]),
        accuracy=ratio(right[:, 0], rows[:, 0]),
        precision=ratio(hits, hits + wrong),
        recall=ratio(hits, hits + missed),
        f1=f1,
    )


def ratio(over: NDArray[Any], under: NDArray[Any]) -> Matrix:
    """Return over / under, NaN where under is 0."""
    result: Matrix = np.divide(over, under, out=np.full(np.shape(under), np.nan), where=np.asarray(under) > 0)
    return result


def drawn_figures(
    groups: NDArray[Any], truth: Truth, systems: Sequence[Truth], draws: int = DRAWS, seed: int = 0
) -> list[Figures]:
    """Return one `Figures` a system: what each gave, bool of shape (n, k), judged on the same draws of groups.

    `a - b` of two of them are the paired differences; `interval` turns draws into an interval.
    """
    tables = [confusion(truth, given) for given in systems]
    width = tables[0].shape[1]
    totals = resampled(group_sums(groups, np.hstack(tables)), draws, seed)
    return [figures(totals[:, at * width : (at + 1) * width]) for at in range(len(tables))]


def interval(draws: Matrix, level: float = LEVEL) -> tuple[float, float] | None:
    """Return the percentile interval of draws, of shape (d,), None where fewer than half of them are defined."""
    known = draws[~np.isnan(draws)]
    if 2 * len(known) < len(draws) or not len(known):
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def head_intervals(
    labels: Sequence[str], groups: NDArray[Any], truth: Truth, given: Truth, exclusive: bool, draws: int = DRAWS, seed: int = 0
) -> dict[str, Any]:
    """Return the intervals of a head's scores under the names that `predict.metrics.head_scores` gives them.

    An interval is [low, high], or None where too few draws define the score.
    """
    (drawn,) = drawn_figures(groups, truth, [given], draws, seed)
    main = "accuracy" if exclusive else "micro_f1"
    return {
        "macro_f1": interval(drawn.macro_f1),
        main: interval(getattr(drawn, main)),
        "per_label": {
            name: {score: interval(getattr(drawn, score)[:, at]) for score in ("precision", "recall", "f1")}
            for at, name in enumerate(labels)
        },
    }
