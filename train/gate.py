"""The gate: what a candidate must keep of the model in use before it may take its place. Pure: pairs in, checks out.

Each label's F1 must be shown not to be worse by more than a margin: the lower end of a paired bootstrap interval over
groups must lie above it (Efron and Tibshirani 1993, "An Introduction to the Bootstrap"; non-inferiority: Wellek 2010,
"Testing Statistical Hypotheses of Equivalence and Noninferiority"). All labels must pass, so that no correction for many
tests is due (the intersection-union test: Berger 1982, Technometrics 24). Rows too few to tell are a reason to refuse.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from parastance.predict.metrics import BINS, calibration_error, label_scores
from parastance.predict.scorer import Matrix
from parastance.train.bootstrap import drawn_figures, group_sums, interval, resampled
from parastance.train.held_out import Truth
from parastance.train.pairs import HeadPair, Pairs, Side, shared

DRAWS = 2000


@dataclass(frozen=True)
class Limits:
    """What the gate allows.

    margin: F1 that a label may lose. confidence: of the one-sided bounds. floor: F1 that every label must reach, beside the
    floor that always holds: to give the label to every row must not be better. calibration: error that is never refused;
    growth: growth of it that never is.
    disputed: share of common rows that the two trainings may label differently. slower, larger: times the model in
    use; size: bytes that are never refused. fewest: positive rows below which a label cannot be judged.
    """

    margin: float = 0.02
    confidence: float = 0.95
    floor: float | None = None
    calibration: float = 0.05
    growth: float = 0.01
    disputed: float = 0.10
    slower: float = 1.5
    larger: float = 1.5
    size: int = 8_000_000
    fewest: int = 10
    new_scheme: bool = False


@dataclass(frozen=True)
class Check:
    """One comparison: what, of which head and label; both figures; the interval of their difference; why it fails, if so."""

    what: str
    head: str = ""
    label: str = ""
    in_use: float | None = None
    candidate: float | None = None
    interval: tuple[float, float] | None = None
    reason: str = ""

    @property
    def passed(self) -> bool:
        return not self.reason

    def to_json(self) -> dict[str, Any]:
        """Return the check as a dict of plain values."""
        return {**asdict(self), "passed": self.passed}


def lost_labels(candidate: Side, in_use: Side, limits: Limits) -> Iterator[Check]:
    """Yield a check a head: the candidate has every label of the model in use."""
    for head, labels in in_use.labels.items():
        mine = candidate.labels.get(head, ())
        lost = [label for label in labels if label not in mine]
        reason = ""
        if lost and not limits.new_scheme:
            has = f"the candidate's are {', '.join(mine)}" if mine else f"the candidate has no {head} at all"
            reason = (
                f"{head}: it lost {', '.join(lost)}; {has}. Records would lack what the model in use gives; "
                "if another labelling scheme is meant, say --new-scheme"
            )
        yield Check("labels", head, in_use=len(labels), candidate=len(mine), reason=reason)


def disputed(pairs: Pairs, limits: Limits) -> Iterator[Check]:
    """Yield a check that the two trainings agree on what the common rows are."""
    share = pairs.disputed / pairs.rows if pairs.rows else 0.0
    reason = ""
    if share > limits.disputed:
        reason = (
            f"labels: {pairs.disputed:,} of {pairs.rows:,} common rows ({share:.0%}) were labelled differently for the "
            "model in use, and judge neither; if the new labels are right, show it: --on rows whose labels you trust"
        )
    yield Check("disputed labels", candidate=share, reason=reason)


def f1_checks(name: str, pair: HeadPair, limits: Limits) -> Iterator[Check]:
    """Yield a check a label: F1 is not worse by more than the margin."""
    mine, theirs = drawn_figures(pair.groups, pair.truth, pair.given, DRAWS)
    differences = (mine - theirs).f1
    for at, label in enumerate(pair.labels):
        new, old = (float(label_scores(pair.truth[:, at], given[:, at])["f1"]) for given in pair.given)
        found = interval(differences[:, at], 2 * limits.confidence - 1)
        support = int(pair.truth[:, at].sum())
        reason = _why_worse(f"{name} {label}", new, old, found, support, limits)
        yield Check("F1", name, label, old, new, found, reason)


def _why_worse(what: str, new: float, old: float, found: tuple[float, float] | None, support: int, limits: Limits) -> str:
    """Return why a label's F1 fails, empty where it does not."""
    if found is None or support < limits.fewest:
        return f"{what}: {support} rows have the label, too few to compare; at least {limits.fewest} are needed"
    if found[0] >= -limits.margin:
        return ""
    change = f"interval of the difference {found[0]:+.3f} to {found[1]:+.3f}, allowed {-limits.margin:+.3f}"
    if found[1] < 0 or new - old < -limits.margin:
        return f"{what}: F1 fell from {old:.3f} to {new:.3f} ({change}; {support:,} rows have the label)"
    times = ((new - old - found[0]) / (limits.margin + new - old)) ** 2 if new - old > -limits.margin else np.inf
    more = f"; about {np.ceil(times):.0f} times as many would, were the figures the same" if times < 50 else ""
    return (
        f"{what}: F1 {old:.3f} and {new:.3f}, but the rows ({support:,} have the label) cannot rule out a loss ({change}){more}"
    )


