"""Collected terms to matrices: the TF-IDF of every block.

`masked`, `relations`, `frames` and `names` are what scikit-learn's TfidfVectorizer(sublinear_tf=True) makes of their terms (the
tests hold that); `subwords` is the additive block (see `predict.scorer`) made of word types times their n-grams; `notions` is
the TF-IDF of words times word vectors. IDF and vocabulary come from all rows, labels unseen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.preprocessing import normalize

from parastance.predict.tokens import subwords
from parastance.train.collect import Ragged
from parastance.train.feature_matrix import Block
from parastance.train.notions import SIZE, Notions

# Least rows a term must stand in; 2 and 3 differ by less than 0.002 macro-F1, 3 gives the smaller file.
RARE = 3
FEW_ROWS = 200  # rows below which every term counts
SUBWORD_SCALE = 0.1  # brings the block's length near 1, so that one regularisation fits all blocks
NOTION_LENGTH = 1.5  # mean length of the block's rows; 0.5, 1, 1.5 and 2 were tried on unseen outlets
CHUNK = 5000  # rows whose n-grams are counted at once: some 200 MB


def rarest(rows: int) -> int:
    """Return in how many rows a term must stand at least, for data of so many."""
    return RARE if rows >= FEW_ROWS else 1


def smooth_idf(frequency: NDArray[np.int64], rows: int) -> NDArray[np.float64]:
    """Return ln((1 + rows) / (1 + document frequency)) + 1, as scikit-learn's TfidfTransformer(smooth_idf=True) has it."""
    return np.asarray(np.log((rows + 1) / (frequency + 1.0)) + 1.0)


def chosen_terms(terms: Sequence[str], frequency: NDArray[np.int64], rare: int) -> tuple[list[str], NDArray[np.int64]]:
    """Return (the terms that are not too rare, sorted; the column of each id, -1 for none); where all are rare, none is."""
    kept = np.flatnonzero(frequency >= rare)
    if not len(kept):
        kept = np.flatnonzero(frequency > 0)
    order = sorted(kept.tolist(), key=terms.__getitem__)
    columns = np.full(len(terms), -1, dtype=np.int64)
    columns[order] = np.arange(len(order))
    return [terms[at] for at in order], columns


