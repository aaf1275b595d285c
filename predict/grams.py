"""The scores of tokens by their character n-grams, computed once a token and kept with a lexicon."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from parastance.predict.scorer import Matrix
from parastance.predict.sums import Table, count
from parastance.predict.tokens import subwords


class Grams:
    """The additive subword block: its n-grams, idf of shape (v,) and weights of shape (v, labels)."""

    def __init__(self, grams: Sequence[str], idf: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
        self._ids = {gram: at for at, gram in enumerate(grams)}
        self.labels = weights.shape[1]
        self._table: Table = weights * idf[:, np.newaxis]

    def scores(self, tokens: Sequence[str]) -> Matrix:
        """Return the scores of tokens, float64 of shape (tokens, labels)."""
        get = self._ids.get
        rows = [[found for found in map(get, subwords(token)) if found is not None] for token in tokens]
        row = np.repeat(np.arange(len(rows)), list(map(len, rows)))
        grams = np.array([gram for found in rows for gram in found], np.int64)
        cells = count(row, grams, None, len(self._ids))
        scores = np.zeros((len(tokens), self._table.shape[1]))
        scores[cells.rows] = cells.sums(self._table)
        return scores
