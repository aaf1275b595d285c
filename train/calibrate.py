"""Out-of-fold scores to probabilities.

A label of an inclusive head gets a sigmoid, an exclusive head a softmax with one slope and a shift per label; either can be
bent by an isotonic curve. Which is used is chosen by log loss on rows that the calibration has not seen.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from parastance.predict.scorer import Matrix, sigmoid, softmax

Truth = NDArray[np.bool_]
Fold = NDArray[np.int64]
FLATTEST = 1e-3  # slope of a sigmoid where scores say nothing, or the contrary
FEWEST = 10  # positives below which a label's own figures would be noise
MANY = 10  # labels from which those of few positives share their figures
MOST_STEPS, ENOUGH = 100, 1e-8  # of Newton's method: steps, and the mean gradient at which it ends
FEWEST_TO_BEND = 100  # rows on either side below which a curve would follow noise


def fit_sigmoid(scores: Matrix, truth: Truth) -> tuple[float, float]:
    """Return (slope, shift) of P(true) = sigmoid(slope * score + shift), slope >= FLATTEST.

    Platt 1999, "Probabilistic outputs for support vector machines", with his smoothed targets, by Newton's method with
    halved steps (Lin, Lin and Weng 2007, "A note on Platt's probabilistic outputs for support vector machines", Machine
    Learning 68): 90 labels of 7,855 rows take 0.2 s where L-BFGS took 5.1 s.
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return 1.0, 0.0
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    features = np.stack([scores, np.ones(len(scores))])
    found = _newton(features, target, np.array([1.0, 0.0]))
    if found[0] < FLATTEST:
        found = np.append(FLATTEST, _newton(features[1:], target, found[1:], FLATTEST * scores))
    return float(found[0]), float(found[1])


def _newton(features: Matrix, target: Matrix, start: Matrix, offset: Matrix | float = 0.0) -> Matrix:
    """Return the parameters of the least log loss of sigmoid(parameters @ features + offset)."""
    at = start

    def loss(parameters: Matrix) -> tuple[float, Matrix]:
        z = parameters @ features + offset
        return float((np.logaddexp(0, z) - target * z).sum()), z

    value, z = loss(at)
    for _ in range(MOST_STEPS):
        p = sigmoid(z)
        gradient = features @ (p - target)
        if np.abs(gradient).max() <= ENOUGH * len(target):
            break
        step = -np.linalg.solve((features * (p * (1 - p))) @ features.T + 1e-9 * np.eye(len(at)), gradient)
        length = 1.0
        while length > 1e-10:
            tried, z = loss(at + length * step)
            if tried <= value + 1e-4 * length * float(gradient @ step):
                break
            length /= 2
        else:
            break
        at, value = at + length * step, tried
    return at


def _shared_sigmoid(scores: Matrix, truth: Truth) -> tuple[float, float]:
    """Return the one sigmoid of all labels that have fewer than FEWEST positives: two or more where some have.

    A label of one row is never learnt from when that row is held out, so that its score says nothing of others.
    """
    counts = truth.sum(axis=0)
    pooled = (counts < FEWEST) & (counts > 1)
    pooled = pooled if pooled.any() else counts > 1
    return fit_sigmoid(scores[:, pooled].ravel(), truth[:, pooled].ravel())


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


def fit_curve(probability: Matrix, truth: Truth) -> Matrix | None:
    """Return a non-decreasing curve from a sigmoid's or softmax's probability to a better one, float64 of shape (2, m).

    Isotonic regression (Zadrozny and Elkan 2002, KDD), read by linear interpolation between the ends of its steps. Its first
    and last step would say 0 and 1 where all their rows agree: they are smoothed as Platt's targets are. None with fewer than
    FEWEST_TO_BEND rows on a side.
    """
    if min(int(truth.sum()), int((~truth).sum())) < FEWEST_TO_BEND:
        return None
    fitted = IsotonicRegression(out_of_bounds="clip").fit(probability, truth)
    x, y = fitted.X_thresholds_.astype(np.float64), fitted.y_thresholds_.astype(np.float64)
    value = fitted.predict(probability)
    first, last = int((value == y[0]).sum()), int((value == y[-1]).sum())
    inner = y[(y > y[0]) & (y < y[-1])]
    least, most = 1 / (first + 2), (last + 1) / (last + 2)
    if len(inner):
        least, most = min(least, float(inner[0])), max(most, float(inner[-1]))
    return np.stack([x, np.clip(y, least, most) if least < most else y])


class Calibration:
    """The probabilities of a head as fitted on some rows: slope, shift of shape (k,), and a curve or None per label."""

    def __init__(self, scores: Matrix, truth: Truth, exclusive: bool, bent: Sequence[bool] | None = None) -> None:
        """Fit on out-of-fold scores and truth of shape (n, k); bent: which labels get a curve (default: none)."""
        self.exclusive = exclusive
        k = truth.shape[1]
        if exclusive:
            self.slope, self.shift = fit_softmax(scores, truth.argmax(axis=1))
        else:
            pairs = np.array([fit_sigmoid(scores[:, at], truth[:, at]) for at in range(k)]).reshape(k, 2)
            rare = truth.sum(axis=0) < FEWEST
            if k >= MANY and rare.any():
                pairs[rare] = _shared_sigmoid(scores, truth)
            self.slope, self.shift = pairs.T.copy()
        p = self.straight(scores) if bent is not None and any(bent) else None
        self.curves: list[Matrix | None] = [
            fit_curve(p[:, at], truth[:, at]) if p is not None and bent is not None and bent[at] else None for at in range(k)
        ]

    def straight(self, scores: Matrix) -> Matrix:
        """Return probabilities without the curves, float64 of shape (n, k)."""
        calibrated = self.slope * scores + self.shift
        return softmax(calibrated) if self.exclusive else sigmoid(calibrated)


def log_losses(probability: Matrix, truth: Truth, exclusive: bool) -> Matrix:
    """Return the log loss of each label, summed over the rows, float64 of shape (k,); an exclusive head's is one for all."""
    p = np.clip(probability, 1e-9, 1 - 1e-9)
    if exclusive:
        return np.full(truth.shape[1], -np.log(p[truth]).sum())
    return np.asarray(-np.where(truth, np.log(p), np.log(1 - p)).sum(axis=0))
