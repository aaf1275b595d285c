"""The settings of a head, chosen by grouped cross-validation within a budget that is known before it starts.

A coordinate search: one setting after the other, the others kept, plainer values first; a value is taken where it beats the
plainer ones by more than the tolerance: in macro-F1 after calibration and cut-offs, or, of few rows with one label each, in log
loss after calibration. On the 2,814 tweets of SemEval-2016 macro-F1 chose other settings with every shuffling; log loss varies
less. What changes most comes first: on Reuters-21578 the search so came to 0.752, and to 0.739 with the blocks before the kind of
classifier and the labels' names. Large data are searched on a sample of whole groups, many labels on some of them, so that the
search costs the same however large the data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.scorer import Matrix
from parastance.train.calibrate import log_losses
from parastance.train.config import Config
from parastance.train.folds import folds
from parastance.train.heads import Features, as_trial, calibrated, macro_f1, out_of_fold
from parastance.train.linear import Linear
from parastance.train.questions import Question
from parastance.train.recipe import (
    BLOCK_CHOICES,
    C_CHOICES,
    DIFFUSION_CHOICES,
    NAMED_CHOICES,
    NGRAM_CHOICES,
    OWN_CHOICES,
    WRITTEN_CHOICES,
    Recipe,
    default_recipe,
)
from parastance.train.vectors import FEW_ROWS

ROWS = 9000  # rows searched on
LABELS = 12  # labels of an inclusive head searched on
FOLDS = 3
FEW_POSITIVES = 10  # a label with fewer says nothing about settings
FEW = 5000  # rows below which log loss chooses between labels that exclude each other, and more settings are searched
AGAIN = ("own", "C", "pooled")  # settings searched twice: what is best of them hangs on the kind of classifier
KEPT = 1  # rows in which a term must stand where rare ones help


class Budget:
    """Counts fits of classifiers toward the planned number and tells who watches."""

    def __init__(self, tick: Callable[[int, int], None], total: int) -> None:
        self.tick, self.total, self.done = tick, total, 0

    def step(self) -> None:
        """Count one fit."""
        self.done += 1
        self.tick(self.done, self.total)


def candidates(question: Question, config: Config) -> list[Recipe]:
    """Return the recipes tried where nothing is searched: the shipped model's, at each strength of regularisation."""
    pins = config.pins(question.name)
    strengths = (pins["C"],) if "C" in pins else config.regularisation
    return [replace(default_recipe(question.name, c, config.notions), **pins) for c in strengths]


def stages(question: Question, config: Config) -> list[tuple[str, Sequence[Any]]]:
    """Return the settings searched in order, each with its values, the plainest first, but for those the configuration gives."""
    blocks = BLOCK_CHOICES[question.name]
    if config.notions and question.name == "topics":
        blocks = (*blocks, (*blocks[-1], "notions"))
    few = len(question.rows) < FEW
    if few and question.name == "stance":
        blocks = (*blocks, *WRITTEN_CHOICES)
    found: list[tuple[str, Sequence[Any]]] = [("own", OWN_CHOICES)] if len(question.targets) > 1 else []
    topics = question.name == "topics"
    found += [("hinge", (False, True)), ("named", NAMED_CHOICES)] if topics else []
    found += [("blocks", blocks), ("C", C_CHOICES), ("ngrams", NGRAM_CHOICES)]
    found += [("balanced", (False, True)), ("pooled", (True, False))]
    several = question.exclusive and len(question.labels) > 2 and few
    found += [("one_vs_rest", (True, False))] if several else []
    found += [("naive_bayes", (False, True))]
    found += [("diffusion", DIFFUSION_CHOICES)] if several else []
    found += [(name, values) for name, values in found if name in AGAIN] if several else []
    pins = config.pins(question.name)
    return [(name, values) for name, values in found if name not in pins]


def block_sets(question: Question, config: Config, splits: int) -> list[tuple[str, ...]]:
    """Return the sets of blocks that a head's training looks at; without splits nothing is searched."""
    searched = dict(stages(question, config)) if splits and config.search and question.name != "kind" else {}
    return list(searched["blocks"]) if "blocks" in searched else [candidates(question, config)[0].blocks]


def planned(question: Question, config: Config, splits: int) -> int:
    """Return how many fits of a head's classifiers its training makes at most."""
    if not splits:
        return 1
    if not config.search or question.name == "kind":
        return len(candidates(question, config)) * splits + 1
    return (3 + sum(len(values) - 1 for _, values in stages(question, config))) * FOLDS + splits + 1


