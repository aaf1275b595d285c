"""Shares as a table for people, as CSV, and as JSON."""

import csv
import io
import json
import textwrap
from collections.abc import Sequence
from typing import Any

from parastance.train.results import HEADS
from parastance.train.shares import Share, Survey
from parastance.train.width import cells, shorten

NO_VALUE = "(none)"
COLUMNS = ("head", "label", "records", "documents", "audited", "predicted", "share", "low", "high", "method")
DIGITS = 6
MOST_NAMED = 20
LONGEST = 28  # characters of a group's name in a table


def name_of(value: Any) -> str:
    """Return a group's value as people read it."""
    return NO_VALUE if value is None else str(value)


def statement(survey: Survey) -> list[str]:
    """Return what the intervals cover, and what to know of the records and the audit; one sentence or two a line."""
    level = f"{survey.confidence:.0%}"
    clusters = f"clustered by `{survey.cluster}`" if survey.cluster else "each record by itself: no column names its document"
    lines = []
    if survey.audited is None and survey.larger:
        lines.append(
            f"{level} intervals cover sampling only, the records seen as a sample of a larger population ({clusters}). "
            "They do not cover the classifier's errors: audit records drawn at random and name them with --audit."
        )
    elif survey.audited is None:
        lines.append("Labels as counted in this archive, without intervals: nothing is known here of the classifier's errors.")
    else:
        lines.append(
            f"Corrected for the classifier's errors by {survey.audited:,} records audited at random (prediction-powered "
            f"inference). {level} intervals hold however bad the classifier is, if the audit was drawn at random."
        )
        if survey.larger:
            lines.append(f"They also cover sampling, the records seen as a sample of a larger population ({clusters}).")
        else:
            lines.append("They are about these records; --population larger adds the sampling of the records themselves.")
    if survey.left_out:
        lines.append(f"{survey.left_out:,} labelled rows without a `sampling_probability` are no random sample and were left out.")
    if survey.missing:
        named = ", ".join(survey.missing[:MOST_NAMED]) + (", …" if len(survey.missing) > MOST_NAMED else "")
        lines.append(f"{len(survey.missing):,} audited rows match no record, by id or text, and were left out: {named}")
    return lines + [note[:1].upper() + note[1:] + "." for note in survey.notes]


def to_json(survey: Survey) -> str:
    """Return one JSON object: what was asked, what the intervals cover, and every figure."""
    audit = None
    if survey.audited is not None:
        audit = {"matched": survey.audited, "unmatched": survey.missing, "not_random": survey.left_out}
    whole = {
        "records": survey.records,
        "by": list(survey.by),
        "confidence": survey.confidence,
        "population": "larger" if survey.larger else "archive",
        "clustered_by": survey.cluster,
        "audit": audit,
        "notes": statement(survey),
        "total": [_row(share) for share in survey.shares if share.group is None],
        "groups": [
            {"group": dict(zip(survey.by, share.group, strict=True)), **_row(share)}
            for share in survey.shares
            if share.group is not None
        ],
    }
    return json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def to_csv(survey: Survey) -> str:
    """Return one line a group and label; without groups, one a label."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*(f"by_{name}" if name in COLUMNS else name for name in survey.by), *COLUMNS])
    for share in survey.shares:
        if (share.group is None) == (not survey.by):
            row = _row(share)
            writer.writerow([*("" if value is None else value for value in share.group or ()), *row.values()])
    return stream.getvalue()


def _row(share: Share) -> dict[str, Any]:
    row = {name: getattr(share, name) for name in COLUMNS}
    return {name: round(value, DIGITS) if isinstance(value, float) else value for name, value in row.items()}


def to_text(survey: Survey, width: int) -> str:
    """Return a table a head, groups down and labels across, as many labels side by side as fit into `width` characters."""
    lines = [f"{survey.records:,} records"]
    for head in HEADS:
        labels = list(dict.fromkeys(share.label for share in survey.shares if share.head == head))
        if not labels:
            continue
        found = {(share.group, share.label): share for share in survey.shares if share.head == head}
        groups = list(dict.fromkeys(share.group for share in survey.shares))
        names = [["all"] + [""] * (max(1, len(survey.by)) - 1)]
        names += [[shorten(name_of(value), LONGEST) for value in group] for group in groups if group is not None]
        firsts = list(survey.by) or [""]
        across = max(1, (width - _wide(firsts, names) - 10) // 22)
        for start in range(0, len(labels), across):
            shown = labels[start : start + across]
            lines += ["", f"{head}: % of {'all' if head == 'kind' else 'content'} records"]
            rows = [[*firsts, "records", *(shorten(label, 20) for label in shown)]]
            for name, group in zip(names, groups, strict=True):
                counts = f"{found[group, shown[0]].records:,}"
                rows.append([*name, counts, *(_cell(found[group, label]) for label in shown)])
            lines += _aligned(rows, len(firsts))
    lines += ["", *(part for line in statement(survey) for part in textwrap.wrap(line, width))]
    return "\n".join(lines) + "\n"


def _wide(firsts: Sequence[str], names: Sequence[Sequence[str]]) -> int:
    return sum(max(cells(row[at]) for row in (firsts, *names)) + 2 for at in range(len(firsts)))


def _cell(share: Share) -> str:
    if share.share is None:
        return f"({100 * share.predicted:.1f})" if share.records else "-"
    if share.low is None or share.high is None:
        return f"{100 * share.share:.1f}"
    return f"{100 * share.share:.1f} [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def _aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    widths = [max(cells(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = []
    for row in rows:
        gaps = [" " * (width - cells(text)) for text, width in zip(row, widths, strict=True)]
        parts = [text + gap if at < left else gap + text for at, (text, gap) in enumerate(zip(row, gaps, strict=True))]
        lines.append("  " + "  ".join(parts))
    return lines
