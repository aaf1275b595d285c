"""Records to sums: what is known of every group of an archive after one pass over it.

Memory grows with groups and documents, not with records: a document costs some 200 bytes and eight a label.
"""

from array import array
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.errors import UsageError
from parastance.predict.inputs import Row
from parastance.train.population import Documents, Vector, worth
from parastance.train.results import HEADS, PROBABILITIES, given_labels
from parastance.train.sums import Matrix, Sums, padded

MOST_GROUPS = 20_000
CHUNK = 4096
FOLDED = 65_536  # documents at a time
PRODUCTS = ("ss", "sq", "sm", "gg", "gq", "gm")  # of a document's sums: s scores, g labels given, q content, m rows

@dataclass(frozen=True)
class Entry:
    """Where one record went: its group, its document's code there (below 0: a document of its own), what it was given and
    scored, whether it is content."""

    group: int
    document: int
    given: tuple[float, ...]
    score: tuple[float, ...]
    counted: bool


class Labels:
    """The labels met, as columns in the order met."""

    def __init__(self) -> None:
        self.names: list[tuple[str, str]] = []
        self.at: dict[tuple[str, str], int] = {}

    def column(self, head: str, label: str) -> int:
        """Return the column of a label, a new one for a new label."""
        at = self.at.get((head, label))
        if at is None:
            at = self.at[head, label] = len(self.names)
            self.names.append((head, label))
        return at

    def values(self, row: Row) -> tuple[list[float], list[float], bool]:
        """Return (1.0 where a label was given, its probability, whether the record is content).

        Topics and stance of a record that the classifier calls boilerplate count as none. A label without a probability
        scores 1 where given.
        """
        counted = row.get("kind") != "boilerplate"
        speaks = HEADS if counted else ("kind",)
        columns = [self.column(head, label) for head in HEADS for label in given_labels(row, head)]
        for head, name in PROBABILITIES.items():
            for label in row.get(name) or ():
                self.column(head, label)
        given = [0.0] * len(self.names)
        for at in columns:
            given[at] = float(self.names[at][0] in speaks)
        score = given.copy()
        for head, name in PROBABILITIES.items():
            if counted:
                for label, probability in (row.get(name) or {}).items():
                    score[self.at[head, label]] = probability or 0.0
        return given, score, counted


@dataclass
class Level:
    """Sums by group at one level: of the groups asked for, or of the whole."""

    totals: Sums = field(default_factory=Sums)  # rows, content
    given: Sums = field(default_factory=Sums)
    score: Sums = field(default_factory=Sums)
    products: dict[str, Sums] = field(default_factory=lambda: {name: Sums() for name in (*PRODUCTS, "plain")})
    codes: dict[int, int] = field(default_factory=dict)
    group_of: "array[int]" = field(default_factory=lambda: array("q"))
    name_of: "array[int]" = field(default_factory=lambda: array("q"))
    open: Sums = field(default_factory=lambda: Sums(np.float32))  # by document: rows, content, then score and given a label

    def document(self, group: int, name: int) -> int:
        """Return the code of a document, given by its name's hash, within a group."""
        code = self.codes.setdefault(hash((group, name)), len(self.codes))
        if code == len(self.group_of):
            self.group_of.append(group)
            self.name_of.append(name)
        return code

    def add(self, groups: NDArray[np.int64], documents: NDArray[np.int64], counted: Vector, given: Matrix, score: Matrix) -> None:
        """Add some records; documents: codes, below 0 for a record that is a document of its own."""
        ends = np.stack([np.ones(len(groups)), counted], axis=1)
        self.totals.add(groups, ends)
        self.given.add(groups, given)
        self.score.add(groups, score)
        own = documents < 0
        both = np.stack([score, given], axis=2).reshape(len(groups), -1)
        joined = np.concatenate([ends, both], axis=1)
        if own.any():
            self._fold(groups[own], joined[own])
        if not own.all():
            self.open.add(documents[~own], joined[~own])

    def _fold(self, groups: NDArray[np.int64], sums: Matrix) -> None:
        """Add the products of finished documents; sums: as in `open`."""
        m, q, s, g = sums[:, :1], sums[:, 1:2], sums[:, 2::2], sums[:, 3::2]
        for name, value in zip(PRODUCTS, (s * s, s * q, s * m, g * g, g * q, g * m), strict=True):
            self.products[name].add(groups, value)
        self.products["plain"].add(groups, np.concatenate([q * q, q * m, m * m, np.ones_like(m), q > 0], axis=1))

    def finish(self) -> None:
        """Fold the documents; nothing can be added after."""
        groups = np.array(self.group_of, dtype=np.int64)
        for start in range(0, len(groups), FOLDED):
            part = self.open.data[start : start + FOLDED][: len(groups) - start]
            self._fold(groups[start : start + FOLDED], part.astype(np.float64))

    def merged(self) -> tuple["Level", NDArray[np.int64]]:
        """Return (the same of all groups as one, the code there of each document). Call it before `finish`."""
        whole = Level()
        pairs = [(whole.totals, self.totals), (whole.given, self.given), (whole.score, self.score)]
        for ours, theirs in (*pairs, *((whole.products[name], sums) for name, sums in self.products.items())):
            ours.data = theirs.data.sum(axis=0, keepdims=True)
        names, codes = np.unique(np.array(self.name_of, dtype=np.int64), return_inverse=True)
        whole.group_of = array("q", bytes(8 * len(names)))
        for start in range(0, len(codes), FOLDED):
            part = self.open.data[start : start + FOLDED][: len(codes) - start]
            whole.open.add(codes[start : start + FOLDED], part)
        return whole, codes.astype(np.int64)


