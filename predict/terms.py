"""The terms of a batch of paragraphs that are words: what `features` spells out, for all paragraphs and their sentences at once."""

import numpy as np

from parastance.predict.actors import Mentions
from parastance.predict.characters import ranges
from parastance.predict.keytable import NONE, Ids, Keys
from parastance.predict.masked import Masked
from parastance.predict.occurrences import Occurrences
from parastance.predict.passages import Passages
from parastance.predict.term_table import FIRST, TARGET_ROLE, TermTable


def ngrams(masked: Masked, table: TermTable, found: Occurrences) -> None:
    """Add the terms of `features.ngrams`."""
    tokens, sentence = masked.tokens[1 : masked.length], masked.sentence[1 : masked.length]
    found.add("masked", table.unigrams.take(tokens), sentence)
    keys = pair_keys(tokens, table.pair("masked", ""))
    last = masked.ends[masked.ends < masked.length] - 2  # of each paragraph, which is no pair with the next one's first
    keys[last[last >= 0]] = 0
    found.add("masked", table.pairs(keys), sentence[:-1], sentence[1:] == sentence[:-1])


def pair_keys(tokens: Ids, kind: int) -> Keys:
    """Return the keys of the pairs of neighbouring tokens, see `TermTable.pairs`."""
    numbers = (tokens + 1).astype(np.uint64)
    keys: Keys = numbers[:-1] << np.uint64(FIRST)
    keys |= numbers[1:]
    keys |= np.uint64(kind)
    return keys


def own_names(seen: Passages, tokens: Ids, mentions: Mentions, table: TermTable, found: Occurrences) -> None:
    """Add the terms of `features.own_names`; tokens: of the words, not masked."""
    mine = mentions.kept(mentions.role == TARGET_ROLE)
    words = ranges(mine.first, mine.last)
    places = table.row("names", "T") + table.local.take(tokens.take(words))
    found.add("names", table.singles.take(places), seen.sentence.take(words))
    words = ranges(mine.first, mine.last - 1)
    keys = pair_keys(tokens, table.pair("names", "T")).take(words)
    found.add("names", table.pairs(keys), seen.sentence.take(words))
    named = seen.tally(seen.sentence.take(mine.first)) > 0
    found.put("names", np.where(named, NONE, table.bare("names", "T")))
