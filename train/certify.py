"""Certified levels: from which probability a label's precision is at least the wanted one, and how sure that is.

Levels are tried from 0.99 down in a fixed sequence and the first failure ends the search, so that no correction for many
tests is due (fixed-sequence testing: Angelopoulos et al. 2021, "Learn then Test"). A test is the one-sided Clopper-Pearson
bound on the share of right ones among the given ones at or above the level.

What the bound assumes: that the rows are a sample of those to be labelled, that probabilities do not depend on a row's own
label (they come from classifiers and calibrations fitted on other folds), and that rows are independent. Rows of one article
are not: their number is divided by the design effect, the variance of the share over groups against that over rows (Korn and
Graubard 1998, "Confidence intervals for proportions with small expected number of positive counts", Survey Methodology
24). Where rows come from several origins, as written and real ones do, one pooled share could hide a bad origin behind a
good one: a level must pass over all rows and in each origin whose given rows suffice for a test (each at the full confidence:
Berger 1982, "Multiparameter hypothesis testing", Technometrics 24), and be refuted in none. On the corpus levels certified
over all rows together promised 0.80 for stances that were right in 0.63 and 0.61 of the real paragraphs put aside. Rows drawn
at random from an archive are an origin of their own; where their chances differ they are weighted, and the design effect
counts that too (Kish 1965, "Survey Sampling", 11.7; exact bounds at the effective size: Korn and Graubard 1998).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from parastance.predict.scorer import Matrix

Truth = NDArray[np.bool_]
PRECISION, CONFIDENCE = 0.90, 0.95
LEVELS = np.round(np.arange(0.99, 0.049, -0.01), 2)  # the fixed sequence, highest first
MOST = 10_000_000  # labelled rows beyond which an estimate says nothing
FEWEST = 10  # given rows at a level from which its precision may be extrapolated


@dataclass(frozen=True)
class Certificate:
    """What was found for one label. level: NaN where none could be certified.

    rows, right, precision, bound, design_effect: of the given rows at or above the level; coverage: their share of all given
    rows; by_origin: the same rows, precision and bound in each origin, `tested` where it had enough. missing: labelled rows
    that it would take beside those at hand, where no level could be certified, None where no number can be reckoned (see
    `shortage`): then best is the highest precision seen at a level with FEWEST given rows, None where no level has as many, and
    least the labelled rows more that it would take at the least, were all given ones right.
    """

    wanted: float
    level: float
    rows: int
    right: int
    precision: float | None
    bound: float | None
    design_effect: float
    coverage: float
    by_origin: dict[str, dict[str, Any]]
    missing: int | None
    given: int
    best: float | None
    least: int | None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON takes it: null instead of NaN."""
        return {**asdict(self), "level": None if np.isnan(self.level) else self.level}


