"""Linear classifiers: the labels of one head learnt from its features, with or without copies for each target."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from parastance.predict.scorer import Matrix
from parastance.train.diffusion import Diffusion
from parastance.train.emphasis import Emphasis
from parastance.train.feature_matrix import FeatureMatrix, WithCopies
from parastance.train.hinge import SquaredHinge
from parastance.train.logistic import Loss, ManySided, Start, TwoSided, minimise
from parastance.train.recipe import Recipe

Truth = NDArray[np.bool_]
STEEPEST = 3.0  # a log-count ratio above this says no more
LEAST = -10.0  # the bias of an exclusive label that was never seen
MARGIN = 0.1  # C of a support vector machine against that of a logistic regression
Scales = Callable[[int | None], Matrix | None]  # the features' scales of one label, of all labels in common


@dataclass(frozen=True)
class Linear:
    """Classifiers of k labels: weights of shape (features, k), bias of shape (k,); own: the same for targets with copies."""

    weights: Matrix
    bias: Matrix
    own: Mapping[int, tuple[Matrix, Matrix]] = field(default_factory=dict)

    def scores(self, x: FeatureMatrix, target: NDArray[np.int64]) -> Matrix:
        """Return scores, float64 of shape (n, k); target: int64 (n,), whose classifier each row is for, -1: the shared one."""
        scores = x @ self.weights + self.bias
        for number, (weights, bias) in self.own.items():
            rows = np.flatnonzero(target == number)
            if len(rows):
                scores[rows] = x.part(rows) @ weights + bias
        return scores


def fit_linear(
    x: FeatureMatrix, truth: Truth, sample: Matrix, target: NDArray[np.int64], exclusive: bool, recipe: Recipe,
    start: Linear | None = None, emphasis: Emphasis | None = None,
) -> Linear:
    """Return the classifiers of some rows; target: int64 (n,), numbers of the targets that have copies, -1: none.

    start: classifiers of other rows by the same recipe but for its C, from which these are found sooner.
    """  # fmt: skip
    width = x.shape[1]
    x, kept = x.present()
    common = common_scale(x, truth) if recipe.naive_bayes and exclusive and not recipe.one_vs_rest else None
    if not recipe.own:
        begin = None if start is None else (start.weights[kept], start.bias)
        weights, bias = _fit(x, truth, sample, exclusive, recipe, _scales(emphasis, kept, [], common), begin)
        return Linear(_spread(weights, kept, width), bias)
    numbers = sorted(set(target[target >= 0].tolist()))
    wide = WithCopies(x, target, numbers, recipe.own)
    begin = None if start is None else _unfolded(start, wide, kept, numbers)
    weights, bias = _fit(wide, truth, sample, exclusive, recipe, _scales(emphasis, kept, wide.columns, common), begin)
    shared = _spread(weights[: x.shape[1]], kept, width)
    own = {}
    for number, columns, copy in zip(numbers, wide.columns, wide.spans, strict=True):
        mine = weights[copy] * recipe.own
        own[number] = shared + _spread(mine[:-1], kept[columns], width), bias + mine[-1]
    return Linear(shared, bias, own)


def _scales(
    emphasis: Emphasis | None, kept: NDArray[np.int64], copies: Sequence[NDArray[np.int64]], common: Matrix | None
) -> Scales:
    """Return the scales of the features kept and, behind them, of the copies of some of these, each with a constant.

    common: float64, one a feature kept: what each counts beside its emphasis.
    """

    def scales(label: int | None) -> Matrix | None:
        if emphasis is None and common is None:
            return None
        plain = np.ones(len(kept)) if emphasis is None else (emphasis.common if label is None else emphasis.of(label))[kept]
        plain = plain if common is None else plain * common
        return np.concatenate([plain, *(np.append(plain[columns], 1.0) for columns in copies)])

    return scales


def _unfolded(linear: Linear, wide: WithCopies, kept: NDArray[np.int64], numbers: Sequence[int]) -> Start:
    """Return the weights of shared features and copies that make up some classifiers."""
    weights = np.zeros((wide.shape[1], len(linear.bias)))
    weights[: len(kept)] = linear.weights[kept]
    for number, columns, copy in zip(numbers, wide.columns, wide.spans, strict=True):
        if number in linear.own:
            theirs, bias = linear.own[number]
            mine = (theirs - linear.weights)[kept[columns]]
            weights[copy] = np.vstack([mine, bias - linear.bias]) / wide.own
    return weights, linear.bias


def _spread(weights: Matrix, kept: NDArray[np.int64], width: int) -> Matrix:
    """Return weights of shape (width, k), those of features not kept 0."""
    found = np.zeros((width, weights.shape[1]))
    found[kept] = weights
    return found


def _fit(
    x: FeatureMatrix | WithCopies, truth: Truth, sample: Matrix, exclusive: bool, recipe: Recipe, scales: Scales,
    start: Start | None,
) -> tuple[Matrix, Matrix]:  # fmt: skip
    if exclusive and not recipe.one_vs_rest:
        return _multinomial(x, truth, sample, recipe, scales(None), start)
    ratio = _scaler(x) if recipe.naive_bayes else None
    columns = []
    for at in range(truth.shape[1]):
        scale = scales(at)
        if ratio is not None:
            scale = ratio(truth[:, at]) * (1.0 if scale is None else scale)
        begin = None if start is None else (start[0][:, at], start[1][at])
        columns.append(_binary(x, truth[:, at], sample, recipe, scale, begin))
    return np.column_stack([weights for weights, _ in columns]), np.array([bias for _, bias in columns])


def _scaler(x: FeatureMatrix | WithCopies) -> Callable[[Truth], Matrix]:
    """Return the function that gives naive Bayes scales for a label; a feature that can be negative counts nothing, keeps 1."""
    size = x.magnitudes()
    totals = size.back(np.ones(x.shape[0]))
    signed = x.signed()
    return lambda truth: np.where(signed, 1.0, log_count_ratio(size.back(truth.astype(np.float64)), totals))


def _binary(
    x: FeatureMatrix | WithCopies, truth: Truth, sample: Matrix, recipe: Recipe, scale: Matrix | None, start: Start | None
) -> tuple[Matrix, float]:
    if truth.all() or not truth.any():  # nothing to tell apart: the label's share, smoothed, or the margin
        return np.zeros(x.shape[1]), (1.0 if truth.all() else -1.0) if recipe.hinge else _log_odds(truth)
    if recipe.balanced:
        sample = sample * np.where(truth, np.sqrt((~truth).sum() / truth.sum()), 1.0)
    return _two_sided(x, truth, sample, recipe, scale, start)


def _two_sided(
    x: FeatureMatrix | WithCopies, truth: Truth, sample: Matrix, recipe: Recipe, scale: Matrix | None, start: Start | None
) -> tuple[Matrix, float]:
    """Return (weights of shape (features,), bias) of what tells two sides apart, the features times `scale`."""
    if recipe.hinge:
        weights, bias = _least(x, SquaredHinge(truth, MARGIN * recipe.C * sample), np.array(-1.0), recipe, scale, start)
    else:
        weights, bias = _least(x, TwoSided(truth, recipe.C * sample), np.array(_log_odds(truth)), recipe, scale, start)
    return weights, float(bias)


def _log_odds(truth: Truth) -> float:
    share = (truth.sum() + 0.5) / (len(truth) + 1.0)
    return float(np.log(share / (1 - share)))


def log_count_ratio(inside: Matrix, totals: Matrix) -> Matrix:
    """Return a scale per feature, float64 of shape (features,): how unevenly it falls on the two sides, halved with 1.

    Wang and Manning 2012, "Baselines and bigrams": naive Bayes log-count ratios as feature scales for a linear classifier,
    interpolated. inside: the sums of the features, without sign, over a label's rows; totals: over all rows. Raised every
    topic's F1 by 0.005 to 0.015.
    """
    inside, outside = 1.0 + inside, 1.0 + totals - inside
    ratio = np.abs(np.log((inside / inside.sum()) / (outside / outside.sum())))
    return np.asarray(0.5 + 0.5 * np.minimum(ratio, STEEPEST))


def common_scale(x: FeatureMatrix, truth: Truth) -> Matrix:
    """Return a scale per feature, float64 of shape (features,), for all labels in common: how unevenly it falls on them.

    As `log_count_ratio`, but of how many rows a feature stands in rather than of its sums, the mean over the labels, 1 on average
    (by root mean square) and without a bound; a feature that can be negative keeps 1. truth: bool of shape (n, k). A target's
    copies are scaled as the features that they copy: scales of their own cost 0.003 to 0.006 of log loss on SemEval-2016.
    """
    standing = x.standing()
    counts = standing.back(truth.astype(np.float64))
    inside, outside = 1.0 + counts, 1.0 + counts.sum(axis=1, keepdims=True) - counts
    ratio = np.abs(np.log((inside / inside.sum(axis=0)) / (outside / outside.sum(axis=0)))).mean(axis=1)
    usual = float(np.sqrt((ratio**2).mean())) if len(ratio) else 0.0
    return np.where(x.signed() | (usual == 0.0), 1.0, 0.5 + 0.5 * ratio / max(usual, 1e-12))


def _multinomial(
    x: FeatureMatrix | WithCopies, truth: Truth, sample: Matrix, recipe: Recipe, scale: Matrix | None, start: Start | None
) -> tuple[Matrix, Matrix]:
    answer = truth.argmax(axis=1)
    seen, counts = np.unique(answer, return_counts=True)
    weights, bias = np.zeros((x.shape[1], truth.shape[1])), np.full(truth.shape[1], LEAST)
    if len(seen) < 2:
        bias[seen] = 0.0
        return weights, bias
    if recipe.balanced:
        heavier = np.zeros(truth.shape[1])
        heavier[seen] = np.sqrt(counts.max() / counts)
        sample = sample * heavier[answer]
    if len(seen) == 2:
        begin = start and (start[0][:, seen] @ [-1.0, 1.0], start[1][seen] @ [-1.0, 1.0])
        half, middle = _two_sided(x, answer == seen[1], sample, recipe, scale, begin)
        weights[:, seen[0]], weights[:, seen[1]] = -half / 2, half / 2
        bias[seen] = -middle / 2, middle / 2
    else:
        loss, shares = ManySided(truth[:, seen], recipe.C * sample), np.log(counts / len(answer))
        begin = start and (start[0][:, seen], start[1][seen])
        weights[:, seen], bias[seen] = _least(x, loss, shares - shares.mean(), recipe, scale, begin)
    return weights, bias


def _least(
    x: FeatureMatrix | WithCopies, loss: Loss, bias: Matrix, recipe: Recipe, scale: Matrix | None, start: Start | None
) -> tuple[Matrix, Matrix]:
    """Return (weights, bias) of the least loss, the features times `scale`; the biases of several labels count nothing."""
    if not recipe.diffusion:
        return minimise(x, loss, bias, scale, not bias.ndim, start)
    wide = Diffusion(x, scale, recipe.diffusion)
    begin = None if start is None else (wide.unfold(start[0]), start[1])
    weights, bias = minimise(wide, loss, bias, None, not bias.ndim, begin)
    return wide.fold(weights), bias
