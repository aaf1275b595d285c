"""Why a label was given: character spans whose weights add up to the label's score.

Every term of a linear model adds (its value) * (its weight) to a score. A term's part is shared equally between its
occurrences and, for a pair of words, between the two words, so that each word of the paragraph gets one number; what
no word carries (the bias, the shape of the line) is one entry of zero length at the start.
"""

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from parastance.predict.features import Views, placed_relations
from parastance.predict.scorer import Bag, Matrix
from parastance.predict.sentences import SHARE, split_sentences, strongest
from parastance.predict.shape import shapes
from parastance.predict.targets import Mention, find_mentions
from parastance.predict.tokens import WORD

if TYPE_CHECKING:
    from parastance.predict.model import Model, Unit

Occurrence = tuple[str, tuple[int, ...]]  # a term and the positions of the tokens that make it


def explain(model: "Model", unit: "Unit", record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the evidence for the topics and the stance of a record, strongest first within a label.

    Per label the weights add up to its pooled score (see `sentences`) before calibration, to rounding at 6 decimals: for a
    topic its log-odds; for a stance its lead over the reference label, for the reference label its lead over the next one.
    """
    from parastance.predict.model import clip, sentence_units

    wanted = [("topics", name) for name in record.get("topics", [])]
    if "stance" in record:
        wanted.append(("stance", record["stance"]))
    evidence: list[dict[str, Any]] = []
    parts, owner = sentence_units([unit])
    spans = split_sentences(unit.text)
    whole = _Explained(model, unit)
    scores = whole.scores
    theirs = model.scores(parts, model.views(parts))[0] if parts else {}
    for head, name in wanted:
        rule = model.heads[head]
        label, sign = rule.labels.index(name), 1.0
        pooled, chosen = strongest(scores[head], theirs.get(head, np.zeros((0, len(rule.labels)))), owner, rule.reference)
        if label == rule.reference:
            others = np.where(np.arange(len(rule.labels)) == label, -np.inf, pooled[0])
            label, sign = int(others.argmax()), -1.0
        found: dict[tuple[int, int], float] = {}
        best = int(chosen[0, label])
        start, end = spans[best] if best >= 0 else (0, len(unit.text))
        strong = whole if best < 0 else _Explained(model, clip(unit, start, end))
        for explained, offset, share in ((whole, 0, sign), (strong, start, sign * SHARE)):
            for span, weight in explained.weights(head, label, rule.reference).items():
                place = (span[0] + offset, span[1] + offset) if span != (0, 0) else span
                found[place] = found.get(place, 0.0) + share * weight
        ordered = sorted(found.items(), key=lambda item: (item[0] == (0, 0), -abs(item[1]), item[0]))
        evidence.extend(
            {"label": name, "start": a, "end": b, "weight": round(weight, 6)}
            for (a, b), weight in ordered
            if abs(weight) > 5e-7 or a == b
        )
    return evidence


class _Explained:
    """One text, whole paragraph or sentence, with what each of its words adds to each label's score."""

    def __init__(self, model: "Model", unit: "Unit") -> None:
        from parastance.predict.model import home_view

        self.model, self.unit = model, unit
        target, default = unit.target or model.registry.default, model.registry.default
        self.words = [(match.start(), match.end()) for match in WORD.finditer(unit.text)]
        seen = model.views([unit])[0]
        self.scores, _ = model.scores([unit], [seen])
        self.sights = {
            True: (seen, _spots(len(self.words), find_mentions(unit.text, target, model.registry, unit.mentions))),
            False: (
                home_view(unit, seen, model.registry),
                _spots(len(self.words), find_mentions(unit.text, default, model.registry)),
            ),
        }

    def weights(self, head: str, label: int, reference: int | None) -> dict[tuple[int, int], float]:
        """Return the weight of each word by its place in the text; what no word carries stands at (0, 0)."""
        parts = self._label_parts(head, label)
        if reference is not None:
            parts = parts - self._label_parts(head, reference)
        found = {span: float(weight) for span, weight in zip(self.words, parts, strict=False)}
        found[0, 0] = float(parts[-1])
        return found

    def _label_parts(self, head: str, label: int) -> Matrix:
        model = self.model
        parts = _token_parts(model, head, label, *self.sights[head == "stance"], len(self.words))
        parts[-1] += model.heads[head].bias[label]
        if model.shape_weights is not None and head in model.columns["shape"]:
            columns = model.columns["shape"][head]
            parts[-1] += (shapes([self.unit.text], [self.unit.place]) @ model.shape_weights)[0, columns][label]
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


def _token_parts(
    model: "Model", head: str, label: int, seen: Views, spots: list[tuple[int, ...]], count: int
) -> Matrix:
    """Return what each word adds to the score, float64 of shape (count + 1,); the last is what no word carries."""
    parts = np.zeros(count + 1)
    plain: list[tuple[int, ...]] = [(index,) for index in range(count)]
    occurrences = {
        "notions": list(zip(seen.tokens, plain, strict=True)),
        "masked": _ngram_spots(seen.masked, spots),
        "relations": _carried(placed_relations(seen.masked), spots),
    }
    for block, bag in model.bags.items():
        columns = model.columns[block].get(head)
        if columns is not None:
            _share(parts, bag, columns.start + label, occurrences[block])
    if model.subwords is not None and head in model.columns["subwords"]:
        column = model.columns["subwords"][head].start + label
        counts = Counter(seen.tokens)
        for index, token in enumerate(seen.tokens):
            frequency = (1.0 + np.log(counts[token])) / np.sqrt(max(1, len(seen.tokens)))
            parts[index] += model.subwords.word_score(token)[column] * frequency / counts[token]
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
