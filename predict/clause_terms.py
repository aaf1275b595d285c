"""The terms of the targets' clauses of a batch of paragraphs: what `clauses` spells out, in linear time however many mentions
there are in one clause.
"""

import numpy as np
from numpy.typing import NDArray

from parastance.predict.clauses import CONJUNCTIONS, FULL
from parastance.predict.features import MARKS
from parastance.predict.keytable import NONE, Ids
from parastance.predict.marks import PARTS
from parastance.predict.masked import Masked
from parastance.predict.occurrences import Occurrences
from parastance.predict.passages import Passages
from parastance.predict.term_table import TARGET_ROLE, TermTable

SIDES = ("c", "l", "r")  # kinds of the words of a clause: all, those left and those right of a mention
PARTERS = (*MARKS, FULL, *sorted(CONJUNCTIONS))  # the tokens that say by what clauses are parted


class Clauses:
    """A table's kinds of clauses, and the terms of these kinds in a batch."""

    def __init__(self, table: TermTable, tokens: dict[str, int]) -> None:
        """tokens: the vocabulary, PARTERS among them."""
        self.table = table
        self._marks = np.array([NONE, *(tokens[mark] for mark in MARKS)], np.int32)
        self._full = tokens[FULL]
        self._parts = np.zeros(len(table.local), np.bool_)
        self._parts[[tokens[word] for word in CONJUNCTIONS]] = True
        self._kinds = {kind: table.row("clauses", kind) for kind in (*SIDES, "<", ">")}

    def find(self, seen: Passages, masked: Masked, found: Occurrences) -> None:
        """Add the terms of `clauses.clauses`; only the sentences that name the target are looked at."""
        targets = masked.places[masked.roles == TARGET_ROLE]
        naming = np.zeros(masked.views * len(seen.owner) + 1, np.bool_)  # one more for no sentence
        naming[masked.sentence.take(targets[targets < masked.length])] = True
        here = np.flatnonzero(naming.take(masked.sentence[: masked.length]))
        tokens, sentence = masked.tokens.take(here), masked.sentence.take(here)
        conjunction = self._parts.take(tokens)
        edge = self._edges(seen, masked.words.take(here), tokens, sentence, conjunction)
        broken = (edge[:-1] != NONE) | conjunction
        clause = np.cumsum(broken) - 1  # a conjunction is one of its own
        starts = np.append(np.flatnonzero(broken), len(here))
        target = tokens == TARGET_ROLE
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(target)])
        left = before[:-1] - before.take(starts.take(clause))  # the targets of the clause that stand left and right of each token
        right = before.take(starts.take(clause + 1)) - before[1:]
        at = np.flatnonzero(left + right)
        local, words = self.table.local.take(tokens.take(at)), np.full((len(at), len(SIDES)), NONE, np.int32)
        for column, (kind, holds) in enumerate(zip(SIDES, (left + right, right, left), strict=True)):
            those = np.flatnonzero(holds.take(at))
            words[those, column] = self.table.singles.take(self._kinds[kind] + local.take(those))
        found.add("clauses", words, sentence.take(at))
        named = clause[target]
        named = named[np.diff(named, prepend=NONE) != 0]
        first, last = starts.take(named), starts.take(named + 1)
        behind = np.where(edge.take(last) == NONE, np.append(tokens, NONE).take(last), edge.take(last))
        for kind, by in (("<", edge.take(first)), (">", behind)):
            found.add("clauses", self.table.singles.take(self._kinds[kind] + self.table.local.take(by)), sentence.take(first))

    def _edges(
        self, seen: Passages, words: Ids, tokens: Ids, sentence: Ids, conjunction: NDArray[np.bool_]
    ) -> Ids:
        """Return by what each token is parted from the one before, -1 for nothing; one more for the end."""
        edge = np.full(len(tokens) + 1, NONE, np.int32)
        behind = np.flatnonzero(conjunction)
        edge[behind + 1] = tokens.take(behind)
        parts = seen.marks.kinds >> PARTS
        parting = np.flatnonzero(parts)[::-1]  # of several between two words the first counts, which is assigned last
        kinds = np.zeros(len(seen.words) + 1, np.uint16)
        kinds[seen.marks.word.take(parting)] = parts.take(parting)
        marked = kinds.take(words)
        at = np.flatnonzero(marked)
        edge[at] = self._marks.take(marked.take(at))
        edge[np.flatnonzero(np.diff(sentence, prepend=NONE))] = self._full
        edge[-1] = self._full
        return edge
