"""Label Studio: tasks with predictions out, annotated tasks (JSON, JSON-MIN, CSV, TSV) in.

Shapes: https://labelstud.io/guide/task_format, https://labelstud.io/guide/predictions and the exporter's source
(HumanSignal/label-studio-converter, `exports/csv2.py`). Offsets count code points since frontend 1.4.1; older exports count
UTF-16 units (https://github.com/HumanSignal/label-studio/issues/1347): the span's own text tells which.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from parastance.predict.inputs import Row
from parastance.train.exchange import (
    HEADS,
    MENTIONS,
    OWN_ID,
    Answer,
    Export,
    Numbered,
    Span,
    columns_along,
    own_columns,
    read_export,
)

TOOL = "Label Studio"
TEXT = "text"
MINE = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time", "was_cancelled", "agreement")
CONTROLS = ("label", "labels", "choice", "choices", "sentiment", "taxonomy")  # names of the tool's own templates


def is_task(row: Row) -> bool:
    """Whether a row is a task of the full JSON export."""
    return isinstance(row.get("data"), dict) and any(key in row for key in ("annotations", "completions", "predictions"))


def is_flat(row: Row) -> bool:
    """Whether a row is one of JSON-MIN, CSV or TSV."""
    return "annotation_id" in row and "annotator" in row


def read_tasks(rows: Iterable[Numbered]) -> Export:
    """Return the answers of a full JSON export."""
    return read_export(TOOL, rows, _take_task)


def _take_task(export: Export, number: int, task: Row) -> None:
    """Add the answers of one task. Raises one of MISSHAPEN where it cannot be read."""
    item = own_columns(task["data"], MINE)
    if TEXT not in item:
        raise ValueError(f"no `{TEXT}` in the task's data, which has {', '.join(item) or 'nothing'}: name the paragraph `{TEXT}`")
    everyone = task.get("annotations") or task.get("completions") or []
    done = [a for a in everyone if not a.get("was_cancelled") and not a.get("skipped")]
    answers = []
    for annotation in done:
        answer = Answer(number, dict(item), asked=_asked(task), final=bool(annotation.get("ground_truth")))
        for result in annotation.get("result") or []:
            _take(answer, str(result.get("from_name", "")), result.get("value"), _text_of(item))
        answers.append(answer)
    export.answers.extend(answers)
    export.unread += not done


def _asked(task: Row) -> set[str]:
    """Return the heads that the task's predictions answer: they were before the annotator's eyes."""
    results = [result for prediction in task.get("predictions") or [] for result in prediction.get("result") or []]
    names = {str(result.get("from_name", "")).lower() for result in results}
    return {HEADS[name] for name in names if name in HEADS}


def read_flat(rows: Iterable[Numbered]) -> Export:
    """Return the answers of a JSON-MIN, CSV or TSV export, one a row."""
    return read_export(TOOL, rows, _take_flat)


def _take_flat(export: Export, number: int, row: Row) -> None:
    """Add the answer of one row. Raises one of MISSHAPEN where it cannot be read."""
    if str(row.get("was_cancelled", "")).lower() == "true":
        export.unread += 1
    else:
        export.answers.append(_flat_answer(number, row))


def _flat_answer(number: int, row: Row) -> Answer:
    """Return the answer in one row. Raises one of MISSHAPEN where it cannot be read."""
    controls = {key: _unpacked(value) for key, value in row.items() if key not in MINE}
    controls = {key: value for key, value in controls.items() if _is_control(key, value)}
    answer = Answer(number, own_columns({k: v for k, v in row.items() if k not in controls}, MINE))
    for key, value in controls.items():
        if key.lower() in HEADS:
            answer.asked.add(HEADS[key.lower()])
        for part in value if isinstance(value, list) else [value]:
            _take(answer, key, part, _text_of(answer.item))
    return answer


def _is_control(key: str, value: Any) -> bool:
    """Whether a column holds annotations: by its name, or by the form of its value."""
    if key.lower() in HEADS or key.lower() in (*CONTROLS, *MENTIONS[2:]):
        return True
    parts = value if isinstance(value, list) else [value]
    return bool(parts) and all(isinstance(p, dict) and ("choices" in p or "labels" in p or "taxonomy" in p) for p in parts)


def _unpacked(value: Any) -> Any:
    """Return a cell's JSON as values: CSV exports hold lists and objects as text."""
    if isinstance(value, str) and value[:1] in "[{" and value:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _text_of(item: Row) -> str:
    text = item.get(TEXT)
    return text if isinstance(text, str) else ""


