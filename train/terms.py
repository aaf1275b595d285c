"""Terms counted in bounded memory, and which of them set two collections apart."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from scipy.special import ndtr

from parastance.predict.artifact import read_artifact, unpack_terms
from parastance.predict.targets import Registry
from parastance.predict.tokens import tokenize
from parastance.train.adjust import Vector, benjamini_hochberg

MOST_TERMS = 200_000
FEWEST = 5  # documents with a term, in both collections, below which it is not named
PRIOR = 0.1  # of the collections' mean size: how much the terms of both together weigh


class TermCounts:
    """How many documents hold each term; one whose paragraphs lie apart in the run counts once for each stretch of them.

    Beyond twice `most` terms the rarest are forgotten (lossy counting, Manku and Motwani 2002, VLDB): a term's count is
    then too low by at most `missed`. total: of all counts, the forgotten ones included.
    """

    def __init__(self, most: int = MOST_TERMS) -> None:
        self.most = most
        self.counts: Counter[str] = Counter()
        self.total = 0
        self.missed = 0

    def add(self, terms: Iterable[str]) -> None:
        """Count the distinct terms of one document."""
        before = len(self.counts)
        listed = list(terms)
        self.counts.update(listed)
        self.total += len(listed)
        if before <= 2 * self.most < len(self.counts):
            kept = self.counts.most_common(self.most)
            self.missed += kept[-1][1]
            self.counts = Counter(dict(kept))


def log_odds(old: TermCounts, new: TermCounts) -> list[tuple[str, float, float, int, int]]:
    """Return (term, z, q, documents in old, documents in new) of every term that is not rare, by falling z.

    z: log odds ratio with an informative Dirichlet prior over its standard error, positive for what `new` has more of
    (Monroe, Colaresi and Quinn 2008, "Fightin' Words", Political Analysis 16); the prior is both collections taken
    together. Documents, not occurrences, are counted, so that one article that repeats a word counts once. q: its p-value,
    corrected for the number of terms (Benjamini and Hochberg 1995).
    """
    names = [name for name in old.counts.keys() | new.counts.keys() if old.counts[name] + new.counts[name] >= FEWEST]
    if not names or not old.total or not new.total:
        return []
    names.sort()
    y0, y1 = (np.array([side.counts[name] for name in names], dtype=float) for side in (old, new))
    weight = PRIOR * (old.total + new.total) / 2
    prior = weight * (y0 + y1) / (old.total + new.total)

    def odds(y: Vector, total: float) -> Vector:
        return np.asarray(np.log((y + prior) / (total + weight - y - prior)))

    z = (odds(y1, new.total) - odds(y0, old.total)) / np.sqrt(1 / (y1 + prior) + 1 / (y0 + prior))
    q = benjamini_hochberg(2 * ndtr(-np.abs(z)))
    order = np.lexsort((np.arange(len(names)), -z))
    return [(names[at], float(z[at]), float(q[at]), int(y0[at]), int(y1[at])) for at in order]


def known_words(folder: Path, registry: Registry) -> frozenset[str]:
    """Return the words that a model has weights for, and those of the names that it looks for. Raises ModelError."""
    artifact, _ = read_artifact(folder)
    words = {word for target in registry.values() for alias in target.aliases for word in tokenize(alias)}
    for name in ("masked", "notions"):
        if name in artifact["blocks"]:
            words.update(term for term in unpack_terms(artifact["blocks"][name]["terms"]) if " " not in term)
    return frozenset(words)