@dataclass
class Tally:
    """One pass over records. cluster: the column that names the document."""

    cluster: str | None
    labels: Labels = field(default_factory=Labels)
    groups: dict[tuple[Any, ...], int] = field(default_factory=dict)
    level: Level = field(default_factory=Level)
    whole: Level = field(default_factory=Level)
    whole_code: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    buffer: list[Entry] = field(default_factory=list)
    records: int = 0

    def add(self, row: Row, key: tuple[Any, ...]) -> Entry:
        """Add one record to a group. Raises UsageError where there are more than MOST_GROUPS groups."""
        group = self.groups.setdefault(key, len(self.groups))
        if group >= MOST_GROUPS:
            raise UsageError(f"--by: more than {MOST_GROUPS:,} groups; name columns with fewer values")
        name = row.get(self.cluster) if self.cluster else None
        document = -1 - self.records if name in (None, "") else self.level.document(group, hash(name))
        given, score, counted = self.labels.values(row)
        entry = Entry(group, document, tuple(given), tuple(score), counted)
        self.buffer.append(entry)
        self.records += 1
        if len(self.buffer) >= CHUNK:
            self._flush()
        return entry

    def _flush(self) -> None:
        if not self.buffer:
            return
        counted = np.array([float(entry.counted) for entry in self.buffer])
        given = padded([entry.given for entry in self.buffer], len(self.labels.names))
        score = padded([entry.score for entry in self.buffer], len(self.labels.names))
        groups = np.array([entry.group for entry in self.buffer])
        documents = np.array([entry.document for entry in self.buffer])
        self.level.add(groups, documents, counted, given, score)
        self.buffer.clear()

    def finish(self) -> None:
        """Fold everything; nothing can be added after."""
        self._flush()
        self.whole, self.whole_code = self.level.merged()
        self.level.codes.clear()
        self.level.finish()
        self.whole.finish()

    def in_whole(self, document: int) -> int:
        """Return the code, in the whole, of a document's code in its group."""
        return document if document < 0 else int(self.whole_code[document])


class Figures:
    """The sums of one level as arrays: totals (groups, 2: rows, content), given and score (groups, labels)."""

    def __init__(self, level: Level, groups: int, labels: int) -> None:
        self.level = level
        self.totals = level.totals.whole(groups, 2)
        self.given, self.score = level.given.whole(groups, labels), level.score.whole(groups, labels)
        self.products = {name: level.products[name].whole(groups, labels) for name in PRODUCTS}
        self.plain = level.products["plain"].whole(groups, 5)

    def documents(self, at: int, column: int, size: str, given: bool = False) -> Documents:
        """Return the documents of a group for one label.

        size: what its rows are, "rows", "content", or "both" (rows, of which content is the denominator). given: labels given in
        place of scores.
        """
        ss, sq, sm = (float(self.products[name][at, column]) for name in (PRODUCTS[3:] if given else PRODUCTS[:3]))
        qq, qm, mm, count, with_content = self.plain[at].tolist()
        rows, content = self.totals[at].tolist()
        if size == "rows":
            sq, qq, qm, total, squares = sm, mm, mm, rows, mm
        elif size == "content":
            sm, qm, mm, total, squares, count = sq, qq, qq, content, qq, with_content
        else:
            total, squares = rows, mm
        even = total**2 / squares if squares else 0.0
        found = Documents(count, even, even, ss, sq, sm, qq, qm, mm)
        if given or not total:
            return found
        own = self.documents(at, column, size, given=True)
        part = float(self.given[at, column]) / (content if size == "both" else total or 1.0)
        return replace(found, worth=worth(part, own.variance(part) / total**2, total, even))

    def of_documents(self, codes: NDArray[np.int64], column: int) -> Matrix:
        """Return each document's sums of scores, content and rows, float64 (n, 3)."""
        rows, at = self.level.open.data[codes], 2 + 2 * column
        score = rows[:, at] if at < rows.shape[1] else np.zeros(len(rows))
        return np.stack([score, rows[:, 1], rows[:, 0]], axis=1)