def lower_bound(right: float, total: float, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided lower Clopper-Pearson bound on a share (Clopper and Pearson 1934, Biometrika 26)."""
    return float(betaincinv(right, total - right + 1, 1 - confidence)) if right > 0 else 0.0


def upper_bound(right: float, total: float, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided upper Clopper-Pearson bound on a share."""
    return float(betaincinv(right + 1, total - right, confidence)) if right < total else 1.0


def design_effect(right: Truth, groups: NDArray[Any], weights: Matrix | None = None) -> float:
    """Return by how much the variance of the share of right rows is larger than over as many independent rows, at least 1.

    groups: names, or numbers from 0. The variance over groups is the linearised one of a (weighted) ratio (Cochran 1977,
    "Sampling Techniques", 6.3); where all rows agree it is 0, and unequal weights alone count (Kish 1965).
    """
    total = len(right)
    weight = np.ones(total) if weights is None else weights
    share = float(weight @ right / weight.sum()) if total else 0.0
    unequal = float(total * (weight @ weight) / weight.sum() ** 2) if total else 1.0
    if total < 2 or not right.any() or right.all():
        return max(1.0, unequal)
    group = groups if np.issubdtype(groups.dtype, np.integer) else np.unique(groups, return_inverse=True)[1]
    count = int(np.count_nonzero(np.bincount(group)))
    if count < 2:
        return float(total)
    over_groups = count / (count - 1) * float((np.bincount(group, weight * (right - share)) ** 2).sum()) / weight.sum() ** 2
    return max(1.0, unequal, float(over_groups / (share * (1 - share) / total)))


def least_rows(wanted: float, given: int) -> int:
    """Return how many rows above a level it takes to test it, fixed without a look at the truth.

    At least as many as would just pass if all were right; of a larger sample a quarter, up to a hundred, for the test's power.
    """
    return max(int(np.ceil(np.log(1 - CONFIDENCE) / np.log(wanted))), min(100, given // 4))


@dataclass(frozen=True)
class Rows:
    """What judges a label: which rows are right, bool; their groups; what each stands for, float64; all of shape (n,)."""

    truth: Truth
    groups: NDArray[Any]
    weights: Matrix

    def share(self, rows: Truth) -> float:
        """Return the part of some rows that is right."""
        return float(self.weights[rows] @ self.truth[rows] / self.weights[rows].sum())

    def bounds(self, rows: Truth) -> tuple[float, float]:
        """Return the bounds on that part, as `bounds` does."""
        return bounds(self.truth[rows], self.groups[rows], self.weights[rows])

    def effect(self, rows: Truth) -> float:
        """Return the design effect of some rows."""
        return design_effect(self.truth[rows], self.groups[rows], self.weights[rows])


def certify(
    probability: Matrix, truth: Truth, given: Truth, wanted: float = PRECISION, groups: NDArray[Any] | None = None,
    origins: NDArray[Any] | None = None, weights: Matrix | None = None,
) -> Certificate:
    """Return the certificate of one label from arrays of shape (n,).

    groups: rows that are not independent share one (default: all are). origins: where a row comes from (default: one place).
    weights: what each row stands for among those of its origin (default: all the same).
    """  # fmt: skip
    groups = np.arange(len(truth)) if groups is None else np.unique(groups, return_inverse=True)[1]
    judged = Rows(truth, groups, np.ones(len(truth)) if weights is None else weights)
    names = [] if origins is None else sorted(set(origins[given].tolist()))
    parts = {name: given & (origins == name) for name in names} if len(names) > 1 and origins is not None else {}
    enough = {name: least_rows(wanted, int(part.sum())) for name, part in parts.items()}
    able = {name: part for name, part in parts.items() if int(part.sum()) >= enough[name]}
    over_all = least_rows(wanted, int(given.sum()))
    level = float("nan")
    for candidate in LEVELS:
        above = probability >= candidate
        sure = given & above
        if int(sure.sum()) < over_all or any(int((part & above).sum()) < enough[name] for name, part in able.items()):
            continue
        low = judged.bounds(sure)[0]
        if low < wanted or not all(_stands(judged, part & above, wanted, enough[name]) for name, part in parts.items()):
            break
        level = float(candidate)
    return _certificate(judged, probability, given, wanted, parts, enough, level)


def bounds(right: Truth, groups: NDArray[Any], weights: Matrix | None = None) -> tuple[float, float]:
    """Return the (lower, upper) bound on the share of right rows, each one-sided, their number divided by the design effect."""
    effect = design_effect(right, groups, weights)
    total = len(right)
    hits = float(right.sum()) if weights is None else float(total * (weights @ right) / max(1e-300, weights.sum()))
    hits = min(hits, float(total)) if not right.all() else float(total)
    return lower_bound(hits / effect, total / effect), upper_bound(hits / effect, total / effect)


def _stands(judged: Rows, rows: Truth, wanted: float, enough: int) -> bool:
    """Return whether the wanted precision is shown in one origin's rows, or, where they are too few, not refuted."""
    low, high = judged.bounds(rows)
    return low >= wanted if int(rows.sum()) >= enough else high >= wanted


def _certificate(
    judged: Rows, probability: Matrix, given: Truth, wanted: float, parts: dict[str, Truth], enough: dict[str, int], level: float
) -> Certificate:
    sure = given & (probability >= level)
    total, right, count = int(sure.sum()), int((sure & judged.truth).sum()), int(given.sum())
    by_origin = {}
    for name, part in parts.items():
        rows = part & sure
        by_origin[str(name)] = {
            "given": int(part.sum()), "rows": int(rows.sum()),
            "precision": judged.share(rows) if rows.any() else None,
            "bound": judged.bounds(rows)[0] if rows.any() else None,
            "tested": bool(rows.sum() >= enough[name]),
        }  # fmt: skip
    missing: tuple[int | None, float | None, int | None] = (None, None, None)
    if np.isnan(level):
        able = [part for name, part in parts.items() if int(part.sum()) >= enough[name]] or [given]
        missing = shortage(judged, probability, wanted, able)
    return Certificate(
        wanted, level, total, right, judged.share(sure) if total else None, judged.bounds(sure)[0] if total else None,
        judged.effect(sure), total / count if count else 0.0, by_origin, missing[0], count, missing[1], missing[2],
    )  # fmt: skip


def shortage(
    judged: Rows, probability: Matrix, wanted: float, parts: Sequence[Truth]
) -> tuple[int | None, float | None, int | None]:
    """Return (labelled rows more that it would take to certify some level, the best precision seen, rows more at the least).

    Assumes that further rows are like those at hand: the same share of them lies above each level, with the precision and
    design effect seen there in the worst of the origins (levels with fewer than FEWEST rows there are not looked at). The first
    is None where no level is precise enough; the last counts what it would take were all given rows right.
    """
    total = len(judged.truth)
    most: int | None = None
    best: float | None = None
    for candidate in LEVELS:
        above = [part & (probability >= candidate) for part in parts]
        if min(int(rows.sum()) for rows in above) < FEWEST:
            continue
        shares = [judged.share(rows) for rows in above]
        best = max(min(shares), best or 0.0)
        if best > wanted and min(shares) > wanted:
            need = max(
                _needed(share, wanted, judged.effect(rows)) * total // int(rows.sum())
                for share, rows in zip(shares, above, strict=True)
            )
            most = need if most is None else min(most, need)
    fewest = min(int(part.sum()) for part in parts)
    least = max(1, least_rows(wanted, 0) * total // fewest - total) if fewest else None
    return max(1, most - total) if most is not None and most <= MOST else None, best, least


def _needed(share: float, wanted: float, effect: float) -> int:
    """Return the rows at which that share of right ones just passes the test."""
    low, high = 1, 1
    while lower_bound(share * high / effect, high / effect) < wanted:
        low, high = high, 2 * high
        if high > MOST:
            return MOST + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if lower_bound(share * middle / effect, middle / effect) >= wanted else (middle + 1, high)
    return high


def shortfall(certificate: dict[str, Any]) -> str:
    """Return why a label has no level and what it would take, from a certificate as JSON."""
    wanted, best, given = certificate["wanted"], certificate["best"], certificate["given"]
    start = f"no level is certified at precision {wanted:.2f}"
    if certificate["missing"] is not None:
        return f"{start}; it would take about {certificate['missing']:,} more labelled rows, if they are like those at hand"
    if best is not None and best <= wanted:
        return (
            f"{start}; more rows to judge by would not do: where it is surest, {best:.0%} of those given are right; the model must "
            "get better (`parastance queue`, `parastance check`)"
        )
    if best is not None:
        return f"{start}; it would take more than {MOST:,} labelled rows, if they are like those at hand"
    if certificate["least"] is None:
        return f"{start}: held out, it was given to no row, so that nothing can be reckoned"
    return (
        f"{start}: held out, it was given to {given:,} row{'s' * (given != 1)} only; it would take at least "
        f"{certificate['least']:,} more labelled rows, if they are like those at hand and all that are given it are right"
    )
