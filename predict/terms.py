"""The terms of a batch of paragraphs by number: what `features` spells out, for all paragraphs and their sentences at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from parastance.predict.actors import Mentions
from parastance.predict.characters import Indices
from parastance.predict.features import MANY, NAME, NEAR, REACH, WINDOW
from parastance.predict.keytable import NONE, KeyTable
from parastance.predict.masked import Masked, ranges
from parastance.predict.passages import Passages
from parastance.predict.targets import ROLES

TOKENS = (*ROLES, NAME)  # the first of a vocabulary
TARGET_ROLE = 0
_BITS = 28  # of a token in a key


def vocabulary() -> dict[str, int]:
    """Return the tokens that every model's terms may be made of."""
    return {token: at for at, token in enumerate(TOKENS)}


class TermTable:
    """The terms of a block: a kind (what stands before the colon, "" where there is no colon) and none, one or two tokens."""

    def __init__(self, terms: Sequence[str], tokens: dict[str, int], has_kinds: bool = True) -> None:
        """tokens: a vocabulary, to which those of the terms are added."""
        self.kinds: dict[str, int] = {}
        self._bare: dict[str, int] = {}
        keys = np.zeros(len(terms), np.uint64)
        for at, term in enumerate(terms):
            kind, colon, rest = term.partition(":") if has_kinds else ("", ":", term)
            words = [tokens.setdefault(word, len(tokens)) + 1 for word in rest.split(" ")] if rest else []
            if not words:
                self._bare[kind] = at
            first, second = (*words, 0, 0)[:2]
            keys[at] = self.kinds.setdefault(kind, len(self.kinds)) << 2 * _BITS | first << _BITS | second
        self._table = KeyTable()
        self._table.add(np.arange(len(terms), dtype=np.int32), keys)

    def keys(self, kinds: Indices, first: Indices, second: Indices | None = None) -> Indices:
        """Return the keys of terms, -1 where there can be none; kinds: see `kind`; first, second: tokens, -1 if unknown."""
        keys = kinds.astype(np.int64) << 2 * _BITS | (first.astype(np.int64) + 1) << _BITS
        possible = (kinds >= 0) & (first >= 0)
        if second is not None:
            keys |= second + 1
            possible &= second >= 0
        return np.where(possible, keys, NONE)

    def find(self, keys: Indices) -> Indices:
        """Return the numbers of terms by their keys, -1 where there is none."""
        at = np.flatnonzero(keys >= 0)
        found = np.full(len(keys), NONE, np.int64)
        found[at] = self._table.find(keys[at].view(np.uint64))
        return found

    def bare(self, name: str) -> int:
        """Return the number of the term that is a kind without tokens, -1 where there is none."""
        return self._bare.get(name, NONE)

    def kind(self, name: str) -> int:
        """Return the number of a kind, -1 where no term is of it."""
        return self.kinds.get(name, NONE)


class Rows:
    """Terms found in a batch, and the rows that they count in."""

    def __init__(self, seen: Passages) -> None:
        self.seen = seen
        self._parts: list[tuple[Indices, Indices]] = []

    def add(self, terms: Indices, sentence: Indices, inside: NDArray[np.bool_] | None = None) -> None:
        """Count terms, -1 for none, in their sentence, unless not inside one, and in its paragraph."""
        known = np.flatnonzero(terms >= 0)
        terms, sentence = terms[known], sentence[known]
        self._parts.append((terms, self.seen.owner[sentence]))
        row = self.seen.row[sentence]
        here = np.flatnonzero(row >= 0 if inside is None else (row >= 0) & inside[known])
        self._parts.append((terms[here], row[here]))

    def put(self, terms: Indices, rows: Indices) -> None:
        """Count terms in rows; -1, of either: none."""
        good = np.flatnonzero((terms >= 0) & (rows >= 0))
        self._parts.append((terms[good], rows[good]))

    def either(self, yes: NDArray[np.bool_], then: int, otherwise: int) -> None:
        """Count a term in each paragraph and sentence, by whether something holds of its sentences."""
        seen = self.seen
        paragraphs = np.bincount(seen.owner[yes], minlength=len(seen)) > 0
        self.put(np.where(paragraphs, then, otherwise), np.arange(len(seen)))
        self.put(np.where(yes, then, otherwise), seen.row)

    def all(self) -> tuple[Indices, Indices]:
        """Return (the row of each, terms)."""
        terms, rows = (np.concatenate([part[at] for part in self._parts] or [np.zeros(0, np.int64)]) for at in (0, 1))
        return rows, terms


def ngrams(seen: Passages, masked: Masked, unigrams: Indices, bigrams: TermTable) -> Rows:
    """Return the terms of `features.ngrams`; unigrams: by token, -1 for none, which is the last as well."""
    rows, tokens, sentence = Rows(seen), masked.tokens, masked.sentence
    rows.add(unigrams[tokens], sentence)
    together = np.ones(len(tokens), np.bool_)
    together[masked.ends[masked.ends > 0] - 1] = False
    pairs = bigrams.keys(np.where(together[:-1], 0, NONE), tokens[:-1], tokens[1:])
    rows.add(bigrams.find(pairs), sentence[:-1], sentence[1:] == sentence[:-1])
    return rows


def relations(seen: Passages, masked: Masked, table: TermTable) -> Rows:
    """Return the terms of `features.relations`."""
    rows = _rows_of(seen, table, _related(Actors(seen, masked, table)))
    rows.either(_named(seen, masked), table.bare("named"), table.bare("unnamed"))
    return rows


