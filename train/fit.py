"""Labelled rows in, an artifact out: the whole of training as one function of data and settings."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from parastance.predict.artifact import FORMAT, pack_terms
from parastance.predict.dictionary import Dictionary
from parastance.predict.errors import UsageError
from parastance.predict.model import Unit
from parastance.predict.scorer import Matrix
from parastance.predict.shape import NAMES
from parastance.predict.targets import Registry, read_registry
from parastance.train.config import Config
from parastance.train.data import LabelledRow
from parastance.train.dictionary import dictionary_of
from parastance.train.drawn import counts_for_stance, origins, stands_for
from parastance.train.folds import Folds, folds, join_groups, near_duplicates
from parastance.train.heads import Design, FittedHead, fit_head
from parastance.train.matrices import HeadFeatures, Matrices
from parastance.train.questions import Question, questions
from parastance.train.recipe import KEPT_AS, KNOWN_BLOCKS, Recipe
from parastance.train.search import KEPT, Budget, block_sets, candidates, planned, rarest_kept, search
from parastance.train.slices import SLICES, field_values, slice_folds
from parastance.train.vectors import Vectorizer

Chosen = tuple[list[Recipe], list[dict[str, Any]]]  # the recipes that `fit_head` is to try, and what was tried before

MOST_NAMES = 1000  # targets beside the registry's that a model remembers by name


@dataclass
class Fitted:
    """A finished training: the artifact's dict, each head with its out-of-fold scores, and the fitted vectorizers.

    group_of: int64 (n,), the group of each row, which no fold parts. folds: how many the rows were parted into; 0 where all are of
    one group, so that nothing could be held out.
    """

    artifact: dict[str, Any]
    heads: dict[str, FittedHead]
    vectorizers: dict[str, Vectorizer]
    groups: int
    duplicates: int
    rows: list[LabelledRow] = field(repr=False)
    group_of: NDArray[np.int64] = field(repr=False)
    folds: int = 0


def fit(
    rows: Sequence[LabelledRow], config: Config, tick: Callable[[int, int], None] = lambda done, of: None,
    weights: Matrix | None = None,
) -> Fitted:
    """Return the model fitted on labelled rows. `tick(done, of)` is called after every fit of a classifier.

    weights: float64 (n,), how much each row counts for the classifiers (default: 1). Raises UsageError where no row has a label, or
    the configuration does not fit the data.
    """
    with threadpool_limits(1, user_api="blas"):  # BLAS has little to do here; its threads would spin and take up the cores
        return _fit(list(rows), config, tick, np.ones(len(rows)) if weights is None else weights)


def _fit(rows: list[LabelledRow], config: Config, tick: Callable[[int, int], None], weights: Matrix) -> Fitted:
    pairs = near_duplicates([row.text for row in rows])
    groups = join_groups([row.group for row in rows], pairs)
    parted = folds(groups, config.folds)
    splits = parted[: config.held]
    asked = questions(rows, weights)
    if not asked:
        raise UsageError("no row has a label that can be learnt: give topics, stance or kind")
    registry = registry_for(rows, config)
    units = [Unit(row.text, row.target, row.mentions, row.place) for row in rows]
    wanted = {block for question in asked for blocks in block_sets(question, config, len(splits)) for block in blocks}
    dictionary = dictionary_of(config.dictionary)
    matrices = Matrices.of(units, registry, wanted, config.rarest, dictionary)
    slices = held_out_slices(rows, groups, config)
    counts = counts_for_stance(rows, matrices.named)
    asked = [question.counted(counts) if question.name == "stance" else question for question in asked]
    design = Design(splits, slices, groups, origins(rows), stands_for(rows), config.precision, matrices.named)
    further = len(asked) * sum(map(len, slices.values()))
    budget = Budget(tick, further + sum(planned(question, config, len(splits)) for question in asked))

    def choose(question: Question) -> Chosen:
        if not splits:
            return candidates(question, config), []
        return search(question, HeadFeatures(matrices, question.name), groups, config, budget)

    def learn(question: Question, chosen: Chosen) -> FittedHead:
        recipes, tried = chosen
        fitted = fit_head(question, recipes, HeadFeatures(matrices, question.name), design, config.tolerance, budget.step)
        return replace(fitted, trials=tried or fitted.trials)

    threads = Parallel(n_jobs=config.jobs, prefer="threads")
    found = threads(delayed(choose)(question) for question in asked)
    if splits and config.search and config.rarest is None:
        matrices, found = _with_rare_terms(asked, found, matrices, groups, config, budget)
    learnt = threads(delayed(learn)(question, chosen) for question, chosen in zip(asked, found, strict=True))
    heads = {question.name: head for question, head in zip(asked, learnt, strict=True)}
    artifact = to_artifact(heads, matrices.vectorizers, registry, dictionary)
    return Fitted(artifact, heads, matrices.vectorizers, len(np.unique(groups)), len(pairs), rows, groups, len(parted))


def _with_rare_terms(
    asked: Sequence[Question], found: Sequence[Chosen], matrices: Matrices, groups: NDArray[np.int64], config: Config,
    budget: Budget,
) -> tuple[Matrices, Sequence[Chosen]]:  # fmt: skip
    """Return (the matrices with the terms that are to be kept, what was chosen and tried for each head)."""
    views = {None: matrices, KEPT: matrices.keeping(KEPT)}
    pairs = [(question, recipes[0]) for question, (recipes, _) in zip(asked, found, strict=True)]
    rarest, more = rarest_kept(pairs, lambda rare, name: HeadFeatures(views[rare], name), groups, config, budget)
    return views[rarest], [
        ([replace(recipe, rarest=rarest) for recipe in recipes], [*tried, *more.get(question.name, [])])
        for question, (recipes, tried) in zip(asked, found, strict=True)
    ]


def held_out_slices(rows: Sequence[LabelledRow], groups: NDArray[np.int64], config: Config) -> dict[str, Folds]:
    """Return the further folds by which rows are held out, by slicing; only those that the rows' fields allow."""
    fields = [row.fields for row in rows]
    found = {
        name: slice_folds(field_values(fields, name), groups, min(config.folds, Config.folds), name == "period")
        for name in (SLICES if config.slices and config.held is None else ())
    }
    return {name: splits for name, splits in found.items() if splits}


