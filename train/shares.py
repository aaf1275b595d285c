"""The share of each label in each group of an archive, with intervals that say what they cover.

Shares of topics and stances are of content records, shares of kinds of all records. Two readings of an archive:

    archive   it is all that is asked about. Labels counted by the classifier then have no sampling error; what is uncertain is
              the classifier, and an audit of records drawn at random says how much (see `ppi`).
    larger    it is a sample of something larger, such as all that the outlets might have printed. Documents were drawn, not
              paragraphs: the variance is the one between documents.

Without an audit only the second has an interval, and that interval knows nothing of the classifier's errors.
"""

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from parastance.predict.errors import UsageError
from parastance.train.audit import Matches
from parastance.train.intervals import clustered
from parastance.train.population import Documents, Group
from parastance.train.ppi import corrected, tuned_weight
from parastance.train.question import Reader
from parastance.train.randomness import suspicion
from parastance.train.results import HEADS
from parastance.train.sample import Sample, settle
from parastance.train.tally import Figures, Tally


@dataclass(frozen=True)
class Share:
    """One figure: the share of a label in a group (None: in all records).

    records: the denominator as the classifier has it; documents: how many they are in; predicted: the share as counted; share,
    low, high: None where there is none to give; method: counted, ppi++, strata, or unaudited.
    """

    group: tuple[Any, ...] | None
    head: str
    label: str
    records: int
    documents: int
    audited: int
    predicted: float
    share: float | None
    low: float | None
    high: float | None
    method: str


@dataclass
class Survey:
    """All figures, and what a reader must know of them."""

    by: tuple[str, ...]
    confidence: float
    larger: bool
    records: int
    cluster: str | None
    shares: list[Share]
    audited: int | None = None
    left_out: int = 0
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def survey(
    inputs: Sequence[str], reader: Reader, audit: Matches | None = None, larger: bool | None = None,
    confidence: float = 0.95, drawn: str = "auto", progress: Any = None,
) -> Survey:  # fmt: skip
    """Return the shares of every label in every group of the records, from one pass over them.

    larger: how the archive is read; None: as a sample without an audit, as all there is with one. drawn: whether the audit drew a
    `paragraph` or a `document` at a time; `auto` tells it from how many audited rows share a document. Raises UsageError
    where no audited row belongs to a record, and as `Reader.read` does.
    """
    larger = audit is None if larger is None else larger
    tally = Tally(None)
    strata: Counter[str] = Counter()
    more = ("text", audit.strata) if audit is not None and audit.strata else ("text",) if audit is not None else ()
    for row, key in reader.read(inputs, more):
        tally.cluster = reader.cluster
        entry = tally.add(row, key)
        if audit is not None:
            audit.offer(tally.records, row, entry)
            if audit.strata:
                strata[str(row.get(audit.strata))] += 1
        if progress is not None and tally.records % 1000 == 0:
            progress.update(1000)
    tally.finish()
    done = Survey(reader.question.by, confidence, larger, tally.records, reader.cluster, [], notes=reader.notes())
    sample = None
    if audit is not None:
        sample, done.missing = settle(audit, tally, strata, drawn)
        done.audited, done.left_out = len(sample), audit.left_out
        done.notes += sample.notes
    if not tally.labels.names:
        raise UsageError(f"{', '.join(inputs)}: no record has a label, so there is nothing to count")
    estimator = _Estimator(tally, sample, done)
    estimator.fill()
    if sample is not None and audit is not None and audit.chances is None and not audit.strata and not sample.by_document:
        done.notes += suspicion(len(sample), tally.records, estimator.counts(sample))
    return done


class _Estimator:
    """Turns sums and audited rows into shares."""

    def __init__(self, tally: Tally, sample: Sample | None, done: Survey) -> None:
        self.tally, self.sample, self.done = tally, sample, done
        self.labels = tally.labels.names
        order = {head: at for at, head in enumerate(HEADS)}
        self.columns = sorted(range(len(self.labels)), key=lambda at: order[self.labels[at][0]])
        self.weights = {}
        if sample is not None:
            pooled = {column: sample.of(self.labels[column][0], column) for column in self.columns}
            self.weights = {column: tuned_weight(audited) for column, audited in pooled.items() if len(audited)}

    def fill(self) -> None:
        """Put the shares into the survey: those of all records first, then group by group in the order of their names."""
        groups = self.tally.groups
        figures = Figures(self.tally.whole, 1, len(self.labels))
        for column in self.columns:
            self.done.shares.append(self._share(None, figures, 0, column))
        if not self.done.by:
            return
        figures = Figures(self.tally.level, len(groups), len(self.labels))
        for key in sorted(groups, key=lambda key: [(value is None, str(type(value)), value) for value in key]):
            for column in self.columns:
                self.done.shares.append(self._share(key, figures, groups[key], column))

    def counts(self, sample: Sample) -> Iterator[tuple[str, int, float]]:
        """Yield, of each label and group, (what it is in words, how many audited rows are of it, how many records)."""
        figures = Figures(self.tally.whole, 1, len(self.labels))
        for column in self.columns:
            seen = int(np.count_nonzero(sample.given[:, column]))
            yield f"given {self.labels[column][1]}", seen, float(figures.given[0, column])
        if self.done.by:
            sizes = Figures(self.tally.level, len(self.tally.groups), len(self.labels)).totals[:, 0]
            for key, at in self.tally.groups.items():
                name = ", ".join(map(str, key))
                yield f"of {' and '.join(self.done.by)} {name}", int(np.count_nonzero(sample.group == at)), float(sizes[at])

    def _share(self, key: tuple[Any, ...] | None, figures: Figures, at: int, column: int) -> Share:
        head, label = self.labels[column]
        rows, content = figures.totals[at].tolist()
        size = rows if head == "kind" else content
        given = float(figures.given[at, column])
        predicted = given / size if size else 0.0
        count = figures.plain[at, 3 if head == "kind" else 4]
        audited = self.sample.of(head, column, None if key is None else at) if self.sample is not None else None
        common = (key, head, label, int(size), int(count), 0 if audited is None else len(audited), predicted)
        if self.sample is None or audited is None:
            documents = figures.documents(at, column, "rows" if head == "kind" else "content", given=True)
            return Share(*common, *self._counted(predicted, size, documents))
        if not len(audited) or not size:
            return Share(*common, None, None, None, "unaudited")
        both = head != "kind" and self.sample.judges_content
        group = Group(rows if both else size, float(figures.score[at, column]), size, given)
        audited = audited.within(group.rows)
        drawn = None
        if self.done.larger:
            drawn = figures.documents(at, column, "rows" if head == "kind" else "both" if both else "content")
            drawn = replace(drawn, audited=self.sample.documents(figures, head, column, None if key is None else at))
        estimate = corrected(group, audited, self.weights[column], self.done.confidence, drawn, _seed(key, head, label))
        return Share(*common, estimate.share, estimate.low, estimate.high, estimate.method)

    def _counted(self, predicted: float, size: float, documents: Documents) -> tuple[float | None, float | None, float | None, str]:
        if not size:
            return None, None, None, "counted"
        if not self.done.larger:
            return predicted, None, None, "counted"
        variance = documents.variance(predicted) / size**2
        low, high = clustered(predicted, variance, size, documents.count, documents.even, self.done.confidence)
        return predicted, low, high, "counted"


def _seed(*names: object) -> int:
    return zlib.crc32(repr(names).encode())
