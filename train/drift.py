"""What changed between two runs of `predict`, beyond chance, and which terms and sources drive it.

Every question is one test over documents (see `permutation`), and all tests of a comparison are corrected together by
Holm's method: a change that is reported is one although many were looked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parastance.train.adjust import holm
from parastance.train.intervals import Interval, clustered
from parastance.train.permutation import Documents, Matrix, Ratios, distances, divergence
from parastance.train.results import HEADS
from parastance.train.summary import ABSTAINED, BINS, BUCKETS, CONTENT, FIXED, RECORDS, TOKENS, UNKNOWN, WIDE, Summary
from parastance.train.terms import TermCounts, log_odds

DRAWS = 1999
DRAWS_A_TEST = 40  # so that, of many tests, one may still come out below 0.05 after Holm's correction
MOST_DRAWS = 9999
SURE = 0.05
TERMS, SOURCES = 10, 5  # named for each change


@dataclass(frozen=True)
class Change:
    """One comparison. kind: share, scores, unknown_terms, abstained, vocabulary; head, label: of a share or scores.

    old, new: of a share or rate, the rate in each run; of scores, the mean probability; None for the vocabulary. difference: new
    - old, or the distance of the distributions; low, high: its 95% interval, for shares and rates. p: of the permutation test;
    adjusted: by Holm.
    """

    kind: str
    head: str | None
    label: str | None
    old: float | None
    new: float | None
    difference: float
    low: float | None
    high: float | None
    p: float
    adjusted: float = 1.0

    @property
    def changed(self) -> bool:
        """Whether the change is beyond chance."""
        return self.adjusted < SURE


@dataclass(frozen=True)
class Driver:
    """What drives a label's change. terms: (term, z, q, documents in old, in new), sources: see `split_by_source`."""

    head: str
    label: str
    difference: float
    terms: list[tuple[str, float, float, int, int]]
    sources: dict[str, list[dict[str, Any]]]


@dataclass
class Drift:
    """A comparison of two runs."""

    old: Summary
    new: Summary
    changes: list[Change]
    shared: int
    draws: int
    risen: list[tuple[str, float, float, int, int]] = field(default_factory=list)
    fallen: list[tuple[str, float, float, int, int]] = field(default_factory=list)
    drivers: list[Driver] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything changed beyond chance."""
        return any(change.changed for change in self.changes)


def compare(old: Summary, new: Summary, seed: int = 0) -> Drift:
    """Return what changed from one run to the other; both summaries share their `Labels`."""
    width = FIXED + WIDE * len(old.labels.names)
    documents = Documents.of(*((s.documents.rows, s.documents.sums.whole(len(s.documents.rows), width)) for s in (old, new)))
    totals = np.concatenate([old.totals.whole(1, width), new.totals.whole(1, width)])
    labels = [at for at in _label_order(old) if old.labels.names[at][0] in old.heads & new.heads]
    draws = int(np.clip(DRAWS_A_TEST * (2 * len(labels) + 3), DRAWS, MOST_DRAWS))
    changes = _rates(documents, totals, labels, (old, new), draws, seed)
    changes += _scores(documents, totals, labels, old, draws, seed)
    both_worded = bool(old.worded.rows and new.worded.rows)
    if both_worded:
        changes.append(_vocabulary(old, new, draws, seed))
    adjusted = holm(np.array([change.p for change in changes])) if changes else np.zeros(0)
    changes = [Change(**{**vars(change), "adjusted": float(q)}) for change, q in zip(changes, adjusted, strict=True)]
    sampled = min(old.documents.below, new.documents.below) / (1 << 64)
    found = Drift(old, new, changes, round(len(documents.pairs) / sampled), draws)
    if both_worded:
        found.risen, found.fallen = _ends(log_odds(old.terms, new.terms), 2 * TERMS)
    found.drivers = [_driver(change, old, new) for change in changes if change.kind == "share" and change.changed]
    return found


def _label_order(summary: Summary) -> list[int]:
    """Return the labels' columns head by head; of two kinds one, which says all."""
    order = {head: at for at, head in enumerate(HEADS)}
    names = summary.labels.names
    asked = [at for at, name in enumerate(names) if name != ("kind", "content") or ("kind", "boilerplate") not in summary.labels.at]
    return sorted(asked, key=lambda at: order[names[at][0]])