def search(
    question: Question, features: Features, groups: NDArray[np.int64], config: Config, budget: Budget
) -> tuple[list[Recipe], list[dict[str, Any]]]:
    """Return (the recipes that `fit_head` is to try: the one found, or all where nothing is searched; what was tried)."""
    if not config.search or question.name == "kind":
        return candidates(question, config), []
    small = sample(question, groups, config.seed)
    splits = folds_of(small, groups)
    tried: dict[Recipe, Trial] = {}
    known: dict[tuple[str, ...], dict[int, Linear]] = {}

    def quality(recipe: Recipe) -> float:
        if recipe not in tried:
            scores = out_of_fold(small, features, splits, recipe, budget.step, known=known.setdefault(recipe.blocks, {}))
            tried[recipe] = judged(small, scores, recipe)
        return tried[recipe].quality

    order = stages(question, config)
    first = {name: values[0] for name, values in order if name != "C"}
    start = {"C": 3.0, "one_vs_rest": True, **first, **config.pins(question.name)}
    best = Recipe(**start)
    for name, values in order:
        trials = [replace(best, **{name: value}) for value in values]
        found = [quality(trial) for trial in trials]
        best = next(trial for trial, one in zip(trials, found, strict=True) if one >= max(found) - config.tolerance)
    return [best], [trial.told(recipe) for recipe, trial in tried.items()]


@dataclass(frozen=True)
class Trial:
    """What a recipe came to, held out: macro-F1; log loss where that is what chooses."""

    macro_f1: float
    log_loss: float | None

    @property
    def quality(self) -> float:
        """What the search raises."""
        return self.macro_f1 if self.log_loss is None else -self.log_loss

    def told(self, recipe: Recipe) -> dict[str, Any]:
        """Return the trial as the manifest tells it."""
        found = as_trial(recipe, self.macro_f1)
        return found if self.log_loss is None else {**found, "log_loss": round(self.log_loss, 4)}


def judged(question: Question, scores: Matrix, recipe: Recipe) -> Trial:
    """Return what scores of rows held out come to."""
    head = calibrated(question, scores, recipe)
    loss = None
    if question.exclusive and len(question.rows) < FEW:
        loss = float(log_losses(head.probabilities(scores), question.truth, True)[0]) / len(scores)
    return Trial(macro_f1(head, scores, question.truth), loss)


def rarest_kept(
    asked: Sequence[tuple[Question, Recipe]], matrices: Callable[[int | None, str], Features], groups: NDArray[np.int64],
    config: Config, budget: Budget,
) -> tuple[int | None, dict[str, list[dict[str, Any]]]]:
    """Return (in how many rows a term must stand at least, None: as `vectors.rarest` has it; what was tried, by head).

    Few rows may need what they say once: held out, terms of a single row raise what heads come to on SemEval-2016 and lower it on
    as many documents of Reuters-21578. asked: heads' questions, each with the recipe found for it; matrices: the features of a
    head, terms kept so. Heads have their terms in common.
    """  # fmt: skip
    asked = [(question, recipe) for question, recipe in asked if question.name != "kind"]
    if not asked or not FEW_ROWS <= len(groups) < FEW:
        return None, {}
    tried: dict[str, list[dict[str, Any]]] = {}
    gain = 0.0
    for question, recipe in asked:
        small = sample(question, groups, config.seed)
        splits = folds_of(small, groups)
        found = [
            judged(small, out_of_fold(small, matrices(rare, question.name), splits, recipe, budget.step), recipe)
            for rare in (None, KEPT)
        ]
        tried[question.name] = [found[1].told(replace(recipe, rarest=KEPT))]
        gain += found[1].quality - found[0].quality
    return (KEPT if gain / len(asked) > config.tolerance else None), tried


def sample(question: Question, groups: NDArray[np.int64], seed: int) -> Question:
    """Return the question put to about ROWS of its rows, whole groups drawn at random, and LABELS of its labels."""
    chosen = np.arange(len(question.rows))
    if len(chosen) > ROWS:
        own = groups[question.rows]
        names, sizes = np.unique(own, return_counts=True)
        order = np.random.default_rng(seed).permutation(len(names))
        kept = names[order[np.cumsum(sizes[order]) <= ROWS]]
        chosen = np.flatnonzero(np.isin(own, kept))
    if question.exclusive or len(question.labels) <= LABELS:
        return question.part(chosen)
    counts = question.truth[chosen].sum(axis=0)
    order = np.argsort(-counts, kind="stable")
    order = order[: max(LABELS, int((counts >= FEW_POSITIVES).sum()))]
    labels = np.sort(order[np.linspace(0, len(order) - 1, LABELS).astype(np.int64)])
    return question.part(chosen, labels)


def folds_of(question: Question, groups: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return FOLDS grouped folds of a question's rows, as rows of the data."""
    rows = question.rows
    return [(rows[train], rows[test]) for train, test in folds(groups[rows], FOLDS)]
