"""What one thread has met of words: their numbers and scores, each computed once and kept while there is room."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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

    numbers: of the tokens of the model's vocabulary; grams: the subword block; notion: which each token of the vocabulary is, -1
    for none, which is the last as well; table: of the notions, see `sums.weighted`.
    """

    numbers: dict[str, int]
    grams: Grams | None
    notion: Indices
    table: Table


class Memory:
    """The lexicon of one thread, the aliases in its numbers, and what is known of its tokens.

    number: int32 (tokens,), in the model's vocabulary, -1 for none; table: float32 (tokens, columns), the scores of the subwords
    and, behind `split`, which is even, what the notions' table has, rounded (see `sums`).
    """

    def __init__(self, blocks: WordBlocks) -> None:
        self.lexicon, self.aliases = Lexicon(), Known()
        self._labels = blocks.grams.labels if blocks.grams else 0
        self.split = self._labels + self._labels % 2
        self.number = np.zeros(0, np.int32)
        self.table = np.zeros((0, self.split + blocks.table.shape[1]), np.float32)
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
            self.number = np.resize(self.number, room)
            self.table = np.concatenate([self.table, np.zeros((room - len(self.table), self.table.shape[1]), np.float32)])
        new, self._met = slice(self._met, end), end
        self.number[new] = [blocks.numbers.get(token, NONE) for token in tokens]
        if blocks.grams is not None:
            self.table[new, : self._labels] = rounded(blocks.grams.scores(tokens))
        self.table[new, self.split :] = blocks.table.take(blocks.notion.take(self.number[new]), axis=0)
