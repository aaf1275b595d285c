"""How well a model does on labelled data: counts, F1, calibration error and coverage, with numpy alone.

Definitions as in scikit-learn's `precision_recall_fscore_support` with zero_division=0 (a test holds them equal).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Truth = NDArray[np.bool_]
BINS = 10  # equal-width bins of the calibration error
MASS_BINS = 15  # and those of equally many rows


def label_scores(truth: Truth, given: Truth) -> dict[str, float | int]:
    """Return precision, recall, f1 and support of one label from two bool arrays of shape (n,)."""
    hits = int((truth & given).sum())
    wrong, missed = int((~truth & given).sum()), int((truth & ~given).sum())
    precision = hits / (hits + wrong) if hits + wrong else 0.0
    recall = hits / (hits + missed) if hits + missed else 0.0
    f1 = 2 * hits / (2 * hits + wrong + missed) if hits + wrong + missed else 0.0
    return {"precision": precision, "recall": recall, "f1": f1, "support": hits + missed}


def calibration_error(truth: Truth, probability: Matrix) -> float:
    """Return the expected calibration error of one label over ten equal-width bins (Naeini et al. 2015, AAAI)."""
    if not len(truth):
        return 0.0
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    total = np.bincount(bins, minlength=BINS)
    gap = np.abs(np.bincount(bins, probability, minlength=BINS) - np.bincount(bins, truth, minlength=BINS))
    return float(gap[total > 0].sum() / len(truth))


def equal_mass_error(truth: Truth, probability: Matrix) -> float:
    """Return the calibration error over 15 bins of equally many rows (Nguyen and O'Connor 2015, EMNLP); ties share a bin."""
    if not len(truth):
        return 0.0
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, MASS_BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, probability, side="left")
    gap = np.abs(np.bincount(bins, probability) - np.bincount(bins, truth))
    return float(gap.sum() / len(truth))


def reliability(truth: Truth, probability: Matrix) -> list[dict[str, float | int]]:
    """Return the bins of `calibration_error` that hold rows: `rows`, mean probability `said`, share of true rows `true`."""
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    total, said, hits = (np.bincount(bins, weights, minlength=BINS) for weights in (None, probability, truth))
    return [
        {"rows": int(total[at]), "said": float(said[at] / total[at]), "true": float(hits[at] / total[at])}
        for at in np.flatnonzero(total)
    ]


def matrix(labels: Sequence[str], rows: Sequence[Sequence[str]]) -> Truth:
    """Return which of `labels` each row holds, bool of shape (n, k)."""
    index = {name: at for at, name in enumerate(labels)}
    out = np.zeros((len(rows), len(labels)), dtype=np.bool_)
    for at, row in enumerate(rows):
        for name in row:
            if name in index:
                out[at, index[name]] = True
    return out


def head_scores(
    labels: Sequence[str], truth: Truth, given: Truth, probability: Matrix, certain: Truth, exclusive: bool
) -> dict[str, Any]:
    """Return the scores of one head: macro and micro F1 (inclusive) or accuracy (exclusive), and each label's.

    Labels that neither truth nor model use are left out of the macro average, as scikit-learn does by default. Per label
    `coverage` is the share of given labels that the model did not abstain on, `certain_precision` the precision there.
    """
    per_label: dict[str, Any] = {}
    for at, name in enumerate(labels):
        scores: dict[str, Any] = label_scores(truth[:, at], given[:, at])
        sure = given[:, at] & certain[:, at]
        total = int(given[:, at].sum())
        scores["coverage"] = float(sure.sum() / total) if total else 0.0
        scores["certain_precision"] = float((sure & truth[:, at]).sum() / sure.sum()) if sure.any() else None
        scores["calibration_error"] = calibration_error(truth[:, at], probability[:, at])
        scores["calibration_error_equal_mass"] = equal_mass_error(truth[:, at], probability[:, at])
        per_label[name] = scores
    used = [name for at, name in enumerate(labels) if truth[:, at].any() or given[:, at].any()]
    result: dict[str, Any] = {"macro_f1": float(np.mean([per_label[name]["f1"] for name in used])) if used else 0.0}
    if exclusive:
        result["accuracy"] = float((truth & given).any(axis=1).mean()) if len(truth) else 0.0
    else:
        result["micro_f1"] = label_scores(truth.ravel(), given.ravel())["f1"]
    sure_given = given & certain
    result["coverage"] = float(sure_given.sum() / given.sum()) if given.any() else 0.0
    result["certain_precision"] = float((sure_given & truth).sum() / sure_given.sum()) if sure_given.any() else None
    result["calibration_error"] = float(np.mean([per_label[name]["calibration_error"] for name in labels]))
    result["per_label"] = per_label
    return result