def _rates(
    documents: Documents, totals: Matrix, labels: Sequence[int], runs: tuple[Summary, Summary], draws: int, seed: int
) -> list[Change]:
    names = runs[0].labels.names
    asked: list[tuple[str, str | None, str | None, int, int]]
    asked = [("share", *names[at], FIXED + WIDE * at, RECORDS if names[at][0] == "kind" else CONTENT) for at in labels]
    asked += [("abstained", None, None, ABSTAINED, CONTENT), ("unknown_terms", None, None, UNKNOWN, TOKENS)]
    speaks = totals.min(axis=0)[[rate[4] for rate in asked]] > 0
    occurs = totals.max(axis=0)[[rate[3] for rate in asked]] > 0
    asked = [rate for rate, a, b in zip(asked, speaks, occurs, strict=True) if a and (b or rate[3] == UNKNOWN)]
    if not asked or len(documents.new) < 2:
        return []
    above, below = [rate[3] for rate in asked], [rate[4] for rate in asked]
    ratios = Ratios(documents, documents.values[:, above], documents.values[:, below])
    _, p = documents.p_values(ratios.statistic, draws, seed)
    bounds = _bounds(ratios, runs)
    rates = totals[:, above] / totals[:, below]
    return [
        Change(
            kind, head, label, float(rates[0, at]), float(rates[1, at]), float(rates[1, at] - rates[0, at]),
            *difference(float(rates[0, at]), float(rates[1, at]), *bounds[at]), float(p[at]),
        )  # fmt: skip
        for at, (kind, head, label, _, _) in enumerate(asked)
    ]


def _bounds(ratios: Ratios, runs: tuple[Summary, Summary]) -> list[tuple[Interval, Interval, float]]:
    """Return, for each ratio, (the old run's interval, the new run's, the correlation of both by the documents they share)."""
    new, old, shared = ratios.sides(ratios.documents.new[None].astype(np.float32))
    counts = [int((ratios.documents.new == side).sum()) for side in (False, True)]
    found: list[tuple[Interval, Interval, float]] = []
    for at in range(ratios.above.shape[1]):
        ends: list[Interval] = []
        for side, run, count in zip((old, new), runs, counts, strict=True):
            part = float(run.documents.below) / (1 << 64)  # of the documents, those that are kept
            share, variance = float(side.ratio[0, at]), float(side.variance[0, at]) * part * count / max(1, count - 1)
            rows, even = float(side.below[0, at]) / part, float(side.even[0, at]) / part
            ends.append(clustered(min(1.0, share), variance, rows, count / part, even, 0.95))
        scale = float(np.sqrt(old.variance[0, at] * new.variance[0, at]))
        found.append((ends[0], ends[1], float(np.clip(shared[0, at] / scale, -1, 1)) if scale > 0 else 0.0))
    return found


def difference(old: float, new: float, of_old: Interval, of_new: Interval, correlation: float) -> Interval:
    """Return the interval of new - old from the intervals of both.

    The square-and-add method (Newcombe 1998, Statistics in Medicine 17; with correlation: Zou and Donner 2008, ibid. 27),
    which holds where a normal limit does not: shares near 0 or 1, and runs of few documents.
    """

    def half(a: float, b: float) -> float:
        return float(np.sqrt(max(0.0, a * a + b * b - 2 * correlation * a * b)))

    low = half(max(0.0, new - of_new[0]), max(0.0, of_old[1] - old))
    high = half(max(0.0, of_new[1] - new), max(0.0, old - of_old[0]))
    return max(-1.0, new - old - low), min(1.0, new - old + high)


