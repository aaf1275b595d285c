"""An audit as a random sample of the records: which rows were drawn how, and what auditor and classifier say of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parastance.predict.errors import UsageError
from parastance.train.audit import Candidate, Matches
from parastance.train.data import LabelledRow
from parastance.train.population import Audited, Codes, Vector
from parastance.train.results import HEADS
from parastance.train.sums import padded
from parastance.train.tally import Figures, Level, Tally

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """The audited rows that belong to records, as arrays of length n (truth, given, score: (n, labels of the tally)).

    speaks: per head, whether the auditor spoke of it. content: 1.0, 0.0, or NaN where the auditor said no kind; counted: the same
    by the classifier. chance: of a row having been drawn, NaN where each row of a group had the same. judges_content:
    whether every row says its kind, so that the denominator is corrected as well. document, total: codes of the documents in
    the row's group and in the whole.
    """

    speaks: dict[str, NDArray[np.bool_]]
    truth: Matrix
    given: Matrix
    score: Matrix
    content: Vector
    counted: Vector
    chance: Vector
    stratum: Codes
    group: Codes
    document: Codes
    total: Codes
    by_document: bool
    judges_content: bool
    notes: list[str]

    def __len__(self) -> int:
        return len(self.content)

    def chosen(self, head: str, group: int | None) -> NDArray[np.int64]:
        """Return the numbers of the rows that speak of a head in a group (None: anywhere)."""
        speaks = self.speaks[head] if group is None else self.speaks[head] & (self.group == group)
        if head != "kind" and not self.judges_content:
            speaks = speaks & (self.counted > 0)
        return np.flatnonzero(speaks)

    def of(self, head: str, column: int, group: int | None = None) -> Audited:
        """Return the audited rows of a group (None: all) for one label. A chance may be NaN until `Audited.within` fills it."""
        at = self.chosen(head, group)
        truth, content, counted = self.truth[at, column], np.ones(len(at)), np.ones(len(at))
        if head != "kind" and self.judges_content:
            content, counted = self.content[at], self.counted[at]
            truth = truth * content
        documents = (self.total if group is None else self.document)[at]
        codes = np.unique(documents, return_inverse=True)[1].astype(np.int64)
        return Audited(
            truth, content, self.score[at, column], counted, self.given[at, column] > 0, self.chance[at], self.stratum[at],
            codes, self.by_document,
        )  # fmt: skip

    def documents(self, figures: Figures, head: str, column: int, group: int | None) -> Vector:
        """Return, for each audited row of `of`, its document's sums of scores, of the denominator, and of rows, float64 (n, 3)."""
        at = self.chosen(head, group)
        codes = (self.total if group is None else self.document)[at]
        sums = np.stack([self.score[at, column], self.counted[at], np.ones(len(at))], axis=1)
        known = codes >= 0
        if known.any():
            sums[known] = figures.of_documents(codes[known], column)
        if head == "kind":
            sums[:, 1] = sums[:, 2]
        elif not self.judges_content:
            sums[:, 2] = sums[:, 1]
        return sums


def settle(audit: Matches, tally: Tally, strata: Counter[str], drawn: str) -> tuple[Sample, list[str]]:
    """Return (the sample, the ids of audited rows that belong to no record).

    strata: records by stratum, where the audit has strata; drawn: `paragraph`, `document`, or `auto`. Labels that only the auditor
    used are added to the tally's. Raises UsageError where no audited row belongs to a record.
    """
    settled, missing = audit.settle()
    if not settled:
        raise UsageError(
            f"--audit: none of the {len(audit.rows):,} audited rows is among the records, by id or by text; is it an audit "
            "of these records? (without text in the records, ids must be the same)"
        )
    order = sorted(settled)
    rows, found = [audit.rows[at] for at in order], [settled[at] for at in order]
    for row in rows:
        names = [*(("topics", name) for name in row.topics or ()), ("stance", row.stance), ("kind", row.kind)]
        for head, name in names:
            if name:
                tally.labels.column(head, name)
    entries = [candidate.entry for candidate in found]
    labels = tally.labels.names
    totals = [tally.in_whole(entry.document) for entry in entries]
    notes = []
    by_document = drawn == "document"
    if drawn == "auto" and _in_documents(tally.whole, totals):
        by_document = True
        notes.append("the audit is taken as one of whole documents, for its rows share documents far more often than by chance")
    furniture = np.array([row.kind == "boilerplate" for row in rows])
    speaks = {head: furniture | [getattr(row, head) is not None for row in rows] for head in HEADS}
    strata_of = np.unique([candidate.stratum for candidate in found], return_inverse=True)[1]
    sample = Sample(
        speaks=speaks,
        truth=np.array([[_holds(row, head, label) for head, label in labels] for row in rows]),
        given=padded([entry.given for entry in entries], len(labels)),
        score=padded([entry.score for entry in entries], len(labels)),
        content=np.where(speaks["kind"], 1.0 - furniture, np.nan),
        counted=np.array([float(entry.counted) for entry in entries]),
        chance=_chances(audit, order, found, strata),
        stratum=strata_of.astype(np.int64),
        group=np.array([entry.group for entry in entries]),
        document=np.array([entry.document for entry in entries]),
        total=np.array(totals),
        by_document=by_document,
        judges_content=any(head == "kind" for head, _ in labels) and bool(speaks["kind"].all()),
        notes=notes,
    )
    return sample, missing


def _holds(row: LabelledRow, head: str, label: str) -> float:
    return float(label in (row.topics or ()) if head == "topics" else label == getattr(row, head))


def _chances(audit: Matches, order: Sequence[int], found: Sequence[Candidate], strata: Counter[str]) -> Vector:
    if audit.chances is not None:
        return np.array([audit.chances[at] for at in order])
    if audit.strata:
        drawn = Counter(candidate.stratum for candidate in found)
        return np.array([min(1.0, drawn[candidate.stratum] / strata[candidate.stratum]) for candidate in found])
    return np.full(len(order), np.nan)


def _in_documents(whole: Level, documents: Sequence[int]) -> bool:
    """Whether the audited rows share documents far more often than rows drawn one by one would."""
    rows, squares = whole.totals.data[0, 0], whole.products["plain"].data[0, 2]
    expected = (squares - rows) / 2 * (len(documents) / rows) ** 2
    counts = np.unique(np.array(documents), return_counts=True)[1]
    return bool((counts * (counts - 1) / 2).sum() > 3 * expected + 10)
