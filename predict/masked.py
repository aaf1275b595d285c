"""A batch of paragraphs with every mention of an actor as one role token: what `features.view` makes, for all at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parastance.predict.actors import Mentions
from parastance.predict.characters import Indices
from parastance.predict.features import STARTS
from parastance.predict.lexicon import FIRST_PERSON, FLAGS, UPPER
from parastance.predict.passages import Passages
from parastance.predict.targets import ROLES

NAME_ROLE = len(ROLES)  # of a run of names, which counts as an actor where names are framed


@dataclass(frozen=True)
class Masked:
    """tokens: numbers in a vocabulary whose first ones are the role tokens; words: the first word of each token; sentence: of each
    token; places, roles: which tokens are role tokens, and the role of each; starts, ends: of each paragraph, in tokens; names: how
    many in each sentence.
    """

    tokens: Indices
    words: Indices
    sentence: Indices
    places: Indices
    roles: Indices
    starts: Indices
    ends: Indices
    names: Indices | None = None


def mask(seen: Passages, tokens: Indices, mentions: Mentions) -> Masked:
    """Return a batch masked; tokens: the vocabulary's numbers of its words."""
    kept = np.ones(len(tokens), np.bool_)
    long = np.flatnonzero(mentions.last - mentions.first > 1)
    kept[ranges(mentions.first[long] + 1, mentions.last[long])] = False
    tokens = tokens.copy()
    tokens[mentions.first] = mentions.role
    return _masked(seen, tokens, kept, mentions.first, mentions.role)


def framed(seen: Passages, tokens: Indices, mentions: Mentions) -> Masked:
    """Return a batch masked, with every run of names as one token; see `features.framed`."""
    in_mention = np.zeros(len(tokens), np.bool_)
    in_mention[ranges(mentions.first, mentions.last)] = True
    capital = capitals(seen) & ~in_mention
    running = capital & np.concatenate([np.zeros(min(1, len(capital)), np.bool_), capital[:-1]])
    kept = ~in_mention & ~running
    kept[mentions.first] = True
    tokens = tokens.copy()
    tokens[mentions.first] = mentions.role
    tokens[capital] = NAME_ROLE
    heads = np.flatnonzero(capital & ~running)
    words = np.concatenate([mentions.first, heads])
    order = np.argsort(words, kind="stable")
    roles = np.concatenate([mentions.role, np.full(len(heads), NAME_ROLE)])
    names = np.bincount(seen.sentence[heads], minlength=len(seen.owner))
    return _masked(seen, tokens, kept, words[order], roles[order], names)


def _masked(
    seen: Passages, tokens: Indices, kept: NDArray[np.bool_], words: Indices, roles: Indices, names: Indices | None = None
) -> Masked:
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept)])
    starts, ends = before[seen.word_starts], before[seen.word_ends]
    left = np.flatnonzero(kept)
    return Masked(tokens[left], left, seen.sentence[left], before[words], roles, starts, ends, names)


def ranges(starts: Indices, ends: Indices) -> Indices:
    """Return all whole numbers from each start to before its end."""
    lengths = ends - starts
    behind = np.cumsum(lengths)
    return np.asarray(np.arange(int(behind[-1]) if len(behind) else 0) + np.repeat(starts - behind + lengths, lengths))


def capitals(seen: Passages) -> NDArray[np.bool_]:
    """Return which words are written like names; see `features.capitals`."""
    flags = seen.lexicon.of(FLAGS, seen.words)
    found = (flags & (UPPER | FIRST_PERSON) == UPPER) & seen.lower[seen.paragraph]
    found[seen.word_starts[seen.word_starts < len(found)]] = False
    found[seen.sentence_ends[seen.sentence_ends < len(found)]] = False
    next_ = np.searchsorted(seen.starts, seen.characters.places(STARTS))
    found[next_[next_ < len(found)]] = False
    return np.asarray(found)
