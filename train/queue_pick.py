"""From what a survey kept to a queue: diverse among the uncertain, never two of a kind, random ones for the audit.

Each label's candidates are put in the order in which they best stand for all of them: greedy facility location on the cosine of
hashed TF-IDF vectors among the most uncertain (FASS: Wei, Iyer and Bilmes 2015, "Submodularity in data subset selection and active
learning", ICML), each candidate counting by its uncertainty. The labels then take turns, so that none is starved.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from parastance.predict.inputs import Row
from parastance.predict.scorer import Matrix
from parastance.predict.tokens import tokenize
from parastance.train.drawn import AUDIT, UNCERTAIN
from parastance.train.near import NearIndex
from parastance.train.queue import BOILERPLATE, CONTENT, FURNITURE, Candidate, Labelled, Survey

HASHES = 2**18


@dataclass(frozen=True)
class Pick:
    """A record of the queue and why it is there: as `uncertain` on a (head, label), or for the `audit` with its chance."""

    record: Row
    why: str
    question: tuple[str, str] | None = None
    margin: float | None = None
    chance: float | None = None


def pick(found: Survey, labelled: Labelled, count: int, audit: int) -> list[Pick]:
    """Return the queue, audits spread evenly through it; shorter where there is not enough that is new."""
    random = audits(found, min(audit, count))
    taken = NearIndex()
    for chosen in random:
        taken.add(chosen.record["text"])
    unsure = uncertain(found, labelled, taken, count - len(random))
    return _spread(unsure, random)


def audits(found: Survey, audit: int) -> list[Pick]:
    """Return the audit: a random sample of what the model calls content, and a thinner one of what it calls boilerplate.

    Of near-duplicates in the sample only the first stays, the chance of which is divided by their number: the first of a random
    order stands for all of them without bias (two-phase sampling: Särndal, Swensson and Wretman 1992, ch. 9).
    """
    sizes = {name: sample.total for name, sample in found.samples.items()}
    weight = sizes[CONTENT] + FURNITURE * sizes[BOILERPLATE]
    furniture = round(audit * FURNITURE * sizes[BOILERPLATE] / weight) if weight else 0
    furniture = min(sizes[BOILERPLATE], max(furniture, min(2, audit // 10)), audit)
    wanted = {CONTENT: min(sizes[CONTENT], audit - furniture), BOILERPLATE: furniture}
    picks = []
    for name, sample in found.samples.items():
        drawn = sample.first(wanted[name])
        index = NearIndex()
        kept: dict[int, tuple[int, Row]] = {}
        copies: Counter[int] = Counter()
        for number, record in drawn:
            same = index.find(record["text"])
            at = same[0] if same else index.add(record["text"])
            kept.setdefault(at, (number, record))
            copies[at] += 1
        chance = len(drawn) / sizes[name] if sizes[name] else 0.0
        picks += [(number, Pick(record, AUDIT, chance=chance / copies[at])) for at, (number, record) in kept.items()]
    return [chosen for _, chosen in sorted(picks, key=lambda pair: pair[0])]


def uncertain(found: Survey, labelled: Labelled, taken: NearIndex, count: int) -> list[Pick]:
    """Return up to `count` uncertain records, the labels taking turns; `taken` grows by them."""
    pools = {key: pool.candidates() for key, pool in found.pools.items()}
    keys = sorted((key for key in pools if pools[key]), key=lambda key: pools[key][0].margin)
    orders = {key: _by_reach(pools[key]) for key in keys}
    picks: list[Pick] = []
    while orders and len(picks) < count:
        for key in list(orders):
            chosen = next((c for c in orders[key] if _is_new(c.record["text"], taken, labelled)), None)
            if chosen is None:
                del orders[key]
                continue
            taken.add(chosen.record["text"])
            picks.append(Pick(chosen.record, UNCERTAIN, key, chosen.margin))
            if len(picks) == count:
                break
    return picks


def _is_new(text: str, taken: NearIndex, labelled: Labelled) -> bool:
    return taken.find(text) is None and labelled.index.find(text) is None


def _by_reach(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """Yield the candidates in the order of greedy facility location."""
    margin = np.array([candidate.margin for candidate in candidates])
    weight = 1 / np.cosh(margin / 2) ** 2  # 4 p (1 - p), counted from the cut: 1 on it
    for at in by_reach(likeness([candidate.record["text"] for candidate in candidates]), weight):
        yield candidates[at]


def likeness(texts: Sequence[str]) -> Matrix:
    """Return the cosines of the texts' hashed TF-IDF vectors, float32 (n, n)."""
    counts = HashingVectorizer(n_features=HASHES, analyzer=tokenize, norm=None, alternate_sign=False).transform(texts)
    vectors = TfidfTransformer(sublinear_tf=True).fit_transform(counts).astype(np.float32)
    return np.asarray((vectors @ vectors.T).toarray())


def by_reach(alike: Matrix, weight: Matrix) -> Iterator[int]:
    """Yield indices so that after each the weighted sum over all of the likeness to the nearest one yielded is greedily largest.

    alike: (n, n), symmetric; weight: (n,).

    Facility location is submodular: a gain computed earlier bounds the present one, so that few are computed anew (Minoux 1978,
    "Accelerated greedy algorithms"). The greedy sum is at least 1 - 1/e of the best one.
    """
    covered = np.zeros(len(alike))
    gains = [(-float(total), at) for at, total in enumerate(weight @ alike)]
    heapify(gains)
    while gains:
        _, at = heappop(gains)
        gain = float(weight @ np.maximum(alike[at] - covered, 0))
        if gains and -gains[0][0] > gain + 1e-9:
            heappush(gains, (-gain, at))
            continue
        covered = np.maximum(covered, alike[at])
        yield at


def _spread(unsure: Sequence[Pick], random: Sequence[Pick]) -> list[Pick]:
    """Return both, the second spread evenly among the first: who stops half-way has done half of each."""
    places = [((at + 0.5) / len(part), part is random, at) for part in (unsure, random) for at in range(len(part))]
    return [(random if audit else unsure)[at] for _, audit, at in sorted(places)]
