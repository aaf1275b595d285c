"""Audited rows and the records they are about: which rows are a random sample, with which chance, and where they belong."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from parastance.predict.errors import UsageError
from parastance.predict.inputs import Row
from parastance.train.data import CHANCE, LabelledRow, read_labelled
from parastance.train.drawn import chance
from parastance.train.tally import Entry


@dataclass(frozen=True)
class Candidate:
    """A record that an audited row may be about: its number in the pass, where it was counted, its stratum."""

    number: int
    entry: Entry
    stratum: str


@dataclass
class Matches:
    """Audited rows, and the records met so far that they may be about.

    chances: of each row having been drawn, None where the rows bear no `sampling_probability`; left_out: rows that are no
    part of the random sample; strata: the column within whose values the audit was drawn.
    """

    rows: list[LabelledRow]
    chances: list[float] | None
    left_out: int = 0
    strata: str | None = None
    by_id: dict[str, list[int]] = field(default_factory=dict)
    by_text: dict[str, list[int]] = field(default_factory=dict)
    found_id: dict[int, Candidate] = field(default_factory=dict)
    found_text: dict[str, list[Candidate]] = field(default_factory=lambda: defaultdict(list))
    other_text: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for at, row in enumerate(self.rows):
            self.by_id.setdefault(row.id, []).append(at)
            self.by_text.setdefault(_bare(row.text), []).append(at)

    def offer(self, number: int, row: Row, entry: Entry) -> None:
        """Keep the record where an audited row may be about it."""
        text = row.get("text")
        bare = _bare(text) if isinstance(text, str) else None
        candidate = Candidate(number, entry, str(row.get(self.strata)) if self.strata else "")
        for at in self.by_id.get(str(row.get("id")), ()):
            audited = self.rows[at]
            if bare is not None and bare != _bare(audited.text):
                self.other_text.add(at)
            elif at not in self.found_id and not _other_target(audited, row):
                self.found_id[at] = candidate
        if bare in self.by_text and len(self.found_text[bare]) < len(self.by_text[bare]) + 1:
            self.found_text[bare].append(candidate)

    def settle(self) -> tuple[dict[int, Candidate], list[str]]:
        """Return (the record of each audited row, the ids of the rows that no record was found for).

        A row belongs to the record of its id, unless their texts differ; else to the next record of its text that no other
        row belongs to.
        """
        settled = dict(self.found_id)
        taken = {candidate.number for candidate in settled.values()}
        missing = []
        for at, row in enumerate(self.rows):
            if at in settled:
                continue
            free = next((c for c in self.found_text.get(_bare(row.text), ()) if c.number not in taken), None)
            if free is None:
                missing.append(row.id)
            else:
                settled[at] = free
                taken.add(free.number)
        return settled, missing


def read_audit(files: Sequence[str], strata: str | None = None) -> Matches:
    """Return the audited rows of labelled files, ready to be matched.

    Where any row has a `sampling_probability`, the audit is the rows that have one, each drawn with that chance; other
    rows (those that were chosen for training, say) are no random sample and are left out. Raises DataError as
    `read_labelled` does, UsageError where no row is left or strata are named beside chances.
    """
    rows = read_labelled(files)
    marks = [chance(row) for row in rows]
    if all(mark is None for mark in marks):
        return Matches(rows, None, 0, strata)
    if strata:
        raise UsageError(f"--strata: the audit's rows have a `{CHANCE}`, which says how they were drawn; leave --strata out")
    kept = [(row, mark) for row, mark in zip(rows, marks, strict=True) if mark is not None]
    return Matches([row for row, _ in kept], [mark for _, mark in kept], len(rows) - len(kept))


def _bare(text: str) -> str:
    return " ".join(text.split())


def _other_target(audited: LabelledRow, row: Row) -> bool:
    return bool(audited.target and row.get("target") and audited.target != row["target"])
