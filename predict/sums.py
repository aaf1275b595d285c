"""Terms found in rows to scores: `scorer`'s arithmetic on arrays of term numbers.

Tokens are numbered as they are met, so the order in which a row's are added depends on what was scored before. What is added is
therefore rounded to a grid on which float64 adds without error: a paragraph's scores are the same to the last bit in any run.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parastance.predict.characters import Indices
from parastance.predict.scorer import Matrix

Table = NDArray[np.float32]
GRID, SQUARES = 2.0**24, 2.0**20  # steps of 1, of weights and of squares of TF-IDF: sums are exact up to 2**29 and 2**33


@dataclass(frozen=True)
class Cells:
    """What is not zero in a table of rows and terms, row by row.

    rows: the rows that have any, in order; first: the first cell of each; term, count: of each cell; many: the cells whose count
    is more than 1; frequency: 1 + ln of those counts, float64.
    """

    rows: Indices
    first: Indices
    term: Indices
    count: Indices
    many: Indices
    frequency: Matrix

    def sums(self, table: Table) -> Matrix:
        """Return each row's sums of (1 + ln count) times the terms' own rows in a table, float64 of shape (rows, columns).

        Where the numbers of terms may change, the table must be `rounded`.
        """
        found = table.take(self.term, axis=0)
        found[self.many] = rounded(found[self.many] * self.frequency[:, np.newaxis])
        return _added(found, self.first)

    def norms(self, idf: NDArray[np.float32]) -> Matrix:
        """Return the L2 norms of the rows of TF-IDF, 1 for a row without terms, float64 of shape (rows, 1)."""
        values = idf.take(self.term).astype(np.float64)
        values[self.many] *= self.frequency
        norms = np.sqrt(_added(rounded(values * values, SQUARES), self.first))
        norms[norms == 0.0] = 1.0
        return norms[:, np.newaxis]

    def lengths(self) -> Matrix:
        """Return the sums of the counts of each row, float64 of shape (rows, 1)."""
        return _added(self.count, self.first)[:, np.newaxis]


def rounded(values: NDArray[np.floating], grid: float = GRID) -> Matrix:
    """Return values rounded to whole steps of a grid."""
    return np.asarray(np.rint(values * grid) / grid)


def _added(values: NDArray[np.generic], first: Indices) -> Matrix:
    return np.asarray(np.add.reduceat(values, first, axis=0, dtype=np.float64)) if len(first) else np.zeros(values.shape)


def count(rows: Indices, terms: Indices, width: int) -> Cells:
    """Return the cells of terms, all numbers of which are < width, in rows."""
    bits = width.bit_length()
    keys = np.sort(rows.astype(np.int64) << bits | terms)
    start = _firsts(keys)
    counts = np.append(start[1:], len(keys)) - start
    cells = keys[start]
    row = cells >> bits
    first = _firsts(row)
    many = np.flatnonzero(counts > 1)
    return Cells(row[first], first, cells & ((1 << bits) - 1), counts, many, 1.0 + np.log(counts[many]))


def _firsts(values: Indices) -> Indices:
    """Return where in sorted values a new one begins."""
    new = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return np.flatnonzero(new)
