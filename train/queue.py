"""What to label next: one pass over the output of `predict`, then a choice among what it kept.

Kept are, per label, the paragraphs nearest to that label's decision (uncertainty sampling, Lewis and Gale 1994, per decision as in
multi-label active learning), and a random sample for audits. A record's random number is a hash of its text and id, so that a
sample does not depend on the order of files. Memory: some thousand records, whatever the output's size.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush, heapreplace
from itertools import islice
from typing import Any

import numpy as np

from parastance.predict.errors import DataError, UsageError
from parastance.predict.heads import Head
from parastance.predict.inputs import Row
from parastance.predict.scorer import Matrix
from parastance.train.corrections import same_text
from parastance.train.data import LabelledRow
from parastance.train.folds import SKETCH, shingles
from parastance.train.near import NearIndex, similarity
from parastance.train.results import PROBABILITIES

CHUNK = 1000
LEAST = 5e-5  # records round probabilities to four decimals
FACTOR, SMALLEST, LARGEST = 10, 50, 3000  # candidates a label: so many times its share of the queue, within bounds
FURNITURE = 0.25  # chance of a boilerplate record to be audited, beside another's
CONTENT, BOILERPLATE = "content", "boilerplate"


@dataclass(frozen=True)
class Candidate:
    """A record that may be queued. margin: how far the label's decision is from turning, in nats; number: its random number."""

    margin: float
    number: int
    record: Row

    @property
    def rank(self) -> tuple[float, int]:
        """The lower, the sooner it is kept."""
        return self.margin, self.number


def margins(head: Head, p: Matrix) -> Matrix:
    """Return how far each label's decision is from turning, float64 (n, k), from calibrated probabilities (n, k).

    For a topic, the distance of the log odds to those of its cut; for an exclusive label, the distance of its log probability,
    offset as the decision has it, to the best of the others.
    """
    p = np.clip(p, LEAST, 1 - LEAST)
    if not head.exclusive:
        cut = np.clip(head.cut, LEAST, 1 - LEAST)
        return np.asarray(np.abs(np.log(p / (1 - p)) - np.log(cut / (1 - cut))))
    if p.shape[1] < 2:
        return np.full(p.shape, np.inf)
    z = np.log(p) + head.cut
    best = np.sort(z, axis=1)
    rival = np.where(z == best[:, -1:], best[:, -2:-1], best[:, -1:])
    return np.asarray(np.abs(z - rival))


class Pool:
    """The candidates of one label: those of least margin, and of nearly equal texts only one.

    Two texts count as nearly equal here where half of their SKETCH smallest hashed 5-grams are shared (Broder 1997); so a thousand
    copies of one story take one place.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._kept: dict[int, tuple[Candidate, list[int]]] = {}  # by random number, with the sketch
        self._owners: dict[int, set[int]] = defaultdict(set)
        self._heap: list[tuple[float, int]] = []  # (-margin, -number), those of dropped ones included

    @property
    def worst(self) -> float:
        """The margin that a new candidate must be below."""
        return -self._heap[0][0] if len(self._kept) >= self.size else np.inf

    def offer(self, candidate: Candidate) -> None:
        """Keep the candidate if it is among the best, in the place of worse ones that are nearly the same."""
        sketch = sorted(shingles(candidate.record["text"]))[:SKETCH]
        shared = Counter(number for gram in sketch for number in self._owners.get(gram, ()))
        twins = [number for number, count in shared.items() if 2 * count >= len(sketch)]
        if any(self._kept[twin][0].rank <= candidate.rank for twin in twins):
            return
        for twin in twins:
            self._drop(twin)
        self._kept[candidate.number] = candidate, sketch
        for gram in sketch:
            self._owners[gram].add(candidate.number)
        heappush(self._heap, (-candidate.margin, -candidate.number))
        if len(self._kept) > self.size:
            self._drop(-self._top()[1])
        self._top()

    def _top(self) -> tuple[float, int]:
        """Return the worst candidate's entry, having taken those of dropped ones off the heap."""
        while -self._heap[0][1] not in self._kept:
            heappop(self._heap)
        return self._heap[0]

    def _drop(self, number: int) -> None:
        for gram in self._kept.pop(number)[1]:
            self._owners[gram].discard(number)
            if not self._owners[gram]:
                del self._owners[gram]

    def candidates(self) -> list[Candidate]:
        """Return the candidates, least margin first."""
        return sorted((candidate for candidate, _ in self._kept.values()), key=lambda candidate: candidate.rank)


@dataclass
class Sample:
    """The records of one stratum with the smallest random numbers, and how many it has in all."""

    size: int
    total: int = 0
    _heap: list[tuple[int, int, Row]] = field(default_factory=list)  # (-number, -order, record)

    def offer(self, number: int, record: Row) -> None:
        """Count the record, and keep it if its number is among the smallest."""
        self.total += 1
        item = (-number, -self.total, record)
        if len(self._heap) < self.size:
            heappush(self._heap, item)
        elif self._heap and item > self._heap[0]:
            heapreplace(self._heap, item)

    def first(self, count: int) -> list[tuple[int, Row]]:
        """Return (number, record) of the `count` smallest numbers, ascending: a simple random sample of the stratum."""
        return [(-number, record) for number, _, record in sorted(self._heap, reverse=True)[:count]]


