"""Labelled data under suspicion: every fault and doubt that can be found in it, ranked, with the reason.

Faults need no model: broken rows, contradictory duplicates, texts in two files, values that cannot stand together. Doubts do:
label errors by confident learning (see `confident`) on probabilities of rows held out, as `train` gets them.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from parastance.predict.errors import DataError, UsageError
from parastance.train.check_pairs import contradictions, leaks, shared_groups
from parastance.train.check_values import disputed, illegal, odd_names, odd_targets
from parastance.train.confident import doubts
from parastance.train.config import Config
from parastance.train.data import Entry, LabelledRow, entries, known_stances, labelled_sources
from parastance.train.exchange import Note
from parastance.train.findings import Finding, ranked
from parastance.train.fit import Fitted, fit

FEWEST_ROWS = 20  # below that nothing is held out that would say much


def read_entries(files: Sequence[str], note: Note) -> list[Entry]:
    """Return the rows of the files, sound and broken; a file that cannot be read is one broken entry."""
    sources = labelled_sources(files)

    @cache
    def stances() -> set[str]:
        return known_stances(sources)

    found: list[Entry] = []
    for source in sources:
        try:
            found.extend(entries(source, stances, note))
        except DataError as error:
            found.append(Entry(source.path, 0, {}, None, error.reason))
    if not found:
        raise UsageError("no rows in " + ", ".join(files))
    return found


def check(
    found: Sequence[Entry], config: Config, tick: Callable[[int, int], None] = lambda done, of: None, note: Note = print
) -> list[Finding]:
    """Return all findings about the rows of some files, worst first. `tick(done, of)` is called after every fit."""
    findings = [Finding("broken_row", 1.0, entry, entry.fault) for entry in found if entry.row is None]
    sound: list[Entry] = []
    by_id: dict[str, Entry] = {}
    for entry in found:
        if entry.row is None:
            continue
        first = by_id.setdefault(entry.row.id, entry)
        if first is entry:
            sound.append(entry)
        elif first.row != entry.row:
            reason = f"id {entry.row.id!r} was used before with other content, at {first.place}"
            findings.append(Finding("broken_row", 1.0, entry, reason, other=first))
    for finder in (contradictions, leaks, shared_groups, illegal, odd_names, odd_targets, disputed):
        findings += finder(sound)
    findings += label_errors(sound, config, tick, note)
    return ranked(findings)


def label_errors(
    sound: Sequence[Entry], config: Config, tick: Callable[[int, int], None] = lambda done, of: None, note: Note = print
) -> list[Finding]:
    """Return the likely label errors among sound rows, each scored by how little its label can be trusted (see `confident`)."""
    rows = [entry.row for entry in sound if entry.row is not None]
    if len(rows) < FEWEST_ROWS:
        note(f"{len(rows)} rows are too few to look for label errors; {FEWEST_ROWS} is the least")
        return []
    try:
        fitted = fit(rows, config, tick)
    except UsageError as error:
        note(f"no look for label errors: {error}")
        return []
    return [finding for name in fitted.heads for finding in _doubtful(sound, fitted, name)]


def _doubtful(sound: Sequence[Entry], fitted: Fitted, name: str) -> Iterable[Finding]:
    head = fitted.heads[name]
    doubt = doubts(name, head)
    for at, row in enumerate(head.rows.tolist()):
        for q, question in enumerate(doubt.questions):
            if not doubt.likely[at, q]:
                continue
            entry = sound[row]
            p = float(doubt.own[at, q])
            if head.head.exclusive:
                given, other = _answer(entry.row, name), head.head.labels[doubt.other[at, q]]
                label = given
            else:
                label = question
                given, other = (label, f"not {label}") if head.truth[at, q] else (f"not {label}", label)
            reason = f"{name}: says {given}, held out the model gives that {p:.2f}; rather {other}"
            yield Finding("label_error", 1.0 - float(doubt.trust[at, q]), entry, reason, name, label, given, other)


def _answer(row: LabelledRow | None, head: str) -> str:
    return str(getattr(row, head))
