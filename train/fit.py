"""Labelled rows in, an artifact out: the whole of training as one function of data and settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from parastance.predict.artifact import FORMAT, pack_terms
from parastance.predict.errors import UsageError
from parastance.predict.model import Unit
from parastance.predict.scorer import Matrix
from parastance.predict.shape import NAMES
from parastance.predict.targets import Registry, read_registry
from parastance.predict.views import at_home
from parastance.train.collect import Collection, Collector, Ragged, line_shapes
from parastance.train.config import Config
from parastance.train.data import LabelledRow
from parastance.train.folds import folds, join_groups, near_duplicates
from parastance.train.heads import FittedHead, Parts, fit_head, questions
from parastance.train.notions import read as read_notions
from parastance.train.vectors import BAGS, SEES, BagVectorizer, NotionVectorizer, SubwordVectorizer, Vectorizer

# Which blocks each head sees; the stance head sees the target and its context, never the names it goes by.
BLOCKS = {
    "topics": ("masked", "relations", "subwords", "notions"),
    "kind": ("masked", "subwords", "shape"),
    "stance": ("masked", "relations"),
}


@dataclass
class Fitted:
    """A finished training: the artifact's dict, each head with its out-of-fold scores, and the fitted vectorizers.

    group_of: int64 (n,), the group of each row, which no fold parts.
    """

    artifact: dict[str, Any]
    heads: dict[str, FittedHead]
    vectorizers: dict[str, Vectorizer]
    groups: int
    duplicates: int
    rows: list[LabelledRow] = field(repr=False)
    group_of: NDArray[np.int64] = field(repr=False)


def fit(rows: Sequence[LabelledRow], config: Config, tick: Callable[[int, int], None] = lambda done, of: None) -> Fitted:
    """Return the model fitted on labelled rows. `tick(done, of)` is called after every fit of a classifier."""
    with threadpool_limits(1, user_api="blas"):  # BLAS has little to do here; its threads would spin and take up the cores
        return _fit(list(rows), config, tick)


def _fit(rows: list[LabelledRow], config: Config, tick: Callable[[int, int], None]) -> Fitted:
    registry = read_registry()
    texts = [row.text for row in rows]
    pairs = near_duplicates(texts)
    groups = join_groups([row.group for row in rows], pairs)
    splits = folds(groups, config.folds)
    units = [Unit(row.text, row.target, row.mentions) for row in rows]
    asked = questions(rows, np.ones(len(rows)))
    if not asked:
        raise UsageError("no row has a label that can be learnt: give topics, stance or kind")
    needed = {block for question in asked for block in BLOCKS[question.name]}
    if not config.notions:
        needed -= {"notions"}
    collector = Collector(registry, sorted(needed))
    sights = Sights.of(units, collector)
    vectorizers = fit_vectorizers(needed, sights.target, collector)
    done, total = 0, sum(1 + len(config.regularisation) * len(splits) for _ in asked)

    def step() -> None:
        nonlocal done
        done += 1
        tick(done, total)

    heads = {}
    for question in asked:
        name = question.name
        seen = sights.of_head(name)
        matrix = head_features(name, vectorizers, seen.paragraphs, texts, [row.place for row in rows])
        parts = None
        if name != "kind" and len(seen.owner):
            parts = Parts(head_features(name, vectorizers, seen.sentences), seen.owner)
        heads[question.name] = fit_head(question, matrix, parts, splits, config, step)
    artifact = to_artifact(heads, vectorizers, registry)
    return Fitted(artifact, heads, vectorizers, len(np.unique(groups)), len(pairs), rows, groups)


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

    def of_head(self, head: str) -> Collection:
        """Return what a head sees."""
        return self.target if head == "stance" else self.home


def fit_vectorizers(needed: set[str], seen: Collection, collector: Collector) -> dict[str, Vectorizer]:
    """Return the fitted vectorizers of the blocks that have terms."""
    vectorizers: dict[str, Vectorizer] = {}
    rows = seen.paragraphs
    for block in BAGS:
        if block in needed:
            vectorizers[block] = BagVectorizer.fit(rows[block], collector.terms(block))
    words = collector.terms("words")
    if "notions" in needed:
        vectorizers["notions"] = NotionVectorizer.fit(rows["words"], words, read_notions())
    if "subwords" in needed:
        vectorizers["subwords"] = SubwordVectorizer.fit(rows["words"], words)
    return vectorizers


def head_features(
    head: str, vectorizers: dict[str, Vectorizer], seen: dict[str, Ragged], texts: Sequence[str] = (), places: Sequence[Any] = ()
) -> sp.csr_matrix:
    """Return the features of n paragraphs for one head, float64 of shape (n, sum of the blocks' widths)."""
    parts = []
    for block in BLOCKS[head]:
        if block == "shape":
            parts.append(sp.csr_matrix(line_shapes(texts, places)))
        elif block in vectorizers:
            parts.append(vectorizers[block].transform(seen[SEES[block]]))
    return sp.hstack(parts, format="csr")


def to_artifact(heads: dict[str, FittedHead], vectorizers: dict[str, Vectorizer], registry: Registry) -> dict[str, Any]:
    """Return the dict that the model file holds: arrays, strings and numbers only."""
    weights = {name: _by_block(name, fitted, vectorizers) for name, fitted in heads.items()}
    blocks: dict[str, Any] = {}
    for block in (*SEES, "shape"):
        users = [name for name in heads if block in weights[name]]
        if not users:
            continue
        joined = np.concatenate([weights[name][block] for name in users], axis=1)
        entry: dict[str, Any] = {"heads": users}
        if block != "shape":
            entry["terms"] = pack_terms(vectorizers[block].terms)
            entry["idf"] = vectorizers[block].idf.astype(np.float32)
        entry["weights"] = np.ascontiguousarray(joined, dtype=np.float32)
        blocks[block] = entry
    return {
        "format": FORMAT,
        "blocks": blocks,
        "heads": {name: fitted.head.to_artifact() for name, fitted in heads.items()},
        "codebook": {
            "default": registry.default,
            "targets": {
                name: {
                    "title": t.title, "aliases": list(t.aliases), "allies": list(t.allies),
                    "adversaries": list(t.adversaries), "group": t.group,
                }
                for name, t in registry.items()
            },
        },
    }  # fmt: skip


def _by_block(head: str, fitted: FittedHead, vectorizers: dict[str, Vectorizer]) -> dict[str, Matrix]:
    """Return a head's weights cut into its blocks, a row a term."""
    parts, at = {}, 0
    for block in BLOCKS[head]:
        if block == "shape":
            parts[block] = fitted.weights[at : at + len(NAMES)]
            at += len(NAMES)
        elif block in vectorizers:
            width = vectorizers[block].width
            parts[block] = vectorizers[block].fold(fitted.weights[at : at + width])
            at += width
    return parts
