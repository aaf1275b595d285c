"""How well a model does on labelled rows, and whether the precision that it promises where it does not abstain holds there."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.metrics import matrix
from parastance.predict.model import Labels, Model, Unit, chunks
from parastance.predict.names import shown
from parastance.predict.scorer import Matrix
from parastance.train.certify import bounds
from parastance.train.data import LabelledRow
from parastance.train.drawn import UNCERTAIN, origins, stands_for
from parastance.train.scoring import Decided, measured


def evaluate(model: Model, rows: Sequence[LabelledRow]) -> dict[str, Any]:
    """Return the scores of every head that both the model and the rows have, under `n`, `topics`, `stance`, `kind`.

    What else is to be known of them is listed under `notes`, where there is anything. Topics and stance of a row that the model
    calls boilerplate are judged as given: none, and the neutral one. Intervals are by bootstrap over the rows' groups; `promise`
    is per label what `promise` returns: rows drawn with unequal chances are weighted there, and rows queued for being uncertain
    left out.
    """
    units = [Unit(row.text, row.target, row.mentions, row.place) for row in rows]
    parts = [model.decide(chunk) for chunk in chunks(units)]
    result: dict[str, Any] = {"n": len(rows)}
    notes = _notes(rows)
    for name in HEADS:
        head = model.heads.get(name)
        answered = np.array([getattr(row, name) is not None for row in rows])
        if head is None or not answered.any():
            continue
        answers = [getattr(row, name) for row in rows if getattr(row, name) is not None]
        listed = [answer if name == "topics" else [answer] for answer in answers]
        labels = [*head.labels, *sorted({label for answer in listed for label in answer} - set(head.labels))]
        if len(labels) > len(head.labels):
            strange, known = _few(labels[len(head.labels) :]), _few(head.labels)
            notes.append(f"{name}: the model has no {strange}; it has {known}")
        truth = matrix(labels, listed)
        given, probability, certain = (_column(parts, part, name, len(labels))[answered] for part in PARTS)
        said = Decided(probability, given.astype(bool), certain.astype(bool))
        asked = [row for row, yes in zip(rows, answered, strict=True) if yes]
        groups, weights, judges = np.array([row.group for row in asked]), stands_for(asked), origins(asked) != UNCERTAIN
        result[name] = measured(labels, truth, said, head.exclusive, groups)
        for at, label in enumerate(labels):
            level = float(head.certified[at]) if at < len(head.labels) else float("nan")
            sure = said.given[:, at] & said.certain[:, at] & judges
            found = promise(truth[sure, at], groups[sure], head.wanted, level, weights[sure])
            result[name]["per_label"][label]["promise"] = found
    return {**result, "notes": notes} if notes else result


def _few(names: Sequence[str]) -> str:
    """Return some names in words, of many the first ones."""
    return ", ".join(map(shown, names[:MOST_SHOWN])) + (f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else "")


def _notes(rows: Sequence[LabelledRow]) -> list[str]:
    """Return what to know of the rows: how many say nothing of an archive."""
    uncertain = int((origins(rows) == UNCERTAIN).sum())
    return [
        f"{uncertain:,} of the rows were queued for being uncertain: scores that count them are lower than an archive's, and "
        "they judge no promise"
    ] * bool(uncertain)


HEADS = ("topics", "stance", "kind")
MOST_SHOWN = 12  # labels named in a note
HOLDS, BROKEN, OPEN, NONE = "holds", "broken", "too few to say", "none made"


def promise(
    right: NDArray[np.bool_], groups: NDArray[Any], wanted: float, level: float, weights: Matrix | None = None
) -> dict[str, Any]:
    """Return whether a label's promised precision holds on the rows where it was given and not abstained.

    right: which of them are right; weights: what each stands for. The verdict: `holds` where the one-sided 95% lower bound on the
    precision reaches the wanted one, `broken` where the upper bound stays below it, else `too few to say`; bounds as in `certify`.
    """
    low, high = bounds(right, groups, weights)
    verdict = NONE if np.isnan(level) else HOLDS if low >= wanted else BROKEN if high < wanted else OPEN
    return {
        "wanted": wanted, "level": None if np.isnan(level) else level, "rows": len(right),
        "precision": float(np.average(right, weights=weights)) if len(right) else None, "lower": low, "upper": high,
        "verdict": verdict,
    }  # fmt: skip


def broken(scores: dict[str, Any]) -> list[str]:
    """Return the labels, of what `evaluate` returns, whose promised precision does not hold."""
    heads = [scores[name]["per_label"] for name in HEADS if name in scores]
    return [label for head in heads for label, found in head.items() if found["promise"]["verdict"] == BROKEN]


PARTS = ("given", "probabilities", "certain")


def _column(parts: Sequence[Labels], part: str, head: str, width: int) -> Any:
    """Return one array of the labels over all chunks, padded by labels that the model does not have."""
    joined = np.concatenate([getattr(labels, part)[head] for labels in parts]).astype(np.float64)
    return np.pad(joined, ((0, 0), (0, width - joined.shape[1])))


def report(scores: dict[str, Any]) -> str:
    """Return the scores as a text for people."""
    lines = [f"{scores['n']:,} paragraphs", "in brackets 95% intervals by bootstrap over groups"]
    for name in HEADS:
        if name in scores:
            lines += ["", *_head_lines(name, scores[name])]
    lines += ["", *(f"note: {note}" for note in scores["notes"])] if "notes" in scores else []
    return "\n".join(lines)


def _head_lines(name: str, head: dict[str, Any]) -> list[str]:
    main = [
        f"{title} {head[key]:.3f}{brackets(head['intervals'][key])}"
        for key, title in (("macro_f1", "macro-F1"), ("micro_f1", "micro-F1"), ("accuracy", "accuracy"))
        if key in head
    ]
    main.append(f"calibration error {head['calibration_error']:.3f}")
    if head["certain_precision"] is not None:
        main.append(f"not abstained {head['coverage']:.0%} with precision {head['certain_precision']:.3f}")
    lines = [f"{name}: {', '.join(main)}"]
    lines.append(
        f"  {'label':<20}{'precision':>10}{'recall':>8}{'F1':>7} {'':<14}{'support':>8}{'calib.':>8}"
        f"{'not abst.':>11}{'precision':>11}{'promised':>10}  {'bounds':<14}{'promise'}"
    )
    for label, s in head["per_label"].items():
        sure = "-" if s["certain_precision"] is None else f"{s['certain_precision']:.3f}"
        promised = s["promise"]
        limits = f"{promised['lower']:.3f}-{promised['upper']:.3f}" if promised["rows"] else "-"
        lines.append(
            f"  {shown(label):<20}{s['precision']:>10.3f}{s['recall']:>8.3f}{s['f1']:>7.3f}{brackets(s['intervals']['f1']):<15}"
            f"{s['support']:>8,}{s['calibration_error']:>8.3f}{s['coverage']:>11.0%}{sure:>11}"
            f"{promised['wanted']:>10.2f}  {limits:<14}{promised['verdict']}"
        )
    return lines


def brackets(ends: Sequence[float] | None) -> str:
    """Return an interval as people read it, with a space before it; nothing where there is none."""
    return "" if ends is None else f" [{ends[0]:.2f}, {ends[1]:.2f}]"
