"""doccano: rows to label out, annotated rows in.

Shapes after doccano's exporter (`backend/data_export/pipeline`): text classification has `label` as a list of names (CSV: joined
by `#`), sequence labelling as a list of [start, end, name], intent detection both as `cats` and `entities`, projects with
relations `entities` as objects; columns that were imported beside the text come back at the top level. Exports of doccano 1.4
name the text `data`, those before 1.0 have `labels`, or `annotations` whose labels are numbers, which say nothing and are refused.
doccano exports rows that nobody has read like rows read and left bare: a row without any label is left out. A row that was
read and has no topic needs a stance, a kind, or the label `topic:none`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from parastance.predict.inputs import Row
from parastance.train.exchange import OWN_ID, Answer, Export, Numbered, Span, columns_along, own_columns, read_export

OURS = ("topics", "stance", "kind")
FIELDS = ("label", "labels", "cats", "entities")
MINE = (*FIELDS, "data", "relations", "Comments", "comments", "annotation_approver", "annotations", "meta")
COLOURS = ("#1b9e77", "#d95f02", "#7570b3", "#e7298a", "#66a61e", "#e6ab02", "#a6761d", "#666666")


def is_row(row: Row) -> bool:
    """Whether a row has doccano's columns and none of ours."""
    named = any(key in row for key in FIELDS) or isinstance(row.get("annotations"), list)
    return _text(row) is not None and not any(key in row for key in OURS) and named


def _text(row: Row) -> Any:
    """Return the row's text; older exports name it `data`."""
    data = row.get("data")
    return row.get("text", data if isinstance(data, str) else None)


def read(rows: Iterable[Numbered]) -> Export:
    """Return the answers of an export."""
    return read_export("doccano", rows, _take_row)


def _take_row(export: Export, number: int, row: Row) -> None:
    """Add the answer of one row. Raises one of MISSHAPEN where it cannot be read."""
    meta = row.get("meta")
    answer = Answer(number, own_columns({**(meta if isinstance(meta, dict) else {}), **row, "text": _text(row)}, MINE))
    if any(type(item.get("label")) is int for item in row.get("annotations") or ()):
        raise ValueError("its labels are numbers, whose names are not in the file; export with names: JSONL (Text label)")
    for key in FIELDS:
        _take(answer, key, row.get(key))
    if answer.names or answer.spans:
        export.answers.append(answer)
    else:
        export.unread += 1


def _take(answer: Answer, key: str, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, str):
        answer.names.extend(("", name.strip()) for name in value.split("#") if name.strip())
        return
    if not isinstance(value, list):
        raise ValueError(f"`{key}` must be a list of names or of [start, end, name]")
    for item in value:
        if isinstance(item, str):
            answer.names.append(("", item))
        elif isinstance(item, (list, tuple)) and len(item) == 3 and all(type(at) is int for at in item[:2]):
            answer.spans.append(Span(item[0], item[1], str(item[2])))
        elif isinstance(item, dict) and {"start_offset", "end_offset", "label"} <= set(item):
            answer.spans.append(Span(int(item["start_offset"]), int(item["end_offset"]), str(item["label"])))
        else:
            raise ValueError(f"`{key}` must be a list of names or of [start, end, name]")


def row_to_label(row: Row) -> Row:
    """Return the row to import for one row of a queue: text, no label, the rest as columns that come back."""
    return {"text": row["text"], "label": [], OWN_ID: row["id"], **columns_along(row)}


def label_config(labels: Mapping[str, Sequence[str]]) -> list[Row]:
    """Return the labels to import into the project (its label_config.json). labels: the names of each head."""
    names = [*labels.get("topics", ()), "topic:none"] if "topics" in labels else []
    names += [f"stance:{name}" for name in labels.get("stance", ())] + [f"kind:{name}" for name in labels.get("kind", ())]
    return [
        {"text": name, "background_color": COLOURS[at % len(COLOURS)], "text_color": "#ffffff"} for at, name in enumerate(names)
    ]
