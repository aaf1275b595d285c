"""What is asked of a scorer: texts, and what is known of them beside."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from parastance.predict.shape import Place
from parastance.predict.targets import Registry

if TYPE_CHECKING:
    from parastance.predict.model import Unit


@dataclass(frozen=True)
class Asked:
    """Some texts. target: the one that all are asked of, or one a text; marked: units, by place, whose mentions are given by hand;
    places: of the texts in their documents, None if none is known."""

    texts: Sequence[str]
    target: str | Sequence[str]
    marked: Mapping[int, "Unit"] = field(default_factory=dict)
    places: Sequence[Place | None] | None = None

    @classmethod
    def of_units(cls, units: Sequence["Unit"], registry: Registry) -> "Asked":
        """Return what some units ask."""
        targets = [unit.target or registry.default for unit in units]
        marked = {at: unit for at, unit in enumerate(units) if unit.mentions is not None}
        return cls([unit.text for unit in units], targets, marked, [unit.place for unit in units])

    def batches(self, size: int) -> Iterator["Asked"]:
        """Yield it in parts of about equal length, of not many more than `size` characters unless one text alone is longer."""
        ends = np.cumsum(np.fromiter(map(len, self.texts), np.int64, len(self.texts)) + 1)
        parts = -(-int(ends[-1]) // size) if len(ends) else 0
        inner = np.searchsorted(ends, np.arange(1, parts) * (ends[-1] / parts), "right") if parts > 1 else ()
        cuts = sorted({0, *map(int, inner), len(self.texts)})
        for start, end in pairwise(cuts):
            yield self._part(slice(start, end))

    def _part(self, chosen: slice) -> "Asked":
        target = self.target if isinstance(self.target, str) else self.target[chosen]
        if not isinstance(target, str) and len(set(target)) == 1:
            target = target[0]
        marked = {at - chosen.start: unit for at, unit in self.marked.items() if chosen.start <= at < chosen.stop}
        return Asked(self.texts[chosen], target, marked, self.places[chosen] if self.places else None)
