"""How well a model does on labelled rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from parastance.predict.metrics import head_scores, matrix
from parastance.predict.model import Labels, Model, Unit, chunks
from parastance.train.data import LabelledRow


def evaluate(model: Model, rows: Sequence[LabelledRow]) -> dict[str, Any]:
    """Return the scores of every head that both the model and the rows have, under `n`, `topics`, `stance`, `kind`.

    Topics and stance of a row that the model calls boilerplate are judged as given: none, and the neutral one.
    """
    units = [Unit(row.text, row.target, row.mentions, row.place) for row in rows]
    parts = [model.decide(chunk) for chunk in chunks(units)]
    result: dict[str, Any] = {"n": len(rows)}
    for name in ("topics", "stance", "kind"):
        head = model.heads.get(name)
        answered = np.array([getattr(row, name) is not None for row in rows])
        if head is None or not answered.any():
            continue
        answers = [getattr(row, name) for row in rows if getattr(row, name) is not None]
        listed = [answer if name == "topics" else [answer] for answer in answers]
        labels = [*head.labels, *sorted({label for answer in listed for label in answer} - set(head.labels))]
        truth = matrix(labels, listed)
        given, probability, certain = (_column(parts, part, name, len(labels))[answered] for part in PARTS)
        result[name] = head_scores(
            labels, truth, given.astype(bool), probability, certain.astype(bool), head.exclusive
        )
    return result


PARTS = ("given", "probabilities", "certain")


def _column(parts: Sequence[Labels], part: str, head: str, width: int) -> Any:
    """Return one array of the labels over all chunks, padded by labels that the model does not have."""
    joined = np.concatenate([getattr(labels, part)[head] for labels in parts]).astype(np.float64)
    return np.pad(joined, ((0, 0), (0, width - joined.shape[1])))


def report(scores: dict[str, Any]) -> str:
    """Return the scores as a text for people."""
    lines = [f"{scores['n']:,} paragraphs"]
    for name in ("topics", "stance", "kind"):
        if name not in scores:
            continue
        head = scores[name]
        main = [f"macro-F1 {head['macro_f1']:.3f}"]
        main += [f"{key.replace('_', '-')} {head[key]:.3f}" for key in ("micro_f1", "accuracy") if key in head]
        main.append(f"calibration error {head['calibration_error']:.3f}")
        if head["certain_precision"] is not None:
            main.append(f"not abstained {head['coverage']:.0%} with precision {head['certain_precision']:.3f}")
        lines += ["", f"{name}: {', '.join(main)}"]
        lines.append(f"  {'label':<24}{'precision':>10}{'recall':>8}{'F1':>8}{'support':>9}{'not abst.':>11}{'precision':>11}")
        for label, s in head["per_label"].items():
            sure = "-" if s["certain_precision"] is None else f"{s['certain_precision']:.3f}"
            lines.append(
                f"  {label:<24}{s['precision']:>10.3f}{s['recall']:>8.3f}{s['f1']:>8.3f}{s['support']:>9,}"
                f"{s['coverage']:>11.0%}{sure:>11}"
            )
    return "\n".join(lines)
