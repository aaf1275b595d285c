"""The figures of a training: crossed scores with intervals, held out by article, outlet, war, year; certificates."""

from typing import Any

import numpy as np

from parastance.predict.metrics import head_scores, reliability
from parastance.train.config import Config
from parastance.train.decisions import Sample, certificates
from parastance.train.drawn import origins, stands_for
from parastance.train.fit import Fitted
from parastance.train.heads import FittedHead
from parastance.train.scoring import measured
from parastance.train.slices import SLICES, field_values
from parastance.train.weak_spots import weak_spots

PROMISES = (0.80, 0.90, 0.95)  # precisions for which the levels are listed
FEW_VALUES = 20  # values of a field from which they are drawn in its intervals; of fewer, groups are


def validate(fitted: Fitted, config: Config) -> dict[str, Any]:
    """Return the metrics of a training, all from rows held out, as metrics.json has them."""
    return {
        "cross_validated": {name: _cross_validated(head, fitted, config) for name, head in fitted.heads.items()},
        "held_out": _held_out(fitted),
        "weak_spots": weak_spots(fitted),
        "levels": {name: _levels(head, fitted) for name, head in fitted.heads.items()},
        "precision": config.precision,
        "folds": fitted.folds,
    }


def _cross_validated(head: FittedHead, fitted: Fitted, config: Config) -> dict[str, Any]:
    labels, groups = head.head.labels, fitted.group_of[head.rows]
    scores = measured(labels, head.truth, head.judged, head.head.exclusive, groups, config.seed)
    straight = "softmax" if head.head.exclusive else "sigmoid"
    for at, name in enumerate(labels):
        bent = bool(head.head.curves) and head.head.curves[at] is not None
        scores["per_label"][name] |= {
            "calibration": f"{straight} and isotonic" if bent else straight,
            "reliability": reliability(head.truth[:, at], head.out_of_fold[:, at]),
            "certified": head.certificates[at].to_json(),
        }
    return scores


def _levels(head: FittedHead, fitted: Fitted) -> dict[str, dict[str, Any]]:
    """Return what each promise would take: per label and precision the level, and rows, precision, bound and coverage there."""
    rows = [fitted.rows[row] for row in head.rows.tolist()]
    nothing = np.zeros(len(head.rows), dtype=np.int64)
    sample = Sample(
        head.head.labels, head.head.exclusive, 0, head.out_of_fold, head.truth, nothing, fitted.group_of[head.rows],
        origins(rows), stands_for(fitted.rows)[head.rows],
    )
    found: dict[str, dict[str, Any]] = {name: {} for name in head.head.labels}
    for wanted in PROMISES:
        for name, one in zip(head.head.labels, certificates(sample, head.judged, wanted), strict=True):
            entry = one.to_json()
            found[name][f"{wanted:.2f}"] = {key: entry[key] for key in ("level", "rows", "precision", "bound", "coverage")}
    return found


def _held_out(fitted: Fitted) -> dict[str, Any]:
    """Return per slicing what was said of rows whose outlet, war, year or set no training row had, scored as a head is."""
    result: dict[str, Any] = {}
    fields = [row.fields for row in fitted.rows]
    for slicing in SLICES:
        users = {name: head for name, head in fitted.heads.items() if slicing in head.slices and len(head.slices[slicing][0])}
        if not users:
            continue
        values = np.array(field_values(fields, slicing))
        many = len(set(values.tolist()) - {""}) >= FEW_VALUES
        entry: dict[str, Any] = {"values": len(set(values.tolist()) - {""}), "drawn": slicing if many else "group"}
        for name, head in users.items():
            rows, said = head.slices[slicing]
            units = values[head.rows[rows]] if many else fitted.group_of[head.rows[rows]]
            scores = measured(head.head.labels, head.truth[rows], said, head.head.exclusive, units)
            beside = head.judged.part(rows)  # the same rows, held out with their articles only
            same = head_scores(
                head.head.labels, head.truth[rows], beside.given, beside.probability, beside.certain, head.head.exclusive
            )
            entry[name] = {"n": len(rows), **scores, "macro_f1_by_group": same["macro_f1"]}
        result[slicing] = entry
    return result
