"""The terms of the blocks that see roles, all in one table.

A term is of a kind, which is its block and what stands before the colon, and has none, one or two tokens. Its number is its place
in its block.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from parastance.predict.features import NAME
from parastance.predict.keytable import NONE, Ids, KeyTable
from parastance.predict.targets import ROLES

TOKENS = (*ROLES, NAME)  # the first of a vocabulary
TARGET_ROLE, NAME_ROLE = 0, len(ROLES)
KINDLESS = ("masked",)  # blocks whose terms are tokens and pairs of tokens, whatever colons may stand in them
KIND, FIRST = 56, 28  # bits below the kind and below the first token in the key of a pair


def vocabulary(more: Sequence[str] = ()) -> dict[str, int]:
    """Return the numbers of the tokens that every model's terms may be made of, and of some more."""
    return {token: at for at, token in enumerate((*TOKENS, *more))}


class TermTable:
    """What terms there are.

    local: by token of the vocabulary, a small number for those that are a term with some kind, else 0; unigrams: by token, the
    number of the term that it is by itself; both int32, the last being for the token -1. singles: numbers of terms of a kind and
    one token, by `row` of the kind + `local` number of the token, int32, -1 for none. Memory: 4 bytes times kinds times local
    numbers.
    """

    def __init__(self, blocks: Mapping[str, Sequence[str]], tokens: dict[str, int]) -> None:
        """blocks: their terms; tokens: a vocabulary, to which those of the terms are added."""
        self._kinds: dict[tuple[str, str], int] = {}
        self._bare: dict[tuple[str, str], int] = {}
        alone: list[tuple[int, int]] = []  # token, number
        singles: list[tuple[int, int, int]] = []  # kind, token, number
        keys, ids = [], []
        for name, terms in blocks.items():
            has_kinds = name not in KINDLESS
            for number, term in enumerate(terms):
                kind, _, rest = term.partition(":") if has_kinds else ("", "", term)
                first, _, second = rest.partition(" ")
                if not first:
                    self._bare[name, kind] = number
                    continue
                one = tokens.setdefault(first, len(tokens))
                if second:
                    row = self._kinds.setdefault((name, kind), len(self._kinds))
                    keys.append(row << KIND | one + 1 << FIRST | tokens.setdefault(second, len(tokens)) + 1)
                    ids.append(number)
                elif has_kinds:
                    singles.append((self._kinds.setdefault((name, kind), len(self._kinds)), one, number))
                else:
                    alone.append((one, number))
        self._pairs = KeyTable()
        self._pairs.add(np.array(ids, np.int32), np.array(keys, np.uint64))
        self.unigrams = np.full(len(tokens) + 1, NONE, np.int32)
        self.unigrams[[token for token, _ in alone]] = [number for _, number in alone]
        rows, columns, numbers = np.array(singles, np.int64).reshape(-1, 3).T
        known = np.unique(columns)
        self.local = np.zeros(len(tokens) + 1, np.int32)
        self.local[known] = np.arange(1, len(known) + 1)
        self._width = len(known) + 1
        self.singles = np.full((len(self._kinds) + 1) * self._width, NONE, np.int32)
        self.singles[rows * self._width + self.local[columns]] = numbers

    def row(self, block: str, kind: str) -> int:
        """Return where the terms of a kind and one token begin in `singles`; where there are none, all are -1 from there on."""
        return self._kinds.get((block, kind), len(self._kinds)) * self._width

    def pair(self, block: str, kind: str) -> int:
        """Return a kind in the key of a pair."""
        return self._kinds.get((block, kind), len(self._kinds)) << KIND

    def pairs(self, keys: NDArray[np.uint64]) -> Ids:
        """Return the numbers of pairs, -1 for none; keys: kind | first token + 1 << FIRST | second token + 1."""
        return self._pairs.find(keys)

    def bare(self, block: str, kind: str) -> int:
        """Return the number of the term that is a kind without tokens, -1 for none."""
        return self._bare.get((block, kind), NONE)
