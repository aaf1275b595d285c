"""A batch of paragraphs with every mention of an actor as one role token: what `features.view` makes, for all at once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from parastance.predict.actors import Mentions
from parastance.predict.characters import Indices, ranges
from parastance.predict.keytable import NONE, Ids
from parastance.predict.lexicon import FIRST_PERSON, UPPER
from parastance.predict.marks import START
from parastance.predict.passages import Passages
from parastance.predict.term_table import NAME_ROLE, TOKENS


@dataclass(frozen=True)
class Masked:
    """A batch seen in one or two ways, as though it were twice as long: masked, and with every run of names as one token as well.

    tokens: int32, in a vocabulary whose first ones are the role tokens; words: the first word of each; sentence: of each, those of
    the second view being numbered behind those of the first; ends: of each paragraph, in tokens; length: of the first view.
    The first token of all is none and of no sentence: what lies outside a paragraph may be looked up there.
    """

    tokens: Ids
    words: Ids
    sentence: Ids
    ends: Indices
    length: int
    views: int

    @cached_property
    def places(self) -> Indices:
        """Which tokens are role tokens."""
        return np.flatnonzero(self.tokens.view(np.uint32) < len(TOKENS))

    @cached_property
    def roles(self) -> Ids:
        """The roles of those."""
        return self.tokens.take(self.places)

    @property
    def starts(self) -> Indices:
        """Where the paragraphs start."""
        return np.concatenate([np.ones(1, np.int64), self.ends[:-1]])


def mask(seen: Passages, tokens: Ids, mentions: Mentions, framed: bool) -> Masked:
    """Return a batch masked; tokens: the vocabulary's numbers of its words; framed: in both ways; see `features.framed`."""
    kept = np.ones(len(tokens), np.bool_)
    long = np.flatnonzero(mentions.last - mentions.first > 1)
    kept[ranges(mentions.first[long] + 1, mentions.last[long])] = False
    tokens = tokens.copy()
    tokens[mentions.first] = mentions.role
    views, sentences = [(tokens, kept)], [seen.sentence]
    if framed:
        name = capitals(seen) & kept
        name[mentions.first] = False
        first = kept.copy()
        first[1:] &= ~(name[1:] & name[:-1])
        tokens = tokens.copy()
        tokens[np.flatnonzero(name)] = NAME_ROLE
        views.append((tokens, first))
        sentences.append(seen.sentence + np.int32(len(seen.owner)))
    every, kept = (np.concatenate(part) for part in zip(*views, strict=True))
    left = np.flatnonzero(kept)
    before = np.concatenate([np.ones(1, np.int64), 1 + np.cumsum(kept)])
    ends = np.concatenate([before.take(seen.word_ends + at * len(seen.words)) for at in range(len(views))])
    words = left.astype(np.int32)
    length = int(ends[len(seen) - 1])
    words[length - 1 :] -= len(seen.words)
    return Masked(_led(every.take(left)), _led(words), _led(np.concatenate(sentences).take(left)), ends, length, len(views))


def _led(values: Ids) -> Ids:
    return np.concatenate([np.full(1, NONE, np.int32), values])


def capitals(seen: Passages) -> NDArray[np.bool_]:
    """Return which words are written like names; see `features.capitals`."""
    found = seen.flags & (UPPER | FIRST_PERSON) == UPPER
    found &= seen.lower.take(seen.paragraph)
    behind = np.concatenate([seen.word_starts, seen.sentence_ends, seen.marks.word[seen.marks.kinds & START != 0]])
    found[behind[behind < len(found)]] = False
    return np.asarray(found)
