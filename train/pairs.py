"""Two models on the same rows, each row judged by classifiers that had not seen its group.

A row that a model was trained on is answered by its held-out record, any other by the model itself; a row of a group that one
of them was trained on, without the row itself, is left out: it would be known to that model and to it alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.artifact import model_name, read_artifact
from parastance.predict.metrics import matrix
from parastance.predict.model import Model, Unit, chunks
from parastance.predict.scorer import Matrix
from parastance.train.data import LabelledRow, corpus_files, read_labelled
from parastance.train.folds import join_groups, near_duplicates
from parastance.train.held_out import HeadRecord, Record, Truth, read, row_key, seen


@dataclass(frozen=True)
class Side:
    """One of the two models: its folder, runtime, manifest, and held-out record where its training left one."""

    name: str
    folder: Path
    model: Model
    manifest: dict[str, Any]
    record: Record | None

    @classmethod
    def open(cls, folder: Path) -> "Side":
        """Return the model of a folder. Raises ModelError for a broken one."""
        artifact, manifest = read_artifact(folder)
        name = model_name(folder, manifest)
        return cls(name, folder, Model.from_artifact(artifact, name, folder), manifest, read(folder, manifest))

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """The labels of each head."""
        return {name: head.labels for name, head in self.model.heads.items()}

    def answers(self, rows: Sequence[LabelledRow]) -> dict[str, tuple[Truth, Matrix]]:
        """Return (given, probability) per head of n rows, as the model itself labels them."""
        units = [Unit(row.text, row.target, row.mentions, row.place) for row in rows]
        parts = [self.model.decide(chunk) for chunk in chunks(units)]
        return {
            name: (
                np.concatenate([part.given[name] for part in parts] or [np.zeros((0, len(labels)), dtype=np.bool_)]),
                np.concatenate([part.probabilities[name] for part in parts] or [np.zeros((0, len(labels)))]),
            )
            for name, labels in self.labels.items()
        }


@dataclass(frozen=True)
class HeadPair:
    """What two models say of n rows under one head, for the k labels that both have.

    rows: indices into the pairs' rows; groups: (n,); truth: bool (n, k); given, probability: the candidate's, then those of
    the model in use, each of shape (n, k).
    """

    labels: tuple[str, ...]
    rows: NDArray[np.int64]
    groups: NDArray[np.int64]
    truth: Truth
    given: tuple[Truth, Truth]
    probability: tuple[Matrix, Matrix]

    def only(self, labels: Iterable[str]) -> "HeadPair":
        """Return the pair with some of its labels only."""
        chosen = tuple(labels)
        at = [self.labels.index(label) for label in chosen]
        given, p = (self.given[0][:, at], self.given[1][:, at]), (self.probability[0][:, at], self.probability[1][:, at])
        return replace(self, labels=chosen, truth=self.truth[:, at], given=given, probability=p)


@dataclass(frozen=True)
class Pairs:
    """Two models on the same rows: a pair a head, what was left out, and the rows' texts where they can be had.

    disputed: rows that the two trainings label differently; they judge neither. default: the target of rows that name none.
    """

    heads: dict[str, HeadPair]
    rows: int
    groups: int
    disputed: int
    left_out: int
    how: str
    keys: tuple[int, ...] = ()
    given_texts: tuple[str, ...] = ()
    default: str = ""

    @cached_property
    def _texts(self) -> dict[int, str]:
        wanted = set(self.keys)
        rows = read_labelled(corpus_files())
        return {key: row.text for row in rows if (key := row_key(row.text, row.target, self.default)) in wanted}

    def text(self, row: int) -> str | None:
        """Return a row's text: of the file given, or of the shipped corpus; None where no text is at hand."""
        return self.given_texts[row] if self.given_texts else self._texts.get(self.keys[row])


def shared(candidate: Side, in_use: Side) -> dict[str, tuple[str, ...]]:
    """Return the labels that both models have, per head."""
    both = {
        name: tuple(label for label in labels if label in in_use.labels.get(name, ()))
        for name, labels in candidate.labels.items()
    }
    return {name: labels for name, labels in both.items() if labels}


def common(candidate: Side, in_use: Side) -> Pairs:
    """Return the pairs on the rows that both models were trained on, by their held-out records."""
    if candidate.record is None or in_use.record is None:
        return Pairs({}, 0, 0, 0, 0, "")
    a, b = candidate.record, in_use.record
    place = b.index()
    matched = [(at, place[key]) for key, at in a.index().items() if key in place]
    left, right = np.array(matched, dtype=np.int64).reshape(-1, 2).T
    groups = _joined(a.groups[left], b.groups[right])
    disputed = np.zeros(len(left), dtype=np.bool_)
    heads = {}
    for name, labels in shared(candidate, in_use).items():
        if name not in a.heads or name not in b.heads:
            continue
        one, two = _chosen(a.heads[name], labels), _chosen(b.heads[name], labels)
        at_one, at_two = _positions(one, len(a.keys))[left], _positions(two, len(b.keys))[right]
        both = (at_one >= 0) & (at_two >= 0)
        differ = (one.truth[at_one] != two.truth[at_two]).any(axis=1) & both
        disputed |= differ
        rows = np.flatnonzero(both & ~differ)
        i, j = at_one[rows], at_two[rows]
        heads[name] = HeadPair(
            labels, rows, groups[rows], one.truth[i], (one.given[i], two.given[j]), (one.probability[i], two.probability[j])
        )
    how = f"{len(left):,} rows that both were trained on, each judged out of fold"
    keys = tuple(a.keys[left].tolist())
    default = candidate.model.registry.default
    return Pairs(heads, len(left), len(np.unique(groups)), int(disputed.sum()), 0, how, keys, default=default)


