"""Features that are never multiplied out: blocks side by side, each a matrix or the product of two.

A paragraph's subword features are sums over its words: words in the paragraph times n-grams in a word. The product has some 350
numbers a row, its factors 40 and, once for all rows, 11 a word type; classifiers need only products with vectors, which the
factors give. 100,000 paragraphs take a tenth of the memory, and a product a third of the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from parastance.predict.scorer import Matrix


@dataclass(frozen=True)
class Block:
    """Features of one kind: `left`, float64 of shape (n, m), sparse or dense, times `right`, sparse (m, width), where given."""

    left: Any
    right: sp.csr_matrix | None = None

    @property
    def width(self) -> int:
        """The number of features."""
        return int((self.left if self.right is None else self.right).shape[1])

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return sum(_bytes(factor) for factor in (self.left, self.right) if factor is not None)

    def times(self, weights: Matrix) -> Matrix:
        """Return features @ weights."""
        return _product(self.left, weights if self.right is None else _product(self.right, weights))

    def back(self, values: Matrix) -> Matrix:
        """Return features transposed @ values."""
        inner = _product(self.left.T, values)
        return inner if self.right is None else _product(self.right.T, inner)

    def part(self, rows: NDArray[np.int64]) -> "Block":
        """Return the block of some rows."""
        return Block(self.left[rows], self.right)

    def signed(self) -> NDArray[np.bool_]:
        """Return which features can be negative, bool of shape (width,)."""
        factors = [self.left] if self.right is None else [self.left, self.right]
        if all(_least(factor) >= 0 for factor in factors):
            return np.zeros(self.width, dtype=np.bool_)
        if self.right is not None:
            return np.ones(self.width, dtype=np.bool_)
        least = self.left.min(axis=0)
        return np.asarray(least.toarray() if sp.issparse(least) else least).ravel() < 0

    def magnitudes(self) -> "Block":
        """Return the block without signs, of factors if it has two."""
        left = self.left if _least(self.left) >= 0 else abs(self.left)
        return Block(left, self.right if self.right is None or _least(self.right) >= 0 else abs(self.right))

    def standing(self) -> "Block":
        """Return the block with 1 for whatever is not 0; of factors, in each."""
        return Block(_ones(self.left), None if self.right is None else _ones(self.right))

    def present(self) -> tuple["Block", NDArray[np.int64]]:
        """Return (the block without features that stand in no row, the columns kept)."""
        if not sp.issparse(self.left):
            return self, np.arange(self.width)
        left, kept = _squeezed(self.left)
        if self.right is None:
            return Block(left), kept
        right, columns = _squeezed(self.right[kept])
        return Block(left, right), columns


@dataclass(frozen=True)
class FeatureMatrix:
    """The features of n rows, of shape (n, f)."""

    blocks: tuple[Block, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and features."""
        return int(self.blocks[0].left.shape[0]), sum(block.width for block in self.blocks)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return sum(block.size for block in self.blocks)

    @property
    def starts(self) -> list[int]:
        """Where each block begins, and the end of the last."""
        return [0, *np.cumsum([block.width for block in self.blocks]).tolist()]

    def __matmul__(self, weights: Matrix) -> Matrix:
        """Return the product with weights of shape (f,) or (f, k), float64."""
        parts = zip(self.blocks, self.starts, strict=False)
        return np.asarray(sum(block.times(weights[at : at + block.width]) for block, at in parts))

    def back(self, values: Matrix) -> Matrix:
        """Return the transposed matrix times values of shape (n,) or (n, k), float64."""
        return np.concatenate([block.back(values) for block in self.blocks])

    def part(self, rows: NDArray[np.int64]) -> "FeatureMatrix":
        """Return the features of some rows."""
        return FeatureMatrix(tuple(block.part(rows) for block in self.blocks))

    def signed(self) -> NDArray[np.bool_]:
        """Return which features can be negative, bool of shape (f,)."""
        return np.concatenate([block.signed() for block in self.blocks])

    def magnitudes(self) -> "FeatureMatrix":
        """Return the features without signs."""
        return FeatureMatrix(tuple(block.magnitudes() for block in self.blocks))

    def standing(self) -> "FeatureMatrix":
        """Return the features with 1 for whatever is not 0, block by block."""
        return FeatureMatrix(tuple(block.standing() for block in self.blocks))

    def present(self) -> tuple["FeatureMatrix", NDArray[np.int64]]:
        """Return (the matrix without features that stand in no row, the columns kept)."""
        found = [block.present() for block in self.blocks]
        columns = [at + kept for (_, kept), at in zip(found, self.starts, strict=False)]
        return FeatureMatrix(tuple(block for block, _ in found)), np.concatenate(columns)


