"""Where a model is weak: slices of its held-out rows, by source, form, target and length, that fall short on a label."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.metrics import label_scores
from parastance.train.bootstrap import drawn_figures, interval
from parastance.train.data import LabelledRow
from parastance.train.fit import Fitted
from parastance.train.heads import FittedHead
from parastance.train.slices import SLICES, UNSTATED, field_values

DRAWS = 500
ROWS, SUPPORT = 30, 20  # of a slice that is looked at: its rows, and those that hold the label
WORST = 12  # listed per head
LENGTHS = ((10, "up to 10 words"), (25, "11 to 25 words"), (50, "26 to 50 words"), (10**9, "over 50 words"))


def slices_of(rows: Sequence[LabelledRow]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield (what the rows are sliced by, each row's value, "" for none)."""
    fields = [row.fields for row in rows]
    for name in SLICES:
        yield name, np.array(field_values(fields, name))
    forms = [str(row.get("form") or "") for row in fields]
    yield "form", np.array(["" if form.casefold() in UNSTATED else form for form in forms])
    yield "target", np.array([row.target or "" for row in rows])
    counts = [len(row.text.split()) for row in rows]
    yield "length", np.array([next(title for most, title in LENGTHS if count <= most) for count in counts])


def weak_spots(fitted: Fitted) -> dict[str, Any]:
    """Return per head how many pairs of slice and label were looked at, how many are weak, and the worst of them.

    Weak is where the label's F1 lies below its F1 over all rows, interval included. Looked at are slices of at least ROWS rows
    that hold the label SUPPORT times. They are picked from many: some are weak by chance.
    """
    sliced = list(slices_of(fitted.rows))
    found: dict[str, Any] = {}
    for name, head in fitted.heads.items():
        overall = {label: scores["f1"] for label, scores in head.scores["per_label"].items()}
        looked = [spot for title, values in sliced for spot in _spots(head, fitted.group_of, title, values[head.rows])]
        weak = [spot for spot in looked if spot["interval"][1] < overall[spot["label"]]]
        weak.sort(key=lambda spot: (spot["interval"][1] - overall[spot["label"]], spot["by"], spot["value"], spot["label"]))
        found[name] = {"looked_at": len(looked), "weak": len(weak), "worst": weak[:WORST]}
    return found


def _spots(head: FittedHead, groups: NDArray[np.int64], title: str, values: NDArray[Any]) -> Iterator[dict[str, Any]]:
    """Yield the scores of each label in each slice of a head's rows; values: the slice of each of them."""
    for value, count in zip(*np.unique(values, return_counts=True), strict=True):
        rows = np.flatnonzero(values == value)
        truth, given = head.truth[rows], head.judged.given[rows]
        often = np.flatnonzero(truth.sum(axis=0) >= SUPPORT)
        if not value or not ROWS <= count < len(values) or not len(often):
            continue
        (drawn,) = drawn_figures(groups[head.rows[rows]], truth, [given], DRAWS)
        for at in often:
            ends = interval(drawn.f1[:, at])
            if ends is not None:
                scores = label_scores(truth[:, at], given[:, at])
                named = {"by": title, "value": str(value), "label": head.head.labels[at], "rows": int(count)}
                yield {**named, **scores, "interval": ends}
