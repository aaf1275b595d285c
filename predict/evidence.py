"""Why a label was given: character spans whose weights add up to the label's score.

Every term of a linear model adds (its value) * (its weight) to a score. A term's part is shared equally between its
occurrences and, for a pair of words, between the two words, so that each word of the paragraph gets one number; what
no word carries (the bias, the shape of the line) is one entry of zero length at the start.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from parastance.predict.blocks import Blocks
from parastance.predict.clauses import placed_clauses
from parastance.predict.features import Views, placed_frames, placed_names, placed_relations
from parastance.predict.scorer import Bag, Matrix
from parastance.predict.sentences import SHARE, strongest
from parastance.predict.shape import shapes
from parastance.predict.targets import Mention, find_mentions
from parastance.predict.tokens import WORD
from parastance.predict.views import home_view, target_view

if TYPE_CHECKING:
    from parastance.predict.model import Model, Unit

Occurrence = tuple[str, tuple[int, ...]]  # a term and the positions of the tokens that make it


def explain(model: "Model", unit: "Unit", record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the evidence for the topics and the stance of a record, strongest first within a label.

    Per label the weights add up to its pooled score (see `sentences`) before calibration, to rounding at 6 decimals: for a
    topic its log-odds; for a stance its lead over the reference label, for the reference label its lead over the next one.
    """
    wanted = [("topics", name) for name in record.get("topics", [])]
    if "stance" in record:
        wanted.append(("stance", record["stance"]))
    evidence: list[dict[str, Any]] = []
    whole, parts = _Explained.all_of(model, unit)
    written = _written_parts(whole.blocks, unit.text, whole.words)
    owner = np.zeros(len(parts), dtype=np.int64)
    for head, name in wanted:
        rule = model.heads[head]
        label, sign = rule.labels.index(name), 1.0
        theirs = np.array([part.scores(head) for part in parts]).reshape(len(parts), len(rule.labels))
        share = SHARE if rule.pooled else 0.0
        pooled, chosen = strongest(whole.scores(head)[np.newaxis], theirs, owner, rule.reference, share)
        more = written[:, whole.blocks.columns[head]]
        if label == rule.reference:
            others = np.where(np.arange(len(rule.labels)) == label, -np.inf, pooled[0] + (1.0 + share) * more.sum(axis=0))
            label, sign = int(others.argmax()), -1.0
        found: dict[tuple[int, int], float] = {}
        best = int(chosen[0, label])
        strong = whole if best < 0 else parts[best]
        for explained, factor in ((whole, sign), (strong, sign * share)):
            for span, weight in explained.weights(head, label, rule.reference).items():
                found[span] = found.get(span, 0.0) + factor * weight
        if whole.blocks.written:
            one = more[:, label] if rule.reference is None else more[:, label] - more[:, rule.reference]
            for span, weight in zip([*whole.words, (0, 0)], one.tolist(), strict=True):
                found[span] = found.get(span, 0.0) + sign * (1.0 + share) * weight
        ordered = sorted(found.items(), key=lambda item: (item[0] == (0, 0), -abs(item[1]), item[0]))
        evidence.extend(
            {"label": name, "start": a, "end": b, "weight": round(weight, 6)}
            for (a, b), weight in ordered
            if abs(weight) > 5e-7 or a == b
        )
    return evidence


@dataclass(frozen=True)
class _Sight:
    """A paragraph or sentence as some heads see it; spots: the words that each masked token stands for."""

    views: Views
    spots: list[tuple[int, ...]]

    def sentences(self) -> list["_Sight"]:
        starts = ((0, 0), *self.views.ends)
        return [
            _Sight(part, [tuple(word - a for word in spot) for spot in self.spots[c : c + len(part.masked)]])
            for part, (a, c) in zip(self.views.sentences(), starts, strict=False)
        ]


