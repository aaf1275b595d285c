"""Out-of-fold scores to probabilities, cut-offs and certified levels.

Everything here is fitted on scores of rows that the scoring model had not seen.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import beta

from parastance.predict.metrics import label_scores
from parastance.predict.scorer import Matrix, sigmoid, softmax

Truth = NDArray[np.bool_]
PRECISION, CONFIDENCE = 0.90, 0.95
LEVELS = np.round(np.arange(0.99, 0.049, -0.01), 2)  # the fixed sequence of certification, highest first
FLAT = 0.008  # a difference of F1 that says nothing: about its standard error at 2,000 positives
FEWEST = 10  # positives below which a label's own cut-off would be noise: it keeps 0.5


def fit_sigmoid(scores: Matrix, truth: Truth) -> tuple[float, float]:
    """Return (slope, shift) of P(true) = sigmoid(slope * score + shift), slope >= 0.

    Platt 1999, "Probabilistic outputs for support vector machines", with his smoothed targets.
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return 1.0, 0.0
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(parameters: Matrix) -> tuple[float, Matrix]:
        z = parameters[0] * scores + parameters[1]
        residual = sigmoid(z) - target
        value = np.logaddexp(0, z) - target * z
        return float(value.mean()), np.array([(residual * scores).mean(), residual.mean()])

    start = np.array([1.0, 0.0])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(1e-3, None), (None, None)])
    return float(found.x[0]), float(found.x[1])


def fit_softmax(scores: Matrix, truth: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
    """Return (slope, shift), each of shape (k,): one common slope and a shift per label for softmax(slope * s + shift).

    Bias-corrected temperature scaling (Alexandari, Kundaje and Shrikumar 2020, ICML).
    """
    rows, labels = np.arange(len(truth)), scores.shape[1]

    def loss(parameters: Matrix) -> tuple[float, Matrix]:
        p = softmax(parameters[0] * scores + parameters[1:])
        residual = p.copy()
        residual[rows, truth] -= 1.0
        gradient = np.concatenate([[(residual * scores).sum(axis=1).mean()], residual.mean(axis=0)])
        ridge = 1e-4 * parameters[1:]
        return float(-np.log(np.maximum(p[rows, truth], 1e-12)).mean() + 0.5 * (ridge @ parameters[1:])), gradient + (
            np.concatenate([[0.0], ridge])
        )

    start = np.concatenate([[1.0], np.zeros(labels)])
    bounds = [(1e-3, None)] + [(None, None)] * labels
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.full(labels, found.x[0]), found.x[1:].copy()


def best_cut(probability: Matrix, truth: Truth) -> float:
    """Return the cut-off of the highest F1, the middle between two neighbouring probabilities; 0.5 with too few positives.

    F1 is flat around its peak and the peak itself is noise: of all cuts within FLAT of it, the one is taken that gives the
    label most nearly as often as it is true.
    """
    if int(truth.sum()) < FEWEST:
        return 0.5
    order = np.argsort(-probability, kind="stable")
    p, hits = probability[order], np.cumsum(truth[order])
    given = np.arange(1, len(p) + 1)
    f1 = 2 * hits / (given + truth.sum())
    ends = np.append(p[1:] < p[:-1], True)  # a cut may only fall between different probabilities
    good = ends & (f1 >= np.where(ends, f1, -1.0).max() - FLAT)
    best = int(np.argmin(np.where(good, np.abs(given - truth.sum()), len(p) + 1)))
    low = p[best + 1] if best + 1 < len(p) else 0.0
    return float((p[best] + low) / 2)


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
            trials = np.tile(offsets, (len(grid), 1))
            trials[:, label] = grid
            choices = [(logs + trial).argmax(axis=1) for trial in trials]
            values = np.array([_macro_f1(truth, chosen, labels) for chosen in choices])
            excess = np.array([abs(int((chosen == label).sum()) - int(shares[label])) for chosen in choices])
            excess[values < values.max() - FLAT] = len(truth) + 1
            offsets = trials[int(excess.argmin())]
    return offsets


def _macro_f1(truth: NDArray[np.int64], chosen: NDArray[np.int64], labels: int) -> float:
    return float(np.mean([label_scores(truth == label, chosen == label)["f1"] for label in range(labels)]))


def certify(probability: Matrix, truth: Truth, given: Truth, wanted: float = PRECISION) -> float:
    """Return the lowest probability from which the label, where given, has the wanted precision; NaN if none.

    Levels are tried from 0.99 down and the first failure ends the search (fixed-sequence testing, so that no correction
    for many tests is due: Angelopoulos et al. 2021, "Learn then Test"); each test is the one-sided Clopper-Pearson bound
    on the share of right ones among the given ones at or above the level, at confidence CONFIDENCE. The sequence starts
    where enough rows lie above the level for the test to have power, which is fixed without a look at the truth.
    """
    least = int(np.ceil(np.log(1 - CONFIDENCE) / np.log(wanted)))  # right ones in a row that would just pass
    enough = max(least, min(100, int(given.sum()) // 4))
    level = float("nan")
    for candidate in LEVELS:
        chosen = given & (probability >= candidate)
        total, right = int(chosen.sum()), int((chosen & truth).sum())
        if total < enough:
            continue
        bound = float(beta.ppf(1 - CONFIDENCE, right, total - right + 1)) if right else 0.0
        if bound < wanted:
            break
        level = float(candidate)
    return level
