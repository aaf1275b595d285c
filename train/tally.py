"""Records to sums: what is known of every group of an archive after one pass over it.

Memory grows with groups and documents, not with records: a document costs some hundred bytes and eight a label.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.errors import UsageError
from parastance.predict.inputs import Row
from parastance.train.population import Documents, Vector, worth
from parastance.train.results import HEADS, PROBABILITIES, given_labels

MOST_GROUPS = 20_000
CHUNK = 4096
PRODUCTS = ("ss", "sq", "sm", "gg", "gq", "gm")  # of a document's sums: s scores, g labels given, q content, m rows
Matrix = NDArray[np.float64]


class Sums:
    """Sums of rows of numbers by a code from 0 up; grows in both directions as needed."""

    def __init__(self) -> None:
        self.data: Matrix = np.zeros((0, 0))

    def add(self, codes: NDArray[np.int64], values: Matrix) -> None:
        """Add each row of values, float64 (n, k), to the sums of its code."""
        order = np.argsort(codes, kind="stable")
        unique, first = np.unique(codes[order], return_index=True)
        rows, columns = int(unique[-1]) + 1, values.shape[1]
        if rows > self.data.shape[0] or columns > self.data.shape[1]:
            room = (max(rows, min(2 * rows, rows + 100_000)), max(columns, self.data.shape[1]))
            grown = np.zeros((max(room[0], self.data.shape[0]), room[1]))
            grown[: self.data.shape[0], : self.data.shape[1]] = self.data
            self.data = grown
        self.data[unique, :columns] += np.add.reduceat(values[order], first, axis=0)

    def whole(self, rows: int, columns: int) -> Matrix:
        """Return the sums, float64 (rows, columns), zeros where nothing was added."""
        out = np.zeros((rows, columns))
        part = self.data[:rows, :columns]
        out[: part.shape[0], : part.shape[1]] = part
        return out


@dataclass(frozen=True)
class Entry:
    """Where one record went: its group, its document's code there and in the whole (below 0: a document of its own), what
    it was given and scored, whether it is content."""

    group: int
    document: int
    total: int
    given: tuple[float, ...]
    score: tuple[float, ...]
    counted: bool


def padded(rows: Sequence[tuple[float, ...]], width: int) -> Matrix:
    """Return rows of up to `width` numbers as float64 (n, width), zeros behind."""
    return np.array([row if len(row) == width else (*row, *(0.0,) * (width - len(row))) for row in rows]).reshape(-1, width)


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
    codes: dict[tuple[int, int], int] = field(default_factory=dict)
    group_of: list[int] = field(default_factory=list)
    open: Sums = field(default_factory=Sums)  # by document and group: rows, content, scores and labels given, in turn

    def document(self, group: int, key: int) -> int:
        """Return the code of a document within a group."""
        code = self.codes.setdefault((group, key), len(self.codes))
        if code == len(self.group_of):
            self.group_of.append(group)
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
        if self.group_of:
            groups = np.array(self.group_of, dtype=np.int64)
            for start in range(0, len(groups), 65536):
                self._fold(groups[start : start + 65536], self.open.data[start : start + 65536][: len(groups) - start])


@dataclass
class Tally:
    """One pass over records. by: the columns of the groups, through `key`; cluster: the column that names the document."""

    cluster: str | None
    labels: Labels = field(default_factory=Labels)
    groups: dict[tuple[Any, ...], int] = field(default_factory=dict)
    level: Level = field(default_factory=Level)
    whole: Level = field(default_factory=Level)
    buffer: list[Entry] = field(default_factory=list)
    records: int = 0

    def add(self, row: Row, key: tuple[Any, ...]) -> Entry:
        """Add one record to a group. Raises UsageError where there are more than MOST_GROUPS groups."""
        group = self.groups.setdefault(key, len(self.groups))
        if group >= MOST_GROUPS:
            raise UsageError(f"--by: more than {MOST_GROUPS:,} groups; name columns with fewer values")
        name = row.get(self.cluster) if self.cluster else None
        document = total = -1 - self.records
        if name not in (None, ""):
            document, total = self.level.document(group, hash(name)), self.whole.document(0, hash(name))
        given, score, counted = self.labels.values(row)
        entry = Entry(group, document, total, tuple(given), tuple(score), counted)
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
        totals = np.array([entry.total for entry in self.buffer])
        self.level.add(groups, documents, counted, given, score)
        self.whole.add(np.zeros(len(groups), np.int64), totals, counted, given, score)
        self.buffer.clear()

    def finish(self) -> None:
        """Fold everything; nothing can be added after."""
        self._flush()
        self.level.finish()
        self.whole.finish()


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
