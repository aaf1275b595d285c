"""Word vectors: which words stand in like company, learnt without labels, so that a topic is a notion and not a word list.

Positive pointwise mutual information of words within five words of each other, factored by a truncated SVD (Levy,
Goldberg and Dagan 2015, "Improving distributional similarity with lessons learned from word embeddings", TACL). The
vectors only project TF-IDF features; a model folds them into one weight a word, so labelling never sees them.

`python -m parastance.train.notions FILE_OR_FOLDER ...` makes `seeds/notions.npz` anew from the written corpus and from
public texts. The file holds words and numbers, no text.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from parastance.predict.artifact import pack_terms, unpack_terms
from parastance.predict.tokens import tokenize
from parastance.train.data import SEEDS

FILE = SEEDS / "notions.npz"
SIZE = 50  # dimensions; 50, 100, 200 and 300 differ by less than 0.01 macro-F1
WINDOW = 5  # words; a pair at distance d counts 1/d
LEAST = 5  # occurrences of a word
SMOOTHING = 0.75  # exponent of the context distribution


@dataclass(frozen=True)
class Notions:
    """Words and their vectors, float32 of shape (words, SIZE), each of length 1."""

    words: list[str]
    vectors: NDArray[np.float32]


def learn(documents: Iterable[str], seed: int = 0) -> Notions:
    """Return the vectors of the words that stand LEAST times in the documents; deterministic for a seed."""
    tokens = [tokenize(text) for text in documents]
    counts = Counter(word for words in tokens for word in words)
    known = sorted((word for word, count in counts.items() if count >= LEAST), key=lambda word: (-counts[word], word))
    ids = {word: at for at, word in enumerate(known)}
    numbered = [np.array([ids.get(word, -1) for word in words], dtype=np.int32) for words in tokens]
    pairs = sp.csr_matrix((len(known), len(known)))
    for offset in range(1, WINDOW + 1):
        left = np.concatenate([row[:-offset] for row in numbered if len(row) > offset])
        right = np.concatenate([row[offset:] for row in numbered if len(row) > offset])
        both = (left >= 0) & (right >= 0)
        weights = np.full(int(both.sum()), 1.0 / offset)
        near = sp.csr_matrix((weights, (left[both], right[both])), shape=pairs.shape)
        pairs = pairs + near + near.T
    totals = np.asarray(pairs.sum(axis=1)).ravel()
    context = totals**SMOOTHING / (totals**SMOOTHING).sum()
    cells = pairs.tocoo()
    information = np.log(cells.data / (totals[cells.row] * context[cells.col]))
    kept = information > 0
    matrix = sp.csr_matrix((information[kept], (cells.row[kept], cells.col[kept])), shape=pairs.shape)
    left_vectors, strengths, _ = randomized_svd(matrix, SIZE, random_state=seed)
    vectors = left_vectors * np.sqrt(strengths)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return Notions(known, vectors.astype(np.float32))


def write(notions: Notions, path: Path = FILE) -> None:
    """Write the vectors as signed bytes, one scale a word: a fiftieth of the text they come from."""
    scale = np.abs(notions.vectors).max(axis=1, keepdims=True) / 127
    steps = np.round(notions.vectors / np.maximum(scale, 1e-9)).astype(np.int8)
    np.savez_compressed(path, words=pack_terms(notions.words), steps=steps, scale=scale.astype(np.float32))


def read(path: Path = FILE) -> Notions:
    """Return the vectors in a file."""
    with np.load(path, allow_pickle=False) as file:
        return Notions(unpack_terms(file["words"]), file["steps"].astype(np.float32) * file["scale"])


def pieces(text: str, size: int = 60) -> list[str]:
    """Return a long text in pieces of `size` words, so that headlines of other articles stay apart."""
    words = text.split()
    return [" ".join(words[at : at + size]) for at in range(0, len(words), size)]


def main(arguments: Sequence[str]) -> int:
    """Make seeds/notions.npz from the written corpus and the public sets found in the given folders."""
    from parastance.train.corpora import read_sets
    from parastance.train.data import corpus_files, read_labelled

    documents = [row.text for row in read_labelled(corpus_files()) if row.kind == "content"]
    for folder in arguments:
        sets, missing = read_sets(Path(folder))
        print("\n".join(missing), file=sys.stderr)
        for name in sorted(sets):
            for _, text in sorted(sets[name].items()):
                documents.extend(pieces(text))
    notions = learn(documents)
    write(notions)
    print(f"{len(documents):,} pieces, {len(notions.words):,} words, {FILE.stat().st_size:,} bytes in {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
