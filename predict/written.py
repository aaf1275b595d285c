"""The blocks that see a paragraph as it is written (see `surface` and `dictionary`), scored by NumPy beside any implementation.

They are for few rows to learn from, and no shipped model has them: the kernel knows nothing of them, and a model without them pays
nothing. A paragraph is one line to them, which each of its sentences is seen in: what they say counts with it and with its
strongest sentence alike.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.artifact import unpack_terms
from parastance.predict.dictionary import Dictionary
from parastance.predict.scorer import Bag, Matrix, Scored
from parastance.predict.sentences import SHARE
from parastance.predict.surface import Placed, spelled, spelling, surface
from parastance.predict.targets import Registry

if TYPE_CHECKING:
    from parastance.predict.blocks import Blocks
    from parastance.predict.kernel import Scorer
    from parastance.predict.model import Unit

Analyser = Callable[[str], Iterator[Placed]]
KEPT = 50_000  # runs whose n-grams are kept


def analyser(block: str, dictionary: Dictionary | None = None) -> Analyser:
    """Return what makes a block's terms of a text; the categories need their dictionary."""
    if dictionary is not None:
        return dictionary.terms
    return {"surface": surface, "spelling": spelling}[block]


class WrittenBag:
    """One of the blocks: a TF-IDF block of the terms of texts. For any number of threads."""

    def __init__(self, block: str, table: Mapping[str, Any], weights: NDArray[np.float32]) -> None:
        """table: the artifact's entry; weights: float32 of shape (terms, labels)."""
        self.block = block
        self.bag = Bag(unpack_terms(table["terms"]), table["idf"], weights)
        words = Dictionary.of_lines(unpack_terms(table["dictionary"])) if "dictionary" in table else None
        self.placed = analyser(block, words)
        self._runs: dict[str, list[int]] = {}

    def score(self, texts: Iterable[str]) -> Matrix:
        """Return the scores of n texts, float64 of shape (n, labels)."""
        return self.bag.score_counts([self._counted(text) for text in texts])

    def _counted(self, text: str) -> Counter[int]:
        if self.block != "spelling":
            return Counter(self.bag.look_up(term for term, _ in self.placed(text)))
        found: Counter[int] = Counter()
        for run in text.split():
            found.update(self._of_run(run))
        return found

    def _of_run(self, run: str) -> list[int]:
        found = self._runs.get(run)
        if found is None:
            found = self.bag.look_up(spelled(run))
            if len(self._runs) < KEPT:
                self._runs[run] = found
        return found


def pooled(blocks: "Blocks", said: Matrix) -> Matrix:
    """Return what these blocks add to scores with the strongest sentences' share, of what they add to the paragraphs' own.

    said: float64 of shape (n, width). As `sentences.strongest` has it where every sentence is given what its paragraph is.
    """
    found = said.copy()
    for name, head in blocks.heads.items():
        if head.pooled and name != "kind":
            own = said[:, blocks.columns[name]]
            own = own if head.reference is None else own - own[:, [head.reference]]
            found[:, blocks.columns[name]] = (1.0 + SHARE) * own
    return found


class WithWritten:
    """Scores units by all blocks of an artifact, those of the text as it is written being added to what another scorer says."""

    def __init__(self, blocks: "Blocks", others: "Scorer") -> None:
        self.blocks, self.others = blocks, others

    def score(self, units: Sequence["Unit"], registry: Registry, pool: bool) -> Scored:
        """Return the scores of some units; see `kernel.Scorer`."""
        return self._added(self.others.score(units, registry, pool), [unit.text for unit in units], pool)

    def score_texts(self, texts: list[str], registry: Registry, target: str) -> Scored:
        """Return the scores of some texts; see `kernel.Scorer`."""
        return self._added(self.others.score_texts(texts, registry, target), texts, True)

    def _added(self, scored: Scored, texts: Sequence[str], pool: bool) -> Scored:
        said = self.blocks.written_scores(texts)
        return Scored(scored.scores + (pooled(self.blocks, said) if pool else said), scored.known, scored.named)
