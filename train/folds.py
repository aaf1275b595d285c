"""Groups that no split may part: rows of one article, and near-duplicates such as wire copy in two papers.

Two texts are near-duplicates where the Jaccard similarity of their sets of word 5-grams exceeds 0.5 (Broder 1997, "On
the resemblance and containment of documents"). Candidates share one of their eight smallest hashed 5-grams; each
candidate pair is then compared exactly.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from parastance.predict.tokens import tokenize

SHINGLE = 5
SKETCH = 8
SIMILAR = 0.5
CROWD = 40  # rows that share one sketch value and are compared with each other; a commoner 5-gram says nothing


def shingles(text: str) -> frozenset[int]:
    """Return the hashed word 5-grams of a text; a shorter text is one shingle."""
    tokens = tokenize(text)
    grams = [" ".join(tokens[i : i + SHINGLE]) for i in range(max(1, len(tokens) - SHINGLE + 1))]
    return frozenset(int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=8).digest()) for gram in grams)


def near_duplicates(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs (i, j), i < j, of near-duplicate texts."""
    sets = [shingles(text) for text in texts]
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row, grams in enumerate(sets):
        for gram in sorted(grams)[:SKETCH]:
            rows_of[gram].append(row)
    candidates = {
        (rows[i], rows[j])
        for rows in rows_of.values()
        if 1 < len(rows) <= CROWD
        for i in range(len(rows))
        for j in range(i + 1, len(rows))
    }
    return sorted(
        pair for pair in candidates if len(sets[pair[0]] & sets[pair[1]]) > SIMILAR * len(sets[pair[0]] | sets[pair[1]])
    )


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


def folds(groups: NDArray[np.int64], count: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return (train rows, test rows) of up to `count` grouped folds, deterministic and balanced by size."""
    count = min(count, len(np.unique(groups)))
    if count < 2:
        return []
    return list(GroupKFold(n_splits=count).split(np.zeros(len(groups)), groups=groups))