@dataclass(frozen=True)
class _Explained:
    """One text, whole paragraph or sentence, with what each of its words adds to each label's score.

    words: their places in the paragraph; shape: what the shape of the line adds, float64 of shape (width,).
    """

    blocks: Blocks
    words: list[tuple[int, int]]
    asked: _Sight
    home: _Sight
    shape: Matrix

    @classmethod
    def all_of(cls, model: "Model", unit: "Unit") -> "tuple[_Explained, list[_Explained]]":
        """Return (a unit, its sentences where there are several), ready to be explained."""
        registry, blocks = model.registry, model.blocks_for(unit)
        words = [(match.start(), match.end()) for match in WORD.finditer(unit.text)]
        seen = target_view(unit, registry)
        home = home_view(unit, seen, registry)
        mine = find_mentions(unit.text, unit.target or registry.default, registry, unit.mentions)
        theirs = mine if home is seen else find_mentions(unit.text, registry.default, registry)
        sights = (_Sight(seen, _spots(len(words), mine)), _Sight(home, _spots(len(words), theirs)))
        nothing = np.zeros(blocks.width)
        shape = nothing if blocks.shape is None else (shapes([unit.text], [unit.place]) @ blocks.shape)[0]
        starts = [0, *(end for end, _ in seen.ends)]
        parts = [
            cls(blocks, words[start:end], asked, at_home, nothing)
            for start, end, asked, at_home in zip(starts, starts[1:], *(sight.sentences() for sight in sights), strict=False)
        ]
        return cls(blocks, words, *sights, shape), parts

    def scores(self, head: str) -> Matrix:
        """Return the scores of a head's labels, float64 of shape (labels,), as they are defined."""
        totals = self.blocks.score([self.asked.views], [self.home.views])
        return np.asarray((totals[0] + self.shape)[self.blocks.columns[head]])

    def weights(self, head: str, label: int, reference: int | None) -> dict[tuple[int, int], float]:
        """Return the weight of each word by its place in the text; what no word carries stands at (0, 0)."""
        parts = self._label_parts(head, label)
        if reference is not None:
            parts = parts - self._label_parts(head, reference)
        found = {span: float(weight) for span, weight in zip(self.words, parts, strict=False)}
        found[0, 0] = float(parts[-1])
        return found

    def _label_parts(self, head: str, label: int) -> Matrix:
        column = self.blocks.columns[head].start + label
        sight = self.asked if head == "stance" else self.home
        parts = _token_parts(self.blocks, column, sight, len(self.words))
        parts[-1] += self.blocks.bias[column] + self.shape[column]
        return parts


def _spots(count: int, mentions: list[Mention]) -> list[tuple[int, ...]]:
    """Return, for each token of a view in which the mentions are one token, the words of the text that it stands for."""
    spots: list[tuple[int, ...]] = []
    at = 0
    for mention in mentions:
        spots.extend((index,) for index in range(at, mention.first))
        spots.append(tuple(range(mention.first, mention.last)))
        at = mention.last
    spots.extend((index,) for index in range(at, count))
    return spots


def _token_parts(blocks: Blocks, column: int, sight: _Sight, count: int) -> Matrix:
    """Return what each word adds to a column of the scores, float64 of shape (count + 1,); the last is what no word carries."""
    parts = np.zeros(count + 1)
    seen, spots = sight.views, sight.spots
    plain: list[tuple[int, ...]] = [(index,) for index in range(count)]
    occurrences = {
        "notions": list(zip(seen.tokens, plain, strict=True)),
        "masked": _ngram_spots(seen.masked, spots),
        "relations": _carried(placed_relations(seen.masked), spots),
        "frames": _carried(placed_frames(seen), spots) if "frames" in blocks.bags else [],
        "names": _carried(placed_names(seen), spots) if "names" in blocks.bags else [],
        "clauses": _carried(placed_clauses(seen), spots) if "clauses" in blocks.bags else [],
    }
    for block, bag in blocks.bags.items():
        _share(parts, bag, column, occurrences[block])
    if blocks.subwords is not None:
        counts = Counter(seen.tokens)
        for index, token in enumerate(seen.tokens):
            frequency = (1.0 + np.log(counts[token])) / np.sqrt(max(1, len(seen.tokens)))
            parts[index] += blocks.subwords.kept_score(token)[column] * frequency / counts[token]
    return parts


def _written_parts(blocks: Blocks, text: str, words: Sequence[tuple[int, int]]) -> Matrix:
    """Return what the text as it is written adds by each word, float64 of shape (words + 1, width).

    The last is what no word carries.
    """
    parts = np.zeros((len(words) + 1, blocks.width))
    starts, ends = [start for start, _ in words], [end for _, end in words]
    for written in blocks.written.values():
        placed = [
            (term, tuple(at for a, b in spans for at in range(bisect_right(ends, a), bisect_left(starts, b))) or (-1,))
            for term, spans in written.placed(text)
        ]
        for column in np.flatnonzero(written.bag.weights.any(axis=0)).tolist():
            _share(parts[:, column], written.bag, column, placed)
    return parts


def _share(parts: Matrix, bag: Bag, column: int, occurrences: list[Occurrence]) -> None:
    """Add a bag's contributions to the words that carry them."""
    counts = Counter(term for term, _ in occurrences if term in bag.ids)
    ids = {term: bag.ids[term] for term in counts}
    values = {term: (1.0 + np.log(n)) * float(bag.idf[ids[term]]) for term, n in counts.items()}
    norm = np.sqrt(sum(value * value for value in values.values()))
    for term, carriers in occurrences:
        if term in values:
            part = values[term] / norm * float(bag.weights[ids[term], column]) / counts[term]
            for word in carriers:
                parts[word] += part / len(carriers)


def _ngram_spots(tokens: list[str], spots: list[tuple[int, ...]]) -> list[Occurrence]:
    single = list(zip(tokens, spots, strict=True))
    pairs = [(f"{a} {b}", s + t) for (a, s), (b, t) in zip(single, single[1:], strict=False)]
    return single + pairs


def _carried(terms: list[tuple[str, int, int]], spots: list[tuple[int, ...]]) -> list[Occurrence]:
    """Return the placed terms with the words of the text that carry them; -1 stands for none."""
    return [(term, tuple(word for spot in spots[first:last] for word in spot) or (-1,)) for term, first, last in terms]
