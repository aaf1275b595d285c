"""Whether two sets of documents differ by more than chance: permutation tests on sums per document.

Under the null hypothesis it does not matter which run a document is in. So documents are dealt out anew, and whole, because the
paragraphs of one are not independent; a document that is in both runs swaps its two versions or keeps them. Ratios are
compared by studentised statistics, for which the test of one ratio holds although documents differ in other respects
(Janssen 1997, Statistics and Probability Letters 36; Chung and Romano 2013, Annals of Statistics 41).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Weights = NDArray[np.float32]  # 1 where a document is new, 0 where it is old
BLOCK = 100  # relabellings held at once
Statistic = Callable[[Weights], Matrix]  # (b, documents) -> (b, tests)


@dataclass(frozen=True)
class Documents:
    """The documents of both runs, old ones first: values float64 (n, columns), new bool (n,), pairs int64 (p, 2).

    pairs: (row in old, row in new) of the documents that both runs have.
    """

    values: Matrix
    new: NDArray[np.bool_]
    pairs: NDArray[np.int64]

    @classmethod
    def of(cls, old: tuple[dict[int, int], Matrix], new: tuple[dict[int, int], Matrix]) -> "Documents":
        """Return the documents of two runs, each given as (row of each hash, values)."""
        (rows0, values0), (rows1, values1) = old, new
        width = max(values0.shape[1], values1.shape[1])
        wide = [np.pad(values, ((0, 0), (0, width - values.shape[1]))) for values in (values0, values1)]
        pairs = [(at, len(values0) + rows1[key]) for key, at in rows0.items() if key in rows1]
        newer = np.repeat([False, True], [len(values0), len(values1)])
        return cls(np.concatenate(wide), newer, np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2))

    def relabelled(self, draws: int, seed: int) -> Iterator[Weights]:
        """Yield which documents are new in `draws` random relabellings, (at most BLOCK, n) at a time."""
        rng = np.random.default_rng(seed)
        alone = np.setdiff1d(np.arange(len(self.new)), self.pairs.ravel())
        for start in range(0, draws, BLOCK):
            count = min(BLOCK, draws - start)
            weights = np.zeros((count, len(self.new)), dtype=np.float32)
            weights[:, alone] = rng.permuted(np.tile(self.new[alone].astype(np.float32), (count, 1)), axis=1)
            swap = rng.integers(0, 2, (count, len(self.pairs)))
            weights[:, self.pairs[:, 0]] = swap
            weights[:, self.pairs[:, 1]] = 1 - swap
            yield weights

    def p_values(self, statistic: Statistic, draws: int, seed: int = 0) -> tuple[Matrix, Matrix]:
        """Return (observed statistics, p-values), each float64 (tests,); a large statistic speaks against the null."""
        observed = statistic(self.new[None].astype(np.float32))[0]
        beyond = np.zeros(len(observed))
        for weights in self.relabelled(draws, seed):
            beyond += (statistic(weights) >= observed - 1e-7 * np.maximum(1.0, np.abs(observed))).sum(axis=0)
        return observed, (1 + beyond) / (1 + draws)


@dataclass(frozen=True)
class Ratios:
    """Ratios of sums over documents: above and below, float64 (n, r)."""

    documents: Documents
    above: Matrix
    below: Matrix

    def variances(self, weights: Weights) -> tuple[Matrix, Matrix]:
        """Return (new ratios minus old ones, the variance of that between documents), each (b, r)."""
        new, old, shared = self.sides(weights)
        variance = new.variance + old.variance - 2 * shared
        return new.ratio - old.ratio, np.maximum(variance, 1e-3 * (new.variance + old.variance))

    def sides(self, weights: Weights) -> tuple["Side", "Side", Matrix]:
        """Return (the new side, the old side, the covariance of both by the documents they share, (b, r))."""
        y, d = self.above, self.below
        products = np.concatenate([y, d, y * y, y * d, d * d], axis=1)
        sums = np.asarray(weights, np.float64) @ products
        new, old = Side.of(sums), Side.of(products.sum(axis=0) - sums)
        whole = y.sum(axis=0) / np.maximum(d.sum(axis=0), 1e-12)
        residual = y - whole * d
        pairs = self.documents.pairs
        shared = (residual[pairs[:, 0]] * residual[pairs[:, 1]]).sum(axis=0)
        return new, old, shared / np.maximum(new.below * old.below, 1e-12)

    def statistic(self, weights: Weights) -> Matrix:
        """Return |difference| over its standard error, (b, r); 0 where nothing varies."""
        difference, variance = self.variances(weights)
        return np.asarray(np.abs(difference) / np.sqrt(np.where(variance > 0, variance, np.inf)))


@dataclass(frozen=True)
class Side:
    """The ratios of one run, each (b, r): variance between documents, the sum below, Kish's effective number of documents."""

    ratio: Matrix
    variance: Matrix
    below: Matrix
    even: Matrix

    @classmethod
    def of(cls, sums: Matrix) -> "Side":
        """Return the ratios of sums of y, d, yy, yd, dd side by side."""
        y, d, yy, yd, dd = np.split(sums, 5, axis=1)
        below = np.maximum(d, 1e-12)
        ratio = y / below
        spread = np.maximum(0, yy - 2 * ratio * yd + ratio**2 * dd) / below**2
        return cls(ratio, spread, d, d**2 / np.maximum(dd, 1e-12))


def distances(values: Matrix, bins: int) -> Statistic:
    """Return the statistic of histograms side by side, `bins` columns each: the Kolmogorov-Smirnov distance of each."""
    total = values.sum(axis=0)

    def statistic(weights: Weights) -> Matrix:
        new = np.asarray(weights @ values.astype(np.float32), np.float64)
        parts = [side.reshape(len(side), -1, bins).cumsum(axis=2) for side in (new, total - new)]
        shares = [part / np.maximum(part[:, :, -1:], 1e-12) for part in parts]
        return np.asarray(np.abs(shares[0] - shares[1]).max(axis=2))

    return statistic


def divergence(values: Matrix) -> Statistic:
    """Return the statistic of one histogram: the Jensen-Shannon divergence, in bits (Lin 1991, IEEE Trans. Inf. Theory 37)."""
    total = values.sum(axis=0)

    def entropy(p: Matrix) -> Matrix:
        return np.asarray(-(p * np.log2(np.maximum(p, 1e-300))).sum(axis=1))

    def statistic(weights: Weights) -> Matrix:
        new = np.asarray(weights @ values.astype(np.float32), np.float64)
        p, q = (side / np.maximum(side.sum(axis=1, keepdims=True), 1e-12) for side in (new, np.maximum(total - new, 0)))
        return np.asarray(entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2)[:, None]

    return statistic
