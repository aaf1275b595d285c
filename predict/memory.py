"""What one thread has met of words: their numbers and scores, each computed once and kept while there is room."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parastance.predict.actors import Known
from parastance.predict.characters import Indices
from parastance.predict.grams import Grams
from parastance.predict.keytable import NONE
from parastance.predict.lexicon import Lexicon
from parastance.predict.passages import Passages, passages
from parastance.predict.sums import Table, rounded


@dataclass(frozen=True)
class WordBlocks:
    """The blocks that see words as they are.

    numbers: of the tokens of the model's vocabulary; grams: the subword block; term: the notion that each token of the vocabulary
    is, -1 for none, which is the last as well; idf: of the notions; table: their weights times idf, of shape (notions, labels).
    """

    numbers: dict[str, int]
    grams: Grams | None
    term: Indices
    idf: NDArray[np.float32]
    table: Table


class Memory:
    """The lexicon of one thread, the aliases in its numbers, and what is known of its tokens.

    number: int64 (tokens,), in the model's vocabulary, -1 for none; scores: float32 (tokens, labels), of the subwords and, behind
    `split`, of the notions, each times its idf, rounded (see `sums`); idf: float32 (tokens,), of the notions, 0 for none.
    """

    def __init__(self, blocks: WordBlocks) -> None:
        self.lexicon, self.aliases = Lexicon(), Known()
        self.split = blocks.grams.labels if blocks.grams else 0
        self.number, self.idf = np.zeros(0, np.int64), np.zeros(0, np.float32)
        self.scores = np.zeros((0, self.split + blocks.table.shape[1]), np.float32)
        self._blocks, self._met = blocks, 0

    def read(self, texts: Sequence[str]) -> Passages:
        """Return some texts as arrays, the tokens that are new in them looked at."""
        seen = passages(texts, self.lexicon)
        if len(self.lexicon.tokens) > self._met:
            self._look_at(self.lexicon.tokens[self._met :])
        return seen

    def _look_at(self, tokens: Sequence[str]) -> None:
        blocks, end = self._blocks, self._met + len(tokens)
        if end > len(self.number):
            room = max(2 * len(self.number), end)
            self.number, self.idf = np.resize(self.number, room), np.resize(self.idf, room)
            self.scores = np.concatenate([self.scores, np.zeros((room - len(self.scores), self.scores.shape[1]), np.float32)])
        new, self._met = slice(self._met, end), end
        self.number[new] = [blocks.numbers.get(token, NONE) for token in tokens]
        if blocks.grams is not None:
            self.scores[new, : self.split] = rounded(blocks.grams.scores(tokens))
        notion = blocks.term[self.number[new]]
        self.idf[new] = 0.0
        known = np.flatnonzero(notion >= 0)
        self.idf[new.start + known] = blocks.idf[notion[known]]
        self.scores[new.start + known, self.split :] = rounded(blocks.table[notion[known]])