class Labelled:
    """What has been labelled already: texts with their target, and an index for near-duplicates."""

    def __init__(self, rows: Iterable[LabelledRow], default: str) -> None:
        self.default = default
        self.index = NearIndex()
        self._texts: set[bytes] = set()
        self._by_id: dict[str, str] = {}
        for row in rows:
            self._texts.add(self._key(row.text, row.target))
            self._by_id[row.id] = row.text
            self.index.add(row.text)

    def _key(self, text: str, target: str | None) -> bytes:
        return hashlib.blake2b(f"{target or self.default}\0{same_text(text)}".encode(), digest_size=12).digest()

    def __contains__(self, record: Row) -> bool:
        if not self._by_id:
            return False
        target = record.get("target")
        if self._key(record["text"], target if isinstance(target, str) else None) in self._texts:
            return True
        text = self._by_id.get(str(record.get("id")))
        return text is not None and similarity(text, record["text"]) > 0.5


@dataclass
class Survey:
    """What one pass over the output kept.

    pools: candidates by (head, label); samples: by what the model says a record is, content or boilerplate; records: all that
    were read; labelled: those left out because they were labelled before.
    """

    pools: dict[tuple[str, str], Pool]
    samples: dict[str, Sample]
    records: int = 0
    labelled: int = 0


def survey(records: Iterable[Row], heads: Mapping[str, Head], labelled: Labelled, count: int, audit: int, seed: int) -> Survey:
    """Return what is kept of the records for a queue of `count`, of which `audit` are drawn at random.

    Raises DataError for a record without text, UsageError where the records' labels are not those of the heads.
    """
    asked = {name: heads[name] for name in PROBABILITIES if name in heads}
    if not asked:
        raise UsageError("the model has neither topics nor stance: there is no uncertain decision to look for")
    keys = [(name, label) for name, head in asked.items() for label in head.labels]
    size = min(LARGEST, max(SMALLEST, FACTOR * -(-count // len(keys))))
    found = Survey({key: Pool(size) for key in keys}, {CONTENT: Sample(audit), BOILERPLATE: Sample(audit)})
    for chunk in _chunks(records):
        found.records += len(chunk)
        fresh = [record for record in chunk if record not in labelled]
        found.labelled += len(chunk) - len(fresh)
        numbers = [random_number(record, seed) for record in fresh]
        for record, number in zip(fresh, numbers, strict=True):
            found.samples[BOILERPLATE if record.get("kind") == BOILERPLATE else CONTENT].offer(number, record)
        body = [at for at, record in enumerate(fresh) if record.get("kind") != BOILERPLATE]
        for name, head in asked.items():
            distance = margins(head, _probabilities([fresh[at] for at in body], name, head))
            for column, label in enumerate(head.labels):
                pool = found.pools[name, label]
                for row in np.flatnonzero(distance[:, column] < pool.worst).tolist():
                    if distance[row, column] < pool.worst:
                        pool.offer(Candidate(float(distance[row, column]), numbers[body[row]], fresh[body[row]]))
    return found


def of_model(records: Iterable[Row], name: str) -> Iterator[Row]:
    """Yield the records. Raises UsageError for one that another model labelled: its probabilities have other cuts."""
    mine = name.rpartition("@")[2]
    for record in records:
        theirs = record.get("model")
        if isinstance(theirs, str) and theirs.rpartition("@")[2] != mine:
            raise UsageError(f"record {record.get('id')} was labelled by model {theirs}, this is {name}: name it with --model")
        yield record


def _chunks(records: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(records)
    while chunk := list(islice(iterator, CHUNK)):
        for record in chunk:
            if not isinstance(record.get("text"), str):
                raise DataError(f"record {record.get('id')}", "no `text`: label with `predict --keep-text`")
        yield chunk


def random_number(record: Row, seed: int) -> int:
    """Return a record's random number: the same wherever it stands, another with another seed."""
    name = f"{seed}\0{record.get('id')}\0{record['text']}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest())


def _probabilities(records: Sequence[Row], name: str, head: Head) -> Matrix:
    """Return the records' probabilities for a head, float64 (n, k). Raises UsageError where they are another model's."""
    key: Any = PROBABILITIES[name]
    try:
        values = [[record[key][label] for label in head.labels] for record in records]
        return np.array(values, dtype=np.float64).reshape(len(records), len(head.labels))
    except (KeyError, TypeError, ValueError):
        raise UsageError(
            f"the records lack probabilities for {', '.join(head.labels)}: name the model they were labelled by with --model"
        ) from None
