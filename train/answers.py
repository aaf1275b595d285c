"""What scikit-learn calls y: the classes in it and each row's labels, whatever form it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Names = tuple[str, ...]


@dataclass(frozen=True)
class Answers:
    """The classes of y in the order of an estimator's columns, the name of each, and the names that each row has.

    several: whether a row has any subset of them (y is an indicator matrix or a list of lists), else each has one.
    """

    classes: NDArray[Any]
    names: Names
    rows: list[Names]
    several: bool


def answers_of(y: Any) -> Answers:
    """Return what y says: n labels, n lists of labels, or n rows of 0 and 1 (an array, a frame, a sparse matrix or lists).

    Raises ValueError that says what is wrong with it.
    """
    columns = getattr(y, "columns", None)  # of a frame
    if hasattr(y, "toarray"):
        y = y.toarray()
    elif columns is not None:
        y = np.asarray(y)
    if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1 and columns is None:
        y = y.ravel()
    if getattr(y, "ndim", 1) == 2:
        return _of_matrix(np.asarray(y), np.arange(y.shape[1]) if columns is None else np.array(list(columns)))
    if isinstance(y, str) or not hasattr(y, "__iter__"):
        raise ValueError("y must hold a label, or a list of labels, for each text")
    listed = list(y)
    if listed and all(isinstance(item, (list, tuple, set, frozenset, np.ndarray)) for item in listed):
        if _is_matrix(listed):
            return _of_matrix(np.array(listed), np.arange(len(listed[0])))
        return _of_lists([list(item) for item in listed])
    return _of_labels(listed)


def _is_matrix(listed: Sequence[Any]) -> bool:
    """Return whether lists are the rows of an indicator matrix, as scikit-learn reads them."""
    width = len(listed[0])
    if width < 2 or not all(isinstance(item, (list, tuple, np.ndarray)) and len(item) == width for item in listed):
        return False
    return all(isinstance(one, (int, np.integer, np.bool_)) and one in (0, 1) for item in listed for one in item)


def _of_matrix(matrix: NDArray[Any], classes: NDArray[Any]) -> Answers:
    if not np.isin(matrix, (0, 1)).all():
        raise ValueError("y has rows of numbers that are not 0 or 1: with a column a label it must be an indicator matrix")
    names = _named(classes)
    rows = [tuple(name for name, yes in zip(names, row, strict=True) if yes) for row in matrix]
    return Answers(classes, names, rows, True)


def _of_lists(listed: list[list[Any]]) -> Answers:
    for at, item in enumerate(listed):
        if any(_missing(label) for label in item):
            raise ValueError(f"y[{at}] holds a label that is missing")
    names = tuple(sorted({str(label) for item in listed for label in item}))
    return Answers(np.array(names), names, [tuple(sorted({str(label) for label in item})) for item in listed], True)


def _of_labels(listed: list[Any]) -> Answers:
    for at, label in enumerate(listed):
        if _missing(label):
            raise ValueError(f"y[{at}] is missing")
    if any(isinstance(label, (float, np.floating)) and label != int(label) for label in listed):
        raise ValueError("y holds numbers that are no labels: this classifies, it does not regress")
    try:
        classes = np.array(sorted(set(listed))) if listed else np.array([], dtype=str)
    except TypeError:
        raise ValueError("y mixes labels of unlike types, such as numbers and strings") from None
    names = _named(classes)
    name_of = dict(zip(classes.tolist(), names, strict=True))
    return Answers(classes, names, [(name_of[label],) for label in listed], False)


def _missing(label: Any) -> bool:
    return label is None or (isinstance(label, (float, np.floating)) and bool(np.isnan(label)))


def _named(classes: NDArray[Any]) -> Names:
    names = tuple(str(one) or " " for one in classes.tolist())
    return names if len(set(names)) == len(names) else tuple(f"{name} ({at})" for at, name in enumerate(names))
