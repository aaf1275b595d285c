"""What a check of labelled data finds: one finding a fault or doubt, ranked, as records and as lines for people."""

import shutil
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from parastance.train.data import Entry

# Every sort of finding, worst first, with its name for people.
SORTS = {
    "broken_row": "broken rows",
    "contradiction": "contradictory duplicates",
    "leak": "texts that stand in two files",
    "illegal_value": "values that cannot stand together",
    "label_error": "likely label errors",
    "near_contradiction": "near-duplicates labelled otherwise",
    "disputed": "labels on which people disagree",
    "odd_value": "odd values",
    "shared_group": "groups in two files",
}
# What is so, whatever a model thinks of it.
FAULTS = ("broken_row", "contradiction", "leak", "illegal_value")


@dataclass(frozen=True)
class Finding:
    """One fault or doubt. score: how sure, from 0 to 1; head, label, given, suggested: of which label, where one is meant."""

    sort: str
    score: float
    entry: Entry
    reason: str
    head: str = ""
    label: str = ""
    given: str = ""
    suggested: str = ""
    other: Entry | None = None

    @property
    def fault(self) -> bool:
        """Whether it is certain, and not a doubt."""
        return self.sort in FAULTS


def ranked(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings, faults first, then by score."""
    place = list(SORTS)

    def key(finding: Finding) -> tuple[Any, ...]:
        sort = place.index(finding.sort) if finding.fault else len(place)
        return sort, -finding.score, finding.entry.file, finding.entry.number, finding.label

    return sorted(findings, key=key)


def record(rank: int, finding: Finding) -> dict[str, Any]:
    """Return a finding as a record for a file; empty fields are null, so that tables have the same columns throughout."""
    entry, other, row = finding.entry, finding.other, finding.entry.row
    return {
        "rank": rank, "finding": finding.sort, "fault": finding.fault, "score": round(finding.score, 4), "file": entry.file,
        "row": entry.number, "id": row.id if row else None, "head": finding.head or None, "label": finding.label or None,
        "given": finding.given or None, "suggested": finding.suggested or None, "reason": finding.reason,
        "other_file": other.file if other else None, "other_row": other.number if other else None,
        "other_id": other.row.id if other and other.row else None, "text": row.text if row else None,
    }  # fmt: skip


def summary(findings: Sequence[Finding], rows: int, files: int) -> str:
    """Return the findings' counts as lines for people."""
    counts = Counter(finding.sort for finding in findings)
    lines = [f"{rows:,} rows in {files:,} file{'s' * (files != 1)}"]
    lines += [f"  {counts[sort]:>6,}  {title}" for sort, title in SORTS.items() if counts[sort]]
    labels = Counter(finding.label for finding in findings if finding.sort == "label_error")
    if labels:
        lines.append("  likely label errors by label: " + ", ".join(f"{name} {count:,}" for name, count in labels.most_common()))
    return "\n".join(lines if findings else [*lines, "  nothing found"])


def table(findings: Sequence[Finding], most: int) -> str:
    """Return the first findings as a table for people: rank, place, what is wrong, and the beginning of the text."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    lines = []
    for rank, finding in enumerate(findings[:most], 1):
        mark = "!" if finding.fault else "?"
        lines.append(f"{rank:>4}{mark} {finding.entry.place}  {finding.reason}")
        if finding.entry.row is not None:
            text = "".join(char if char.isprintable() else " " for char in finding.entry.row.text)
            lines.append(textwrap.shorten(text, width - 6, placeholder=" …").join(("      ", "")))
    if len(findings) > most:
        lines.append(f"      … and {len(findings) - most:,} more; -n shows more, -o FILE writes all")
    return "\n".join(lines)