@dataclass(frozen=True)
class BagVectorizer:
    """A TF-IDF block. terms: sorted; columns: int64, of each collected id; idf: float64 (terms,)."""

    terms: list[str]
    columns: NDArray[np.int64]
    idf: NDArray[np.float64]

    @classmethod
    def fit(cls, rows: Ragged, terms: Sequence[str], rare: int | None = None) -> "BagVectorizer":
        """Learn which terms count, and their idf; rare: in how many rows a term must stand at least (default: `rarest`)."""
        frequency = np.bincount(rows.counts(np.arange(len(terms)), len(terms)).indices, minlength=len(terms))
        kept, columns = chosen_terms(terms, frequency, rare or rarest(len(rows.ends)))
        return cls(kept, columns, smooth_idf(frequency[columns >= 0][np.argsort(columns[columns >= 0])], len(rows.ends)))

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.terms)

    def transform(self, rows: Ragged) -> Block:
        """Return features of shape (n, terms): (1 + ln count) * idf, each row of length 1."""
        return Block(self.weighted(rows))

    def weighted(self, rows: Ragged) -> sp.csr_matrix:
        """Return the same as one matrix."""
        matrix = rows.counts(self.columns, self.width)
        matrix.data = (1.0 + np.log(matrix.data)) * self.idf[matrix.indices]
        return normalize(matrix, copy=False) if self.width else matrix  # a block may see nothing in any row

    def fold(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights of the terms: those given."""
        return weights


@dataclass(frozen=True)
class SubwordVectorizer:
    """The additive subword block. words: float64 (word types, n-grams), (1 + ln count) * idf of each collected word's."""

    terms: list[str]
    idf: NDArray[np.float64]
    words: sp.csr_matrix

    @classmethod
    def fit(cls, rows: Ragged, types: Sequence[str], rare: int | None = None) -> "SubwordVectorizer":
        """Learn which n-grams count, and their idf; the document frequency is that of paragraphs. rare: as of `BagVectorizer`."""
        ids: dict[str, int] = {}
        flat = [ids.setdefault(gram, len(ids)) for word in types for gram in subwords(word)]
        grams = Ragged(np.array(flat, np.int32), np.cumsum([len(subwords(word)) for word in types], dtype=np.int64))
        inside = grams.counts(np.arange(len(ids)), len(ids))
        present = rows.counts(np.arange(len(types)), len(types))
        frequency = np.zeros(len(ids), dtype=np.int64)
        for at in range(0, present.shape[0], CHUNK):
            frequency += np.bincount((present[at : at + CHUNK] @ inside).indices, minlength=len(ids))
        terms, columns = chosen_terms(list(ids), frequency, rare or rarest(len(rows.ends)))
        idf = smooth_idf(frequency[columns >= 0][np.argsort(columns[columns >= 0])], len(rows.ends))
        words = grams.counts(columns, len(terms))
        words.data = (1.0 + np.log(words.data)) * idf[words.indices]
        return cls(terms, idf, words)

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.terms)

    def transform(self, rows: Ragged) -> Block:
        """Return features of shape (n, n-grams): sums of word vectors over sqrt(number of words), times SUBWORD_SCALE."""
        counts = rows.counts(np.arange(self.words.shape[0]), self.words.shape[0])
        counts.data = 1.0 + np.log(counts.data)
        scale = SUBWORD_SCALE / np.sqrt(np.maximum(1, rows.lengths))
        counts.data *= np.repeat(scale, np.diff(counts.indptr))
        return Block(counts, self.words)

    def fold(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights of the n-grams without the scale of the block."""
        return np.asarray(weights * SUBWORD_SCALE)


@dataclass(frozen=True)
class NotionVectorizer:
    """The notions block: unigram TF-IDF over the words that have a vector, times the vectors."""

    bag: BagVectorizer
    vectors: NDArray[np.float32]
    scale: float

    @classmethod
    def fit(cls, rows: Ragged, types: Sequence[str], notions: Notions) -> "NotionVectorizer":
        """Learn the words' document frequencies and the scale that gives rows the mean length NOTION_LENGTH."""
        place = {word: at for at, word in enumerate(notions.words)}
        columns = np.array([place.get(word, -1) for word in types], dtype=np.int64)
        frequency = np.bincount(rows.counts(columns, len(place)).indices, minlength=len(place))
        bag = BagVectorizer(notions.words, columns, smooth_idf(frequency, len(rows.ends)))
        lengths = np.linalg.norm(bag.weighted(rows) @ notions.vectors, axis=1)
        return cls(bag, notions.vectors, NOTION_LENGTH / max(1e-9, float(lengths.mean())))

    width = SIZE

    @property
    def terms(self) -> list[str]:
        """The words."""
        return self.bag.terms

    @property
    def idf(self) -> NDArray[np.float64]:
        """Of the words."""
        return self.bag.idf

    def transform(self, rows: Ragged) -> Block:
        """Return features of shape (n, dimensions)."""
        return Block(np.asarray(self.bag.weighted(rows) @ self.vectors, dtype=np.float64) * self.scale)

    def fold(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return weights of dimensions, shape (dimensions, k), as weights of words, shape (words, k)."""
        return np.asarray(self.vectors @ weights * self.scale)


Vectorizer = BagVectorizer | SubwordVectorizer | NotionVectorizer
BAGS = ("masked", "relations", "frames", "links", "names", "clauses")
SEES = {**{block: block for block in BAGS}, "subwords": "words", "notions": "words"}  # which terms a block is made of

