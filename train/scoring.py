"""What was said of some rows, and its scores with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.metrics import BINS, head_scores
from parastance.predict.scorer import Matrix
from parastance.train.bootstrap import group_sums, head_intervals, interval, ratio, resampled

Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class Decided:
    """What a head says of n rows: probability, given, certain, of shape (n, k)."""

    probability: Matrix
    given: Truth
    certain: Truth

    def part(self, rows: NDArray[Any]) -> "Decided":
        """Return what is said of some rows."""
        return Decided(self.probability[rows], self.given[rows], self.certain[rows])


def measured(
    labels: Sequence[str], truth: Truth, said: Decided, exclusive: bool, units: NDArray[Any], seed: int = 0
) -> dict[str, Any]:
    """Return `head_scores` of what was said of n rows, with `intervals` beside the scores; units: what is drawn, shape (n,)."""
    scores = head_scores(labels, truth, said.given, said.probability, said.certain, exclusive)
    main = head_intervals(labels, units, truth, said.given, exclusive, seed=seed)
    per_label = main.pop("per_label")
    more = _more_intervals(truth, said, units, seed)
    scores["intervals"] = main
    for at, name in enumerate(labels):
        scores["per_label"][name]["intervals"] = {**per_label[name], **{key: values[at] for key, values in more.items()}}
    return scores


def _more_intervals(truth: Truth, said: Decided, units: NDArray[Any], seed: int) -> dict[str, list[tuple[float, float] | None]]:
    """Return the intervals per label of coverage, precision where certain, and calibration error.

    Chance makes a drawn calibration error larger than that of the rows: its interval lies high, the upper end is on the safe side.
    """
    k = truth.shape[1]
    sure = said.given & said.certain
    binned = np.zeros((len(truth), k * BINS))
    bins = np.minimum((said.probability * BINS).astype(int), BINS - 1)
    rows = np.arange(len(truth))
    for at in range(k):
        binned[rows, at * BINS + bins[:, at]] = said.probability[:, at] - truth[:, at]
    table = np.hstack([said.given, sure, sure & truth, np.ones((len(truth), 1)), binned])
    totals = resampled(group_sums(units, table), seed=seed)
    given, certain, right = (totals[:, k * part : k * (part + 1)] for part in range(3))
    gaps = np.abs(totals[:, 3 * k + 1 :]).reshape(len(totals), k, BINS).sum(axis=2)
    drawn: dict[str, Matrix] = {
        "coverage": ratio(certain, given),
        "certain_precision": ratio(right, certain),
        "calibration_error": ratio(gaps, np.repeat(totals[:, [3 * k]], k, axis=1)),
    }
    return {key: [interval(values[:, at]) for at in range(k)] for key, values in drawn.items()}
