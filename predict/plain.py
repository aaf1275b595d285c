"""Scores of paragraphs with Python and NumPy alone: the definition of the model, and what runs where no kernel was built."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from parastance.predict.blocks import TERMS, Blocks
from parastance.predict.features import Views
from parastance.predict.scorer import Matrix
from parastance.predict.sentences import strongest
from parastance.predict.shape import shapes
from parastance.predict.targets import TARGET, Registry
from parastance.predict.views import home_view, target_view

if TYPE_CHECKING:
    from parastance.predict.model import Unit


@dataclass(frozen=True)
class Scored:
    """What scoring n units found.

    scores: float64 of shape (n, width), see `blocks`; known: bool (n,), whether any word or word pair is known; named: bool
    (n,), whether the target is named.
    """

    scores: Matrix
    known: NDArray[np.bool_]
    named: NDArray[np.bool_]


class PlainScorer:
    """Scores units by an artifact's blocks."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks

    def score(self, units: Sequence["Unit"], registry: Registry, pool: bool) -> Scored:
        """Return the scores of some units, the strongest sentences' share added to topics and stance where `pool` is true."""
        seen = [target_view(unit, registry) for unit in units]
        home = [home_view(unit, views, registry) for unit, views in zip(units, seen, strict=True)]
        scores, known = self.of_views(seen, home)
        if self.blocks.shape is not None:
            scores += shapes([unit.text for unit in units], [unit.place for unit in units]) @ self.blocks.shape
        if pool:
            self._pool(scores, seen, home)
        named = np.fromiter((TARGET in views.masked for views in seen), np.bool_, len(seen))
        return Scored(scores, known, named)

    def of_views(self, seen: Sequence[Views], home: Sequence[Views]) -> tuple[Matrix, NDArray[np.bool_]]:
        """Return (the scores of n views but for what their shape adds, whether any word or word pair is known)."""
        stance = self.blocks.stance
        totals = np.tile(self.blocks.bias, (len(seen), 1))
        known = np.zeros(len(seen), dtype=np.bool_)
        alike = all(a is b for a, b in zip(seen, home, strict=True))
        for name, bag in self.blocks.bags.items():
            rows = [bag.look_up(TERMS[name](views)) for views in seen]
            scored = bag.score(rows)
            away = scored
            if not alike and name != "notions":
                away = bag.score([bag.look_up(TERMS[name](views)) for views in home])
            totals[:, stance:] += scored[:, stance:]
            totals[:, :stance] += away[:, :stance]
            if name == "masked":
                known |= np.fromiter(map(bool, rows), np.bool_, len(rows))
        if self.blocks.subwords is not None:
            totals += self.blocks.subwords.score([views.tokens for views in seen])
        return totals, known

    def _pool(self, scores: Matrix, seen: Sequence[Views], home: Sequence[Views]) -> None:
        """Add the share of each unit's strongest sentence, in place."""
        parts = [views.sentences() for views in seen]
        owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        flat = [sentence for part in parts for sentence in part]
        alike = all(a is b for a, b in zip(seen, home, strict=True))
        flat_home = flat if alike else [sentence for views in home for sentence in views.sentences()]
        theirs = self.of_views(flat, flat_home)[0]
        for name, head in self.blocks.heads.items():
            if head.pooled and name != "kind":
                columns = self.blocks.columns[name]
                scores[:, columns], _ = strongest(scores[:, columns], theirs[:, columns], owner, head.reference)
