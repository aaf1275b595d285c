"""Prodigy: what `prodigy db-out` writes, in.

Shapes after https://prodi.gy/docs/api-interfaces: `choice` has `options` and the ids of the chosen ones in `accept`,
`classification` one `label` that `answer` accepts or rejects, `spans` are [{start, end, label}]; an answer of `ignore`, and a
rejected task of a choice or span interface, says nothing.
"""

from collections.abc import Iterable
from typing import Any

from parastance.predict.inputs import Row
from parastance.train.exchange import Answer, Export, Numbered, Span, own_columns, read_export

OURS = ("topics", "stance", "kind", "predicted")
MINE = (
    *OURS, "label", "options", "accept", "answer", "spans", "tokens", "meta", "config", "priority", "score", "html", "style",
    "sessions", "versions", "view_id", "session_id",
)  # fmt: skip
ANSWERS = ("accept", "reject", "ignore")


def is_row(row: Row) -> bool:
    """Whether a row is a task that Prodigy has sent to the database."""
    return "_task_hash" in row or row.get("answer") in ANSWERS


def read(rows: Iterable[Numbered]) -> Export:
    """Return the answers of an export."""
    return read_export("Prodigy", rows, _take_row)


def _take_row(export: Export, number: int, row: Row) -> None:
    """Add the answer of one row. Raises one of MISSHAPEN where it cannot be read."""
    binary = isinstance(row.get("label"), str) and "accept" not in row
    if row.get("answer") not in ANSWERS[: 2 if binary else 1]:
        export.unread += 1
        return
    answer = Answer(number, own_columns(row, MINE), whole=not binary)
    _take(answer, row, binary)
    export.answers.append(answer)


def _take(answer: Answer, row: Row, binary: bool) -> None:
    if binary:
        (answer.names if row["answer"] == "accept" else answer.denied).append(("", row["label"]))
        return
    chosen = row.get("accept") or []
    if not isinstance(chosen, list):
        raise ValueError("`accept` must be a list of option ids")
    options = {option["id"]: _name(option) for option in row.get("options") or ()}
    answer.names.extend(("", options.get(name, str(name))) for name in chosen)
    for name in options.values():
        if ("", name) not in answer.names:
            answer.denied.append(("", name))
    answer.spans.extend(_span(span) for span in row.get("spans") or ())


def _name(option: Any) -> str:
    """Return an option's name: its id, or its text where the id is a number."""
    text = option.get("text")
    return text if type(option["id"]) is int and isinstance(text, str) and text else str(option["id"])


def _span(span: Any) -> Span:
    return Span(int(span["start"]), int(span["end"]), str(span["label"]))
