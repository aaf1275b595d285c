"""Values that are illegal together or look mistaken: furniture with topics, misspelt labels, unknown targets, open disputes."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher

from parastance.predict.targets import read_registry
from parastance.train.check_pairs import row_of
from parastance.train.data import Entry
from parastance.train.findings import Finding
from parastance.train.questions import NEUTRAL

ALIKE = 0.85  # difflib ratio from which two label names are taken for spellings of one
RARE = 0.05  # a misspelling is at most this often as frequent as the right name


def illegal(sound: Sequence[Entry]) -> list[Finding]:
    """Return the rows of furniture that have a topic or take a stance."""
    findings = []
    for entry in sound:
        row = row_of(entry)
        if row.kind != "boilerplate":
            continue
        if row.topics:
            reason = f"kind is boilerplate, but it has topics: {', '.join(row.topics)}"
            findings.append(Finding("illegal_value", 1.0, entry, reason, "topics", "", ", ".join(row.topics), "no topic"))
        if row.stance and row.stance.lower() not in NEUTRAL:
            reason = f"kind is boilerplate, but its stance is {row.stance}"
            findings.append(Finding("illegal_value", 1.0, entry, reason, "stance", "", row.stance, "neutral"))
    return findings


def odd_names(sound: Sequence[Entry]) -> list[Finding]:
    """Return the rows that bear a rare label whose name is nearly that of a frequent one."""
    findings = []
    for head in ("topics", "stance"):
        bearers: dict[str, list[Entry]] = defaultdict(list)
        for entry in sound:
            value = getattr(entry.row, head)
            for name in value or () if head == "topics" else [value] if value else ():
                bearers[name].append(entry)
        counts = Counter({name: len(rows) for name, rows in bearers.items()})
        for name, count in counts.items():
            meant = next((other for other, many in counts.most_common() if _misspelt(name, other, count, many)), None)
            if meant is None:
                continue
            reason = f"{head}: {name!r} stands in {count:,} row{'s' * (count != 1)}, {meant!r} in {counts[meant]:,}: the same?"
            findings += [Finding("odd_value", 0.99, entry, reason, head, name, name, meant) for entry in bearers[name]]
    return findings


def _misspelt(name: str, other: str, count: int, many: int) -> bool:
    if name == other or count >= many:
        return False
    bare, wanted = (" ".join(text.casefold().replace("_", " ").replace("-", " ").split()) for text in (name, other))
    if bare == wanted:
        return True
    return count <= max(1, RARE * many) and SequenceMatcher(None, bare, wanted).ratio() >= ALIKE


def odd_targets(sound: Sequence[Entry]) -> list[Finding]:
    """Return the first row of each target that the registry lacks and whose rows mark no mention: only its own name finds it."""
    registry = read_registry()
    bearers: dict[str, list[Entry]] = defaultdict(list)
    for entry in sound:
        row = row_of(entry)
        if row.target and row.target not in registry and not row.mentions:
            bearers[row.target].append(entry)
    findings = []
    for name, entries in bearers.items():
        reason = f"target {name!r} ({len(entries):,} rows) is not in the registry: it is found by that name only"
        findings.append(Finding("odd_value", 0.1, entries[0], reason, "target", name, name))
    return findings


def disputed(sound: Sequence[Entry]) -> list[Finding]:
    """Return the rows of which annotators said different things in equal numbers."""
    findings = []
    for entry in sound:
        heads = row_of(entry).fields.get("disputed")
        for head in heads if isinstance(heads, list) else ():
            findings.append(Finding("disputed", 0.5, entry, f"{head}: people disagree evenly; left open", str(head)))
    return findings
