"""P-values corrected for how many tests were made."""

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def holm(p: Vector) -> Vector:
    """Return adjusted p-values that hold the chance of any false finding (Holm 1979, Scandinavian Journal of Statistics 6)."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    out = np.empty(len(p))
    out[order] = np.minimum(1.0, stepped)
    return out


def benjamini_hochberg(p: Vector) -> Vector:
    """Return adjusted p-values that hold the share of false findings (Benjamini and Hochberg 1995, JRSS B 57)."""
    order = np.argsort(-p, kind="stable")
    stepped = np.minimum.accumulate(p[order] * len(p) / np.arange(len(p), 0, -1))
    out = np.empty(len(p))
    out[order] = np.minimum(1.0, stepped)
    return out
