"""Out-of-fold scores to a head that decides: calibrated, cut, certified; and what such a head says of rows it has not seen.

Calibration, cut-offs and levels are fitted on scores, so judging them on the same scores would flatter them. Every figure is
therefore crossed: a fold's rows are judged by what the other folds' scores gave, choice of calibration included.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.heads import Head
from parastance.predict.metrics import label_scores
from parastance.predict.scorer import Matrix
from parastance.train.calibrate import FEWEST_TO_BEND, MANY, Calibration, log_losses
from parastance.train.certify import Certificate, certify
from parastance.train.cutoffs import FLAT, best_cut, best_offsets, leaning_cuts, micro_macro
from parastance.train.drawn import UNCERTAIN
from parastance.train.scoring import Decided

Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class Sample:
    """A head's out-of-fold scores and all that is known of their rows.

    scores, truth: shape (n, k); fold, groups: int64 (n,); origins: where each row comes from, str (n,); weights: what each
    stands for among those of its origin, float64 (n,). each: the least and the greatest number of labels that a row may get, as
    the data have it. named: bool (n,), which rows name their target; None where no rule is to be made of that. counts: int64
    (n,), how often each row is reckoned with by calibration and cut-offs; None: once.
    """

    labels: tuple[str, ...]
    exclusive: bool
    fallback: int
    scores: Matrix
    truth: Truth
    fold: NDArray[np.int64]
    groups: NDArray[np.int64]
    origins: NDArray[Any]
    weights: Matrix
    each: tuple[int, int] = (0, 2)
    named: Truth | None = None
    counts: NDArray[np.int64] | None = None

    def part(self, rows: NDArray[Any]) -> "Sample":
        """Return the sample of some rows."""
        arrays = {name: getattr(self, name)[rows] for name in ("scores", "truth", "fold", "groups", "origins", "weights")}
        named, counts = (None if given is None else given[rows] for given in (self.named, self.counts))
        return replace(self, **arrays, named=named, counts=counts)

    def counted(self) -> "Sample":
        """Return the sample with every row as often as it counts."""
        return self if self.counts is None else replace(self.part(np.repeat(np.arange(len(self.truth)), self.counts)), counts=None)


def plain_head(labels: tuple[str, ...], exclusive: bool, fallback: int) -> Head:
    """Return a head without bias, uncalibrated, with cut-offs at one half and nothing certified."""
    k = len(labels)
    cut = np.zeros(k) if exclusive else np.full(k, 0.5)
    return Head(labels, exclusive, np.zeros(k), np.ones(k), np.zeros(k), cut, np.full(k, np.nan), fallback)


def decisive_head(sample: Sample, bent: Sequence[bool] | None = None) -> Head:
    """Return the head without bias, calibrated and cut on a sample; bent: which labels' probabilities get a curve."""
    if not len(sample.truth):
        return plain_head(sample.labels, sample.exclusive, sample.fallback)
    sample = sample.counted()
    fitted = Calibration(sample.scores, sample.truth, sample.exclusive, bent)
    head = replace(
        plain_head(sample.labels, sample.exclusive, sample.fallback),
        slope=fitted.slope, shift=fitted.shift, curves=tuple(fitted.curves),
    )  # fmt: skip
    p = head.probabilities(sample.scores)
    if sample.exclusive:
        return _neutral(replace(head, cut=best_offsets(p, sample.truth.argmax(axis=1), sample.fallback)), p, sample)
    own = [best_cut(p[:, at], sample.truth[:, at]) for at in range(p.shape[1])]
    if len(own) >= MANY:
        leaning = head.probabilities(leaning_cuts(sample.scores, sample.truth)[np.newaxis])[0]
        own = [cut if curve is not None else lean for cut, lean, curve in zip(own, leaning, fitted.curves, strict=True)]
    return _counting(replace(head, cut=np.array(own)), p, sample)


