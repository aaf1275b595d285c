"""The scores of tokens by their character n-grams, computed once a token and kept with a lexicon."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from parastance.predict.keytable import NONE, Keys, KeyTable
from parastance.predict.scorer import Matrix
from parastance.predict.sums import added, firsts, repeats, weighted

SHORTEST, LONGEST = 3, 5  # characters, as in `tokens.subwords`
_POINT = np.uint64(21)  # bits of a code point; three fill a lane of a key, and 0 stands behind a short n-gram
_LANE = 3


class Grams:
    """The additive subword block: its n-grams, idf of shape (v,) and weights of shape (v, labels)."""

    def __init__(self, grams: Sequence[str], idf: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
        self.labels = weights.shape[1]
        self._table = weighted(weights, idf)
        self._ids = KeyTable(2)
        lengths = np.fromiter(map(len, grams), np.int64, len(grams))
        starts = np.cumsum(lengths) - lengths
        lanes = np.zeros((2, len(grams)), np.uint64)
        points = _points("".join(grams))
        for length in range(SHORTEST, LONGEST + 1):
            those = np.flatnonzero(lengths == length)
            lanes[:, those] = _keys(points, starts[those], length)
        self._ids.add(np.arange(len(grams), dtype=np.int32), *lanes)

    def scores(self, tokens: Sequence[str]) -> Matrix:
        """Return the scores of tokens, float64 of shape (tokens, labels)."""
        points = _points("".join(f" {token} " for token in tokens))
        ends = np.cumsum(np.fromiter(map(len, tokens), np.int64, len(tokens)) + 2)
        owner = np.repeat(np.arange(len(tokens)), np.diff(ends, prepend=0))
        left = ends[owner] - np.arange(len(points))  # characters of the word from here on
        rows, grams = [], []
        for length in range(SHORTEST, LONGEST + 1):
            at = np.flatnonzero(left >= length)
            found = self._ids.find(*_keys(points, at, length))
            known = np.flatnonzero(found != NONE)
            rows.append(owner[at[known]])
            grams.append(found[known].astype(np.int64))
        bits = len(self._table).bit_length()
        keys = np.sort(np.concatenate(rows) << bits | np.concatenate(grams))
        row = keys >> bits
        start = firsts(row)
        scores = np.zeros((len(tokens), self._table.shape[1]))
        scores[row[start]] = added(self._table, keys & ((1 << bits) - 1), start)
        repeats(keys, bits).correct(scores, self._table)
        return scores[:, : self.labels]


def _points(text: str) -> Keys:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4")).astype(np.uint64)


def _keys(points: Keys, starts: NDArray[np.int64], length: int) -> NDArray[np.uint64]:
    """Return the keys of n-grams of a length, uint64 of shape (2, n)."""
    lanes = np.zeros((2, len(starts)), np.uint64)
    for at in range(length):
        lanes[at // _LANE] |= points[starts + at] << (_POINT * np.uint64(at % _LANE))
    return lanes
