"""One run of `predict` as what a comparison needs of it: sums over all records, and over the documents of a sample.

Memory does not grow with the records: documents are sampled by their names' hashes, so that two runs over the same documents
keep the same ones; terms and sources are capped.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.inputs import Row
from parastance.predict.tokens import tokenize
from parastance.train.results import HEADS, PROBABILITIES, given_labels
from parastance.train.sums import Sums
from parastance.train.tally import CHUNK, Labels
from parastance.train.terms import MOST_TERMS, TermCounts

BINS = 20  # of a probability
RECORDS, CONTENT, ABSTAINED, TOKENS, UNKNOWN, FIXED = 0, 1, 2, 3, 4, 5  # columns; then each label's block
WIDE = 1 + BINS  # of a label's block: how often given, and its probabilities' bins
MOST_DOCUMENTS = 10_000
MOST_WORDED = 2_500  # documents whose words are kept, in BUCKETS hashed counts
BUCKETS = 1024
MOST_SOURCES = 5_000
OTHERS = "(others)"
SPAN = 1 << 64
Matrix = NDArray[np.float64]


class DocumentSample:
    """Sums of rows of numbers by document, for the documents whose hashes are lowest: at most `most` of them."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.below = SPAN
        self.rows: dict[int, int] = {}
        self.sums = Sums()

    def add(self, keys: list[int], values: Matrix) -> None:
        """Add each row of values to its document."""
        chosen = [at for at, key in enumerate(keys) if key < self.below]
        if not chosen:
            return
        codes = [self.rows.setdefault(keys[at], len(self.rows)) for at in chosen]
        self.sums.add(np.array(codes), values[chosen])
        if len(self.rows) > self.most:
            self.shrink(sorted(self.rows)[self.most // 2])

    def shrink(self, below: int) -> None:
        """Forget the documents whose hash is `below` or above."""
        if below >= self.below:
            return
        self.below = below
        kept = [key for key in self.rows if key < below]
        self.sums.data = self.sums.data[[self.rows[key] for key in kept]]
        self.rows = {key: at for at, key in enumerate(kept)}

    def documents(self) -> float:
        """Return how many documents there are in all: an estimate once some were forgotten."""
        return len(self.rows) * (SPAN / self.below)


@dataclass
class Summary:
    """What is kept of one run. labels: shared by the runs compared; known: the model's words, None for none."""

    labels: Labels
    known: frozenset[str] | None
    sources: tuple[str, ...] = ()
    totals: Sums = field(default_factory=Sums)
    documents: DocumentSample = field(default_factory=lambda: DocumentSample(MOST_DOCUMENTS))
    worded: DocumentSample = field(default_factory=lambda: DocumentSample(MOST_WORDED))
    terms: TermCounts = field(default_factory=TermCounts)
    label_terms: dict[int, TermCounts] = field(default_factory=dict)
    by_source: dict[str, tuple[dict[str, int], Sums]] = field(default_factory=dict)
    heads: set[str] = field(default_factory=set)
    records: int = 0
    texts: int = 0

    def read(self, rows: Iterable[tuple[Row, tuple[Any, ...]]], cluster: Any) -> "Summary":
        """Add all records; cluster: returns the name of the column that names a record's document. Return self."""
        keys: list[int] = []
        vectors: list[list[float]] = []
        words: list[set[str]] = []
        groups: list[tuple[Any, ...]] = []
        document: int | None = None
        open_terms: dict[int, set[str]] = {}
        for row, group in rows:
            key, alone = self._key(row, cluster())
            if alone or key != document:
                self._count(open_terms)
                open_terms, document = {}, key
            vector, tokens = self._vector(row, open_terms)
            keys.append(key)
            vectors.append(vector)
            words.append(tokens)
            groups.append(group)
            self.records += 1
            if len(keys) >= CHUNK:
                self._flush(keys, vectors, words, groups)
        self._count(open_terms)
        self._flush(keys, vectors, words, groups)
        return self

    def _key(self, row: Row, cluster: str | None) -> tuple[int, bool]:
        """Return (hash of the record's document, whether the record is one of its own)."""
        name = row.get(cluster) if cluster else None
        alone = name in (None, "")
        text = f"record {row.get('id', self.records)}" if alone else f"document {name}"
        return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()), alone

    def _vector(self, row: Row, open_terms: dict[int, set[str]]) -> tuple[list[float], set[str]]:
        """Return (the record's numbers, its distinct words), and put the words to those of its document."""
        content = row.get("kind") != "boilerplate"
        if len(self.heads) < len(HEADS):
            self.heads.update(head for head in HEADS if row.get(head) is not None)
        given = [
            self.labels.column(head, label)
            for head in (HEADS if content else ("kind",))
            for label in given_labels(row, head)
        ]
        scores = [
            (self.labels.column(head, label), probability)
            for head, name in PROBABILITIES.items()
            for label, probability in (row.get(name) or {}).items()
        ]
        vector = [0.0] * (FIXED + WIDE * len(self.labels.names))
        vector[RECORDS], vector[CONTENT] = 1.0, float(content)
        vector[ABSTAINED] = float(content and bool(row.get("abstained")))
        for column in given:
            vector[FIXED + WIDE * column] = 1.0
        if content:
            for column, probability in scores:
                if probability is not None:
                    vector[FIXED + WIDE * column + 1 + min(BINS - 1, int(probability * BINS))] = 1.0
        return vector, self._words(row, vector, given, open_terms, content)

    def _words(
        self, row: Row, vector: list[float], given: list[int], open_terms: dict[int, set[str]], content: bool
    ) -> set[str]:
        text = row.get("text")
        if not isinstance(text, str) or not content:
            return set()
        self.texts += 1
        tokens = tokenize(text)
        if self.known is not None:
            vector[TOKENS] = float(len(tokens))
            vector[UNKNOWN] = float(len(tokens) - sum(map(self.known.__contains__, tokens)))
        words = {token for token in set(tokens) if len(token) > 1 and token[0] != "0"}
        open_terms.setdefault(-1, set()).update(words)
        for column in given:
            if self.labels.names[column][0] != "kind":
                open_terms.setdefault(column, set()).update(words)
        return words

    def _count(self, open_terms: dict[int, set[str]]) -> None:
        """Count the terms of a document that has ended."""
        for column, terms in open_terms.items():
            if column < 0:
                self.terms.add(terms)
            else:
                if column not in self.label_terms:
                    self.label_terms[column] = TermCounts(max(2_000, MOST_TERMS // (1 + len(self.labels.names))))
                self.label_terms[column].add(terms)

    def _flush(
        self, keys: list[int], vectors: list[list[float]], words: list[set[str]], groups: list[tuple[Any, ...]]
    ) -> None:
        if not keys:
            return
        width = FIXED + WIDE * len(self.labels.names)
        values = np.array([vector + [0.0] * (width - len(vector)) for vector in vectors])
        self.totals.add(np.zeros(len(keys), np.int64), values)
        self.documents.add(keys, values)
        chosen = [at for at, key in enumerate(keys) if key < self.worded.below and words[at]]
        if chosen:
            counts = np.zeros((len(chosen), BUCKETS))
            for at, row in enumerate(chosen):
                np.add.at(counts[at], [_bucket(word) for word in words[row]], 1.0)
            self.worded.add([keys[row] for row in chosen], counts)
        for at, name in enumerate(self.sources):
            self._add_sources(name, [group[at] for group in groups], values)
        for part in (keys, vectors, words, groups):
            part.clear()

    def _add_sources(self, name: str, found: list[Any], values: Matrix) -> None:
        """Add records to their sources; a source beyond the cap goes to the others."""
        codes, sums = self.by_source.setdefault(name, ({OTHERS: 0}, Sums()))
        numbers = []
        for value in found:
            text = "(none)" if value is None else str(value)
            if text not in codes and len(codes) < MOST_SOURCES:
                codes[text] = len(codes)
            numbers.append(codes.get(text, 0))
        given = [FIXED + WIDE * at for at in range(len(self.labels.names))]
        sums.add(np.array(numbers), values[:, [RECORDS, CONTENT, *given]])


_buckets: dict[str, int] = {}


def _bucket(word: str) -> int:
    """Return the bucket of a word: the same in every run."""
    found = _buckets.get(word)
    if found is None:
        if len(_buckets) > MOST_TERMS:
            _buckets.clear()
        found = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=4).digest()) % BUCKETS
        _buckets[word] = found
    return found
