"""Sums of rows of numbers by a code, of as many codes and numbers as turn up."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


class Sums:
    """Sums of rows of numbers by a code from 0 up; grows in both directions as needed."""

    def __init__(self, kind: type[np.floating[Any]] = np.float64) -> None:
        self.data: NDArray[Any] = np.zeros((0, 0), kind)

    def add(self, codes: NDArray[np.int64], values: Matrix) -> None:
        """Add each row of values, float64 (n, k), to the sums of its code."""
        order = np.argsort(codes, kind="stable")
        unique, first = np.unique(codes[order], return_index=True)
        rows, columns = int(unique[-1]) + 1, values.shape[1]
        if rows > self.data.shape[0] or columns > self.data.shape[1]:
            room = (max(rows, min(2 * rows, rows + 100_000)), max(columns, self.data.shape[1]))
            grown = np.zeros((max(room[0], self.data.shape[0]), room[1]), self.data.dtype)
            grown[: self.data.shape[0], : self.data.shape[1]] = self.data
            self.data = grown
        self.data[unique, :columns] += np.add.reduceat(values[order], first, axis=0)

    def whole(self, rows: int, columns: int) -> Matrix:
        """Return the sums, float64 (rows, columns), zeros where nothing was added."""
        out = np.zeros((rows, columns))
        part = self.data[:rows, :columns]
        out[: part.shape[0], : part.shape[1]] = part
        return out


def padded(rows: Sequence[tuple[float, ...]], width: int) -> Matrix:
    """Return rows of up to `width` numbers as float64 (n, width), zeros behind."""
    whole = [row if len(row) == width else (*row, *(0.0,) * (width - len(row))) for row in rows]
    return np.array(whole, dtype=np.float64).reshape(len(rows), width)
