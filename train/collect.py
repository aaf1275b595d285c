"""Units to the ids of their terms, by the code that scores: the compiled kernel where there is one, else `predict.features`.

Ids are given in the order in which terms are met; `vectors` sorts them out. Memory: 4 bytes a term occurrence, some 1 kB a
paragraph.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from parastance.predict.artifact import TERM_SEPARATOR
from parastance.predict.blocks import PLAIN_ONLY, TERMS
from parastance.predict.compiled import Asked
from parastance.predict.features import Views
from parastance.predict.kernel import kernel_module
from parastance.predict.model import Unit
from parastance.predict.shape import NAMES, Place, shapes
from parastance.predict.targets import Registry
from parastance.predict.views import target_view
from parastance.predict.written import Analyser

KERNEL = ("words", "masked", "relations")  # what the kernel collects, in its order

CHUNK = 5000  # units whose views are held at once
ANALYSED = {"words": "notions"}  # the block whose terms they are


@dataclass(frozen=True)
class Ragged:
    """Rows of ids of unlike lengths. ids: int32, all rows behind each other; ends: int64 (rows,), where each row ends."""

    ids: NDArray[np.int32]
    ends: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of ids in each row."""
        return np.diff(self.ends, prepend=0)

    @classmethod
    def joined(cls, parts: Sequence["Ragged"]) -> "Ragged":
        """Return the rows of all parts behind each other."""
        before = np.cumsum([0, *(len(part.ids) for part in parts[:-1])])
        ends = [part.ends + start for part, start in zip(parts, before.tolist(), strict=True)]
        return cls(np.concatenate([part.ids for part in parts]), np.concatenate(ends))

    def counts(self, columns: NDArray[np.int64], width: int) -> sp.csr_matrix:
        """Return how often each column stands in each row, float64 (rows, width); columns: of each id, -1 for none."""
        if len(self.ids) and len(columns) <= int(self.ids.max()):
            columns = np.append(columns, np.full(int(self.ids.max()) + 1 - len(columns), -1))
        found = columns[self.ids] if len(self.ids) else np.zeros(0, np.int64)
        kept = found >= 0
        before = np.concatenate([[0], np.cumsum(kept)])
        matrix = sp.csr_matrix(
            (np.ones(int(before[-1])), found[kept], before[np.concatenate([[0], self.ends])]), (len(self.ends), width)
        )
        matrix.sum_duplicates()
        return matrix


def written_terms(texts: Sequence[str], placed: Analyser) -> tuple[Ragged, list[str]]:
    """Return (the terms of some texts by number, what the numbers stand for)."""
    ids: dict[str, int] = {}
    rows = [np.array([ids.setdefault(term, len(ids)) for term, _ in placed(text)], np.int32) for text in texts]
    ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
    return Ragged(np.concatenate([np.zeros(0, np.int32), *rows]), ends), list(ids)


@dataclass(frozen=True)
class Collection:
    """The terms of some units, block by block, and those of the sentences of units that have several.

    owner: int64 (sentences,), the index of the unit that each belongs to, ascending.
    """

    paragraphs: dict[str, Ragged]
    sentences: dict[str, Ragged]
    owner: NDArray[np.int64]


class Collector:
    """Collects the terms of units and numbers them, the same for all its calls. For one thread."""

    def __init__(self, registry: Registry, more: Sequence[str] = ()) -> None:
        """more: blocks of `blocks.PLAIN_ONLY` whose terms are wanted too."""
        self.registry = registry
        self.more = tuple(block for block in PLAIN_ONLY if block in more)
        self.module = kernel_module()
        self.kernel = self.module.Kernel() if self.module is not None else None
        self.ids: dict[str, dict[str, int]] = {block: {} for block in (*KERNEL, *self.more)}

    def collect(self, units: Sequence[Unit]) -> Collection:
        """Return the terms of some units, with roles as seen from each one's target."""
        if self.kernel is None:
            return self._plain(units, (*KERNEL, *self.more))
        asked = Asked(self.module, units, self.registry)
        parts = [np.frombuffer(part, np.uint32) for part in self.kernel.collect(asked.texts, asked.tries, asked.which, asked.given)]
        rows = [Ragged(parts[at + 1].astype(np.int32), parts[at].astype(np.int64)) for at in range(0, len(parts), 2)]
        whole, sentences = (dict(zip(KERNEL, rows[at : at + 3], strict=True)) for at in (0, 3))
        if self.more:
            rest = self._plain(units, self.more)
            whole, sentences = {**whole, **rest.paragraphs}, {**sentences, **rest.sentences}
        return Collection(whole, sentences, rows[6].ids.astype(np.int64))

    def terms(self, block: str) -> list[str]:
        """Return what the ids of a block stand for."""
        if self.kernel is None or block in self.more:
            return list(self.ids[block])
        packed: bytes = self.kernel.terms(KERNEL.index(block))
        return packed.decode().split(TERM_SEPARATOR) if packed else []

    def _plain(self, units: Sequence[Unit], blocks: Sequence[str]) -> Collection:
        parts = [self._piece(units[at : at + CHUNK], blocks) for at in range(0, max(1, len(units)), CHUNK)]
        owner = [piece.owner + at * CHUNK for at, piece in enumerate(parts)]
        paragraphs = {block: Ragged.joined([piece.paragraphs[block] for piece in parts]) for block in blocks}
        sentences = {block: Ragged.joined([piece.sentences[block] for piece in parts]) for block in blocks}
        return Collection(paragraphs, sentences, np.concatenate(owner))

    def _piece(self, units: Sequence[Unit], blocks: Sequence[str]) -> Collection:
        seen = [target_view(unit, self.registry) for unit in units]
        parts = [views.sentences() for views in seen]
        owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        sentences = [one for part in parts for one in part]
        return Collection(self._rows(seen, blocks), self._rows(sentences, blocks), owner)

    def _rows(self, seen: Sequence[Views], blocks: Sequence[str]) -> dict[str, Ragged]:
        return {block: self._ragged(block, [TERMS[ANALYSED.get(block, block)](views) for views in seen]) for block in blocks}

    def _ragged(self, block: str, rows: list[list[str]]) -> Ragged:
        ids = self.ids[block]
        flat = [ids.setdefault(term, len(ids)) for row in rows for term in row]
        return Ragged(np.array(flat, dtype=np.int32), np.cumsum([len(row) for row in rows], dtype=np.int64))


def line_shapes(texts: Sequence[str], places: Sequence[Place | None]) -> NDArray[np.float64]:
    """Return what `shape.shapes` does, by the kernel where there is one."""
    module: Any = kernel_module()
    if module is None:
        return shapes(texts, places)
    found = np.zeros((len(texts), len(NAMES)))
    where = np.array([(place.index, place.count) if place is not None else (0, 0) for place in places], dtype=np.int32)
    module.shapes(list(texts), where, found)
    return found
