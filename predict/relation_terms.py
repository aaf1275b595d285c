"""The terms of a batch of paragraphs that hang on actors: what `features.relations` and `features.frames` spell out, for both views
of the batch at once.
"""

import numpy as np
from numpy.typing import NDArray

from parastance.predict.characters import Indices
from parastance.predict.features import MANY, NEAR, REACH, WINDOW
from parastance.predict.keytable import Ids
from parastance.predict.masked import Masked
from parastance.predict.occurrences import Occurrences, Where
from parastance.predict.passages import Passages
from parastance.predict.term_table import FIRST, NAME_ROLE, TARGET_ROLE, TOKENS, TermTable

VIEWS = ("relations", "frames")  # the block of each view
SIDES = np.array([*range(-WINDOW, 0), *range(1, WINDOW + 1)], np.int32)  # of the target
NEARBY = np.array([*range(-NEAR, 0), *range(1, NEAR + 1)], np.int32)  # of another actor
PAIRS = (  # kinds, and which two of those beside the target
    *(("L", at, at + 1) for at in range(WINDOW - 1)),
    *(("R", at, at + 1) for at in range(WINDOW, 2 * WINDOW - 1)),
    ("LL", WINDOW - 2, WINDOW - 1), ("RR", WINDOW, WINDOW + 1), ("LR", WINDOW - 1, WINDOW),
)  # fmt: skip
Found = tuple[Ids, Where]  # the terms of each actor, of shape (actors, k), and whether they lie inside its sentence
PIECE = 1 << 14  # actors that are looked at at once: a text of nothing but names takes some 1 kB each
_FIRST, _SECOND = (np.array(side) for side in zip(*(pair[1:] for pair in PAIRS), strict=True))


class Relations:
    """A table's kinds of relations, by view, and the terms of these kinds in a batch."""

    def __init__(self, table: TermTable, tokens: dict[str, int]) -> None:
        """tokens: the vocabulary."""

        def rows(kinds: list[str]) -> Ids:
            return np.array([[table.row(block, kind) for kind in kinds] for block in VIEWS], np.int32)

        self.table = table
        self._beside = rows(["L" if at < 0 else "R" for at in SIDES])
        near = rows([f"{role}{'l' if at < 0 else 'r'}" for role in TOKENS for at in NEARBY])
        self._near = near.reshape(len(VIEWS), len(TOKENS), len(NEARBY))
        self._has_near = (self._near != table.row("", "")).any(axis=2)  # by view and role
        meetings = [f"{one}>{other}" for one in TOKENS for other in TOKENS]
        self._meetings = rows(meetings)
        self._met = np.array([[table.bare(block, kind) for kind in meetings] for block in VIEWS], np.int32)
        self._pairs = np.array([[table.pair(block, kind) for kind, _, _ in PAIRS] for block in VIEWS], np.uint64)
        self._named = np.array([[table.bare(block, kind) for kind in ("unnamed", "named")] for block in VIEWS], np.int32)
        numbers = table.local[[tokens.get(str(number), -1) for number in range(MANY + 1)]]
        self._names = table.singles[table.row("frames", "names") + numbers]

    def find(self, seen: Passages, masked: Masked, found: Occurrences) -> None:
        """Add the terms of `features.relations` and, where there is a second view, of `features.frames`."""
        actors = Actors(seen, masked, self.table)
        views = [(0, actors.second), (actors.second, len(actors.places))][: masked.views]
        targets = np.flatnonzero(actors.roles == TARGET_ROLE)
        others = np.flatnonzero((actors.roles != TARGET_ROLE) & self._has_near[actors.view, actors.roles])
        for chosen, spell in ((targets, self._targets), (others, self._others), (actors.meeting(), self._between)):
            for piece in np.split(chosen, range(PIECE, len(chosen), PIECE)):
                terms, inside = spell(actors, piece)
                for view, (block, edges) in enumerate(zip(VIEWS, views, strict=False)):
                    if block in found.tables:
                        own = slice(*np.searchsorted(piece, edges))
                        sentence = actors.sentence.take(piece[own]) - np.int32(view * len(seen.owner))
                        found.add(block, terms[own], sentence, inside[own])
        for view, (block, (first, last)) in enumerate(zip(VIEWS, views, strict=False)):
            if block not in found.tables:
                continue
            mine = actors.sentence[first:last] - np.int32(view * len(seen.owner))
            named = seen.tally(mine[actors.roles[first:last] == TARGET_ROLE]) > 0
            found.put(block, self._named[view].take(named.astype(np.int64)))
            if block == "frames":
                names = seen.tally(mine[actors.roles[first:last] == NAME_ROLE])
                found.put(block, self._names.take(names, mode="clip"))

    def _targets(self, actors: "Actors", chosen: Indices) -> Found:
        """Return the words and pairs of words beside the target."""
        view = actors.view.take(chosen)
        at, inside = actors.around(chosen, SIDES)
        singles = self.table.singles.take(self._beside.take(view, axis=0) + actors.local.take(at))
        tokens = (actors.tokens.take(at) + 1).astype(np.uint64)
        keys = self._pairs.take(view, axis=0) | tokens[:, _FIRST] << np.uint64(FIRST) | tokens[:, _SECOND]
        pairs = self.table.pairs(keys.ravel()).reshape(keys.shape)
        return np.hstack([singles, pairs]), np.hstack([inside, inside[:, _FIRST] & inside[:, _SECOND]])

    def _others(self, actors: "Actors", chosen: Indices) -> Found:
        """Return the words near other actors."""
        at, inside = actors.around(chosen, NEARBY)
        kinds = self._near[actors.view.take(chosen), actors.roles.take(chosen)]
        return self.table.singles.take(kinds + actors.local.take(at)), inside

    def _between(self, actors: "Actors", one: Indices) -> Found:
        """Return the pairs that some actors are with the next ones, and the words between them."""
        places, roles, other = actors.places, actors.roles, one + 1
        view, kind = actors.view.take(one), roles.take(one) * len(TOKENS) + roles.take(other)
        at: Ids = np.add.outer(places.take(one), np.arange(REACH, dtype=np.int32))
        at *= at < places.take(other)[:, np.newaxis]
        terms: Ids = self.table.singles.take(self._meetings[view, kind][:, np.newaxis] + actors.local.take(at))
        terms[:, 0] = self._met[view, kind]
        inside = actors.sentence.take(one) == actors.sentence.take(other)
        return terms, np.repeat(inside[:, np.newaxis], REACH, axis=1)


