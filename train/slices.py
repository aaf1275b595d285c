"""Slices of the data by what the rows say of themselves: outlet, conflict, year, public set; and folds that hold them out.

Folds over articles tell how a model does on more of the same. An archive is mostly other outlets, other wars, later years:
folds over their values tell that ("leave one group out", Roberts et al. 2017, "Cross-validation strategies for data with
temporal, spatial, hierarchical, or phylogenetic structure", Ecography 40).
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from parastance.train.folds import Folds

# What rows are held out by beside groups, and the fields that say it, the first that a row has; `period` is cut to the year.
SLICES = {
    "outlet": ("outlet", "source", "publisher"),
    "conflict": ("conflict",),
    "period": ("period", "year", "date"),
    "set": ("set",),
}
UNSTATED = ("", "unstated", "unknown", "n/a", "nan", "null")
FEWEST_SLICED = 50  # rows that say the field, below which nothing is held out by it


def year_of(value: Any) -> str:
    """Return the year in a date or period, such as 2015 of "March 2015", "" where there is none."""
    match = re.search(r"(?<!\d)(1[6-9]|20)\d\d(?!\d)", str(value))
    return match.group() if match else ""


def field_values(fields: Sequence[dict[str, Any]], slicing: str) -> list[str]:
    """Return each row's value of a slicing (a key of SLICES), "" where the row does not say."""
    values = []
    for row in fields:
        value = next((row[name] for name in SLICES[slicing] if row.get(name) not in (None, "")), "")
        text = year_of(value) if slicing == "period" else " ".join(str(value).split())
        values.append("" if text.casefold() in UNSTATED else text)
    return values


def slice_folds(values: Sequence[str], groups: NDArray[np.int64], count: int, in_order: bool = False) -> Folds:
    """Return up to `count` folds over values: a value is in one test set whole, and in no training set beside it.

    Rows of a test set's groups (near-duplicates in another outlet) are not trained on either. Rows without a value train
    always and are never tested. in_order: folds are runs of values in ascending order, for years. Empty where fewer than two
    values hold at least 2% of the rows each that have one.
    """
    names = np.array(values)
    known = np.flatnonzero(names != "")
    distinct, code, rows = np.unique(names[known], return_inverse=True, return_counts=True)
    if len(known) < FEWEST_SLICED or (rows >= 0.02 * len(known)).sum() < 2:
        return []
    count = min(count, len(distinct))
    if in_order:
        middle = np.cumsum(rows) - rows / 2
        fold = np.unique(np.floor(middle / len(known) * count).astype(np.int64), return_inverse=True)[1][code]
        tests = [known[fold == number] for number in range(int(fold.max()) + 1)]
    else:
        tests = [known[test] for _, test in GroupKFold(n_splits=count).split(known, groups=code)]
    return [(np.flatnonzero(~np.isin(groups, groups[test])), test) for test in tests]
