"""One head: linear classifiers fitted, scored out of fold, calibrated, cut and certified.

Each label of an inclusive head is a logistic regression of its own; an exclusive head is one multinomial regression or, where
its recipe says so, one regression a label.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from parastance.predict.heads import Head
from parastance.predict.metrics import head_scores, label_scores
from parastance.predict.scorer import Matrix
from parastance.predict.sentences import strongest
from parastance.train.calibrate import best_cut, best_offsets, certify, fit_sigmoid, fit_softmax
from parastance.train.linear import Linear, fit_linear
from parastance.train.recipe import Recipe

Folds = list[tuple[NDArray[np.int64], NDArray[np.int64]]]
Features = Callable[[tuple[str, ...]], "tuple[sp.csr_matrix, Parts | None]"]
ENOUGH, MOST = 30, 20  # rows about a target that may have features of its own, and how many such targets there may be
NEUTRAL = ("neutral", "none", "other")  # names of the label that means "nothing to see"


@dataclass(frozen=True)
class Question:
    """What a head is to learn: the rows that answer it and their answers.

    rows: indices into the data; truth: bool of shape (len(rows), k); weights: float64 of shape (len(rows),). target: int64 of
    shape (len(rows),), the number in `targets` of whom the row is about, -1 where it is about another; targets: the names of
    those about whom there are enough rows for features of their own.
    """

    name: str
    labels: tuple[str, ...]
    exclusive: bool
    rows: NDArray[np.int64]
    truth: NDArray[np.bool_]
    weights: Matrix
    target: NDArray[np.int64]
    targets: tuple[str, ...] = ()

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
        return replace(self, labels=names, rows=rows, truth=truth, weights=weights, target=target)


@dataclass(frozen=True)
class FittedHead:
    """A head ready for the artifact: its runtime part and its classifiers, whose weights have shape (features, k).

    own: per target with copies, its (weights, bias). recipe: how it was learnt; trials: what was tried before, with macro-F1.
    out_of_fold: probabilities of the rows `rows` when held out, shape (len(rows), k); truth: bool of the same shape.
    """

    head: Head
    weights: Matrix
    own: dict[str, tuple[Matrix, Matrix]]
    recipe: Recipe
    trials: list[dict[str, Any]]
    out_of_fold: Matrix
    rows: NDArray[np.int64]
    truth: NDArray[np.bool_]
    scores: dict[str, Any]


@dataclass(frozen=True)
class Parts:
    """The sentences of the data: features, sparse of shape (s, f), and the row that each belongs to, ascending."""

    features: sp.csr_matrix
    owner: NDArray[np.int64]


def fit_head(
    question: Question, recipes: Sequence[Recipe], features: Features, folds: Folds, tolerance: float, tick: Callable[[], None]
) -> FittedHead:
    """Return the head fitted on all its rows by the best of the recipes, its cut-offs set on out-of-fold scores.

    recipes: the plainest first; the first is taken whose macro-F1 is within `tolerance` of the best one's. Where the folds hold
    out only some of the rows, `rows`, `truth` and `out_of_fold` are of those.
    """
    everything, tested = question, np.arange(len(question.rows))
    if folds:
        tested = np.flatnonzero(np.isin(question.rows, np.concatenate([test for _, test in folds])))
        question = everything.part(tested)
    truth, trials, heads, scores = question.truth, [], [], []
    for recipe in recipes if folds else recipes[:1]:
        scores.append(out_of_fold(everything, features, folds, recipe, tick)[tested])
        heads.append(calibrated(question, scores[-1], recipe) if folds else _plain(question, recipe))
        trials.append(macro_f1(heads[-1], scores[-1], truth))
    chosen = next(at for at, found in enumerate(trials) if found >= max(trials) - tolerance)
    recipe = recipes[chosen]
    linear = _fit_rows(everything, features(recipe.blocks)[0], np.arange(len(everything.truth)), recipe)
    tick()
    head = replace(heads[chosen], bias=linear.bias)
    p = head.probabilities(scores[chosen])
    given = head.decide(p)
    if folds:
        levels = [certify(p[:, at], truth[:, at], given[:, at]) for at in range(p.shape[1])]
        head = replace(head, certified=np.array(levels))
    found = head_scores(head.labels, truth, given, p, head.certain(p), head.exclusive)
    own = {question.targets[number]: pair for number, pair in linear.own.items()}
    tried = [as_trial(recipe, f1) for recipe, f1 in zip(recipes, trials, strict=False)]
    return FittedHead(head, linear.weights, own, recipe, tried, p, question.rows, truth, found)


def as_trial(recipe: Recipe, f1: float) -> dict[str, Any]:
    """Return one trial as the manifest tells it."""
    return {**asdict(recipe), "blocks": list(recipe.blocks), "macro_f1": round(f1, 4)}


def _plain(question: Question, recipe: Recipe) -> Head:
    """Return the question's head without bias, uncalibrated, with cut-offs at one half and nothing certified."""
    k = len(question.labels)
    cut = np.zeros(k) if question.exclusive else np.full(k, 0.5)
    return Head(
        question.labels, question.exclusive, np.zeros(k), np.ones(k), np.zeros(k), cut, np.full(k, np.nan), question.fallback,
        recipe.pooled,
    )  # fmt: skip


