"""How a row came to be labelled: drawn at random with a known chance, queued because a model was unsure of it, or neither.

Rows drawn at random from an archive stand for it, each for one over its chance of being drawn (Horvitz and Thompson 1952, JASA
47). Rows chosen for being uncertain stand for nothing: they teach well and judge badly, for where a model was unsure it errs
more often than elsewhere at the same probability. What is promised of an archive therefore rests on the former alone.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from parastance.predict.scorer import Matrix
from parastance.train.data import CHANCE, LabelledRow
from parastance.train.formats import QUEUE

UNCERTAIN, AUDIT = "uncertain", "audit"  # why a row was queued
REAL_NAMED = 5  # by 1, 2, 3, 5, 7, 9, held out: F1 of opposed on real rows 0.543, 0.569, 0.570, 0.580, 0.581, 0.581
REAL = "set"  # the field that names the public set of a real paragraph


def chance(row: LabelledRow) -> float | None:
    """Return the chance with which a row was drawn, None where it says none."""
    value = row.fields.get(CHANCE)
    return None if value is None or value == "" else float(value)


def origin(row: LabelledRow) -> str:
    """Return where a row comes from: drawn at random, chosen for being uncertain, a public set, or the data's own writing."""
    if chance(row) is not None:
        return AUDIT
    if row.fields.get(QUEUE) == UNCERTAIN:
        return UNCERTAIN
    return "real" if row.fields.get(REAL) else "written"


def origins(rows: Sequence[LabelledRow]) -> NDArray[np.str_]:
    """Return the rows' origins, str of shape (n,)."""
    return np.array([origin(row) for row in rows])


def are_real(rows: Sequence[LabelledRow]) -> NDArray[np.bool_]:
    """Return which rows are paragraphs of a public set, bool of shape (n,)."""
    return np.array([bool(row.fields.get(REAL)) for row in rows], dtype=np.bool_)


def stands_for(rows: Sequence[LabelledRow]) -> Matrix:
    """Return what each row stands for, float64 (n,): one over its chance, scaled to a mean of 1; 1 where no chance is known."""
    chances = [chance(row) for row in rows]
    found = np.array([1.0 if known is None else 1.0 / known for known in chances])
    drawn = np.array([known is not None for known in chances], dtype=np.bool_)
    if drawn.any():
        found[drawn] /= found[drawn].mean()
    return found


def counts_for_stance(rows: Sequence[LabelledRow], named: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how often each row counts when a stance is learnt and cut, int64 (n,).

    Written paragraphs that name the target are for or against it four times in five, real ones once in eight: where the rows are
    of both kinds, a real paragraph that names its target counts REAL_NAMED times. named: bool (n,), which rows do.
    """
    real = are_real(rows)
    return np.where(real & named & (not real.all()), REAL_NAMED, 1)
