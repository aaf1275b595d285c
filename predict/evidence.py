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
from parastance.predict.shape import shapes
from parastance.predict.targets import Mention, find_mentions
from parastance.predict.tokens import WORD

if TYPE_CHECKING:
    from parastance.predict.model import Model, Unit

Occurrence = tuple[str, tuple[int, ...]]  # a term and the positions of the tokens that make it


def explain(model: "Model", unit: "Unit", record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the evidence for the topics and the stance of a record, strongest first within a label.

    Per label the weights add up to the label's score before calibration (log-odds), to rounding at 6 decimals.
    """
    wanted = [("topics", name) for name in record.get("topics", [])]
    if "stance" in record:
        wanted.append(("stance", record["stance"]))
    if not wanted:
        return []
    target = record.get("target", model.registry.default)
    mentions = find_mentions(unit.text, target, model.registry, unit.mentions)
    words = [(match.start(), match.end()) for match in WORD.finditer(unit.text)]
    spots = _masked_spots(len(words), mentions)
    seen = model.views([unit])[0][0]
    evidence: list[dict[str, Any]] = []
    for head, name in wanted:
        label = model.heads[head].labels.index(name)
        parts = _token_parts(model, head, label, seen, spots, len(words))
        rest = float(model.heads[head].bias[label])
        if model.shape_weights is not None and head in model.columns["shape"]:
            columns = model.columns["shape"][head]
            rest += float((shapes([unit.text], [unit.place]) @ model.shape_weights)[0, columns][label])
        rest += parts[-1]
        found = [
            {"label": name, "start": words[i][0], "end": words[i][1], "weight": round(float(parts[i]), 6)}
            for i in np.argsort(-np.abs(parts[:-1]), kind="stable")
            if abs(parts[i]) > 5e-7
        ]
        evidence.extend([*found, {"label": name, "start": 0, "end": 0, "weight": round(rest, 6)}])
    return evidence


def _masked_spots(count: int, mentions: list[Mention]) -> list[tuple[int, ...]]:
    """Return, for each token of the masked view, the words of the text that it stands for."""
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
        "words": _ngram_spots(seen.tokens, plain),
        "masked": _ngram_spots(seen.masked, spots),
        "relations": _relation_spots(seen.masked, spots),
    }
    for block, bag in model.bags.items():
        columns = model.columns[block].get(head)
        if columns is not None:
            _share(parts, bag, columns.start + label, occurrences[block])
    if model.subwords is not None and head in model.columns["subwords"]:
        column = model.columns["subwords"][head].start + label
        tokens = list(enumerate(seen.tokens))
        if head == "stance":
            tokens = [(spot[0], token) for token, spot in zip(seen.masked, spots, strict=True) if token[0] != "<"]
        counts = Counter(token for _, token in tokens)
        for index, token in tokens:
            frequency = (1.0 + np.log(counts[token])) / np.sqrt(max(1, len(tokens)))
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


def _relation_spots(masked: list[str], spots: list[tuple[int, ...]]) -> list[Occurrence]:
    return [
        (term, tuple(word for spot in spots[first:last] for word in spot) or (-1,))
        for term, first, last in placed_relations(masked)
    ]
