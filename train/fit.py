"""Labelled rows in, an artifact out: the whole of training as one function of data and settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from parastance.predict.artifact import FORMAT, pack_terms
from parastance.predict.features import Views, view
from parastance.predict.scorer import Matrix
from parastance.predict.shape import shapes
from parastance.predict.targets import Registry, find_mentions, read_registry
from parastance.train.config import Config
from parastance.train.data import LabelledRow
from parastance.train.folds import folds, join_groups, near_duplicates
from parastance.train.heads import FittedHead, fit_head, questions
from parastance.train.vectors import SUBWORD_SCALE, TERMS, SubwordVectorizer, bag_vectorizer, terms_of

# Which blocks each head sees; the stance head sees the target and its context, never the names it goes by.
BLOCKS = {
    "topics": ("words", "subwords"),
    "kind": ("words", "subwords", "shape"),
    "stance": ("masked", "relations", "subwords"),
}


@dataclass
class Fitted:
    """A finished training: the artifact's dict, each head with its out-of-fold scores, and the fitted vectorizers."""

    artifact: dict[str, Any]
    heads: dict[str, FittedHead]
    vectorizers: dict[str, Any]
    groups: int
    duplicates: int
    rows: list[LabelledRow] = field(repr=False)

    def features(self, head: str, seen: Sequence[Views], texts: Sequence[str], places: Sequence[Any]) -> sp.csr_matrix:
        """Return the matrix that a head's classifiers were fitted on, made by scikit-learn's vectorizers."""
        return head_features(head, self.vectorizers, seen, texts, places)


def fit(rows: Sequence[LabelledRow], config: Config, tick: Callable[[int, int], None] = lambda done, of: None) -> Fitted:
    """Return the model fitted on labelled rows. `tick(done, of)` is called after every fit of a classifier."""
    rows = list(rows)
    registry = read_registry()
    texts = [row.text for row in rows]
    pairs = near_duplicates(texts)
    groups = join_groups([row.group for row in rows], pairs)
    splits = folds(groups, config.folds)
    seen = [
        view(row.text, find_mentions(row.text, row.target or registry.default, registry, row.mentions)) for row in rows
    ]
    asked = questions(rows, np.ones(len(rows)), config)
    needed = {block for question in asked for block in BLOCKS[question.name]}
    vectorizers = fit_vectorizers(needed, seen, [row.stance is not None for row in rows])
    done, total = 0, sum(1 + len(config.regularisation) * len(splits) for _ in asked)

    def step() -> None:
        nonlocal done
        done += 1
        tick(done, total)

    heads = {}
    for question in asked:
        matrix = head_features(question.name, vectorizers, seen, texts, [row.place for row in rows])
        heads[question.name] = fit_head(question, matrix, splits, config, step)
    artifact = to_artifact(heads, vectorizers, registry)
    return Fitted(artifact, heads, vectorizers, len(np.unique(groups)), len(pairs), rows)


def fit_vectorizers(needed: set[str], seen: Sequence[Views], with_stance: Sequence[bool]) -> dict[str, Any]:
    """Return the fitted vectorizers of the blocks; those of the stance head learn from the rows that have a stance."""
    stanced = [views for views, has in zip(seen, with_stance, strict=True) if has]
    vectorizers: dict[str, Any] = {}
    for block in ("words", "masked", "relations"):
        if block in needed:
            source = seen if block == "words" else stanced
            vectorizers[block] = bag_vectorizer(block, len(source)).fit(source)
    if "subwords" in needed:
        vectorizers["subwords"] = SubwordVectorizer(1 if len(seen) < 200 else 3).fit([views.tokens for views in seen])
    return vectorizers


def head_features(
    head: str, vectorizers: dict[str, Any], seen: Sequence[Views], texts: Sequence[str], places: Sequence[Any]
) -> sp.csr_matrix:
    """Return the features of n paragraphs for one head, float64 of shape (n, sum of the blocks' widths)."""
    parts = []
    for block in BLOCKS[head]:
        if block in TERMS:
            parts.append(vectorizers[block].transform(seen))
        elif block == "subwords":
            words = [views.unmasked if head == "stance" else views.tokens for views in seen]
            parts.append(vectorizers[block].transform(words))
        else:
            parts.append(sp.csr_matrix(shapes(texts, places)))
    return sp.hstack(parts, format="csr")


def to_artifact(heads: dict[str, FittedHead], vectorizers: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """Return the dict that the model file holds: arrays, strings and numbers only."""
    weights = {name: _by_block(name, fitted, vectorizers) for name, fitted in heads.items()}
    blocks: dict[str, Any] = {}
    for block in ("words", "masked", "relations", "subwords", "shape"):
        users = [name for name in heads if block in BLOCKS[name]]
        if not users:
            continue
        joined = np.concatenate([weights[name][block] for name in users], axis=1)
        entry: dict[str, Any] = {"heads": users}
        if block == "subwords":
            joined = joined * SUBWORD_SCALE
        if block != "shape":
            tfidf = vectorizers[block].tfidf if block == "subwords" else vectorizers[block]
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
        width = len(fitted.weights) - at if block == "shape" else len(terms_of(_tfidf(vectorizers[block])))
        parts[block] = fitted.weights[at : at + width]
        at += width
    return parts


def _tfidf(vectorizer: Any) -> Any:
    return vectorizer.tfidf if isinstance(vectorizer, SubwordVectorizer) else vectorizer
