"""An index of texts that tells whether a new one is nearly equal to one of them.

Near-duplicates as in `folds`: Jaccard similarity of word 5-grams above 0.5, looked for among the texts that share one of their
eight smallest hashed 5-grams, then compared exactly. Kept are the texts and eight numbers each.
"""

from collections import defaultdict

from parastance.predict.tokens import tokenize
from parastance.train.folds import CROWD, SHINGLE, SIMILAR, SKETCH, shingles


class NearIndex:
    """Texts by number, in the order they were added."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._by_gram: dict[int, list[int]] = defaultdict(list)
        self._by_tokens: dict[str, int] = {}

    def find(self, text: str) -> tuple[int, float] | None:
        """Return (number, similarity) of the most similar near-duplicate among the texts, the first of equals; None if none."""
        same = self._by_tokens.get(_bare(text))
        if same is not None:
            return same, 1.0
        grams = shingles(text)
        rows = {row for gram in sorted(grams)[:SKETCH] for row in self._by_gram.get(gram, ())[:CROWD]}
        best: tuple[int, float] | None = None
        for row in sorted(rows):
            other = shingles(self.texts[row])
            alike = len(grams & other) / len(grams | other)
            if alike > max(SIMILAR, best[1] if best else 0.0):
                best = row, alike
        return best

    def add(self, text: str) -> int:
        """Add a text and return its number; an equal text gets a number but is not looked up again."""
        number = len(self.texts)
        self.texts.append(text)
        if self._by_tokens.setdefault(_bare(text), number) == number:
            for gram in sorted(shingles(text))[:SKETCH]:
                self._by_gram[gram].append(number)
        return number


def _bare(text: str) -> str:
    return " ".join(tokenize(text))


def similarity(a: str, b: str) -> float:
    """Return the Jaccard similarity of two texts' word 5-grams; of their words where one is shorter than that."""
    if min(len(tokenize(a)), len(tokenize(b))) < SHINGLE:
        return float(_bare(a) == _bare(b))
    left, right = shingles(a), shingles(b)
    return len(left & right) / len(left | right)