def _neutral(head: Head, probability: Matrix, sample: Sample) -> Head:
    """Return the head that calls texts neutral which do not name the target, where that raises macro-F1 by more than FLAT."""
    if sample.named is None or sample.named.all():
        return head
    strict = replace(head, unnamed_neutral=True)
    plain, better = (_macro_f1(sample.truth, one.decide(probability, sample.named)) for one in (head, strict))
    return strict if better > plain + FLAT else head


def _macro_f1(truth: Truth, given: Truth) -> float:
    return float(np.mean([label_scores(truth[:, at], given[:, at])["f1"] for at in range(truth.shape[1])]))


def _counting(head: Head, probability: Matrix, sample: Sample) -> Head:
    """Return the head with a rule on how many labels a row gets, where the data keep it and it raises micro and macro-F1.

    At least one label: Yang's RCut behind the cut-offs (see `cutoffs.leaning_cuts`).
    """
    least, most = sample.each
    rules = [(False, False), *([(True, False)] if least else []), *([(True, True)] if least == most == 1 else [])]
    heads = [replace(head, at_least_one=least_one, at_most_one=most_one) for least_one, most_one in rules]
    return max(heads, key=lambda one: micro_macro(sample.truth, one.decide(probability)))


def choose_curves(sample: Sample) -> list[bool]:
    """Return for which labels a curve lowers the log loss of folds that it was not fitted on; for an exclusive head, of all."""
    sample = sample.counted()
    k = sample.truth.shape[1]
    counts = sample.truth.sum(axis=0)
    if min(counts.max(), (len(sample.truth) - counts).max()) < FEWEST_TO_BEND:
        return [False] * k
    losses = np.zeros((2, k))
    plain = plain_head(sample.labels, sample.exclusive, sample.fallback)
    for fold in np.unique(sample.fold):
        inside = sample.fold != fold
        if not inside.any():
            return [False] * k
        out = sample.part(~inside)
        fitted = Calibration(sample.scores[inside], sample.truth[inside], sample.exclusive, [True] * k)
        straight = replace(plain, slope=fitted.slope, shift=fitted.shift)
        for at, head in enumerate((straight, replace(straight, curves=tuple(fitted.curves)))):
            losses[at] += log_losses(head.probabilities(out.scores), out.truth, sample.exclusive)
    return [bool(straight > curved) for straight, curved in losses.T]


def certificates(sample: Sample, decided: Decided, wanted: float) -> list[Certificate]:
    """Return each label's certificate, from what was said of the rows held out; rows chosen for being uncertain judge nothing."""
    judges = sample.origins != UNCERTAIN
    sample, decided = sample.part(judges), decided.part(judges)
    return [
        certify(
            decided.probability[:, at], sample.truth[:, at], decided.given[:, at], wanted, sample.groups, sample.origins,
            sample.weights,
        )
        for at in range(len(sample.labels))
    ]


def crossed(sample: Sample, wanted: float) -> Decided:
    """Return what is said of each fold's rows by heads calibrated and cut on the other folds, certified on them in turn.

    With fewer than three folds there are no folds left to choose curves by: none is bent.
    """
    probability, given = np.zeros(sample.truth.shape), np.zeros(sample.truth.shape, dtype=np.bool_)
    names = np.unique(sample.fold)
    for fold in names:
        out = sample.fold == fold
        seen = sample.part(~out)
        head = decisive_head(seen, choose_curves(seen) if len(names) > 2 else None)
        probability[out] = head.probabilities(sample.scores[out])
        given[out] = head.decide(probability[out], None if sample.named is None else sample.named[out])
    certain = np.zeros(sample.truth.shape, dtype=np.bool_)
    decided = Decided(probability, given, certain)
    for fold in names:
        out = sample.fold == fold
        seen, said = sample.part(~out), decided.part(~out)
        levels = np.array([found.level for found in certificates(seen, said, wanted)])
        certain[out] = probability[out] >= levels
    return decided
