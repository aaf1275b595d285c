"""Corrections: rows that override earlier ones, by id, or by text where an id is absent on either side.

A correction changes what it names and leaves the rest: a row with `id` and `stance` alone corrects the stance. The article a
row belongs to (`group`) stays. With another text under a known id the row is a new one and inherits only its group.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from parastance.predict.errors import DataError
from parastance.predict.units import checked_mentions
from parastance.train.exchange import Note

if TYPE_CHECKING:
    from parastance.train.data import Entry, LabelledRow

KEPT = ("topics", "stance", "kind", "target", "mentions", "place")


class Corrected:
    """Labelled rows under correction.

    rows: each with whether its id is its own; default: the target meant where a row names none.
    """

    def __init__(self, rows: Iterable[tuple["LabelledRow", bool]], default: str) -> None:
        self.default = default
        self._rows: dict[str, LabelledRow] = {}
        self._named: dict[str, bool] = {}
        self._by_text: dict[str, list[str]] = defaultdict(list)
        for row, named in rows:
            self._add(row, named)

    @property
    def rows(self) -> list["LabelledRow"]:
        """The rows as corrected, in the order of the data, new ones last."""
        return list(self._rows.values())

    def _add(self, row: "LabelledRow", named: bool) -> None:
        self._rows[row.id] = row
        self._named[row.id] = named
        self._by_text[same_text(row.text)].append(row.id)

    def apply(self, entries: Sequence["Entry"], note: Note) -> None:
        """Make the corrections of one file; `note` takes the count of each sort.

        Raises DataError naming the place of a broken row, of a row without text whose id is unknown, and of one that says
        otherwise than another of the same file: an id used twice with different content, a text corrected to two labels.
        """
        seen: dict[str, Entry] = {}
        said: dict[tuple[str, str], tuple[Any, str]] = {}  # (row, what of it) -> (to what it was corrected, where)
        by_id = by_text = new = 0
        for entry in entries:
            if entry.row is None:
                raise DataError(entry.place, entry.fault)
            row = entry.row
            before = seen.setdefault(row.id, entry)
            if before.row != row:
                raise DataError(entry.place, f"id {row.id!r} was used before with other content, at {before.place}")
            if before is not entry:
                continue
            if entry.named and row.id in self._rows:
                _agree(said, row.id, entry)
                self._correct(row.id, entry)
                by_id += 1
                continue
            if not row.text:
                raise DataError(entry.place, f"no `text`, and id {row.id!r} is in none of the files before")
            twins = self._twins(entry.row, entry.named)
            for other in twins:
                _agree(said, other, entry)
                self._correct(other, entry)
            by_text += bool(twins)
            if not twins:
                _agree(said, row.id, entry)
                self._add(row, entry.named)
                new += 1
        if entries:
            note(f"{entries[0].file}: rows corrected by id {by_id:,}, by text {by_text:,}, new {new:,}")

    def _twins(self, row: "LabelledRow", named: bool) -> list[str]:
        """Return the ids of the rows of the same text that a correction is meant for: one side has no id of its own.

        Without a target it is meant for the one target that the text has, or for the default one among several.
        """
        found = [other for other in self._by_text.get(same_text(row.text), ()) if not (named and self._named[other])]
        if row.stance is None and row.target is None:
            return found
        targets = {other: self._rows[other].target or self.default for other in found}
        wanted = row.target or (self.default if len(set(targets.values())) > 1 else None)
        return [other for other in found if wanted in (None, targets[other])]

    def _correct(self, other: str, entry: "Entry") -> None:
        old, new = self._rows[other], entry.row
        assert new is not None
        group = new.group if entry.raw.get("group") not in (None, "") else old.group
        if new.text and same_text(new.text) != same_text(old.text):
            self._by_text[same_text(old.text)].remove(other)
            self._add(replace(new, group=group), True)
            return
        changes: dict[str, Any] = {name: value for name in KEPT if (value := getattr(new, name)) is not None}
        text = new.text or old.text
        if not new.text:
            try:
                mentions = checked_mentions(entry.raw, old.text)
            except ValueError as error:
                raise DataError(entry.place, str(error)) from None
            changes |= {"mentions": mentions} if mentions is not None else {}
        elif text != old.text and new.mentions is None:
            changes["mentions"] = None  # the old ones count characters of the old text
        self._rows[other] = replace(old, text=text, group=group, fields={**old.fields, **new.fields}, **changes)


def _agree(said: dict[tuple[str, str], tuple[Any, str]], other: str, entry: "Entry") -> None:
    """Note what an entry says of a row. Raises DataError where an earlier entry of the same file says something else."""
    for name in ("topics", "stance", "kind"):
        value = getattr(entry.row, name)
        if value is None:
            continue
        before, place = said.setdefault((other, name), (value, entry.place))
        if _bare(before) != _bare(value):
            raise DataError(entry.place, f"{name} of row {other!r} is corrected otherwise at {place}; leave one of the two")


def _bare(value: Any) -> Any:
    return frozenset(value) if isinstance(value, tuple) else value


def same_text(text: str) -> str:
    """Return the text with every run of white space as one blank: what makes two texts the same."""
    return " ".join(text.split())
