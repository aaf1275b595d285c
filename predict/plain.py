"""Scores of paragraphs with NumPy alone, which is what runs where no kernel was built: a batch at a time, without a loop over
its words.

The path: `characters` and `lexicon` (words by number), `passages` (with sentences), `actors` (who is named), `masked`, `terms`,
`outlines` (shapes) and `sums` (scores). Memory: some 100 bytes a character of a batch.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from parastance.predict import outlines
from parastance.predict.actors import Mentions, mentions_of
from parastance.predict.artifact import unpack_terms
from parastance.predict.blocks import TERMS, Blocks
from parastance.predict.characters import Indices
from parastance.predict.clause_terms import PARTERS, clauses
from parastance.predict.features import MANY
from parastance.predict.grams import Grams
from parastance.predict.keytable import NONE
from parastance.predict.lexicon import TOKEN
from parastance.predict.masked import framed, mask
from parastance.predict.memory import Memory, WordBlocks
from parastance.predict.passages import Passages
from parastance.predict.scorer import Matrix, Scored
from parastance.predict.sentences import strongest
from parastance.predict.sums import count
from parastance.predict.targets import Registry
from parastance.predict.terms import TARGET_ROLE, Rows, TermTable, frames, ngrams, own_names, relations, vocabulary
from parastance.predict.views import at_home

if TYPE_CHECKING:
    from parastance.predict.model import Unit

BATCH = 1 << 18  # characters of the texts that are scored at once, unless one alone is longer
KEPT = 24 << 20  # bytes


class PlainScorer:
    """Scores units by an artifact's blocks. May be called by several threads at once."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.vocabulary = vocabulary()
        self.tables = {
            name: TermTable(self._terms(name), self.vocabulary, has_kinds=name not in ("masked", "notions"))
            for name in TERMS
            if name in blocks.tables
        }
        if "clauses" in self.tables:
            for token in PARTERS:
                self.vocabulary.setdefault(token, len(self.vocabulary))
        self.unigrams = self._single("masked")
        self.counts = np.array([self.vocabulary.get(str(number), NONE) for number in range(MANY + 1)])
        self.idf = {name: np.asarray(blocks.tables[name]["idf"], np.float32) for name in self.tables}
        self.weighted = {name: blocks.tables[name]["weights"] * self.idf[name][:, np.newaxis] for name in self.tables}
        grams = blocks.tables.get("subwords")
        self.words = WordBlocks(
            self.vocabulary, Grams(self._terms("subwords"), grams["idf"], grams["weights"]) if grams else None,
            self._single("notions"), self.idf.get("notions", np.zeros(0, np.float32)),
            self.weighted.get("notions", np.zeros((0, 0), np.float32)),
        )  # fmt: skip
        self._memories: deque[Memory] = deque()
        _keep_freed()

    def _single(self, block: str) -> Indices:
        """Return the term of a block that each token of the vocabulary is, -1 for none, which is the last as well."""
        if block not in self.tables:
            return np.full(len(self.vocabulary) + 1, NONE)
        every = np.arange(len(self.vocabulary))
        table = self.tables[block]
        return np.append(table.find(table.keys(np.zeros_like(every), every)), NONE)

    def _terms(self, block: str) -> list[str]:
        return unpack_terms(self.blocks.tables[block]["terms"])

    def score(self, units: Sequence["Unit"], registry: Registry, pool: bool) -> Scored:
        """Return the scores of some units, the strongest sentences' share added to topics and stance where `pool` is true."""
        parts = []
        for batch in _batches(units):
            try:
                memory = self._memories.pop()
            except IndexError:
                memory = Memory(self.words)
            parts.append(self._score(batch, registry, pool, memory))
            if not memory.lexicon.full:
                self._memories.append(memory)
        if len(parts) == 1:
            return parts[0]
        parts.append(Scored(np.zeros((0, self.blocks.width)), np.zeros(0, np.bool_), np.zeros(0, np.bool_)))
        joined = [np.concatenate([getattr(part, name) for part in parts]) for name in ("scores", "known", "named")]
        return Scored(*joined)

    def score_texts(self, texts: list[str], registry: Registry, target: str) -> Scored:
        """Return the scores, with the strongest sentences' share, of texts that nothing else is known of, asked of one target."""
        from parastance.predict.model import Unit

        return self.score([Unit(text, target) for text in texts], registry, True)

    def _score(self, units: Sequence["Unit"], registry: Registry, pool: bool, memory: Memory) -> Scored:
        texts = [unit.text for unit in units]
        seen = memory.read(texts)
        away = not all(at_home(unit, registry) for unit in units)
        mentions = mentions_of(seen, units, registry, memory.aliases, not away)
        stance, width = self.blocks.stance, self.blocks.width
        totals = np.tile(self.blocks.bias, (seen.rows, 1))
        known = self._add_terms(totals, seen, mentions, memory, slice(stance if away else 0, width))
        if away:
            home = mentions_of(seen, units, registry, memory.aliases, True)
            self._add_terms(totals, seen, home, memory, slice(0, stance))
        self._add_words(totals, seen, memory)
        n = len(units)
        scores = totals[:n]
        if self.blocks.shape is not None:
            self._add_shapes(scores, outlines.shapes(seen, texts, [unit.place for unit in units]))
        if pool:
            self._pool(scores, totals[n:], seen.owner[seen.row != NONE])
        named = np.bincount(seen.paragraph[mentions.first[mentions.role == TARGET_ROLE]], minlength=n) > 0
        return Scored(scores, known, named)

    def _add_terms(
        self, totals: Matrix, seen: Passages, mentions: Mentions, memory: Memory, columns: slice
    ) -> NDArray[np.bool_]:
        """Add to some columns what the blocks say that see roles; return which paragraphs hold known words or pairs of words."""
        tokens = memory.number[seen.lexicon.of(TOKEN, seen.words)]
        masked, tables = mask(seen, tokens, mentions), self.tables
        found: dict[str, Rows] = {}
        if "masked" in tables:
            found["masked"] = ngrams(seen, masked, self.unigrams, tables["masked"])
        if "relations" in tables:
            found["relations"] = relations(seen, masked, tables["relations"])
        if "frames" in tables:
            found["frames"] = frames(seen, framed(seen, tokens, mentions), tables["frames"], self.counts)
        if "names" in tables:
            found["names"] = own_names(seen, masked, tokens, mentions, tables["names"])
        if "clauses" in tables:
            found["clauses"] = clauses(seen, masked, tables["clauses"], self.vocabulary)
        known = np.zeros(len(seen), np.bool_)
        for name, rows in found.items():
            cells = count(*rows.all(), len(self.idf[name]))
            scores = cells.sums(self.weighted[name]) / cells.norms(self.idf[name])
            self._add(totals, name, cells.rows, scores, columns)
            if name == "masked":
                known[cells.rows[cells.rows < len(seen)]] = True
        return known

    def _add_words(self, totals: Matrix, seen: Passages, memory: Memory) -> None:
        """Add what the blocks say that see words as they are."""
        rows = Rows(seen)
        rows.add(seen.lexicon.of(TOKEN, seen.words).astype(np.int64), seen.sentence)
        cells = count(*rows.all(), len(seen.lexicon.tokens))
        sums, split = cells.sums(memory.scores), memory.split
        every = slice(0, self.blocks.width)
        if "subwords" in self.blocks.tables:
            self._add(totals, "subwords", cells.rows, sums[:, :split] / np.sqrt(cells.lengths()), every)
        if "notions" in self.blocks.tables:
            self._add(totals, "notions", cells.rows, sums[:, split:] / cells.norms(memory.idf), every)

    def _add(self, totals: Matrix, block: str, rows: Indices, scores: Matrix, wanted: slice) -> None:
        """Add a block's scores of some rows to those of its columns that are wanted, which are whole heads."""
        for head, own in self.blocks.own_columns(block).items():
            columns = self.blocks.columns[head]
            if wanted.start <= columns.start < wanted.stop:
                totals[rows, columns] += scores[:, own]

    def _add_shapes(self, scores: Matrix, shapes: Matrix) -> None:
        """Add what the shapes say, one by one: the last bits of a matrix product depend on the number of its rows."""
        assert self.blocks.shape is not None
        columns = np.flatnonzero(self.blocks.shape.any(axis=0))
        said = np.zeros((len(columns), len(scores)))
        for values, weights in zip(np.ascontiguousarray(shapes.T), self.blocks.shape[:, columns], strict=True):
            said += weights[:, np.newaxis] * values
        scores[:, columns] += said.T

    def _pool(self, scores: Matrix, sentences: Matrix, owner: Indices) -> None:
        """Add the share of each unit's strongest sentence, in place."""
        for name, head in self.blocks.heads.items():
            if head.pooled and name != "kind":
                columns = self.blocks.columns[name]
                scores[:, columns], _ = strongest(scores[:, columns], sentences[:, columns], owner, head.reference)


def _batches(units: Sequence["Unit"]) -> Iterator[Sequence["Unit"]]:
    """Yield units in runs of not many more than BATCH characters."""
    start, size = 0, 0
    for at, unit in enumerate(units):
        if size and size + len(unit.text) > BATCH:
            yield units[start:at]
            start, size = at, 0
        size += len(unit.text) + 1
    if start < len(units):
        yield units[start:]


def _keep_freed() -> None:
    """Have glibc keep what arrays free for the next ones, up to 48 MB, which is a fifth of the time; elsewhere it does nothing.

    It gives back what is free above twice the largest block that was ever mapped and freed (mallopt(3), M_MMAP_THRESHOLD).
    """
    np.empty(KEPT, np.uint8)