class WithCopies:
    """Features with, behind them, a copy a target that is 0 in rows about others, times `own`, each with a constant.

    Daumé 2007, "Frustratingly easy domain adaptation", ACL. A copy has only the features that stand in some row about its target.
    columns: of each target's copy, those of the plain features that it copies; spans: where it lies, its constant last.
    """

    def __init__(self, x: FeatureMatrix, target: NDArray[np.int64], numbers: Sequence[int], own: float) -> None:
        """target: int64 (n,), the number of each row's target; numbers: of the targets that get copies."""
        self.plain, self.own = x, own
        self.rows = [np.flatnonzero(target == number) for number in numbers]
        copies = [x.part(rows).present() for rows in self.rows]
        self.copies, self.columns = [copy for copy, _ in copies], [kept for _, kept in copies]
        starts = [x.shape[1], *(x.shape[1] + np.cumsum([len(kept) + 1 for kept in self.columns])).tolist()]
        self.spans = [slice(start, end) for start, end in zip(starts, starts[1:], strict=False)]
        self.shape = x.shape[0], int(starts[-1])

    def __matmul__(self, weights: Matrix) -> Matrix:
        """Return the product with weights of shape (f,) or (f, k), float64."""
        found = self.plain @ weights[: self.plain.shape[1]]
        for rows, copy, span in zip(self.rows, self.copies, self.spans, strict=True):
            mine = weights[span]
            found[rows] += self.own * (copy @ mine[:-1] + mine[-1])
        return found

    def back(self, values: Matrix) -> Matrix:
        """Return the transposed matrix times values of shape (n,) or (n, k), float64."""
        parts = [self.plain.back(values)]
        for rows, copy in zip(self.rows, self.copies, strict=True):
            inside = values[rows]
            parts += [self.own * copy.back(inside), self.own * inside.sum(axis=0, keepdims=True)]
        return np.concatenate(parts)

    def signed(self) -> NDArray[np.bool_]:
        """Return which features can be negative, bool of shape (f,)."""
        return np.concatenate([self.plain.signed(), *(np.append(copy.signed(), False) for copy in self.copies)])

    def magnitudes(self) -> "WithCopies":
        """Return the features without signs."""
        found = object.__new__(WithCopies)
        found.__dict__ = {**self.__dict__, "plain": self.plain.magnitudes(), "copies": [c.magnitudes() for c in self.copies]}
        return found


def _product(matrix: Any, values: Matrix) -> Matrix:
    """Return matrix @ values; a sparse one column by column, which is faster than SciPy's loop over few columns.

    The columns of the result lie whole in memory.
    """
    if values.ndim == 1 or not sp.issparse(matrix):
        return np.asarray(matrix @ values)
    return np.array([matrix @ column for column in values.T]).T


def _bytes(matrix: Any) -> int:
    if not sp.issparse(matrix):
        return int(matrix.nbytes)
    return int(matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes)


def _ones(matrix: Any) -> Any:
    if not sp.issparse(matrix):
        return (matrix != 0).astype(np.float64)
    return sp.csr_matrix((np.ones(len(matrix.data)), matrix.indices, matrix.indptr), matrix.shape)


def _least(matrix: Any) -> float:
    data = matrix.data if sp.issparse(matrix) else matrix
    return float(data.min()) if data.size else 0.0


def _squeezed(matrix: sp.csr_matrix) -> tuple[sp.csr_matrix, NDArray[np.int64]]:
    """Return (the matrix without empty columns, the fullest first, and the columns kept): what is read most lies together."""
    rows = np.bincount(matrix.indices, minlength=matrix.shape[1])
    kept = np.argsort(-rows, kind="stable")[: np.count_nonzero(rows)]
    place = np.empty(matrix.shape[1], dtype=matrix.indices.dtype)
    place[kept] = np.arange(len(kept))
    return sp.csr_matrix((matrix.data, place[matrix.indices], matrix.indptr), (matrix.shape[0], len(kept))), kept