def _scores(
    documents: Documents, totals: Matrix, labels: Sequence[int], run: Summary, draws: int, seed: int
) -> list[Change]:
    blocks = {at: slice(FIXED + WIDE * at + 1, FIXED + WIDE * (at + 1)) for at in labels}
    scored = [at for at in labels if totals[:, blocks[at]].sum(axis=1).min() > 0]
    if not scored or len(documents.new) < 2:
        return []
    values = np.concatenate([documents.values[:, blocks[at]] for at in scored], axis=1)
    distance, p = documents.p_values(distances(values, BINS), draws, seed)
    middles = (np.arange(BINS) + 0.5) / BINS
    means = [totals[:, blocks[at]] @ middles / totals[:, blocks[at]].sum(axis=1) for at in scored]
    return [
        Change("scores", *run.labels.names[at], float(mean[0]), float(mean[1]), float(gap), None, None, float(chance))
        for at, mean, gap, chance in zip(scored, means, distance, p, strict=True)
    ]


def _vocabulary(old: Summary, new: Summary, draws: int, seed: int) -> Change:
    worded = Documents.of(*((s.worded.rows, s.worded.sums.whole(len(s.worded.rows), BUCKETS)) for s in (old, new)))
    distance, p = worded.p_values(divergence(worded.values), draws, seed)
    return Change("vocabulary", None, None, None, None, float(distance[0]), None, None, float(p[0]))


def _ends(
    ranked: list[tuple[str, float, float, int, int]], most: int
) -> tuple[list[tuple[str, float, float, int, int]], list[tuple[str, float, float, int, int]]]:
    """Return the terms that rose and those that fell beyond chance, strongest first."""
    sure = [term for term in ranked if term[2] < SURE]
    return [term for term in sure if term[1] > 0][:most], [term for term in reversed(sure) if term[1] < 0][:most]


def _driver(change: Change, old: Summary, new: Summary) -> Driver:
    head, label = change.head or "", change.label or ""
    column = old.labels.at[head, label]
    empty = TermCounts()
    risen, fallen = _ends(log_odds(old.label_terms.get(column, empty), new.label_terms.get(column, empty)), TERMS)
    sources = {name: split_by_source(old, new, name, column, head == "kind")[:SOURCES] for name in old.sources}
    return Driver(head, label, change.difference, risen if change.difference > 0 else fallen, sources)


def split_by_source(old: Summary, new: Summary, name: str, column: int, of_all: bool) -> list[dict[str, Any]]:
    """Return each source's part in the change of a label's share, largest first.

    A share is the sum of the sources' weights times their own shares; its change splits into what came by a source's weight
    (`mix`) and what by its own share (`within`), at the means of both runs (Kitagawa 1955, JASA 50). All parts add up to
    the change. A source that is in one run only changed its weight alone.
    """
    names = sorted(old.by_source[name][0].keys() | new.by_source[name][0].keys())
    sides = []
    for run in (old, new):
        codes, sums = run.by_source[name]
        table = sums.whole(len(codes), 2 + len(run.labels.names))
        wanted = [0 if of_all else 1, 2 + column]
        sides.append(np.array([table[codes[source], wanted] if source in codes else (0.0, 0.0) for source in names]))
    (n0, y0), (n1, y1) = sides[0].T, sides[1].T
    w0, w1 = n0 / max(1.0, n0.sum()), n1 / max(1.0, n1.sum())
    r0, r1 = y0 / np.maximum(n0, 1), y1 / np.maximum(n1, 1)
    r0, r1 = np.where(n0 > 0, r0, r1), np.where(n1 > 0, r1, r0)
    mean = float(((w0 + w1) / 2) @ ((r0 + r1) / 2))
    mix, within = (w1 - w0) * ((r0 + r1) / 2 - mean), (w0 + w1) / 2 * (r1 - r0)
    order = np.argsort(-np.abs(mix + within), kind="stable")
    return [
        {
            "source": names[at], "old_records": int(n0[at]), "new_records": int(n1[at]),
            "old_share": float(r0[at]) if n0[at] else None, "new_share": float(r1[at]) if n1[at] else None,
            "mix": float(mix[at]), "within": float(within[at]),
        }
        for at in order
        if n0[at] or n1[at]
    ]  # fmt: skip
