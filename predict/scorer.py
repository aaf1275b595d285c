"""Bags of terms times weights, with numpy alone: the arithmetic of the model and nothing else.

A block's value for a term is (1 + ln count) * idf, as scikit-learn's TfidfVectorizer(sublinear_tf=True) has it, and the
row is divided by its L2 norm. The subword block is additive instead: each word type's character n-grams are weighted
once, a paragraph sums (1 + ln count) over its word types and divides by the square root of its number of words, so a
word's scores are computed once and kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parastance.predict.tokens import subwords

Matrix = NDArray[np.float64]
CACHED_WORDS = 200_000  # word types whose subword scores are kept; some 30 MB


@dataclass(frozen=True)
class Scored:
    """What scoring n units found.

    scores: float64 of shape (n, width), see `blocks`; known: bool (n,), whether any word or word pair is known; named: bool
    (n,), whether the target is named.
    """

    scores: Matrix
    known: NDArray[np.bool_]
    named: NDArray[np.bool_]


def count_cells(rows: Sequence[Sequence[int]], width: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Matrix]:
    """Return (row, column, 1 + ln count) of the distinct cells of ragged integer rows whose values are < width."""
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    flat = np.fromiter((value for row in rows for value in row), np.int64, int(lengths.sum()))
    keys, counts = np.unique(np.repeat(np.arange(len(rows)), lengths) * width + flat, return_counts=True)
    row, column = np.divmod(keys, width)
    return row, column, 1.0 + np.log(counts)


class Bag:
    """A TF-IDF block: its terms, their idf of shape (v,), and weights of shape (v, labels)."""

    def __init__(self, terms: Sequence[str], idf: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
        self.ids = {term: index for index, term in enumerate(terms)}
        self.idf = idf
        self.weights = weights

    def look_up(self, terms: Iterable[str]) -> list[int]:
        """Return the ids of the known ones among `terms`, repeats kept."""
        get = self.ids.get
        return [found for found in map(get, terms) if found is not None]

    def score(self, rows: Sequence[Sequence[int]]) -> Matrix:
        """Return the scores, float64 of shape (n, labels), of n rows of term ids."""
        return self._score(*count_cells(rows, max(1, len(self.idf))), len(rows))

    def score_counts(self, rows: Sequence[Mapping[int, int]]) -> Matrix:
        """Return the same of n rows that say how often each term stands in them."""
        row = np.repeat(np.arange(len(rows)), [len(counts) for counts in rows])
        column = np.fromiter((term for counts in rows for term in counts), np.int64, len(row))
        count = np.fromiter((count for counts in rows for count in counts.values()), np.int64, len(row))
        return self._score(row, column, 1.0 + np.log(count), len(rows))

    def _score(self, row: NDArray[np.int64], column: NDArray[np.int64], frequency: Matrix, n: int) -> Matrix:
        values = frequency * self.idf[column]
        norms = np.sqrt(np.bincount(row, values * values, minlength=n))
        return spread(row, values / norms[row], self.weights[column], n)


class Subwords:
    """The additive subword block: n-gram idf of shape (v,), weights of shape (v, labels)."""

    def __init__(self, grams: Sequence[str], idf: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
        self.ids = {gram: index for index, gram in enumerate(grams)}
        self.idf = idf
        self.weights = weights
        self._known: dict[str, int] = {}
        self._scores = np.zeros((1024, weights.shape[1]))

    def word_score(self, word: str) -> Matrix:
        """Return the scores of one word type, float64 of shape (labels,)."""
        ids = [found for found in map(self.ids.get, subwords(word)) if found is not None]
        if not ids:
            return np.zeros(self.weights.shape[1])
        column, counts = np.unique(ids, return_counts=True)
        weighted: Matrix = ((1.0 + np.log(counts)) * self.idf[column]) @ self.weights[column].astype(np.float64)
        return weighted

    def kept_score(self, word: str) -> Matrix:
        """Return what `word_score` does, kept for the next time."""
        return np.asarray(self._scores[self._index(word)])

    def _index(self, word: str) -> int:
        found = self._known.get(word)
        if found is None:
            found = len(self._known)
            if found == len(self._scores):
                self._scores = np.concatenate([self._scores, np.zeros_like(self._scores)])
            self._scores[found] = self.word_score(word)
            self._known[word] = found
        return found

    def score(self, documents: Sequence[Sequence[str]]) -> Matrix:
        """Return the scores, float64 of shape (n, labels), of n lists of words."""
        if len(self._known) > CACHED_WORDS:
            self._known.clear()
        rows = [[self._index(word) for word in words] for words in documents]
        row, column, frequency = count_cells(rows, max(1, len(self._scores)))
        lengths = np.fromiter((max(1, len(words)) for words in documents), np.float64, len(documents))
        return spread(row, frequency / np.sqrt(lengths)[row], self._scores[column], len(documents))


def spread(row: NDArray[np.int64], values: Matrix, weights: NDArray[np.floating], n: int) -> Matrix:
    """Return the sums of values * weights per row, float64 of shape (n, labels)."""
    out = np.empty((n, weights.shape[1]))
    for label in range(weights.shape[1]):
        out[:, label] = np.bincount(row, values * weights[:, label], minlength=n)
    return out


def sigmoid(scores: Matrix) -> Matrix:
    """Return 1 / (1 + exp(-scores)) without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scores)))


def softmax(scores: Matrix) -> Matrix:
    """Return the softmax over the last axis."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))
