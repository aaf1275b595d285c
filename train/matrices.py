"""Labelled rows to matrices: what each head sees of them, block by block, each block made once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.blocks import WRITTEN
from parastance.predict.dictionary import Dictionary
from parastance.predict.model import Unit
from parastance.predict.shape import NAMES
from parastance.predict.targets import Registry
from parastance.predict.views import at_home
from parastance.predict.written import analyser
from parastance.train.collect import Collection, Collector, Ragged, line_shapes, written_terms
from parastance.train.dictionary import dictionary_of
from parastance.train.emphasis import WORDY, Emphasis, emphasis_of
from parastance.train.feature_matrix import Block, FeatureMatrix
from parastance.train.heads import Parts
from parastance.train.notions import read as read_notions
from parastance.train.recipe import Recipe
from parastance.train.vectors import SEES, BagVectorizer, NotionVectorizer, SubwordVectorizer, Vectorizer


@dataclass(frozen=True)
class Sights:
    """The terms of units as the heads see them: with roles as seen from each one's target, and from the default target."""

    target: Collection
    home: Collection

    @classmethod
    def of(cls, units: Sequence[Unit], collector: Collector) -> "Sights":
        """Return both views of some units."""
        target = collector.collect(units)
        if all(at_home(unit, collector.registry) for unit in units):
            return cls(target, target)
        return cls(target, collector.collect([Unit(unit.text) for unit in units]))


@dataclass
class Matrices:
    """The features of n units and of their sentences; vocabularies and document frequencies are those of the n units.

    rare: in how many of them a term must stand at least; None: as `vectors.rarest` has it.
    """

    units: Sequence[Unit]
    collector: Collector
    sights: Sights
    dictionary: Dictionary
    rare: int | None = None
    vectorizers: dict[str, Vectorizer] = field(default_factory=dict)
    made: dict[tuple[str, bool, bool], Block] = field(default_factory=dict)
    scales: dict[Any, Emphasis | None] = field(default_factory=dict)
    lines: dict[str, tuple[Ragged, list[str]]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, units: Sequence[Unit], registry: Registry, blocks: Iterable[str], rare: int | None = None,
        dictionary: Dictionary | None = None,
    ) -> "Matrices":
        """Return the matrices of some units, none of them made yet; blocks: all that will be asked for.

        dictionary: of the `categories` block; None: the shipped one.
        """  # fmt: skip
        collector = Collector(registry, sorted(set(blocks)))
        return cls(units, collector, Sights.of(units, collector), dictionary or dictionary_of(None), rare)

    def keeping(self, rare: int) -> "Matrices":
        """Return the matrices of the same units with the terms that stand in so many of them, none of them made yet."""
        return Matrices(self.units, self.collector, self.sights, self.dictionary, rare, lines=self.lines)

    def head(self, head: str, blocks: tuple[str, ...]) -> tuple[FeatureMatrix, Parts | None]:
        """Return (features of the units, of shape (n, sum of the blocks' widths); the same of their sentences)."""
        asked, owner = head == "stance", self.sights.target.owner
        x = FeatureMatrix(tuple(self._block(block, asked, False) for block in blocks))
        if head == "kind" or not len(owner):
            return x, None
        return x, Parts(FeatureMatrix(tuple(self._block(block, asked, True) for block in blocks)), owner)

    @property
    def named(self) -> NDArray[np.bool_]:
        """Which units name their target, bool of shape (n,)."""
        rows, terms = self.sights.target.paragraphs["relations"], self.collector.terms("relations")
        found = np.zeros(len(rows.ends), dtype=np.bool_)
        if "named" in terms:
            found[np.searchsorted(rows.ends, np.flatnonzero(rows.ids == terms.index("named")), side="right")] = True
        return found

    def emphasis(self, recipe: Recipe, labels: Sequence[str]) -> Emphasis | None:
        """Return the scales of a recipe's features, None where all count alike."""
        key = recipe.blocks, recipe.ngrams, recipe.named, tuple(labels)
        if key not in self.scales:
            self.scales[key] = self._emphasis(recipe, labels)
        return self.scales[key]

    def _emphasis(self, recipe: Recipe, labels: Sequence[str]) -> Emphasis | None:
        sizes = [(block, len(NAMES) if block == "shape" else self._vectorizer(block).width) for block in recipe.blocks]
        terms = [(block, self.vectorizers[block].terms if block == WORDY else [""] * width) for block, width in sizes]
        return emphasis_of(terms, sum(width for _, width in sizes), labels, recipe)

    def _block(self, block: str, asked: bool, sentences: bool) -> Block:
        key = block, asked or self.sights.home is self.sights.target, sentences
        if key not in self.made:
            self.made[key] = self._make(block, asked, sentences)
        return self.made[key]

    def _make(self, block: str, asked: bool, sentences: bool) -> Block:
        if block == "shape" and sentences:  # a line has a shape, its sentences add none
            return Block(np.zeros((len(self.sights.target.owner), len(NAMES))))
        if block == "shape":
            return Block(line_shapes([unit.text for unit in self.units], [unit.place for unit in self.units]))
        if block in WRITTEN and sentences:  # each is seen in its whole paragraph
            return self._block(block, asked, False).part(self.sights.target.owner)
        if block in WRITTEN:
            return self._vectorizer(block).transform(self._written(block)[0])
        sight = self.sights.target if asked else self.sights.home
        rows = sight.sentences if sentences else sight.paragraphs
        return self._vectorizer(block).transform(rows[SEES[block]])

    def _written(self, block: str) -> tuple[Ragged, list[str]]:
        """Return the terms of the units' texts as they are written, by number, and what the numbers stand for."""
        if block not in self.lines:
            dictionary = self.dictionary if block == "categories" else None
            self.lines[block] = written_terms([unit.text for unit in self.units], analyser(block, dictionary))
        return self.lines[block]

    def _vectorizer(self, block: str) -> Vectorizer:
        if block not in self.vectorizers and block in WRITTEN:
            self.vectorizers[block] = BagVectorizer.fit(*self._written(block), self.rare)
        elif block not in self.vectorizers:
            seen = SEES[block]
            rows, terms = self.sights.target.paragraphs[seen], self.collector.terms(seen)
            if block == "notions":
                self.vectorizers[block] = NotionVectorizer.fit(rows, terms, read_notions())
            else:
                self.vectorizers[block] = (SubwordVectorizer if block == "subwords" else BagVectorizer).fit(rows, terms, self.rare)
        return self.vectorizers[block]


@dataclass(frozen=True)
class HeadFeatures:
    """The features of one head, as `heads.Features` asks for them."""

    matrices: Matrices
    name: str

    def __call__(self, blocks: tuple[str, ...]) -> tuple[FeatureMatrix, Parts | None]:
        """Return the features of some blocks; see `Matrices.head`."""
        return self.matrices.head(self.name, blocks)

    def emphasis(self, recipe: Recipe, labels: Sequence[str]) -> Emphasis | None:
        """Return the scales of a recipe's features."""
        return self.matrices.emphasis(recipe, labels)
