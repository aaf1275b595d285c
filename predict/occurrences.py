"""Terms found in a batch, and their sums in the rows they count in: paragraphs, and the sentences of those that have several."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.characters import Indices
from parastance.predict.keytable import Ids
from parastance.predict.passages import Passages
from parastance.predict.scorer import Matrix
from parastance.predict.sums import Table, added, among, firsts, pieces, repeats

Where = NDArray[np.bool_]
Part = tuple[int, Ids, Ids]  # a block, known terms of it, and the sentence or paragraph of each, in order


class Occurrences:
    """Gathers the terms of the blocks that have some tables, see `sums.weighted`."""

    def __init__(self, seen: Passages, tables: Mapping[str, Table]) -> None:
        self.seen, self.tables = seen, tables
        self._blocks = {name: at for at, name in enumerate(tables)}
        self._inside: list[Part] = []
        self._across: list[Part] = []
        self._put: dict[str, list[Ids]] = {name: [] for name in tables}

    def add(self, block: str, terms: Ids, sentence: Ids, inside: Where | None = None) -> None:
        """Count terms, -1 for none, of shape (n,) or (n, k), in n sentences, which are in order.

        inside, of the shape of `terms`: whether a term lies within its sentence; one that does not counts in the paragraph alone.
        """
        number, flat = self._blocks[block], terms.ravel()
        if terms.ndim > 1:
            sentence = np.repeat(sentence, terms.shape[1])
        known = np.flatnonzero(flat >= 0)
        if inside is not None:
            within = inside.ravel().take(known)
            out = known.take(np.flatnonzero(~within))
            known = known.take(np.flatnonzero(within))
            self._across.append((number, flat.take(out), self.seen.owner.take(sentence.take(out)).astype(np.int32)))
        self._inside.append((number, flat.take(known), sentence.take(known)))

    def put(self, block: str, terms: Ids) -> None:
        """Count a term in each row, -1 for none, that is found in no other way."""
        self._put[block].append(terms)

    def sums(self) -> dict[str, Matrix]:
        """Return by block the sums of what its table says of the terms of each row, float64 of shape (rows, columns)."""
        seen, found = self.seen, []
        inside, across = self._added(self._inside, len(seen.owner)), self._added(self._across, len(seen))
        several = np.flatnonzero(seen.row >= 0)
        for table, mine, others, put in zip(self.tables.values(), inside, across, self._put.values(), strict=True):
            totals = np.concatenate([others + np.add.reduceat(mine, seen.sentence_starts), mine.take(several, axis=0)])
            for terms in put:
                totals += table.take(terms, axis=0)
            found.append(totals)
        self._correct(found)
        return dict(zip(self.tables, found, strict=True))

    def _added(self, parts: Sequence[Part], size: int) -> list[Matrix]:
        """Return the sums of some parts in their sentences, or paragraphs, as though no term came twice."""
        tables = list(self.tables.values())
        sums = [np.zeros((size, table.shape[1])) for table in tables]
        for block, terms, where in parts:
            for own in pieces(len(terms)):
                start = firsts(where[own])
                sums[block][where[own].take(start)] += added(tables[block], terms[own], start)
        return sums

    def _correct(self, found: Sequence[Matrix]) -> None:
        """Put the sums right where a row has a term several times, in place.

        A sentence has several times only what its paragraph has, of which few terms are, so that few of its own are sorted.
        """
        seen, blocks = self.seen, len(self.tables)
        bits = max(map(len, self.tables.values()), default=0).bit_length()
        width = np.dtype(np.uint32 if blocks * seen.rows << bits <= 1 << 32 else np.uint64)

        def numbered(rows: Indices) -> NDArray[Any]:
            """Return the keys of the first term of each block in some rows, those of later blocks behind the first's."""
            return ((np.arange(blocks)[:, np.newaxis] * seen.rows + rows).ravel() << bits).astype(width)

        terms, sentence = self._joined(self._inside, len(seen.owner), width)
        others, paragraph = self._joined(self._across, len(seen), width)
        mine = terms + numbered(seen.owner).take(sentence)
        of_paragraphs = repeats(np.concatenate([mine, others + numbered(np.arange(len(seen))).take(paragraph)]), bits)
        several, rows, parts = np.tile(seen.row >= 0, blocks), numbered(seen.row), []
        for own in pieces(len(mine)):
            likely = np.flatnonzero(among(mine[own], of_paragraphs.keys)) + own.start
            likely = likely.take(np.flatnonzero(several.take(sentence.take(likely))))
            parts.append(terms.take(likely) + rows.take(sentence.take(likely)))
        again = of_paragraphs, repeats(np.concatenate([mine[:0], *parts]), bits)
        for block, (totals, table) in enumerate(zip(found, self.tables.values(), strict=True)):
            first, second = (part.between(block * seen.rows, (block + 1) * seen.rows) for part in again)
            first.followed(second).correct(totals, table)

    def _joined(self, parts: Sequence[Part], size: int, width: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return (the terms of some parts, where each is, that of later blocks being numbered behind the first's)."""
        terms = np.concatenate([np.zeros(0, width), *(terms for _, terms, _ in parts)], dtype=width, casting="unsafe")
        return terms, np.concatenate([np.zeros(0, np.int32), *(where + block * size for block, _, where in parts)])
