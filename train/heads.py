"""One head: linear classifiers fitted and scored out of fold; `decisions` makes probabilities and labels of the scores.

Each label of an inclusive head is a logistic regression of its own; an exclusive head is one multinomial regression or, where
its recipe says so, one regression a label.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from parastance.predict.batch import cores
from parastance.predict.heads import Head
from parastance.predict.metrics import head_scores, label_scores
from parastance.predict.scorer import Matrix
from parastance.predict.sentences import strongest
from parastance.train.certify import Certificate
from parastance.train.decisions import Sample, certificates, choose_curves, crossed, decisive_head, plain_head
from parastance.train.emphasis import Emphasis
from parastance.train.feature_matrix import FeatureMatrix
from parastance.train.folds import Folds
from parastance.train.folds import folds as group_folds
from parastance.train.linear import Linear, fit_linear
from parastance.train.questions import NEUTRAL, Question
from parastance.train.recipe import Recipe
from parastance.train.room import Room
from parastance.train.scoring import Decided

ROOM = Room(cores(), 1_500_000_000)  # that classifiers learnt side by side share; each takes some 400 MB at 100,000 rows
COPIES = 2  # of the features that learning makes at most
SMALL_FOLDS = 5  # of the rows of a single fold


class Features(Protocol):
    """What a head's training asks of the data: features of all rows and their sentences, and how much each counts beforehand."""

    def __call__(self, blocks: tuple[str, ...]) -> "tuple[FeatureMatrix, Parts | None]": ...
    def emphasis(self, recipe: Recipe, labels: Sequence[str]) -> Emphasis | None: ...


@dataclass(frozen=True)
class FittedHead:
    """A head ready for the artifact: its runtime part and its classifiers, whose weights have shape (features, k).

    own: per target with copies, its (weights, bias). recipe: how it was learnt; trials: what was tried before, with macro-F1.
    judged: what was said of the rows `rows` when held out, certificates: one a label, made of it; truth: bool of shape
    (len(rows), k). slices: by name, rows held out by a field's values (indices into `rows`) and what was said of them.
    """

    head: Head
    weights: Matrix
    own: dict[str, tuple[Matrix, Matrix]]
    recipe: Recipe
    trials: list[dict[str, Any]]
    judged: Decided
    rows: NDArray[np.int64]
    truth: NDArray[np.bool_]
    certificates: list[Certificate]
    slices: dict[str, tuple[NDArray[np.int64], Decided]]

    @property
    def out_of_fold(self) -> Matrix:
        """The probabilities of the rows when held out, shape (len(rows), k)."""
        return self.judged.probability

    @cached_property
    def scores(self) -> dict[str, Any]:
        """The scores of what was said of the rows held out, under the names of `predict.metrics.head_scores`."""
        said = self.judged
        return head_scores(self.head.labels, self.truth, said.given, said.probability, said.certain, self.head.exclusive)


@dataclass(frozen=True)
class Design:
    """How rows are held out. splits: the folds that groups never straddle; slices: further ones, by the field held out.

    groups: int64, origins: str, weights: float64, of shape (n,): what each row must be held out with, where it comes from, and
    what it stands for among those of its origin. precision: the one that levels are certified for. named: bool (n,), which rows
    name their target.
    """

    splits: Folds
    slices: dict[str, Folds]
    groups: NDArray[np.int64]
    origins: NDArray[Any]
    weights: Matrix
    precision: float
    named: NDArray[np.bool_]


@dataclass(frozen=True)
class Parts:
    """The sentences of the data: features of shape (s, f), and the row that each belongs to, ascending."""

    features: FeatureMatrix
    owner: NDArray[np.int64]


def fit_head(
    question: Question, recipes: Sequence[Recipe], features: Features, design: Design, tolerance: float, tick: Callable[[], None]
) -> FittedHead:
    """Return the head fitted on all its rows by the best of the recipes, its cut-offs set on out-of-fold scores.

    recipes: the plainest first; the first is taken whose macro-F1 is within `tolerance` of the best one's. Where the folds hold
    out only some of the rows, `rows`, `truth` and `judged` are of those.
    """
    folds, everything = design.splits, question
    tested = np.arange(len(question.rows))
    if folds:
        tested = np.flatnonzero(np.isin(question.rows, np.concatenate([test for _, test in folds])))
        question = everything.part(tested)
    truth = question.truth
    samples, trials = [], []
    fits: list[Linear] = []
    for recipe in recipes if folds else recipes[:1]:
        before = fits[-1] if fits and recipes[len(fits) - 1] == replace(recipe, C=recipes[len(fits) - 1].C) else None
        fits.append(_fit_rows(everything, features, np.arange(len(everything.truth)), recipe, before))
        scores = out_of_fold(everything, features, folds, recipe, tick, fits[-1])
        samples.append(sample_of(everything, recipe, scores, folds, design).part(tested))
        trials.append(macro_f1(calibrated(question, samples[-1].scores, recipe), samples[-1].scores, truth) if folds else 0.0)
    chosen = next(at for at, found in enumerate(trials) if found >= max(trials) - tolerance)
    recipe, sample, linear = recipes[chosen], samples[chosen], fits[chosen]
    tick()
    if len(folds) == 1:  # what is fitted on scores is crossed within the fold
        parts = group_folds(sample.groups, SMALL_FOLDS)
        sample = replace(sample, fold=_fold_of(parts, len(sample.fold)))
    slices = {}
    for name, splits in design.slices.items():
        outside = out_of_fold(question, features, splits, recipe, tick, linear)
        part = sample_of(question, recipe, outside, splits, design)
        slices[name] = (np.flatnonzero(part.fold >= 0), crossed(part.part(part.fold >= 0), design.precision))
    head = decisive_head(sample, choose_curves(sample)) if folds else plain_head(*_rules(question))
    judged = crossed(sample, design.precision) if folds else _outright(head, sample.scores)
    found = certificates(sample, judged, design.precision)
    levels = np.array([one.level if folds else np.nan for one in found])
    head = replace(head, bias=linear.bias, certified=levels, wanted=design.precision, pooled=recipe.pooled)
    own = {question.targets[number]: pair for number, pair in linear.own.items()}
    tried = [as_trial(recipe, f1) for recipe, f1 in zip(recipes, trials, strict=False)]
    return FittedHead(head, linear.weights, own, recipe, tried, judged, question.rows, truth, found, slices)


