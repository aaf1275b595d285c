"""Calibrated probabilities to cut-offs: from which probability a label is given, chosen by F1 on held-out rows."""

import numpy as np
from numpy.typing import NDArray

from parastance.predict.scorer import Matrix
from parastance.train.calibrate import FEWEST

Truth = NDArray[np.bool_]
FLAT = 0.008  # a difference of F1 that says nothing: about its standard error at 2,000 positives
LEANS = 3.0  # positives at which a label's own cut-off counts as much as the common one
TRIED = np.linspace(0.01, 0.7, 30)  # quantiles of the scores of true labels that are tried as common cut-offs


def best_cut(probability: Matrix, truth: Truth) -> float:
    """Return the cut-off of the highest F1, the middle between two neighbouring probabilities; 0.5 with too few positives.

    F1 is flat around its peak and the peak itself is noise: of all cuts within FLAT of it, the one is taken that gives the
    label most nearly as often as it is true.
    """
    return _best_cut(probability, truth) if int(truth.sum()) >= FEWEST else 0.5


def _best_cut(scores: Matrix, truth: Truth) -> float:
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(truth[order])
    given = np.arange(1, len(ordered) + 1)
    f1 = 2 * hits / (given + truth.sum())
    ends = np.append(ordered[1:] < ordered[:-1], True)  # a cut may only fall between different scores
    good = ends & (f1 >= np.where(ends, f1, -1.0).max() - FLAT)
    best = int(np.argmin(np.where(good, np.abs(given - truth.sum()), len(ordered) + 1)))
    return float((ordered[best] + ordered[min(best + 1, len(ordered) - 1)]) / 2)


def best_offsets(probability: Matrix, truth: NDArray[np.int64], reference: int) -> Matrix:
    """Return offsets of log probabilities, shape (k,), that raise macro-F1 of the argmax; the reference label's is 0.

    Coordinate search over a grid, three rounds, starting from none; deterministic. As in `best_cut`, of the offsets within
    FLAT of the best those are taken that give the labels most nearly as often as they are true.
    """
    logs = np.log(np.maximum(probability, 1e-12))
    labels = probability.shape[1]
    shares = np.bincount(truth, minlength=labels)
    offsets = np.zeros(labels)
    grid = np.arange(-1.5, 2.01, 0.1)
    for _ in range(3):
        for label in range(labels):
            if label == reference or shares[label] < FEWEST:
                continue
            others = logs + offsets
            others[:, label] = -np.inf
            second = others.argmax(axis=1)
            lead = others.max(axis=1) - logs[:, label]
            first = label < second  # of equals the first label is the argmax
            choices = [np.where((step > lead) | ((step == lead) & first), label, second) for step in grid]
            values = np.array([_macro_f1(truth, chosen, shares) for chosen in choices])
            excess = np.array([abs(int((chosen == label).sum()) - int(shares[label])) for chosen in choices])
            excess[values < values.max() - FLAT] = len(truth) + 1
            offsets[label] = grid[int(excess.argmin())]
    return offsets


def _macro_f1(truth: NDArray[np.int64], chosen: NDArray[np.int64], support: NDArray[np.int64]) -> float:
    hits = np.bincount(truth[truth == chosen], minlength=len(support))
    under = support + np.bincount(chosen, minlength=len(support))
    return float((2 * hits / np.maximum(under, 1)).mean())


def leaning_cuts(scores: Matrix, truth: Truth) -> Matrix:
    """Return cut-offs of scores, float64 of shape (k,): each label's own drawn toward a common one by few positives.

    A cut-off set on few positives is noise, and one set low costs micro-F1 more than it brings in macro-F1 (Yang 2001, "A
    study on thresholding strategies for text categorization", SIGIR; Fan and Lin 2007, "A study on threshold selection for
    multi-label classification"). A label with fewer than FEWEST has as its own the cut at which it is given as often as it
    is true, and leans on the common one of such labels, the others on that of all; either has the highest sum of micro and
    macro-F1. Scores of labels learnt alike can be compared where probabilities calibrated on few positives cannot: on the
    90 labels of Reuters-21578, held out, micro-F1 0.8935 and macro-F1 0.522 became 0.8934 and 0.558, with `LEANS` chosen there.
    """
    counts = truth.sum(axis=0)
    rare = counts < FEWEST
    cuts = np.array([
        _even_cut(scores[:, at], int(counts[at])) if rare[at] else _best_cut(scores[:, at], truth[:, at])
        for at in range(len(counts))
    ])  # fmt: skip
    common = np.full(len(counts), _common_cut(scores, truth))
    if truth[:, rare].any():
        common[rare] = _common_cut(scores[:, rare], truth[:, rare])
    weight = counts / (counts + LEANS)
    return np.asarray(weight * cuts + (1.0 - weight) * common)


def _even_cut(scores: Matrix, count: int) -> float:
    """Return the cut that `count` scores reach, at least one."""
    ordered = -np.sort(-scores)
    count = max(count, 1)
    return float((ordered[count - 1] + ordered[min(count, len(ordered) - 1)]) / 2)


def _common_cut(scores: Matrix, truth: Truth) -> float:
    grid = np.unique(np.quantile(scores[truth], TRIED))
    return float(grid[int(np.argmax([micro_macro(truth, scores >= cut) for cut in grid]))])


def micro_macro(truth: Truth, given: Truth) -> float:
    """Return the sum of micro and macro-F1; a label that is neither true nor given counts 0."""
    right, both = (truth & given).sum(axis=0), truth.sum(axis=0) + given.sum(axis=0)
    return float(2 * right.sum() / max(1, both.sum()) + np.mean(2 * right / np.maximum(1, both)))
