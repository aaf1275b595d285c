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
from parastance.predict.features import Views
from parastance.predict.model import Unit
from parastance.predict.scorer import Matrix
from parastance.predict.shape import NAMES, shapes
from parastance.predict.targets import Registry, read_registry
from parastance.predict.views import home_view, target_view
from parastance.train.config import Config
from parastance.train.data import LabelledRow
from parastance.train.folds import folds, join_groups, near_duplicates
from parastance.train.heads import FittedHead, Parts, fit_head, questions
from parastance.train.notions import SIZE
from parastance.train.notions import read as read_notions
from parastance.train.vectors import (
    FEW_ROWS,
    RARE,
    SUBWORD_SCALE,
    TERMS,
    NotionVectorizer,
    SubwordVectorizer,
    bag_vectorizer,
    terms_of,
)

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
    vectorizers: dict[str, Any]
    groups: int
    duplicates: int
    rows: list[LabelledRow] = field(repr=False)
    group_of: NDArray[np.int64] = field(repr=False)

    def features(self, head: str, seen: Sequence[Views], texts: Sequence[str], places: Sequence[Any]) -> sp.csr_matrix:
        """Return the matrix that a head's classifiers were fitted on, made by scikit-learn's vectorizers."""
        return head_features(head, self.vectorizers, seen, texts, places)


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
    sights = Sights.of(units, registry)
    asked = questions(rows, np.ones(len(rows)))
    if not asked:
        raise UsageError("no row has a label that can be learnt: give topics, stance or kind")
    needed = {block for question in asked for block in BLOCKS[question.name]}
    if not config.notions:
        needed -= {"notions"}
    vectorizers = fit_vectorizers(needed, sights.target)
    parts_sights, owner = sights.sentences()
    done, total = 0, sum(1 + len(config.regularisation) * len(splits) for _ in asked)

    def step() -> None:
        nonlocal done
        done += 1
        tick(done, total)

    heads = {}
    for question in asked:
        name = question.name
        matrix = head_features(name, vectorizers, sights.of_head(name), texts, [row.place for row in rows])
        parts = None
        if question.name != "kind" and len(owner):
            parts = Parts(head_features(name, vectorizers, parts_sights.of_head(name), (), ()), owner)
        heads[question.name] = fit_head(question, matrix, parts, splits, config, step)
    artifact = to_artifact(heads, vectorizers, registry)
    return Fitted(artifact, heads, vectorizers, len(np.unique(groups)), len(pairs), rows, groups)


@dataclass(frozen=True)
class Sights:
    """Units as the heads see them: with roles as seen from each one's target, and from the default target."""

    target: list[Views]
    home: list[Views]

    @classmethod
    def of(cls, units: Sequence[Unit], registry: Registry) -> "Sights":
        """Return both views of some units."""
        target = [target_view(unit, registry) for unit in units]
        return cls(target, [home_view(unit, seen, registry) for unit, seen in zip(units, target, strict=True)])

    def sentences(self) -> "tuple[Sights, NDArray[np.int64]]":
        """Return (the sentences of those that have several, the index of the unit that each belongs to)."""
        parts = [views.sentences() for views in self.target]
        owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        target, home = ([one for views in side for one in views.sentences()] for side in (self.target, self.home))
        return Sights(target, home), owner

    def of_head(self, head: str) -> list[Views]:
        """Return what a head sees."""
        return self.target if head == "stance" else self.home


def fit_vectorizers(needed: set[str], seen: Sequence[Views]) -> dict[str, Any]:
    """Return the fitted vectorizers of the blocks."""
    vectorizers: dict[str, Any] = {}
    for block in TERMS:
        if block in needed:
            vectorizers[block] = bag_vectorizer(block, seen)
    if "notions" in needed:
        vectorizers["notions"] = NotionVectorizer(read_notions()).fit(seen)
    if "subwords" in needed:
        rare = 1 if len(seen) < FEW_ROWS else RARE["subwords"]
        vectorizers["subwords"] = SubwordVectorizer(rare).fit([views.tokens for views in seen])
    return vectorizers


def head_features(
    head: str, vectorizers: dict[str, Any], seen: Sequence[Views], texts: Sequence[str], places: Sequence[Any]
) -> sp.csr_matrix:
    """Return the features of n paragraphs for one head, float64 of shape (n, sum of the blocks' widths)."""
    parts = []
    for block in BLOCKS[head]:
        if block == "shape":
            parts.append(sp.csr_matrix(shapes(texts, places)))
        elif block == "subwords":
            parts.append(vectorizers[block].transform([views.tokens for views in seen]))
        elif block in vectorizers:
            parts.append(vectorizers[block].transform(seen))
    return sp.hstack(parts, format="csr")


def to_artifact(heads: dict[str, FittedHead], vectorizers: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """Return the dict that the model file holds: arrays, strings and numbers only."""
    weights = {name: _by_block(name, fitted, vectorizers) for name, fitted in heads.items()}
    blocks: dict[str, Any] = {}
    for block in ("masked", "relations", "subwords", "notions", "shape"):
        users = [name for name in heads if block in weights[name]]
        if not users:
            continue
        joined = np.concatenate([weights[name][block] for name in users], axis=1)
        entry: dict[str, Any] = {"heads": users}
        if block == "subwords":
            joined = joined * SUBWORD_SCALE
        if block != "shape":
            tfidf = _tfidf(vectorizers[block])
            entry["terms"] = pack_terms(terms_of(tfidf))
            entry["idf"] = tfidf.idf_.astype(np.float32)
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


def _by_block(head: str, fitted: FittedHead, vectorizers: dict[str, Any]) -> dict[str, Matrix]:
    """Return a head's weights cut into its blocks."""
    parts, at = {}, 0
    for block in BLOCKS[head]:
        vectorizer = vectorizers.get(block)
        if vectorizer is None and block != "shape":
            continue
        if isinstance(vectorizer, NotionVectorizer):
            width = SIZE
            parts[block] = vectorizer.fold(fitted.weights[at : at + width])
        else:
            width = len(NAMES) if block == "shape" else len(terms_of(_tfidf(vectorizer)))
            parts[block] = fitted.weights[at : at + width]
        at += width
    return parts


def _tfidf(vectorizer: Any) -> Any:
    return vectorizer.tfidf if isinstance(vectorizer, (SubwordVectorizer, NotionVectorizer)) else vectorizer