class Actors:
    """The actors of a batch. places, roles: of their tokens; sentence, paragraph, view: that they stand in, as `Masked` numbers
    them; tokens: of the batch; local: their numbers in a table."""

    def __init__(self, seen: Passages, masked: Masked, table: TermTable) -> None:
        self.tokens, self.roles, self._sentences = masked.tokens, masked.roles, masked.sentence
        self.local: Ids = table.local.take(masked.tokens)
        self.places = masked.places.astype(np.int32)
        self.sentence: Ids = masked.sentence.take(self.places)
        self.second = int(np.searchsorted(self.places, masked.length))  # the first of the second view
        self.view: NDArray[np.intp] = (self.places >= masked.length).astype(np.intp)
        self.paragraph: Indices = seen.owner.take(self.sentence - self.view * len(seen.owner)) + self.view * len(seen)
        self._starts, self._ends = masked.starts.astype(np.int32), masked.ends.astype(np.int32)

    def meeting(self) -> Indices:
        """Return which actors are near the next one, either of them being the target."""
        near = (self.places[1:] - self.places[:-1] <= REACH) & (self.paragraph[1:] == self.paragraph[:-1])
        near &= (self.roles[1:] == TARGET_ROLE) | (self.roles[:-1] == TARGET_ROLE)
        return np.flatnonzero(near)

    def around(self, chosen: Indices, offsets: Ids) -> tuple[Ids, Where]:
        """Return (the tokens at some offsets from the chosen actors, 0 beyond their paragraphs, whether they are of their
        sentences), of shape (chosen, offsets)."""
        paragraph = self.paragraph.take(chosen)
        at: Ids = self.places.take(chosen)[:, np.newaxis] + offsets
        at *= (at >= self._starts.take(paragraph)[:, np.newaxis]) & (at < self._ends.take(paragraph)[:, np.newaxis])
        return at, self._sentences.take(at) == self.sentence.take(chosen)[:, np.newaxis]
