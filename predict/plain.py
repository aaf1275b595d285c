"""Scores of paragraphs with NumPy alone, which is what runs where no kernel was built: a batch at a time, without a loop over
its words.

The path: `characters`, `marks` and `lexicon` (words by number), `passages` (with sentences), `actors` (who is named), `masked`,
`terms`, `relation_terms` and `clause_terms` (what is found), `occurrences` and `sums` (what that adds), `outlines` (shapes).
Memory: some 80 bytes a character of a batch.
"""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from parastance.predict import outlines
from parastance.predict.actors import Mentions, mentions_of
from parastance.predict.artifact import unpack_terms
from parastance.predict.asked import Asked
from parastance.predict.blocks import TERMS, Blocks
from parastance.predict.characters import Indices
from parastance.predict.clause_terms import PARTERS, Clauses
from parastance.predict.grams import Grams
from parastance.predict.keytable import NONE, Ids
from parastance.predict.lexicon import TOKEN
from parastance.predict.masked import mask
from parastance.predict.memory import Memory, WordBlocks
from parastance.predict.occurrences import Occurrences
from parastance.predict.passages import Passages
from parastance.predict.relation_terms import Relations
from parastance.predict.scorer import Matrix, Scored
from parastance.predict.sentences import strongest
from parastance.predict.sums import norms, weighted
from parastance.predict.targets import Registry
from parastance.predict.term_table import TARGET_ROLE, TermTable, vocabulary
from parastance.predict.terms import ngrams, own_names

if TYPE_CHECKING:
    from parastance.predict.model import Unit

BATCH = 1 << 19  # characters of the texts that are scored at once, unless one alone is longer
KEPT = 24 << 20  # bytes


class PlainScorer:
    """Scores units by an artifact's blocks. May be called by several threads at once."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.vocabulary = vocabulary(PARTERS)
        notions = self._terms("notions") if "notions" in blocks.tables else []
        of_notions = [self.vocabulary.setdefault(word, len(self.vocabulary)) for word in notions]
        roles = [name for name in TERMS if name in blocks.tables and name != "notions"]
        self.table = TermTable({name: self._terms(name) for name in roles}, self.vocabulary)
        self.relations, self.clauses = Relations(self.table, self.vocabulary), Clauses(self.table, self.vocabulary)
        notion = np.full(len(self.vocabulary) + 1, NONE)
        notion[of_notions] = np.arange(len(notions))
        self.weighted = {
            name: weighted(blocks.tables[name]["weights"], np.asarray(blocks.tables[name]["idf"], np.float32))
            for name in TERMS
            if name in blocks.tables
        }
        grams = blocks.tables.get("subwords")
        self.words = WordBlocks(
            self.vocabulary, Grams(self._terms("subwords"), grams["idf"], grams["weights"]) if grams else None,
            notion, self.weighted.pop("notions", np.zeros((1, 2), np.float32)),
        )  # fmt: skip
        self._memories: deque[Memory] = deque()
        _keep_freed()

    def _terms(self, block: str) -> list[str]:
        return unpack_terms(self.blocks.tables[block]["terms"])

    def score(self, units: Sequence["Unit"], registry: Registry, pool: bool) -> Scored:
        """Return the scores of some units, the strongest sentences' share added to topics and stance where `pool` is true."""
        return self._in_batches(Asked.of_units(units, registry), registry, pool)

    def score_texts(self, texts: list[str], registry: Registry, target: str) -> Scored:
        """Return the scores, with the strongest sentences' share, of texts that nothing else is known of, asked of one target."""
        return self._in_batches(Asked(texts, target), registry, True)

    def _in_batches(self, asked: "Asked", registry: Registry, pool: bool) -> Scored:
        parts = []
        for batch in asked.batches(BATCH):
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

    def _score(self, asked: "Asked", registry: Registry, pool: bool, memory: Memory) -> Scored:
        seen = memory.read(asked.texts)
        away = bool(asked.marked) or asked.target != registry.default
        mentions = mentions_of(seen, asked.target, asked.marked, registry, memory.aliases)
        stance, width = self.blocks.stance, self.blocks.width
        totals = np.tile(self.blocks.bias, (seen.rows, 1))
        known = self._add_terms(totals, seen, mentions, memory, slice(stance if away else 0, width))
        if away:
            home = mentions_of(seen, registry.default, {}, registry, memory.aliases)
            self._add_terms(totals, seen, home, memory, slice(0, stance))
        self._add_words(totals, seen, memory)
        n = len(asked.texts)
        scores = totals[:n]
        if self.blocks.shape is not None:
            self._add_shapes(scores, outlines.shapes(seen, asked.texts, asked.places))
        if pool:
            self._pool(scores, totals[n:], seen.owner[seen.row != NONE])
        named = np.bincount(seen.paragraph[mentions.first[mentions.role == TARGET_ROLE]], minlength=n) > 0
        return Scored(scores, known, named)

    def _add_terms(
        self, totals: Matrix, seen: Passages, mentions: Mentions, memory: Memory, columns: slice
    ) -> NDArray[np.bool_]:
        """Add to some columns what the blocks say that see roles; return which paragraphs hold known words or pairs of words."""
        tokens: Ids = memory.number.take(seen.lexicon.of(TOKEN, seen.words))
        tables = {name: table for name, table in self.weighted.items() if name == "masked" or self._own(name, columns)}
        masked, found = mask(seen, tokens, mentions, "frames" in tables), Occurrences(seen, tables)
        if "masked" in tables:
            ngrams(masked, self.table, found)
        if "relations" in tables or "frames" in tables:
            self.relations.find(seen, masked, found)
        if "names" in tables:
            own_names(seen, tokens, mentions, self.table, found)
        if "clauses" in tables:
            self.clauses.find(seen, masked, found)
        known = np.zeros(len(seen), np.bool_)
        for name, sums in found.sums().items():
            self._add(totals, name, sums / norms(sums), columns)
            if name == "masked":
                known = sums[: len(seen), -1] > 0
        return known

    def _add_words(self, totals: Matrix, seen: Passages, memory: Memory) -> None:
        """Add what the blocks say that see words as they are."""
        found = Occurrences(seen, {"words": memory.table})
        found.add("words", seen.lexicon.of(TOKEN, seen.words), seen.sentence)
        sums, split, every = found.sums()["words"], memory.split, slice(0, self.blocks.width)
        if "subwords" in self.blocks.tables:
            lengths = np.sqrt(np.maximum(1, seen.lengths))
            self._add(totals, "subwords", sums[:, :split] / lengths[:, np.newaxis], every)
        if "notions" in self.blocks.tables:
            self._add(totals, "notions", sums[:, split:] / norms(sums), every)

    def _add(self, totals: Matrix, block: str, scores: Matrix, wanted: slice) -> None:
        """Add a block's scores to those of its columns that are wanted, which are whole heads."""
        for head, own in self._own(block, wanted).items():
            totals[:, self.blocks.columns[head]] += scores[:, own]

    def _own(self, block: str, wanted: slice) -> dict[str, slice]:
        """Return the heads whose columns are wanted that see a block, and their columns in its weights."""
        columns = self.blocks.columns
        return {
            head: own
            for head, own in self.blocks.own_columns(block).items()
            if wanted.start <= columns[head].start < wanted.stop
        }

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


def _keep_freed() -> None:
    """Have glibc keep what arrays free for the next ones, up to 48 MB, which is a fifth of the time; elsewhere it does nothing.

    It gives back what is free above twice the largest block that was ever mapped and freed (mallopt(3), M_MMAP_THRESHOLD).
    """
    np.empty(KEPT, np.uint8)
