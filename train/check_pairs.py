"""Faults that show in pairs of rows: equal and nearly equal texts labelled otherwise, or standing in two files."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from parastance.predict.targets import read_registry
from parastance.train.corrections import same_text
from parastance.train.data import Entry, LabelledRow
from parastance.train.findings import Finding
from parastance.train.folds import near_duplicates
from parastance.train.near import similarity

HEADS = ("topics", "stance", "kind")


def contradictions(sound: Sequence[Entry]) -> list[Finding]:
    """Return the rows whose text stands elsewhere, exactly or nearly, under another label; stance is compared per target."""
    by_text: dict[str, list[Entry]] = defaultdict(list)
    for entry in sound:
        by_text[same_text(row_of(entry).text).casefold()].append(entry)
    default = read_registry().default
    findings = [finding for twins in by_text.values() if len(twins) > 1 for finding in _outvoted(twins, default)]
    firsts = [twins[0] for twins in by_text.values()]
    for a, b in near_duplicates([row_of(entry).text for entry in firsts]):
        findings.extend(_differing(firsts[a], firsts[b], default))
    return findings


def _outvoted(twins: Sequence[Entry], default: str) -> Iterator[Finding]:
    """Yield a finding for each row of one text that bears another answer than most of them, or than the first among equals."""
    questions: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in twins:
        for head in HEADS:
            if getattr(entry.row, head) is not None:
                target = (row_of(entry).target or default) if head == "stance" else ""
                questions[head, target].append(entry)
    for (head, target), asked in questions.items():
        votes = Counter(_answer(entry, head) for entry in asked)
        if len(votes) < 2:
            continue
        most = votes.most_common(1)[0][0]
        other = next(entry for entry in asked if _answer(entry, head) == most)
        toward = f" toward {target}" if target else ""
        for entry in asked:
            given = _answer(entry, head)
            if given != most:
                reason = f"{head}{toward}: says {_said(given)}, the same text says {_said(most)} at {other.place}"
                yield Finding("contradiction", votes[most] / len(asked), entry, reason, head, "", _said(given), _said(most), other)


def _differing(a: Entry, b: Entry, default: str) -> Iterator[Finding]:
    """Yield a finding for each head in which two nearly equal texts bear different answers."""
    left, right = row_of(a), row_of(b)
    alike = similarity(left.text, right.text)
    for head in HEADS:
        if getattr(left, head) is None or getattr(right, head) is None or _answer(a, head) == _answer(b, head):
            continue
        if head == "stance" and (left.target or default) != (right.target or default):
            continue
        given, other = _said(_answer(b, head)), _said(_answer(a, head))
        reason = f"{head}: says {given}, a text {alike:.0%} alike says {other} at {a.place}"
        yield Finding("near_contradiction", alike * 0.5, b, reason, head, "", given, other, a)


def leaks(sound: Sequence[Entry]) -> list[Finding]:
    """Return the rows whose text stands, exactly or nearly, in another file before; furniture repeats itself and passes."""
    asked = [entry for entry in sound if row_of(entry).kind != "boilerplate"]
    findings: dict[int, Finding] = {}
    first: dict[str, int] = {}
    for at, entry in enumerate(asked):
        before = first.setdefault(same_text(row_of(entry).text).casefold(), at)
        if asked[before].file != entry.file:
            reason = f"the same text stands in another file, at {asked[before].place}"
            findings[at] = Finding("leak", 1.0, entry, reason, other=asked[before])
    for a, b in near_duplicates([row_of(entry).text for entry in asked]):
        if asked[a].file != asked[b].file and b not in findings:
            alike = similarity(row_of(asked[a]).text, row_of(asked[b]).text)
            reason = f"{alike:.0%} alike a text in another file, at {asked[a].place}"
            findings[b] = Finding("leak", alike, asked[b], reason, other=asked[a])
    return [findings[at] for at in sorted(findings)]


def shared_groups(sound: Sequence[Entry]) -> list[Finding]:
    """Return the groups whose rows stand in several files: as training and test data these files would not be apart."""
    homes: dict[str, dict[str, Entry]] = defaultdict(dict)
    for entry in sound:
        homes[row_of(entry).group].setdefault(entry.file, entry)
    findings = []
    for group, files in homes.items():
        first, *rest = files.values()
        for entry in rest:
            reason = f"group {group!r} has rows in another file too, at {first.place}"
            findings.append(Finding("shared_group", 0.05, entry, reason, other=first))
    return findings


def row_of(entry: Entry) -> LabelledRow:
    """Return the row of a sound entry."""
    assert entry.row is not None
    return entry.row


def _answer(entry: Entry, head: str) -> Any:
    value = getattr(entry.row, head)
    return tuple(sorted(value)) if head == "topics" else value


def _said(answer: Any) -> str:
    return (", ".join(answer) or "no topic") if isinstance(answer, tuple) else str(answer)
