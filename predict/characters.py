"""The characters of a batch of texts as arrays: their code points, and their classes as Python has them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.unicode import BLOCK, SPACE, WORD, class_block

Indices = NDArray[np.int64]
LATIN = 256  # code points that a byte holds
PLANES = 0x110000
_AHEAD, _BEHIND = "\0\0", "\0" * 16  # the batch; so that looking a little around is no special case
_BETWEEN = "\0"  # two texts: neither of a word nor a blank

_classes = np.zeros(PLANES, np.uint16)
_known = np.zeros(PLANES // BLOCK, np.bool_)


@dataclass(frozen=True)
class Characters:
    """Texts behind each other, all indices being of characters of `text`.

    points: uint8 where the batch is Latin-1, else uint32; letters: uint8, the points, those of `wide` as 0; wide: where the
    characters beyond Latin-1 stand; classes: uint16, bits as named in `unicode`; starts, ends: of each text.
    """

    text: str
    points: NDArray[np.uint8] | NDArray[np.uint32]
    letters: NDArray[np.uint8]
    wide: Indices
    classes: NDArray[np.uint16]
    starts: Indices
    ends: Indices

    def places(self, marks: Iterable[str]) -> Indices:
        """Return where any of some characters stand that are neither of words nor blanks."""
        at = np.flatnonzero(self.classes & (WORD | SPACE) == 0)
        return at[np.isin(self.points[at], [ord(mark) for mark in marks])]

    def within(self, starts: Indices) -> NDArray[np.uint16]:
        """Return the classes of all characters of each text from its `starts` on, bit by bit."""
        return self._reduced(np.bitwise_or, self.classes, starts)

    def count(self, chosen: NDArray[np.bool_]) -> Indices:
        """Return how many characters of each text are chosen."""
        return self._reduced(np.add, chosen.view(np.uint8), self.starts, np.int64)

    def _reduced(self, by: np.ufunc, values: NDArray[Any], starts: Indices, dtype: Any = None) -> NDArray[Any]:
        found = by.reduceat(values, np.stack([starts, self.ends], axis=1).ravel(), dtype=dtype)[::2]
        return np.where(starts < self.ends, found, 0)


def read(texts: Sequence[str]) -> Characters:
    """Return the characters of some texts."""
    text = "".join((_AHEAD, _BETWEEN.join(texts), _BEHIND))
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    ends = len(_AHEAD) + np.cumsum(lengths + len(_BETWEEN)) - len(_BETWEEN)
    try:
        points: NDArray[np.uint8] | NDArray[np.uint32] = np.frombuffer(text.encode("latin-1"), np.uint8)
        letters, wide = points.view(np.uint8), np.zeros(0, np.int64)
    except UnicodeEncodeError:
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))
        wide = np.flatnonzero(points >= LATIN)
        letters = points.astype(np.uint8)
        letters[wide] = 0
    classes = _class_table(np.zeros(1, np.int64)).take(letters)
    if len(wide):
        odd = points[wide].astype(np.int64)
        classes[wide] = _class_table(np.unique(odd // BLOCK)).take(odd)
    return Characters(text, points, letters, wide, classes, ends - lengths, ends)


def _class_table(blocks: Indices) -> NDArray[np.uint16]:
    """Return the classes by code point, those of the given blocks of 256 filled in."""
    for block in blocks[~_known[blocks]].tolist():
        _classes[BLOCK * block : BLOCK * (block + 1)] = np.frombuffer(class_block(block), np.uint16)
        _known[block] = True
    return _classes


def ranges(starts: Indices, ends: Indices) -> Indices:
    """Return all whole numbers from each start to before its end."""
    lengths = ends - starts
    behind = np.cumsum(lengths)
    return np.asarray(np.arange(int(behind[-1]) if len(behind) else 0) + np.repeat(starts - behind + lengths, lengths))
