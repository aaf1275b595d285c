"""What stands between the words of a batch: marks, by what they say."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parastance.predict.characters import Characters, Indices, ranges
from parastance.predict.features import MARKS, PARTING, STARTS
from parastance.predict.shape import MARKS as SEPARATORS

(START, STOP, COLON, AT, COPYRIGHT, COMMA, QUOTATION, QUESTION, BRACKET, SEPARATOR) = (1 << bit for bit in range(10))
PARTS = 10  # bits below the kind of a parting mark: 1 and its place in `features.MARKS`, else 0
_MEMBERS = {
    START: STARTS, STOP: ".!?", COLON: ":", AT: "@", COPYRIGHT: "©", COMMA: ",", QUOTATION: "\"“”«»", QUESTION: "?", BRACKET: "([",
    SEPARATOR: SEPARATORS,
}  # fmt: skip


def _table() -> NDArray[np.uint16]:
    """Return the bits of a mark by its code point; the last is for all others."""
    found = np.zeros(2 + max(ord(mark) for marks in (*_MEMBERS.values(), PARTING) for mark in marks), np.uint16)
    for bit, marks in _MEMBERS.items():
        found[[ord(mark) for mark in marks]] |= bit
    for mark, kind in PARTING.items():
        found[ord(mark)] |= 1 + list(MARKS).index(kind) << PARTS
    return found


_TABLE = _table()


@dataclass(frozen=True)
class Marks:
    """The characters that stand between words but for single blanks, in order.

    places: of the characters; word: the one behind each, which is one more than there are behind the last; kinds: uint16, bits.
    """

    places: Indices
    word: Indices
    kinds: NDArray[np.uint16]

    def of(self, kind: int) -> Indices:
        """Return where marks of a kind stand."""
        return self.places.take(np.flatnonzero(self.kinds & kind))


def marks(characters: Characters, starts: Indices, ends: Indices) -> Marks:
    """Return what stands between words that start and end at some characters."""
    first = np.concatenate([np.zeros(1, np.int64), ends])
    lengths = np.append(starts, len(characters.letters)) - first
    odd = np.flatnonzero((lengths != 1) | (characters.letters.take(first) != ord(" ")))
    first, lengths = first.take(odd), lengths.take(odd)
    places = ranges(first, first + lengths)
    kinds = _TABLE.take(characters.points.take(places), mode="clip")
    kept = np.flatnonzero(kinds)
    return Marks(places.take(kept), np.repeat(odd, lengths).take(kept), kinds.take(kept))
