"""What is known of a group of records, for one label: sums over all of them, and its audited rows, as arrays."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Audited:
    """The audited rows of one group, for one label; all arrays of length n.

    truth: 1.0 where the label is right; content: 1.0 where the row counts in the denominator, by the auditor; score and
    counted: the same by the classifier, score in [0, 1]; given: whether it gave the label; chance: the row's probability
    of being audited; stratum, document: codes. by_document: whole documents were drawn, not rows.
    """

    truth: Vector
    content: Vector
    score: Vector
    counted: Vector
    given: NDArray[np.bool_]
    chance: Vector
    stratum: Codes
    document: Codes
    by_document: bool = False

    def __len__(self) -> int:
        return len(self.truth)

    def within(self, rows: float) -> "Audited":
        """Return the same, where no chance is known with that of a row drawn from `rows` with all others alike."""
        return replace(self, chance=np.where(np.isnan(self.chance), min(1.0, len(self) / rows), self.chance))

    def parts(self) -> Vector:
        """Return what part of the group each audited row stands for; sums to 1."""
        weight = 1 / np.where(np.isnan(self.chance), 1.0, self.chance)
        return np.asarray(weight / weight.sum())


@dataclass(frozen=True)
class Estimate:
    """A share with its interval, and how it was made."""

    share: float
    low: float
    high: float
    method: str


@dataclass(frozen=True)
class Group:
    """What the classifier says of all rows of a group, for one label.

    rows: how many; score: the sum of the scores; counted: rows in the denominator; given: rows given the label, of those.
    """

    rows: float
    score: float
    counted: float
    given: float


@dataclass(frozen=True)
class Documents:
    """The documents of a group as draws from something larger: sums over documents of products of each one's sums.

    Per document s is the sum of its scores, q its rows in the denominator, m its rows. count: how many documents; even:
    Kish's effective number of them; worth: how many independent rows they are worth for the part given the label; ss, sq,
    sm, qq, qm, mm: sums of the products; audited: (n, 3), for each audited row its document's s, q and m.
    """

    count: float
    even: float
    worth: float
    ss: float
    sq: float
    sm: float
    qq: float
    qm: float
    mm: float
    audited: Vector | None = None

    def variance(self, share: float, weight: float = 1.0, mean: float = 0.0) -> float:
        """Return the variance, between documents, of the sum of weight * (s - share * q - mean * m)."""
        squares = self.ss - 2 * share * self.sq + share**2 * self.qq
        squares += -2 * mean * (self.sm - share * self.qm) + mean**2 * self.mm
        return weight**2 * max(0.0, squares) * self.count / max(1.0, self.count - 1)

    def joint_variance(self, group: Group, audited: Audited, share: float, weight: float, residual: Vector) -> float:
        """Return the variance of the corrected share (times its denominator) over documents and audit together.

        The share is a sum over documents of their scores and of their audited rows' residuals, so its variance is the one
        between these sums: the sandwich of two-phase sampling.
        """
        mean = (group.score - share * group.counted) / group.rows
        total = self.variance(share, weight, mean)
        if self.audited is not None:
            codes, first = np.unique(audited.document, return_index=True)
            errors = group.rows * np.bincount(np.searchsorted(codes, audited.document), residual)
            own = weight * (self.audited[first] @ np.array([1.0, -share, -mean]))
            total += float(np.sum(2 * own * errors + errors**2)) * self.count / max(1.0, self.count - 1)
        return max(0.0, total) / group.rows**2


def worth(part: float, variance: float, rows: float, even: float) -> float:
    """Return how many independent rows a part of some rows is worth, of which the variance between documents is known."""
    return min(rows, max(1.0, even, part * (1 - part) / variance if variance > 0 else 0.0))
