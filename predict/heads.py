"""Scores to probabilities, labels and abstentions: one head for the topics, one for the stance, one for the kind.

Calibration and cut-offs were fitted on out-of-fold scores by `parastance.train`; here they are only applied.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.scorer import Matrix, sigmoid, softmax

RULES = ("exclusive", "fallback", "pooled")
CHOSEN = ("at_least_one", "at_most_one", "unnamed_neutral")  # rules that training may add


@dataclass(frozen=True)
class Head:
    """One question asked of a paragraph.

    labels: its k label names. exclusive: whether just one of them holds (softmax) or any subset (sigmoids).
    bias, slope, shift, cut: float64 of shape (k,): score = features @ weights + bias, calibrated score = slope * score +
    shift. An inclusive label is given where its probability is at least `cut`; an exclusive one where
    log probability + `cut` is highest. certified: the probability from which the label's precision was certified to be at least
    `wanted`, NaN where no level could be. fallback: the index of the exclusive label given where no term is known. pooled:
    whether the strongest sentence adds its share to the scores (see `sentences`). curves: per label None, or a non-decreasing
    curve from the sigmoid's or softmax's probability to a better one, float64 of shape (2, m); an exclusive head's probabilities
    are then made to add up to 1 again. at_least_one, at_most_one: how many labels an inclusive head gives a text that it knows a
    term of: the most probable one where no cut-off is reached, only the most probable of those given.
    unnamed_neutral: whether an exclusive head gives its fallback to every text that does not name the target.
    """

    labels: tuple[str, ...]
    exclusive: bool
    bias: Matrix
    slope: Matrix
    shift: Matrix
    cut: Matrix
    certified: Matrix
    fallback: int = 0
    pooled: bool = True
    curves: tuple[Matrix | None, ...] = ()
    wanted: float = 0.90
    at_least_one: bool = False
    at_most_one: bool = False
    unnamed_neutral: bool = False

    @property
    def reference(self) -> int | None:
        """The label from which an exclusive head's scores are counted; None for an inclusive head."""
        return self.fallback if self.exclusive else None

    @classmethod
    def from_artifact(cls, data: dict[str, Any]) -> "Head":
        """Return the head that a dict of the artifact describes."""
        more: dict[str, Any] = {
            name: np.asarray(data[name], np.float64) for name in ("bias", "slope", "shift", "cut", "certified")
        }
        more["curves"] = tuple(np.asarray(curve, np.float64) if np.size(curve) else None for curve in data.get("curves", ()))
        more |= {name: bool(data.get(name, False)) for name in CHOSEN}
        more |= {"wanted": float(data.get("wanted", cls.wanted)), "pooled": bool(data.get("pooled", True))}
        return cls(tuple(data["labels"]), bool(data["exclusive"]), fallback=int(data["fallback"]), **more)

    def to_artifact(self) -> dict[str, Any]:
        """Return the head as a dict of strings, numbers and arrays."""
        arrays = {name: getattr(self, name) for name in ("bias", "slope", "shift", "cut", "certified")}
        rules: dict[str, Any] = {"labels": list(self.labels), **{name: getattr(self, name) for name in RULES}}
        rules |= {name: True for name in CHOSEN if getattr(self, name)}
        curves = [np.zeros((2, 0)) if curve is None else curve for curve in self.curves]
        return {**rules, "curves": curves, "wanted": self.wanted, **arrays}

    def probabilities(self, scores: Matrix) -> Matrix:
        """Return calibrated probabilities, float64 of shape (n, k), of scores with the bias added."""
        calibrated = self.slope * scores + self.shift
        straight = softmax(calibrated) if self.exclusive else sigmoid(calibrated)
        if all(curve is None for curve in self.curves):
            return straight
        columns = [
            column if curve is None else np.interp(column, curve[0], curve[1])
            for column, curve in zip(straight.T, self.curves, strict=True)
        ]
        bent = np.column_stack(columns)
        return bent / np.maximum(bent.sum(axis=1, keepdims=True), 1e-12) if self.exclusive else bent

    def decide(self, probabilities: Matrix, named: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Return which labels are given, bool of shape (n, k); named: bool (n,), which texts name the target."""
        if not self.exclusive:
            return self._any_subset(probabilities)
        chosen = (np.log(np.maximum(probabilities, 1e-12)) + self.cut).argmax(axis=1)
        given = np.zeros(probabilities.shape, dtype=np.bool_)
        if self.unnamed_neutral and named is not None:
            chosen[~named] = self.fallback
        given[np.arange(len(chosen)), chosen] = True
        return given

    def _any_subset(self, probabilities: Matrix) -> NDArray[np.bool_]:
        given = np.asarray(probabilities >= self.cut)
        count = given.sum(axis=1)
        if self.at_least_one:
            given[count == 0, probabilities[count == 0].argmax(axis=1)] = True
        if self.at_most_one:
            crowded = count > 1
            most = np.where(given, probabilities, -1.0)[crowded].argmax(axis=1)
            given[crowded] = False
            given[crowded, most] = True
        return given

    def silence(self, given: NDArray[np.bool_], rows: NDArray[np.bool_]) -> None:
        """Take every label from the given rows (in place), leaving an exclusive head its fallback."""
        given[rows] = False
        if self.exclusive:
            given[rows, self.fallback] = True

    def certain(self, probabilities: Matrix) -> NDArray[np.bool_]:
        """Return where the probability reaches the certified level, bool of shape (n, k)."""
        return np.asarray(probabilities >= self.certified)  # NaN: never