def calibrated(question: Question, scores: Matrix, recipe: Recipe) -> Head:
    """Return the question's head without bias, calibrated and cut on out-of-fold scores."""
    truth, answer = question.truth, question.truth.argmax(axis=1)
    if question.exclusive:
        slope, shift = fit_softmax(scores, answer)
    else:
        fitted = [fit_sigmoid(scores[:, at], truth[:, at]) for at in range(truth.shape[1])]
        slope, shift = np.array([pair[0] for pair in fitted]), np.array([pair[1] for pair in fitted])
    head = replace(_plain(question, recipe), slope=slope, shift=shift)
    p = head.probabilities(scores)
    if question.exclusive:
        return replace(head, cut=best_offsets(p, answer, question.fallback))
    return replace(head, cut=np.array([best_cut(p[:, at], truth[:, at]) for at in range(p.shape[1])]))


def macro_f1(head: Head, scores: Matrix, truth: NDArray[np.bool_]) -> float:
    """Return macro-F1 over all labels of what the head decides."""
    given = head.decide(head.probabilities(scores))
    return float(np.mean([label_scores(truth[:, at], given[:, at])["f1"] for at in range(truth.shape[1])]))


def out_of_fold(question: Question, features: Features, folds: Folds, recipe: Recipe, tick: Callable[[], None]) -> Matrix:
    """Return scores, float64 of shape (rows, k), each row's from a model that saw nothing of its group."""
    x, parts = features(recipe.blocks)
    place = np.full(x.shape[0], -1, dtype=np.int64)
    place[question.rows] = np.arange(len(question.rows))
    scores = np.zeros(question.truth.shape)
    for train, test in folds:
        inside, outside = place[train], place[test]
        inside, outside = inside[inside >= 0], outside[outside >= 0]
        linear = _fit_rows(question, x, inside, recipe)
        scores[outside] = linear.scores(x[question.rows[outside]], question.target[outside])
        if parts is not None and recipe.pooled:
            theirs = np.flatnonzero(np.isin(parts.owner, question.rows[outside]))
            owner = np.searchsorted(question.rows[outside], parts.owner[theirs])
            sentences = linear.scores(parts.features[theirs], question.target[outside][owner])
            reference = question.fallback if question.exclusive else None
            scores[outside], _ = strongest(scores[outside], sentences, owner, reference)
        tick()
    return scores


def _fit_rows(question: Question, x: sp.csr_matrix, rows: NDArray[np.int64], recipe: Recipe) -> Linear:
    """Return the classifiers fitted on some rows of the question."""
    return fit_linear(
        x[question.rows[rows]], question.truth[rows], question.weights[rows], question.target[rows], question.exclusive, recipe
    )


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
