"""Scores of paragraphs by the compiled kernel; `Blocks.score` is their definition."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.blocks import Blocks
from parastance.predict.scorer import Matrix, Scored
from parastance.predict.sentences import SHARE
from parastance.predict.targets import ROLES, TARGET, Matcher, Registry, find_mentions, matcher, needs

if TYPE_CHECKING:
    from parastance.predict.model import Unit

KNOWN, NAMES_TARGET = 1, 2  # bits of the kernel's flags


class CompiledScorer:
    """Scores units by an artifact's blocks. May be called by several threads at once, which then run at once."""

    def __init__(self, blocks: Blocks, module: Any) -> None:
        self.blocks, self.module = blocks, module
        width, columns = blocks.width, blocks.columns
        reference = np.full(width, -1, dtype=np.int32)
        pooled = np.zeros(width, dtype=np.uint8)
        for name, head in blocks.heads.items():
            pooled[columns[name]] = head.pooled and name != "kind"
            if head.reference is not None and name != "kind":
                reference[columns[name]] = columns[name].start + head.reference
        tables = [self._table(name) for name in ("masked", "relations", "frames", "names", "clauses", "subwords", "notions")]
        self.kernel = module.Kernel(width, blocks.stance, *tables, blocks.shape, blocks.bias, reference, pooled, SHARE)

    def _table(self, name: str) -> tuple[Any, Any, Any] | None:
        if name not in self.blocks.tables:
            return None
        table = self.blocks.tables[name]
        return table["terms"], np.ascontiguousarray(table["idf"], np.float32), self.blocks.weights(name)

    def _room(self, n: int) -> tuple[Matrix, NDArray[np.uint8]]:
        """Return (scores, flags) of n texts, to be filled."""
        return np.empty((n, self.blocks.width)), np.empty(n, dtype=np.uint8)

    def score(self, units: Sequence["Unit"], registry: Registry, pool: bool) -> Scored:
        """Return the scores of some units, the strongest sentences' share added to topics and stance where `pool` is true."""
        n = len(units)
        asked = Asked(self.module, units, registry)
        places = None
        if any(unit.place is not None for unit in units):
            pairs = [(unit.place.index, unit.place.count) if unit.place is not None else (0, 0) for unit in units]
            places = np.array(pairs, dtype=np.int32)
        scores, flags = self._room(n)
        self.kernel.score(asked.texts, asked.tries, asked.which, asked.home, asked.given, places, scores, flags, pool)
        return _scored(scores, flags)

    def score_texts(self, texts: list[str], registry: Registry, target: str) -> Scored:
        """Return the scores, with the strongest sentences' share, of texts that nothing else is known of, asked of one target."""
        n = len(texts)
        scores, flags = self._room(n)
        tries = [trie(self.module, matcher(registry, name)) for name in dict.fromkeys((registry.default, target))]
        asked = np.full(n, len(tries) - 1, dtype=np.int32)
        self.kernel.score(texts, tries, asked, 0, None, None, scores, flags, True)
        return _scored(scores, flags)

    def score_lines(self, lines: Any, n: int, registry: Registry, target: str) -> tuple[Matrix, NDArray[np.uint8]]:
        """Return (scores, with the strongest sentences' share, flags) of the n texts that the kernel has read as lines."""
        scores, flags = self._room(n)
        home, asked = (trie(self.module, matcher(registry, name)) for name in (registry.default, target))
        self.kernel.score_lines(lines, home, asked, scores, flags, True)
        return scores, flags


def _scored(scores: Matrix, flags: NDArray[np.uint8]) -> Scored:
    return Scored(scores, (flags & KNOWN) != 0, (flags & NAMES_TARGET) != 0)


class Asked:
    """Units as the kernel takes them: texts, tries, which trie (int32) each one's target has, and mentions given by hand."""

    def __init__(self, module: Any, units: Sequence["Unit"], registry: Registry) -> None:
        default = registry.default
        asked = dict.fromkeys([default, *(target or default for target in {unit.target for unit in units})])
        names = {name: at for at, name in enumerate(asked)}
        self.texts = [unit.text for unit in units]
        self.which = np.zeros(len(units), dtype=np.int32)
        if len(names) > 1:
            self.which[:] = [names[unit.target or default] for unit in units]
        self.tries = [trie(module, matcher(registry, name)) for name in names]
        self.home = 0
        self.given: list[bytes | None] | None = None
        if any(unit.mentions is not None for unit in units):
            self.given = [_triples(unit, registry) if unit.mentions is not None else None for unit in units]


def _triples(unit: "Unit", registry: Registry) -> bytes:
    """Return the mentions in a unit that has some given by hand, as int32 triples of first word, last word and role."""
    found = find_mentions(unit.text, unit.target or registry.default, registry, unit.mentions)
    return np.array([(m.first, m.last, ROLES.index(m.role)) for m in found], dtype=np.int32).tobytes()


@lru_cache(maxsize=64)
def trie(module: Any, aliases: Matcher) -> Any:
    """Return a matcher's aliases as the kernel's trie."""
    nodes, edges, ends = [aliases.root], [], []
    for at, node in enumerate(nodes):  # which grows
        for words, role in node.ends:
            ends.append((at, ROLES.index(role), tuple(needs(word) for word in words)))
        for word, child in node.next.items():
            edges.append((at, word.encode(), len(nodes)))
            nodes.append(child)
    assert ROLES[0] == TARGET
    return module.Trie(edges, ends, len(nodes))
