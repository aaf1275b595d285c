"""Rows to matrices: scikit-learn's TF-IDF over the views that prediction uses too.

`masked` and `relations` are plain TfidfVectorizers; `subwords` is the additive block (see
`predict.scorer`) made of a TfidfVectorizer over word types and a sparse product; `notions` is a TfidfVectorizer times
word vectors. IDF and vocabulary come from all rows, labels unseen.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from parastance.predict.features import Views, frames, ngrams, own_names, relations
from parastance.predict.tokens import subwords
from parastance.train.notions import Notions

# Least rows a term must stand in; 2 and 3 differ by less than 0.002 macro-F1, 3 gives the smaller file.
RARE = {"masked": 3, "relations": 3, "subwords": 3, "frames": 3, "names": 3}
FEW_ROWS = 200  # rows below which every term counts
SUBWORD_SCALE = 0.1  # brings the block's length near 1, so that one regularisation fits all blocks
NOTION_LENGTH = 1.5  # mean length of the block's rows; 0.5, 1, 1.5 and 2 were tried on unseen outlets


def masked_terms(views: Views) -> list[str]:
    return ngrams(views.masked)


def relation_terms(views: Views) -> list[str]:
    return relations(views.masked)


def word_grams(word: str) -> list[str]:
    return subwords(word)


TERMS: dict[str, Callable[[Views], list[str]]] = {
    "masked": masked_terms, "relations": relation_terms, "frames": frames, "names": own_names,
}  # fmt: skip


def bag_vectorizer(block: str, seen: Sequence[Views]) -> TfidfVectorizer:
    """Return the fitted TfidfVectorizer of a block that has terms; with few rows, or where all are rare, none is too rare."""
    rare = RARE[block] if len(seen) >= FEW_ROWS else 1
    try:
        return TfidfVectorizer(analyzer=TERMS[block], sublinear_tf=True, min_df=rare, dtype=np.float64).fit(seen)
    except ValueError:  # scikit-learn's "no terms remain"
        return TfidfVectorizer(analyzer=TERMS[block], sublinear_tf=True, dtype=np.float64).fit(seen)


@dataclass
class SubwordVectorizer:
    """The additive subword block as a scikit-learn style vectorizer over lists of words."""

    rare: int = RARE["subwords"]
    tfidf: TfidfVectorizer = field(init=False)

    def fit(self, documents: Sequence[Sequence[str]]) -> "SubwordVectorizer":
        """Learn n-grams and their document frequencies, a document being a paragraph."""
        self.tfidf = TfidfVectorizer(analyzer=_type_grams, min_df=self.rare, dtype=np.float64).fit(documents)
        self.words = TfidfVectorizer(
            analyzer=word_grams, vocabulary=self.tfidf.vocabulary_, sublinear_tf=True, norm=None, dtype=np.float64
        )
        self.words.idf_ = self.tfidf.idf_
        return self

    def transform(self, documents: Sequence[Sequence[str]]) -> sp.csr_matrix:
        """Return float64 of shape (n, n-grams): sums of word vectors over sqrt(number of words), times SUBWORD_SCALE."""
        types = {word: index for index, word in enumerate(dict.fromkeys(w for words in documents for w in words))}
        width = len(self.tfidf.vocabulary_)
        if not types:
            return sp.csr_matrix((len(documents), width))
        row, column, value = [], [], []
        for at, words in enumerate(documents):
            scale = SUBWORD_SCALE / np.sqrt(max(1, len(words)))
            for word, count in Counter(words).items():
                row.append(at)
                column.append(types[word])
                value.append((1.0 + np.log(count)) * scale)
        counts = sp.csr_matrix((value, (row, column)), (len(documents), len(types)))
        return (counts @ self.words.transform(list(types))).tocsr()


@dataclass
class NotionVectorizer:
    """The notions block: unigram TF-IDF over the words that have a vector, times the vectors."""

    notions: Notions

    def fit(self, seen: Sequence[Views]) -> "NotionVectorizer":
        """Learn the words' document frequencies and the scale that gives rows the mean length NOTION_LENGTH."""
        self.tfidf = TfidfVectorizer(
            analyzer=token_terms, vocabulary={word: at for at, word in enumerate(self.notions.words)},
            sublinear_tf=True, dtype=np.float64,
        ).fit(seen)  # fmt: skip
        rows = self.tfidf.transform(seen) @ self.notions.vectors
        self.scale = NOTION_LENGTH / max(1e-9, float(np.linalg.norm(rows, axis=1).mean()))
        return self

    def transform(self, seen: Sequence[Views]) -> sp.csr_matrix:
        """Return float64 of shape (n, dimensions)."""
        return sp.csr_matrix(self.tfidf.transform(seen) @ self.notions.vectors * self.scale)

    def fold(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return weights of dimensions, shape (dimensions, k), as weights of words, shape (words, k)."""
        return np.asarray(self.notions.vectors @ weights * self.scale)


def token_terms(views: Views) -> list[str]:
    return views.tokens


def _type_grams(words: Sequence[str]) -> list[str]:
    return [gram for word in dict.fromkeys(words) for gram in subwords(word)]


def terms_of(vectorizer: Any) -> list[str]:
    """Return a fitted vectorizer's terms in column order."""
    return [str(term) for term in vectorizer.get_feature_names_out()]
