"""Groups that no split may part: rows of one article, and near-duplicates such as wire copy in two papers.

Two texts are near-duplicates where the Jaccard similarity of their sets of word 5-grams exceeds 0.5 (Broder 1997, "On
the resemblance and containment of documents"). Candidates share one of their eight smallest hashed 5-grams, which two texts
that similar fail to do in fewer than 0.4% of cases (0.5 to the eighth power); each candidate pair is then compared exactly.
Time and memory grow with the number of rows: nobody is compared with more than a fixed number of others.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from parastance.predict.tokens import tokenize

Folds = list[tuple[NDArray[np.int64], NDArray[np.int64]]]
SHINGLE = 5
SKETCH = 8
SIMILAR = 0.5
CROWD = 40  # rows that share a sketch value and are all compared; of more, each with the first of up to so many stories
LONG = 16  # 5-grams from which a text is a story; what is shorter and stands in more than CROWD rows is a formula ("Read more")

def shingles(text: str) -> frozenset[int]:
    """Return the hashed word 5-grams of a text; a shorter text is one shingle."""
    tokens = tokenize(text)
    grams = [" ".join(tokens[i : i + SHINGLE]) for i in range(max(1, len(tokens) - SHINGLE + 1))]
    return frozenset(int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=8).digest()) for gram in grams)


def near_duplicates(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Return pairs (i, j), i < j, of near-duplicate texts that link all of them: a wire story in many papers is a star."""
    sets = [np.array(sorted(shingles(text)), dtype=np.uint64) for text in texts]
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row, grams in enumerate(sets):
        for gram in grams[:SKETCH].tolist():
            rows_of[gram].append(row)
    found: dict[tuple[int, int], bool] = {}

    def alike(a: int, b: int) -> bool:
        if (a, b) not in found:
            found[a, b] = similarity(sets[a], sets[b]) > SIMILAR
        return found[a, b]

    for rows in rows_of.values():
        if len(rows) <= CROWD:
            for at, a in enumerate(rows):
                for b in rows[at + 1 :]:
                    alike(a, b)
            continue
        first: list[int] = []  # of each story that shares this 5-gram
        for row in rows:
            if len(sets[row]) >= LONG and not any(alike(other, row) for other in first) and len(first) < CROWD:
                first.append(row)
    return sorted(pair for pair, near in found.items() if near)


def similarity(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> float:
    """Return the Jaccard similarity of two sets given as sorted arrays."""
    if min(len(a), len(b)) <= SIMILAR * max(len(a), len(b)):
        return 0.0  # it cannot exceed SIMILAR
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both)


def join_groups(groups: Sequence[str], pairs: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Return a group number per row, int64 of shape (n,): rows of one group, and the groups of a pair, share one."""
    names = {name: index for index, name in enumerate(dict.fromkeys(groups))}
    parent = list(range(len(names)))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    own = [names[group] for group in groups]
    for a, b in pairs:
        low, high = sorted((root(own[a]), root(own[b])))
        parent[high] = low
    return np.array([root(group) for group in own], dtype=np.int64)


def folds(groups: NDArray[np.int64], count: int) -> Folds:
    """Return (train rows, test rows) of up to `count` grouped folds, deterministic and balanced by size."""
    count = min(count, len(np.unique(groups)))
    if count < 2:
        return []
    return list(GroupKFold(n_splits=count).split(np.zeros(len(groups)), groups=groups))
