"""The blocks of an artifact: their terms and weights, and which columns of the score matrix they add to.

Scores of n paragraphs are one float64 matrix of shape (n, width): a column a label, head by head, stance last; `width` is a
multiple of 8 and the columns behind the labels stay 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.artifact import unpack_terms
from parastance.predict.clauses import clauses
from parastance.predict.features import Views, frames, links, ngrams, own_names, relations
from parastance.predict.heads import Head
from parastance.predict.scorer import Bag, Matrix, Subwords

if TYPE_CHECKING:
    from parastance.predict.written import WrittenBag

TERMS: dict[str, Callable[[Views], list[str]]] = {
    "notions": lambda seen: seen.tokens,
    "masked": lambda seen: ngrams(seen.masked),
    "relations": lambda seen: relations(seen.masked),
    "frames": frames,
    "links": links,
    "names": own_names,
    "clauses": clauses,
}
PLAIN_ONLY = ("frames", "links", "names", "clauses")  # blocks whose terms the kernel scores but does not collect for training
WRITTEN = ("surface", "spelling", "categories")  # blocks that see a text as it is written (see `written`)
ORDER = ("kind", "topics", "stance")  # of the heads' columns


@dataclass
class Blocks:
    """What an artifact says of its blocks: `tables` holds its entries as they are.

    own: of the targets that have stance weights of their own, `bias` of shape (labels,) and `weights`, by block, of shape
    (terms, labels): shared and own copy of every feature folded into one.
    """

    heads: dict[str, Head]
    tables: dict[str, dict[str, Any]]
    own: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of_target(self, name: str) -> "Blocks":
        """Return the blocks with the stance weights of one of the targets in `own`."""
        mine = self.own[name]
        tables = dict(self.tables)
        for block, weights in mine["weights"].items():
            joined = tables[block]["weights"].copy()
            joined[:, self.own_columns(block)["stance"]] = weights
            tables[block] = {**tables[block], "weights": joined}
        return Blocks({**self.heads, "stance": replace(self.heads["stance"], bias=np.asarray(mine["bias"], np.float64))}, tables)

    @cached_property
    def columns(self) -> dict[str, slice]:
        """The columns of each head in the score matrix."""
        at, found = 0, {}
        for name in (*ORDER, *(name for name in self.heads if name not in ORDER)):
            if name in self.heads:
                found[name] = slice(at, at + len(self.heads[name].labels))
                at = found[name].stop
        return found

    @cached_property
    def width(self) -> int:
        """The number of columns of the score matrix."""
        return max(1, -(-sum(len(head.labels) for head in self.heads.values()) // 8)) * 8

    @cached_property
    def stance(self) -> int:
        """The first column that sees the target asked for; those before it see the default target."""
        return self.columns["stance"].start if "stance" in self.columns else self.width

    @cached_property
    def bias(self) -> Matrix:
        """The heads' biases, float64 of shape (width,)."""
        bias = np.zeros(self.width)
        for name, head in self.heads.items():
            bias[self.columns[name]] = head.bias
        return bias

    def own_columns(self, block: str) -> dict[str, slice]:
        """Return the columns of each head in a block's own weights."""
        at, found = 0, {}
        for head in self.tables[block]["heads"]:
            found[head] = slice(at, at + len(self.heads[head].labels))
            at = found[head].stop
        return found

    def weights(self, block: str) -> NDArray[np.float32]:
        """Return a block's weights in the columns of the score matrix, float32 of shape (terms, width)."""
        own = self.tables[block]["weights"]
        wide = np.zeros((len(own), self.width), dtype=np.float32)
        for head, columns in self.own_columns(block).items():
            wide[:, self.columns[head]] = own[:, columns]
        return wide

    @cached_property
    def bags(self) -> dict[str, Bag]:
        """The TF-IDF blocks."""
        return {
            key: Bag(unpack_terms(self.tables[key]["terms"]), self.tables[key]["idf"], self.weights(key))
            for key in TERMS
            if key in self.tables
        }

    @cached_property
    def subwords(self) -> Subwords | None:
        """The additive subword block."""
        grams = self.tables.get("subwords")
        return Subwords(unpack_terms(grams["terms"]), grams["idf"], self.weights("subwords")) if grams else None

    def score(self, seen: Sequence[Views], home: Sequence[Views]) -> Matrix:
        """Return the scores of n views but for what their shape and the text as it is written add, as they are defined.

        For a few views, not for archives.
        """
        totals = np.tile(self.bias, (len(seen), 1))
        for name, bag in self.bags.items():
            for views, columns in ((seen, slice(self.stance, None)), (home, slice(self.stance))):
                totals[:, columns] += bag.score([bag.look_up(TERMS[name](one)) for one in views])[:, columns]
        if self.subwords is not None:
            totals += self.subwords.score([one.tokens for one in seen])
        return totals

    @cached_property
    def written(self) -> "dict[str, WrittenBag]":
        """The blocks that see a text as it is written."""
        found = [key for key in WRITTEN if key in self.tables]
        if not found:
            return {}
        from parastance.predict.written import WrittenBag

        return {key: WrittenBag(key, self.tables[key], self.weights(key)) for key in found}

    def written_scores(self, texts: Sequence[str]) -> Matrix:
        """Return what these say of n paragraphs, float64 of shape (n, width)."""
        return sum((bag.score(texts) for bag in self.written.values()), np.zeros((len(texts), self.width)))

    @cached_property
    def shape(self) -> Matrix | None:
        """The weights of the shape values, float64 of shape (values, width)."""
        return self.weights("shape").astype(np.float64) if "shape" in self.tables else None
