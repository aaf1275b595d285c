"""Terms found in rows to scores: `scorer`'s arithmetic on arrays of term numbers.

A row's sum over its terms of (1 + ln count) * weight is that of all that occurs, each time its weight, and of what is put right
where a term occurs several times. The first needs no sorting, and a paragraph's is that of its sentences.

Tokens are numbered as they are met, and long texts are summed by pieces, so the order in which a row's terms are added depends on
what was scored before. What is added is therefore rounded to a grid on which float64 adds without error: a paragraph's scores are
the same to the last bit in any run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.characters import Indices
from parastance.predict.keytable import Ids
from parastance.predict.scorer import Matrix

Table = NDArray[np.float32]
_GOLDEN = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio, whose multiples are spread most evenly
PIECE = 1 << 19  # terms that are looked at at once
MARKED = 18  # bits of the places where `among` marks what is wanted
GRID = 2.0**24  # steps of 1, of what is added: sums are exact up to 2**29


def weighted(weights: NDArray[np.float32], idf: NDArray[np.float32]) -> Table:
    """Return a block's table: its weights times idf, columns of 0 up to an even number, the squares of idf, and a last row of 0.

    All is rounded; float32 of shape (terms + 1, columns); the last row is for the term -1.
    """
    labels = weights.shape[1]
    found = np.zeros((len(idf) + 1, labels + 2 - labels % 2), np.float32)
    found[:-1, :labels] = rounded(weights * idf[:, np.newaxis].astype(np.float64))
    found[:-1, -1] = rounded(idf.astype(np.float64) ** 2)
    return found


def added(table: Table, terms: Ids, starts: Indices) -> Matrix:
    """Return the sums of the rows that some terms have in a table, from each start to the next; float64 of shape (starts, columns).

    The columns, of which there is an even number, are added two by two, as complex numbers are, in half the time.
    """
    if not len(starts):
        return np.zeros((0, table.shape[1]))
    return np.add.reduceat(table.take(terms, axis=0).view(np.complex64), starts, axis=0, dtype=np.complex128).view(np.float64)


def norms(sums: Matrix) -> Matrix:
    """Return the roots of the last column of sums, 1 for 0: the L2 norms of rows of TF-IDF, float64 of shape (rows, 1)."""
    found = np.sqrt(sums[:, -1:])
    found[found == 0.0] = 1.0
    return found


@dataclass(frozen=True)
class Repeats:
    """The terms that rows have several times. keys: row << bits | term, in order; count: of each."""

    keys: Indices
    count: Indices
    bits: int

    def between(self, first: int, last: int) -> "Repeats":
        """Return those of the rows from the first to before the last, which are then counted from the first."""
        own = slice(*np.searchsorted(self.keys, (first << self.bits, last << self.bits)))
        return Repeats(self.keys[own] - (first << self.bits), self.count[own], self.bits)

    def followed(self, other: "Repeats") -> "Repeats":
        """Return these and others, whose rows come later."""
        return Repeats(np.concatenate([self.keys, other.keys]), np.concatenate([self.count, other.count]), self.bits)

    def correct(self, sums: Matrix, table: Table) -> None:
        """Put the rows' sums right, in place; the last column is of squares."""
        if not len(self.keys):
            return
        row = self.keys >> self.bits
        frequency, first = 1.0 + np.log(self.count), firsts(row)
        more = frequency - self.count
        values = table.take(self.keys & ((1 << self.bits) - 1), axis=0) * more[:, np.newaxis]
        values[:, -1] *= (frequency * frequency - self.count) / more
        values = rounded(values).view(np.complex128)
        sums[row.take(first)] += np.add.reduceat(values, first, axis=0).view(np.float64)


def repeats(keys: NDArray[Any], bits: int) -> Repeats:
    """Return what comes several times in keys, each a row << bits | a term; the keys are put in order."""
    if len(keys) > PIECE:
        return _repeats_of_many(keys, bits)
    keys.sort()
    again = np.flatnonzero(keys[1:] == keys[:-1])
    run = firsts(again - np.arange(len(again)))
    return Repeats(keys.take(again.take(run)).astype(np.int64), np.append(run[1:], len(again)) - run + 1, bits)


def _repeats_of_many(keys: NDArray[Any], bits: int) -> Repeats:
    """Return what `repeats` does, in room for as many keys as are different."""
    parts = [np.unique(keys[own], return_counts=True) for own in pieces(len(keys))]
    every, counts = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(every, kind="stable")
    every = every.take(order)
    start = firsts(every)
    count = np.add.reduceat(counts.take(order), start)
    often = np.flatnonzero(count > 1)
    return Repeats(every.take(start.take(often)).astype(np.int64), count.take(often), bits)


def pieces(size: int) -> Iterator[slice]:
    """Yield parts of so many items that are looked at one after the other, so that a text of any length takes little room."""
    return (slice(at, min(size, at + PIECE)) for at in range(0, size, PIECE))


def among(keys: NDArray[Any], wanted: Indices) -> NDArray[np.bool_]:
    """Return which keys may be among some wanted ones: all of those, and a few more (Bloom 1970, CACM 13:7, with one hash)."""
    width = 8 * keys.dtype.itemsize
    odd, shift, marked = keys.dtype.type(_GOLDEN >> (64 - width) | 1), width - MARKED, np.zeros(1 << MARKED, np.bool_)
    marked[(wanted.astype(keys.dtype) * odd >> shift).astype(np.int64)] = True
    return np.asarray(marked.take((keys * odd >> shift).astype(np.int64)))


def rounded(values: NDArray[np.floating]) -> Matrix:
    """Return values rounded to whole steps of the grid."""
    return np.asarray(np.rint(values * GRID) / GRID, np.float64)


def firsts(values: NDArray[Any]) -> Indices:
    """Return where in sorted values a new one begins."""
    new = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return np.flatnonzero(new)
