"""Words by number: every word type is looked at once and kept, with what scoring needs of it.

A word of up to 16 characters of Latin-1 is found by its letters, as two 64-bit numbers; others, which are rare in English, one by
one by their spelling.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from parastance.predict.characters import Characters, Indices
from parastance.predict.keytable import NONE, Ids, Keys, KeyTable
from parastance.predict.tokens import as_token

KEPT_WORDS, KEPT_LETTERS = 100_000, 1 << 24  # then it is begun anew; some 40 MB
LANE = 8  # letters of a lane
SHORT = 2 * LANE
LONGEST_EXACT = 4  # letters of an alias that must be written just so (US), see targets.needs

TOKEN, FLAGS, FORM, CUT, WRITTEN, CUT_WRITTEN, LETTERS, CAPITALS, DIGITS = COLUMNS = range(9)  # see `Lexicon.of`
(UPPER, LONG, POSSESSIVE, FIRST_PERSON, MONTH, MONTH_START, DAY, ONE_OR_TWO, UP_TO_FOUR, SCHEME, WWW, DOMAIN, CO, UK, OPYRIGHT) = (
    1 << bit for bit in range(15)
)
DATED = MONTH | DAY | UP_TO_FOUR  # flags of words that a date may begin with
LINKED = SCHEME | WWW | DOMAIN | CO  # and a link
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_ODD = re.compile(rf"(?:{_MONTHS})|\d|.*https?\Z|.*www\Z|(?:com|org|net|info|co|uk)\Z", re.I)
_SHAPES = (  # of words, for `outlines`; in any case, as re sees it
    (MONTH, re.compile(rf"(?:{_MONTHS})[a-z]*\Z", re.I)),
    (MONTH_START, re.compile(_MONTHS, re.I)),
    (DAY, re.compile(r"\d{1,2}(?:st|nd|rd|th)?\Z", re.I)),
    (ONE_OR_TWO, re.compile(r"\d{1,2}\Z")),
    (UP_TO_FOUR, re.compile(r"\d{1,4}\Z")),
    (SCHEME, re.compile(r".*https?\Z", re.I)),
    (WWW, re.compile(r".*www\Z", re.I)),
    (DOMAIN, re.compile(r"(?:com|org|net|info)\Z", re.I)),
    (CO, re.compile(r"co\Z", re.I)),
    (UK, re.compile(r"uk\Z", re.I)),
)
_MASKS = np.array([(1 << 8 * count) - 1 for count in range(LANE + 1)], np.uint64)


def flags_of(word: str) -> int:
    """Return the bits that tell what a word looks like."""
    flags = UPPER * word[0].isupper() | LONG * (len(word) > 3) | POSSESSIVE * (word in ("s", "S")) | FIRST_PERSON * (word == "I")
    if "opyright" in word:
        flags |= OPYRIGHT
    if _ODD.match(word):
        flags |= sum(bit for bit, pattern in _SHAPES if pattern.match(word))
    return flags


def counts_of(word: str) -> tuple[int, int, int]:
    """Return how many letters, capitals and digits a word has."""
    if word.isascii() and word.isalpha():
        return len(word), 0 if word.islower() else sum(map(str.isupper, word)), 0
    letters = [character for character in word if character.isalpha()]
    return len(letters), sum(map(str.isupper, letters)), sum(map(str.isdigit, word))


class Lexicon:
    """The word types met so far, for one thread at a time.

    tokens: all of them, by number; forms: numbers by string; letters: how many the words have.
    """

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.forms: dict[str, int] = {}
        self.letters = 0
        self._words: dict[str, int] = {}
        self._tokens: dict[str, int] = {}
        self._table = KeyTable(2)
        self._columns = np.zeros((len(COLUMNS), 1024), np.int32)

    def __len__(self) -> int:
        return len(self._words)

    @property
    def full(self) -> bool:
        """Whether it is time to begin anew."""
        return len(self) > KEPT_WORDS or self.letters > KEPT_LETTERS

    def of(self, column: int, words: Ids | NDArray[np.int64]) -> Ids:
        """Return what a column says of words, int32.

        TOKEN: the number of a word's token; FLAGS: bits of what it looks like; FORM, CUT: numbers of its lower case, and of the
        same without the last letter where that may be an s too many ("Assads"); WRITTEN, CUT_WRITTEN: of the word as it is, where
        it is short and in capitals. -1 stands for none; equal strings have equal numbers (`forms`). LETTERS, CAPITALS, DIGITS: how
        many there are.
        """
        found: Ids = self._columns[column].take(words)
        return found

    def words(self, characters: Characters, starts: Indices, ends: Indices) -> Ids:
        """Return the numbers of some words, given by where they start and end, int32; new ones are added."""
        first, second, odd = _lanes(characters, starts, ends)
        found = self._table.find(first, second)
        found[odd] = NONE
        missing = np.flatnonzero(found == NONE)
        if not len(missing):
            return found
        text, numbers, before = characters.text, self._words, len(self)
        spelled = [text[a:b] for a, b in zip(starts[missing].tolist(), ends[missing].tolist(), strict=True)]
        self._describe([word for word in dict.fromkeys(spelled) if word not in numbers])
        found[missing] = [numbers[word] for word in spelled]
        fresh, at = np.unique(np.where(odd[missing], NONE, found[missing]), return_index=True)
        kept = fresh >= before
        self._table.add(fresh[kept], first[missing[at[kept]]], second[missing[at[kept]]])
        return found

    def _describe(self, words: Sequence[str]) -> None:
        """Add new words."""
        tokens, forms, start = self._tokens, self.forms, len(self)
        cells: list[int] = []
        for word in words:
            self._words[word] = len(self._words)
            lower = word.lower()
            token = lower if lower.isalpha() else as_token(word)
            number = tokens.get(token)
            if number is None:
                number = tokens[token] = len(self.tokens)
                self.tokens.append(token)
            form, cut, cut_written = forms.setdefault(lower, len(forms)), NONE, NONE
            if len(word) > 3 and word[-1] in "sS":
                cut = forms.setdefault(word[:-1].lower(), len(forms))
                cut_written = self._exact(word[:-1])
            cells += (number, flags_of(word), form, cut, self._exact(word), cut_written, *counts_of(word))
        self.letters += sum(map(len, words))
        while len(self) > self._columns.shape[1]:
            self._columns = np.concatenate([self._columns, np.zeros_like(self._columns)], axis=1)
        self._columns[:, start : len(self)] = np.array(cells, np.int32).reshape(-1, len(self._columns)).T

    def _exact(self, word: str) -> int:
        return self.forms.setdefault(word, len(self.forms)) if len(word) <= LONGEST_EXACT and word.isupper() else NONE


def _lanes(characters: Characters, starts: Indices, ends: Indices) -> tuple[Keys, Keys, NDArray[np.bool_]]:
    """Return (the first 8 letters of some words as a number, the next 8, whether that is not all there is to a word)."""
    letters, lengths = characters.letters, ends - starts
    odd = lengths > SHORT
    if len(characters.wide) and len(starts):
        at = np.searchsorted(starts, characters.wide, "right") - 1
        odd[at[(at >= 0) & (characters.wide < ends[at])]] = True
    lanes = np.ndarray(len(letters) - LANE + 1, "<u8", letters.data, 0, (1,))
    first = lanes[starts]
    first &= _MASKS.take(lengths, mode="clip")
    second, long = np.zeros(len(starts), np.uint64), np.flatnonzero(lengths > LANE)
    second[long] = lanes[starts.take(long) + LANE] & _MASKS.take(lengths.take(long) - LANE, mode="clip")
    return first, second, odd