def _take(answer: Answer, control: str, value: Any, text: str) -> None:
    """Add what one control of the labelling screen holds to an answer. Raises ValueError for a span that does not fit."""
    head = HEADS.get(control.lower(), "")
    if isinstance(value, str):
        answer.names.extend([(head, value)] if value else [])
        return
    if not isinstance(value, dict):
        return
    spanned = value.get("start") is not None and value.get("end") is not None
    if head:
        answer.asked.add(head)
    for path in value.get("taxonomy") or ():
        answer.names.append((head, "/".join(map(str, path))))
    if not spanned:
        answer.names.extend((head, str(name)) for name in value.get("choices") or ())
        return
    for name in value.get("labels") or value.get("choices") or ():
        start, end = _offsets(value, text)
        marks = f"{control}:{name}" if head == "topics" and ":" not in str(name) else str(name)
        own = control.lower() in MENTIONS and str(name).lower() not in MENTIONS
        answer.spans.append(Span(start, end, MENTIONS[0] if own else marks))


def _offsets(value: Mapping[str, Any], text: str) -> tuple[int, int]:
    """Return a span's code points, checked against the text it says it marks."""
    try:
        start, end = int(value["start"]), int(value["end"])
    except (TypeError, ValueError):
        raise ValueError(f"a span from {value['start']!r} to {value['end']!r} has no character offsets") from None
    marked = value.get("text")
    if not isinstance(marked, str) or text[start:end] == marked:
        return start, end
    marked = marked.replace("\\n", "\n")  # so the tool writes a line break inside a span
    units = text.encode("utf-16-le")
    if units[2 * start : 2 * end].decode("utf-16-le", "replace") == marked:
        start = len(units[: 2 * start].decode("utf-16-le"))
    elif text.count(marked) == 1:  # the tool had trimmed or re-wrapped the text
        start = text.index(marked)
    elif text[start:end] != marked:
        raise ValueError(f"the span {start}-{end} marks {marked!r}, the text has {text[start:end]!r} there")
    return start, start + len(marked)


def task(row: Row, predicted: Mapping[str, Any]) -> Row:
    """Return the task for one row of a queue. predicted: what the model says for each control of `config`; none: no prediction."""
    made: Row = {"data": {TEXT: row["text"], OWN_ID: row["id"], **columns_along(row)}}
    results = []
    for control, given in predicted.items():
        names = [given] if isinstance(given, str) else list(given or ())
        if names:
            value = {"choices": names}
            results.append({"id": control, "from_name": control, "to_name": TEXT, "type": "choices", "value": value})
    if predicted:
        made["predictions"] = [{"model_version": row.get("model"), "result": results}]
    return made


def config(labels: Mapping[str, Sequence[str]], target: bool) -> str:
    """Return the labelling configuration (XML) that the tasks were made for. labels: the names of each head."""
    lines = ["<View>"]
    if target:
        lines += ['  <Labels name="target_mentions" toName="text">', '    <Label value="target"/>', "  </Labels>"]
    lines.append('  <Text name="text" value="$text"/>')
    if target:
        lines.append('  <Header value="Stance toward: $target"/>')
    for head in ("kind", "topics", "stance"):
        if head not in labels:
            continue
        many = "multiple" if head == "topics" else "single"
        lines.append(f'  <Choices name="{head}" toName="text" choice="{many}" showInline="true">')
        lines += [f"    <Choice value={quoteattr(name)}/>" for name in labels[head]]
        lines.append("  </Choices>")
    return "\n".join([*lines, "</View>", ""])