def on_rows(candidate: Side, in_use: Side, rows: Sequence[LabelledRow], where: str) -> Pairs:
    """Return the pairs on given labelled rows, by record where trained on and by the model itself elsewhere.

    Rows that a model was trained on without an answer held out, as most are by a fast training, judge nothing.
    Cut-offs were chosen on the records: a row counts for a model that was trained on it by up to 0.008 F1 too well
    (`calibrate.FLAT`), well within the margin.
    """
    texts = [row.text for row in rows]
    trained = [_places(side, rows) for side in (candidate, in_use)]
    leaks = np.zeros(len(rows), dtype=np.bool_)
    for side, place in zip((candidate, in_use), trained, strict=True):
        if side.record is not None:
            leaks |= (place < 0) & seen(side.record, rows, texts)
    fair = np.flatnonzero(~leaks)
    direct = [side.answers([rows[at] for at in fair.tolist()]) for side in (candidate, in_use)]
    groups = join_groups([row.group for row in rows], near_duplicates(texts))
    heads = {}
    for name, labels in shared(candidate, in_use).items():
        answered = [getattr(row, name) is not None and (name == "kind" or row.kind != "boilerplate") for row in rows]
        judged = np.array(answered)[fair]
        for side, place in zip((candidate, in_use), trained, strict=True):
            judged &= (place[fair] < 0) | (_at(side, name, place[fair]) >= 0)
        inside = np.flatnonzero(judged)
        chosen = fair[inside]
        if not len(chosen):
            continue
        answers = [getattr(rows[at], name) for at in chosen.tolist()]
        truth = matrix(labels, [answer if isinstance(answer, tuple) else [answer] for answer in answers])
        said = [
            _said(side, name, labels, place[chosen], tuple(part[inside] for part in answer[name]))
            for side, place, answer in zip((candidate, in_use), trained, direct, strict=True)
        ]
        given, probability = (said[0][0], said[1][0]), (said[0][1], said[1][1])
        heads[name] = HeadPair(labels, chosen, groups[chosen], truth, given, probability)
    held = [int((place[fair] >= 0).sum()) for place in trained]
    how = (
        f"{len(fair):,} rows of {where}; out of fold where trained on ({held[0]:,} for the candidate, {held[1]:,} for the "
        "model in use"
    )
    how += ")" if in_use.record is not None else ", which keeps no record of its rows and may know some)"
    left_out = int(leaks.sum())
    return Pairs(heads, len(fair), len(np.unique(groups[fair])), 0, left_out, how, given_texts=tuple(texts))


def _places(side: Side, rows: Sequence[LabelledRow]) -> NDArray[np.int64]:
    """Return each row's place in a model's record, -1 where it was not trained on."""
    place = side.record.index() if side.record is not None else {}
    default = side.model.registry.default
    return np.array([place.get(row_key(row.text, row.target, default), -1) for row in rows], dtype=np.int64)


def _said(
    side: Side, name: str, labels: tuple[str, ...], place: NDArray[np.int64], direct: tuple[Any, ...]
) -> tuple[Truth, Matrix]:
    """Return (given, probability) of rows, for some labels: from the record where it has the row, else as the model says."""
    columns = [side.labels[name].index(label) for label in labels]
    given, probability = direct[0][:, columns].copy(), direct[1][:, columns].copy()
    if side.record is not None and name in side.record.heads:
        head, at = _chosen(side.record.heads[name], labels), _at(side, name, place)
        given[at >= 0], probability[at >= 0] = head.given[at[at >= 0]], head.probability[at[at >= 0]]
    return given, probability


def _at(side: Side, name: str, place: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where a head's record answers rows at `place` in a model's record, -1 where it does not."""
    if side.record is None or name not in side.record.heads:
        return np.full(len(place), -1, dtype=np.int64)
    return np.where(place >= 0, _positions(side.record.heads[name], len(side.record.keys))[place], -1)


def _chosen(head: HeadRecord, labels: tuple[str, ...]) -> HeadRecord:
    """Return a head's record with the columns of some labels only."""
    at = [head.labels.index(label) for label in labels]
    return replace(head, labels=labels, truth=head.truth[:, at], given=head.given[:, at], probability=head.probability[:, at])


def _positions(head: HeadRecord, count: int) -> NDArray[np.int64]:
    """Return each row's position in a head's record, int64 of shape (count,), -1 where the head has no answer to it."""
    place = np.full(count, -1, dtype=np.int64)
    place[head.rows] = np.arange(len(head.rows))
    return place


def _joined(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return groups that neither of two groupings of the same rows parts."""
    order = np.argsort(b, kind="stable")
    pairs = [(int(i), int(j)) for i, j in zip(order, order[1:], strict=False) if b[i] == b[j]]
    return join_groups([str(group) for group in a], pairs)