def registry_for(rows: Sequence[LabelledRow], config: Config) -> Registry:
    """Return the registry that a model of these rows has.

    Its actors become role tokens where some stance is about one of them, unless the configuration says otherwise. The default
    target is the codebook's, or the commonest one where no stance is about the codebook's.
    """
    registry = read_registry()
    counts = Counter(row.target or registry.default for row in rows if row.stance is not None)
    foreign = [name for name, _ in counts.most_common() if name not in registry]
    actors = config.actors if config.actors is not None else len(foreign) < len(counts)
    default = registry.default if not counts or registry.default in counts else counts.most_common(1)[0][0]
    return Registry(registry.values() if actors else (), default, sorted(foreign[:MOST_NAMES]))


def to_artifact(
    heads: dict[str, FittedHead], vectorizers: dict[str, Vectorizer], registry: Registry, dictionary: Dictionary
) -> dict[str, Any]:
    """Return the dict that the model file holds: arrays, strings and numbers only."""
    weights = {name: _by_block(fitted.weights, fitted.recipe.blocks, vectorizers) for name, fitted in heads.items()}
    blocks: dict[str, Any] = {}
    for block in KNOWN_BLOCKS:
        users = [name for name in heads if block in weights[name]]
        if not users:
            continue
        joined = np.concatenate([weights[name][block] for name in users], axis=1)
        entry: dict[str, Any] = {"heads": users}
        if block != "shape":
            entry["terms"] = pack_terms(vectorizers[block].terms)
            entry["idf"] = vectorizers[block].idf.astype(np.float32)
        if block == "categories":
            entry["dictionary"] = pack_terms(dictionary.lines)
        entry["weights"] = np.ascontiguousarray(joined, dtype=np.float32)
        kept = KEPT_AS.get(block, block)
        if kept in blocks:
            raise UsageError(f"blocks {kept} and {block} cannot both be used, as a model file has one for both: leave one out")
        blocks[kept] = entry
    return {
        "format": FORMAT,
        "blocks": blocks,
        "own": _own(heads["stance"], vectorizers) if "stance" in heads else {},
        "heads": {name: fitted.head.to_artifact() for name, fitted in heads.items()},
        "codebook": {
            "default": registry.default,
            "learnt": list(registry.learnt),
            "targets": {
                name: {
                    "title": t.title, "aliases": list(t.aliases), "allies": list(t.allies),
                    "adversaries": list(t.adversaries), "group": t.group,
                }
                for name, t in registry.items()
            },
        },
    }  # fmt: skip


def _own(stance: FittedHead, vectorizers: dict[str, Vectorizer]) -> dict[str, Any]:
    """Return the weights of the targets that have some of their own, as `predict.blocks` reads them."""
    found = {}
    for target, (weights, bias) in sorted(stance.own.items()):
        parts = _by_block(weights, stance.recipe.blocks, vectorizers)
        narrow = {KEPT_AS.get(block, block): np.ascontiguousarray(part, dtype=np.float32) for block, part in parts.items()}
        found[target] = {"bias": bias, "weights": narrow}
    return found


def _by_block(weights: Matrix, blocks: tuple[str, ...], vectorizers: dict[str, Vectorizer]) -> dict[str, Matrix]:
    """Return a head's weights cut into its blocks, a row a term."""
    parts, at = {}, 0
    for block in blocks:
        width = len(NAMES) if block == "shape" else vectorizers[block].width
        part = weights[at : at + width]
        parts[block] = part if block == "shape" else vectorizers[block].fold(part)
        at += width
    return parts
