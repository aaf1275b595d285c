"""A label's share from few audited rows: posteriors in the strata that the classifier makes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parastance.train.population import Audited, Documents, Group, Vector

RARE = 3  # audited rows with or without the label, below which Jeffreys intervals cover too seldom (0.91 at 5% and 50 rows)
DRAWS = 2000


def strata(
    group: Group, audited: Audited, confidence: float, documents: Documents | None = None, seed: int = 0
) -> tuple[float, float, float]:
    """Return (share, low, high) from three strata: rows given the label, not given it, and left out by the classifier.

    In each the audited rows give a posterior of the part that is in the denominator, and of the label's part of that;
    rows not audited are drawn from it, so that the interval of a group audited whole has no width. Unequal chances and
    whole documents count as fewer rows (Kish 1965, "Survey Sampling"). Where hardly any audited row has the label, or
    hardly any has not, the bounds are the exact ones of the strata, melded (Fay, Proschan and Brittain 2015, Biometrics 71).
    """
    generator = np.random.default_rng(seed)
    sizes = np.array([group.given, group.counted - group.given, group.rows - group.counted])
    place = np.where(audited.given, 0, np.where(audited.counted > 0, 1, 2))
    seen = [_Seen.of(audited, place == at) for at in range(3)]
    known = group.counted == group.rows and bool((audited.content == 1).all())
    sizes_drawn = np.tile(sizes, (DRAWS, 1))
    if documents is not None:
        sizes_drawn = generator.dirichlet(np.maximum(documents.worth * sizes / group.rows, 1e-9), DRAWS) * group.rows
    finite = documents is None

    def draws(less: float, more: float) -> Vector:
        label, content = np.zeros(DRAWS), np.zeros(DRAWS)
        for at, stratum in enumerate(seen):
            if sizes[at] > 0:
                a, b = stratum.draw(sizes_drawn[:, at], (less, more), known, finite, generator)
                label, content = label + a, content + b
        return np.asarray(label / np.maximum(content, 1e-12))

    right, others = audited.truth.sum(), (audited.content - audited.truth).sum()
    tail = (1 - confidence) / 2
    usual = draws(0.5, 0.5)
    exact = min(right, others) < RARE
    low = float(np.quantile(draws(0.0, 1.0) if exact else usual, tail))
    high = float(np.quantile(draws(1.0, 0.0) if exact else usual, 1 - tail))
    middle = float(np.median(usual))
    if all(stratum.rows or not size for stratum, size in zip(seen, sizes, strict=True)):
        label, content = (
            sum(size * part / s.rows for s, size, part in zip(seen, sizes, parts, strict=True) if size)
            for parts in ([s.label for s in seen], [s.content for s in seen])
        )
        middle = label / content if content else middle
    return min(max(middle, low), high), low, high


@dataclass(frozen=True)
class _Seen:
    """What was audited of a stratum: effective rows, those in the denominator, those with the label."""

    rows: float
    content: float
    label: float
    whole: bool  # each audited row is one row, drawn as likely as any other

    @classmethod
    def of(cls, audited: Audited, chosen: NDArray[np.bool_]) -> "_Seen":
        weight = 1 / audited.chance[chosen]
        if not len(weight):
            return cls(0.0, 0.0, 0.0, not audited.by_document)
        even = float(weight.sum() ** 2 / (weight @ weight))
        if audited.by_document:
            even = min(even, float(len(np.unique(audited.document[chosen]))))
        scale = even / weight.sum()
        whole = not audited.by_document and bool(np.ptp(weight) == 0)
        return cls(even, scale * float(weight @ audited.content[chosen]), scale * float(weight @ audited.truth[chosen]), whole)

    def draw(
        self, size: Vector, prior: tuple[float, float], known: bool, finite: bool, generator: np.random.Generator
    ) -> tuple[Vector, Vector]:
        """Return draws of (rows with the label, rows in the denominator) of a stratum of `size` rows."""
        counted = np.ones(DRAWS) if known else generator.beta(self.content + 0.5, self.rows - self.content + 0.5, DRAWS)
        label = _beta(self.label + prior[0], self.content - self.label + prior[1], generator)
        if not (finite and self.whole):
            return size * counted * label, size * counted
        left = np.maximum(0, np.rint(size - self.rows)).astype(np.int64)
        content = generator.binomial(left, counted)
        return np.asarray(self.label + generator.binomial(content, label)), np.asarray(self.content + content)


def _beta(a: float, b: float, generator: np.random.Generator) -> Vector:
    if a <= 0 or b <= 0:
        return np.full(DRAWS, 0.0 if a <= 0 else 1.0)
    return np.asarray(generator.beta(a, b, DRAWS))