def floor_checks(
    name: str, labels: Sequence[str], truth: Truth, given: Truth, old: Truth | None, limits: Limits
) -> Iterator[Check]:
    """Yield a check a label: F1 is above what giving the label to every row would reach, and above the floor asked for.

    The first floor is for labels of fewer than half of the rows. old: what the model in use gave; where that is no better, a
    label below it is no reason to refuse.
    """
    for at, label in enumerate(labels):
        support = int(truth[:, at].sum())
        new = float(label_scores(truth[:, at], given[:, at])["f1"])
        before = None if old is None else float(label_scores(truth[:, at], old[:, at])["f1"])
        judged = limits.fewest <= support < len(truth) / 2
        least = 2 * support / (len(truth) + support) if judged else 0.0
        reason = ""
        if new < least and (before is None or new < before):
            reason = f"{name} {label}: F1 {new:.3f} is below {least:.3f}, which giving the label to every row would reach"
        if limits.floor is not None and new < limits.floor:
            reason = f"{name} {label}: F1 {new:.3f} is below the floor of {limits.floor:.3f} that was asked for"
        yield Check("floor", name, label, max(least, limits.floor or 0.0), new, reason=reason)


def calibration_checks(name: str, pair: HeadPair, limits: Limits) -> Iterator[Check]:
    """Yield a check a label: a calibration error above the limit is not shown to have grown, by more than a little."""
    for at, label in enumerate(pair.labels):
        mine, theirs = (calibration_error(pair.truth[:, at], p[:, at]) for p in pair.probability)
        found, reason = None, ""
        if mine > limits.calibration:
            found = interval(_drawn_growth(pair, at), 2 * limits.confidence - 1)
        if mine > limits.calibration and mine - theirs > limits.growth and (found is None or found[0] > 0):
            reason = (
                f"{name} {label}: calibration error grew from {theirs:.3f} to {mine:.3f}, above {limits.calibration:.2f}: "
                "its probabilities no longer mean what they say"
            )
        yield Check("calibration error", name, label, theirs, mine, found, reason)


def _drawn_growth(pair: HeadPair, label: int) -> Matrix:
    """Return how much higher the candidate's calibration error is in draws of groups, float64 of shape (DRAWS,)."""
    rows, truth = np.arange(len(pair.truth)), pair.truth[:, label]
    table = np.zeros((len(rows), 2 * BINS + 1))
    table[:, -1] = 1.0
    for side, probability in enumerate(pair.probability):
        p = probability[:, label]
        table[rows, side * BINS + np.minimum((p * BINS).astype(int), BINS - 1)] = p - truth
    totals = resampled(group_sums(pair.groups, table), DRAWS)
    gaps = [np.abs(totals[:, side * BINS : (side + 1) * BINS]).sum(axis=1) for side in (0, 1)]
    return np.asarray((gaps[0] - gaps[1]) / np.maximum(totals[:, -1], 1.0))


def unjudged(candidate: Side, in_use: Side, several: Sequence[Pairs]) -> Iterator[Check]:
    """Yield a failed check a head that both models have and no row judges."""
    for head in shared(candidate, in_use):
        if not any(head in pairs.heads for pairs in several):
            yield Check("rows", head, reason=f"{head}: no labelled row to judge it by; name some: --on FILE")


def checks(candidate: Side, in_use: Side, several: Sequence[Pairs], limits: Limits) -> list[Check]:
    """Return every check that figures of labels allow: those of both models, and floors for labels that are new."""
    found = [*lost_labels(candidate, in_use, limits), *unjudged(candidate, in_use, several)]
    for pairs in several:
        found += disputed(pairs, limits)
        for name, pair in pairs.heads.items():
            found += f1_checks(name, pair, limits)
            found += floor_checks(name, pair.labels, pair.truth, pair.given[0], pair.given[1], limits)
            found += calibration_checks(name, pair, limits)
    for name, head in (candidate.record.heads if candidate.record is not None else {}).items():
        fresh = [at for at, label in enumerate(head.labels) if label not in in_use.labels.get(name, ())]
        labels = [head.labels[at] for at in fresh]
        found += floor_checks(name, labels, head.truth[:, fresh], head.given[:, fresh], None, limits)
    return found
