"""A batch of paragraphs as arrays: its words, its sentences and what belongs to what.

The rows that scores are given to are the paragraphs and, behind them, the sentences of those that have several.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict import unicode
from parastance.predict.characters import Characters, Indices, read
from parastance.predict.keytable import NONE, Ids
from parastance.predict.lexicon import FLAGS, Lexicon
from parastance.predict.marks import STOP, Marks, marks
from parastance.predict.sentences import END, SHORTEST


@dataclass(frozen=True)
class Passages:
    """starts, ends: of the words, in characters; words: their numbers in the lexicon; marks: what stands between them;
    sentence_ends: in words; owner: the paragraph of each sentence."""

    characters: Characters
    lexicon: Lexicon
    starts: Indices
    ends: Indices
    words: Ids
    marks: Marks
    sentence_ends: Indices
    owner: Indices

    @cached_property
    def sentence(self) -> Ids:
        """The sentence of each word, int32."""
        return np.repeat(np.arange(len(self.owner), dtype=np.int32), np.diff(self.sentence_ends, prepend=0))

    @cached_property
    def paragraph(self) -> Indices:
        """The paragraph of each word."""
        return self.owner[self.sentence]

    @cached_property
    def flags(self) -> Ids:
        """What each word looks like, see `lexicon`."""
        return self.lexicon.of(FLAGS, self.words)

    @cached_property
    def word_ends(self) -> Indices:
        """Where the words of each paragraph end."""
        return self.sentence_ends.take(np.append(self.sentence_starts[1:], len(self.owner)) - 1)

    @cached_property
    def word_starts(self) -> Indices:
        """Where the words of each paragraph start."""
        return np.concatenate([np.zeros(1, np.int64), self.word_ends[:-1]])

    @cached_property
    def sentence_starts(self) -> Indices:
        """The first sentence of each paragraph."""
        return np.searchsorted(self.owner, np.arange(len(self)))

    @cached_property
    def lengths(self) -> Indices:
        """The number of words in each row."""
        words = np.diff(self.sentence_ends, prepend=0)
        return np.concatenate([np.add.reduceat(words, self.sentence_starts), words[self.row != NONE]])

    @cached_property
    def row(self) -> Indices:
        """The row of each sentence, -1 where it is all of its paragraph."""
        several = np.bincount(self.owner, minlength=len(self))[self.owner] > 1
        return np.where(several, len(self) + np.cumsum(several) - 1, NONE)

    @cached_property
    def rows(self) -> int:
        """The number of rows."""
        return len(self) + int((self.row != NONE).sum())

    def total(self, of_words: NDArray[Any]) -> Indices:
        """Return the sum of what each word has, by paragraph."""
        found, filled = np.zeros(len(self), np.int64), np.flatnonzero(self.word_ends > self.word_starts)
        if len(filled):
            found[filled] = np.add.reduceat(of_words, self.word_starts.take(filled), dtype=np.int64)
        return found

    def tally(self, sentences: Ids) -> Indices:
        """Return how many of some sentences, which may come several times, belong to each row."""
        rows = self.row.take(sentences)
        return np.bincount(np.concatenate([self.owner.take(sentences), rows[rows != NONE]]), minlength=self.rows)

    def __len__(self) -> int:
        return len(self.characters.starts)

    @cached_property
    def lower(self) -> NDArray[np.bool_]:
        """Which paragraphs have small letters."""
        return np.asarray(self.characters.within(self.characters.starts) & unicode.LOWER != 0)

    @cached_property
    def cased(self) -> NDArray[np.bool_]:
        """Which paragraphs have small letters, and capitals behind their first character."""
        behind_first = np.minimum(self.characters.starts + 1, self.characters.ends)
        return np.asarray(self.lower & (self.characters.within(behind_first) & unicode.UPPER != 0))


def passages(texts: Sequence[str], lexicon: Lexicon) -> Passages:
    """Return some texts as arrays."""
    characters = read(texts)
    in_word = characters.classes & unicode.WORD != 0
    edges = np.flatnonzero(in_word[1:] != in_word[:-1]) + 1
    starts, ends = edges[::2].copy(), edges[1::2].copy()
    between = marks(characters, starts, ends)
    cuts, owner = sentence_ends(characters, between.of(STOP))
    words = lexicon.words(characters, starts, ends)
    return Passages(characters, lexicon, starts, ends, words, between, np.searchsorted(starts, cuts), owner)


def sentence_ends(characters: Characters, stops: Indices) -> tuple[Indices, Indices]:
    """Return (where the sentences of the texts end, in characters, the text of each), as `sentences.split_sentences` has them.

    stops: where the marks stand that may end one.
    """
    classes, text = characters.classes, characters.text
    before, after, next_ = classes[stops - 1], classes[stops + 1], classes[stops + 2]
    inside = (before & unicode.BEFORE) | ((before & unicode.CLOSE != 0) * (classes[stops - 2] & unicode.BEFORE)) != 0
    blank = (after & unicode.SPACE != 0) & inside
    odd = (after & unicode.CLOSE != 0) | (blank & (next_ & (unicode.SPACE | unicode.OPEN) != 0))
    ends = np.where(blank & ~odd & (next_ & unicode.AFTER != 0), stops + 2, 0)
    for at in np.flatnonzero(odd).tolist():  # quotations and the like
        match = END.match(text, int(stops[at]))
        ends[at] = match.end() if match else 0
    found = ends[ends > 0]
    owner = np.searchsorted(characters.starts, found, "right") - 1
    starts = characters.starts.take(owner)
    kept = found - np.maximum(starts, np.append(0, found)[:-1]) >= SHORTEST
    last = 0
    for at in np.flatnonzero(~kept).tolist():  # those that are kept only if the one before is not
        if at and kept[at - 1]:
            last = found[at - 1]
        kept[at] = found[at] - max(starts[at], last) >= SHORTEST
    cuts = np.concatenate([found[kept], characters.ends])
    owners = np.concatenate([owner[kept], np.arange(len(characters.ends))])
    order = np.argsort(owners, kind="stable")
    return cuts[order], owners[order]