def _rules(question: Question) -> tuple[tuple[str, ...], bool, int]:
    return question.labels, question.exclusive, question.fallback


def _outright(head: Head, scores: Matrix) -> Decided:
    p = head.probabilities(scores)
    return Decided(p, head.decide(p), head.certain(p))


def sample_of(question: Question, recipe: Recipe, scores: Matrix, splits: Folds, design: Design) -> Sample:
    """Return out-of-fold scores with what is known of their rows; the fold of a row that was never held out is -1."""
    rows = question.rows
    fold = _fold_of(splits, len(design.groups))[rows]
    groups, origins, weights = design.groups[rows], design.origins[rows], design.weights[rows]
    stands = question.name == "stance" and question.labels[question.fallback].lower() in NEUTRAL and recipe.unnamed_neutral
    named = design.named[rows] if stands else None
    each = _each(question, recipe)
    return Sample(*_rules(question), scores, question.truth, fold, groups, origins, weights, each, named, question.counts)


def _each(question: Question, recipe: Recipe) -> tuple[int, int]:
    """Return the least and the greatest number of labels of a row, as `Sample` has them."""
    count = question.truth.sum(axis=1)
    return (int(count.min()), int(count.max())) if recipe.at_least_one and len(count) else Sample.each


def _fold_of(splits: Folds, count: int) -> NDArray[np.int64]:
    fold = np.full(count, -1, dtype=np.int64)
    for number, (_, test) in enumerate(splits):
        fold[test] = number
    return fold


def as_trial(recipe: Recipe, f1: float) -> dict[str, Any]:
    """Return one trial as the manifest tells it."""
    return {**recipe.told(), "macro_f1": round(f1, 4)}


def calibrated(question: Question, scores: Matrix, recipe: Recipe) -> Head:
    """Return the question's head without bias, calibrated without curves and cut on out-of-fold scores."""
    alone = np.zeros(len(scores), dtype=np.int64)
    even = np.ones(len(alone))
    each, counts = _each(question, recipe), question.counts
    sample = Sample(*_rules(question), scores, question.truth, alone, alone, alone.astype(str), even, each, None, counts)
    return replace(decisive_head(sample), pooled=recipe.pooled)


def macro_f1(head: Head, scores: Matrix, truth: NDArray[np.bool_]) -> float:
    """Return macro-F1 over all labels of what the head decides."""
    given = head.decide(head.probabilities(scores))
    return float(np.mean([label_scores(truth[:, at], given[:, at])["f1"] for at in range(truth.shape[1])]))


def out_of_fold(
    question: Question, features: Features, folds: Folds, recipe: Recipe, tick: Callable[[], None], start: Linear | None = None,
    known: dict[int, Linear] | None = None,
) -> Matrix:
    """Return scores, float64 of shape (rows, k), each row's from a model that saw nothing of its group; 0 where never held out.

    start: a model near which the others lie; it shortens the way to their optima, which do not depend on it (see `logistic`).
    known: the last model of each fold from the same blocks, which does so too; replaced.
    """  # fmt: skip
    x, parts = features(recipe.blocks)
    place = np.full(x.shape[0], -1, dtype=np.int64)
    place[question.rows] = np.arange(len(question.rows))
    scores = np.zeros(question.truth.shape)

    def held_out(number: int, train: NDArray[np.int64], test: NDArray[np.int64]) -> tuple[NDArray[np.int64], Matrix]:
        inside, outside = place[train], place[test]
        inside, outside = inside[inside >= 0], outside[outside >= 0]
        begin = start if known is None else known.get(number, start)
        linear = _fit_rows(question, features, inside, recipe, begin)
        if known is not None:
            known[number] = linear
        own = linear.scores(x.part(question.rows[outside]), question.target[outside])
        if parts is None or not recipe.pooled:
            return outside, own
        theirs = np.flatnonzero(np.isin(parts.owner, question.rows[outside]))
        owner = np.searchsorted(question.rows[outside], parts.owner[theirs])
        sentences = linear.scores(parts.features.part(theirs), question.target[outside][owner])
        return outside, strongest(own, sentences, owner, question.fallback if question.exclusive else None)[0]

    for rows, found in Parallel(n_jobs=cores(), prefer="threads", return_as="generator")(
        delayed(held_out)(number, train, test) for number, (train, test) in enumerate(folds)
    ):
        scores[rows] = found
        tick()
    return scores


def _fit_rows(
    question: Question, features: Features, rows: NDArray[np.int64], recipe: Recipe, start: Linear | None = None
) -> Linear:
    """Return the classifiers fitted on some rows of the question."""
    x, truth, target = features(recipe.blocks)[0], question.truth[rows], question.target[rows]
    emphasis = features.emphasis(recipe, question.labels)
    with ROOM.take(COPIES * x.size * len(rows) // max(1, x.shape[0])):
        part = x.part(question.rows[rows])
        return fit_linear(part, truth, question.weights[rows], target, question.exclusive, recipe, start, emphasis)