def frames(seen: Passages, masked: Masked, table: TermTable, counts: Indices) -> Rows:
    """Return the terms of `features.frames`; masked: with names framed; counts: the tokens that write 0, 1 to MANY."""
    actors = Actors(seen, masked, table)
    sides = (("LL", -2, 1), ("RR", 1, 1), ("LR", -1, 2))
    beside = [actors.around(table.kind(side), actors.targets, np.array([first]), step) for side, first, step in sides]
    rows = _rows_of(seen, table, [*_related(actors), *beside])
    rows.either(_named(seen, masked), table.bare("named"), table.bare("unnamed"))
    assert masked.names is not None
    numbers = table.find(table.keys(np.full(MANY + 1, table.kind("names")), counts))
    of_paragraph = np.bincount(seen.owner, masked.names, minlength=len(seen)).astype(np.int64)
    rows.put(numbers[np.minimum(of_paragraph, MANY)], np.arange(len(seen)))
    rows.put(numbers[np.minimum(masked.names, MANY)], seen.row)
    return rows


def own_names(seen: Passages, masked: Masked, tokens: Indices, mentions: Mentions, table: TermTable) -> Rows:
    """Return the terms of `features.own_names`; tokens: of the words, not masked."""
    rows, kind = Rows(seen), table.kind("T")
    mine = mentions.kept(mentions.role == TARGET_ROLE)
    for more in (0, 1):
        word = ranges(mine.first, mine.last - more)
        keys = table.keys(np.full(len(word), kind), tokens[word], tokens[word + 1] if more else None)
        rows.add(table.find(keys), seen.sentence[word])
    rows.either(_named(seen, masked), NONE, table.bare("T"))
    return rows


Placed = tuple[Indices, Indices, NDArray[np.bool_]]  # terms by key, the sentence of each, and whether it lies inside it


def _rows_of(seen: Passages, table: TermTable, parts: list[Placed]) -> Rows:
    keys, sentence, inside = (np.concatenate(part) for part in zip(*parts, strict=True))
    rows = Rows(seen)
    rows.add(table.find(keys), sentence, inside)
    return rows


def _related(actors: "Actors") -> list[Placed]:
    """Return what stands around the target and other roles, and between the target and its neighbours."""
    table, targets = actors.table, actors.targets
    parts = actors.between()
    for side, offsets in (("L", np.arange(-WINDOW, 0)), ("R", np.arange(1, WINDOW + 1))):
        parts += [actors.around(table.kind(side), targets, offsets), actors.around(table.kind(side), targets, offsets[:-1], 1)]
    others = np.flatnonzero(actors.masked.roles != TARGET_ROLE)
    for side, offsets in (("l", np.arange(-NEAR, 0)), ("r", np.arange(1, NEAR + 1))):
        kinds = np.array([table.kind(f"{role}{side}") for role in TOKENS])[actors.masked.roles[others]]
        parts.append(actors.around(kinds, others, offsets, words_only=True))
    return parts


class Actors:
    """The actors of a batch, and a block's terms that hang on them."""

    def __init__(self, seen: Passages, masked: Masked, table: TermTable) -> None:
        self.masked, self.table = masked, table
        self.sentence = masked.sentence[masked.places]
        self.paragraph = seen.owner[self.sentence]
        self.targets = np.flatnonzero(masked.roles == TARGET_ROLE)

    def around(
        self, kinds: Indices | int, chosen: Indices, offsets: Indices, pair: int = 0, words_only: bool = False
    ) -> Placed:
        """Return the terms of some kinds made of what stands at some offsets from the chosen actors, in the same paragraph.

        pair: how far behind it the second token of a pair stands, 0 for single tokens; words_only: other actors make no term.
        """
        masked, sentence, paragraph = self.masked, self.sentence[chosen], self.paragraph[chosen]
        at = masked.places[chosen, np.newaxis] + offsets
        good = (at >= masked.starts[paragraph, np.newaxis]) & (at + pair < masked.ends[paragraph, np.newaxis])
        which, first = np.nonzero(good)[0], at[good]
        tokens, sentence = masked.tokens[first], sentence[which]
        if words_only:
            tokens = np.where(tokens < len(TOKENS), NONE, tokens)
        inside, second = masked.sentence[first] == sentence, None
        if pair:
            second = masked.tokens[first + pair]
            inside &= masked.sentence[first + pair] == sentence
        return self.table.keys(np.broadcast_to(kinds, len(chosen))[which], tokens, second), sentence, inside

    def between(self) -> list[Placed]:
        """Return the pairs of neighbouring actors of which one is the target, and the words between them."""
        places, roles, table = self.masked.places, self.masked.roles, self.table
        near = (places[1:] - places[:-1] <= REACH) & (self.paragraph[1:] == self.paragraph[:-1])
        first = np.flatnonzero(near & ((roles[1:] == TARGET_ROLE) | (roles[:-1] == TARGET_ROLE)))
        kinds = np.array([table.kind(f"{one}>{other}") for one in TOKENS for other in TOKENS], np.int64)
        kinds = kinds[roles[first] * len(TOKENS) + roles[first + 1]]
        sentence, inside = self.sentence[first], self.sentence[first] == self.sentence[first + 1]
        at = places[first, np.newaxis] + np.arange(1, REACH)
        good = at < places[first + 1, np.newaxis]
        which = np.nonzero(good)[0]
        words = table.keys(kinds[which], self.masked.tokens[at[good]])
        bare = np.where(kinds >= 0, kinds << 2 * _BITS, NONE)
        return [(bare, sentence, inside), (words, sentence[which], inside[which])]


def _named(seen: Passages, masked: Masked) -> NDArray[np.bool_]:
    """Return which sentences name the target."""
    targets = masked.places[masked.roles == TARGET_ROLE]
    return np.bincount(masked.sentence[targets], minlength=len(seen.owner)) > 0
