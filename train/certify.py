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
over all rows together promised 0.80 for stances that were right in 0.63 and 0.61 of the real paragraphs put aside.
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
    that it would take beside those at hand, where no level could be certified, None where no number would do (see `shortage`).
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

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON takes it: null instead of NaN."""
        return {**asdict(self), "level": None if np.isnan(self.level) else self.level}


def lower_bound(right: float, total: float, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided lower Clopper-Pearson bound on a share (Clopper and Pearson 1934, Biometrika 26)."""
    return float(betaincinv(right, total - right + 1, 1 - confidence)) if right > 0 else 0.0


def upper_bound(right: float, total: float, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided upper Clopper-Pearson bound on a share."""
    return float(betaincinv(right + 1, total - right, confidence)) if right < total else 1.0


def design_effect(right: Truth, groups: NDArray[Any]) -> float:
    """Return by how much the variance of the share of right rows is larger over groups than over rows, at least 1.

    groups: names, or numbers from 0. The variance over groups is the linearised one of a ratio (Cochran 1977, "Sampling
    Techniques", 6.3); 1 where all rows agree.
    """
    total, share = len(right), float(right.mean()) if len(right) else 0.0
    if total < 2 or share in (0.0, 1.0):
        return 1.0
    group = groups if np.issubdtype(groups.dtype, np.integer) else np.unique(groups, return_inverse=True)[1]
    count = int(np.count_nonzero(np.bincount(group)))
    if count < 2:
        return float(total)
    over_groups = count / (count - 1) * float((np.bincount(group, right - share) ** 2).sum()) / total**2
    return max(1.0, over_groups / (share * (1 - share) / total))


def least_rows(wanted: float, given: int) -> int:
    """Return how many rows above a level it takes to test it, fixed without a look at the truth.

    At least as many as would just pass if all were right; of a larger sample a quarter, up to a hundred, for the test's power.
    """
    return max(int(np.ceil(np.log(1 - CONFIDENCE) / np.log(wanted))), min(100, given // 4))


def certify(
    probability: Matrix, truth: Truth, given: Truth, wanted: float = PRECISION, groups: NDArray[Any] | None = None,
    origins: NDArray[Any] | None = None,
) -> Certificate:
    """Return the certificate of one label from arrays of shape (n,).

    groups: rows that are not independent share one (default: all are). origins: where a row comes from (default: one place).
    """  # fmt: skip
    groups = np.arange(len(truth)) if groups is None else np.unique(groups, return_inverse=True)[1]
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
        whole = bounds(truth[sure], groups[sure])
        if whole[0] < wanted or not all(_stands(truth, groups, part & above, wanted, enough[name]) for name, part in parts.items()):
            break
        level = float(candidate)
    return _certificate(probability, truth, given, wanted, groups, parts, enough, level)


def bounds(right: Truth, groups: NDArray[Any]) -> tuple[float, float]:
    """Return the (lower, upper) bound on the share of right rows, each one-sided, their number divided by the design effect."""
    effect = design_effect(right, groups)
    return lower_bound(right.sum() / effect, len(right) / effect), upper_bound(right.sum() / effect, len(right) / effect)


def _stands(truth: Truth, groups: NDArray[Any], rows: Truth, wanted: float, enough: int) -> bool:
    """Return whether the wanted precision is shown in one origin's rows, or, where they are too few, not refuted."""
    low, high = bounds(truth[rows], groups[rows])
    return low >= wanted if int(rows.sum()) >= enough else high >= wanted


def _certificate(
    probability: Matrix, truth: Truth, given: Truth, wanted: float, groups: NDArray[Any], parts: dict[str, Truth],
    enough: dict[str, int], level: float,
) -> Certificate:  # fmt: skip
    sure = given & (probability >= level)
    total, right = int(sure.sum()), int((sure & truth).sum())
    by_origin = {}
    for name, part in parts.items():
        rows = part & sure
        by_origin[str(name)] = {
            "given": int(part.sum()), "rows": int(rows.sum()),
            "precision": float(truth[rows].mean()) if rows.any() else None,
            "bound": bounds(truth[rows], groups[rows])[0] if rows.any() else None,
            "tested": bool(rows.sum() >= enough[name]),
        }  # fmt: skip
    return Certificate(
        wanted, level, total, right, right / total if total else None,
        bounds(truth[sure], groups[sure])[0] if total else None,
        design_effect(truth[sure], groups[sure]), total / int(given.sum()) if given.any() else 0.0, by_origin,
        shortage(probability, truth, given, wanted, groups, list(parts.values())) if np.isnan(level) else None,
    )  # fmt: skip


def shortage(
    probability: Matrix, truth: Truth, given: Truth, wanted: float, groups: NDArray[Any], parts: Sequence[Truth] = ()
) -> int | None:
    """Return how many labelled rows more it would take to certify some level; None where no number would do.

    Assumes that further rows are like those at hand: the same share of them lies above each level, with the precision and
    design effect seen there in the worst of the origins (levels with fewer than FEWEST rows there are not looked at).
    """
    least: int | None = None
    for candidate in LEVELS:
        need = 0
        for part in parts or (given,):
            rows = part & (probability >= candidate)
            count = int(rows.sum())
            share = float(truth[rows].mean()) if count else 0.0
            if count < FEWEST or share <= wanted:
                break
            need = max(need, _needed(share, wanted, design_effect(truth[rows], groups[rows])) * len(truth) // count)
        else:
            least = need if least is None else min(least, need)
    return max(1, least - len(truth)) if least is not None and least <= MOST else None


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
    start = f"no level is certified at precision {certificate['wanted']:.2f}"
    if certificate["missing"] is None:
        return f"{start}; what it would take cannot be reckoned: at no level with {FEWEST} given rows of each origin is it seen"
    return f"{start}; it would take about {certificate['missing']:,} more labelled rows, if they are like those at hand"
