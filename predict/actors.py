"""Who is named where in a batch of paragraphs: what `targets.Matcher` finds, for all words at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from parastance.predict import unicode
from parastance.predict.characters import Indices
from parastance.predict.keytable import NONE
from parastance.predict.lexicon import CUT, CUT_WRITTEN, FLAGS, FORM, POSSESSIVE, UPPER, WRITTEN, Lexicon
from parastance.predict.passages import Passages
from parastance.predict.targets import ROLES, Matcher, Registry, find_mentions, matcher, needs

if TYPE_CHECKING:
    from parastance.predict.model import Unit

KEPT_MATCHERS = 64  # as many as `targets.matcher` keeps
_SHIFT = 32  # bits of the number of a form, in the key of an edge
ANYHOW, CAPITAL = -1, -2  # what an alias asks of a word: nothing, a capital; else the number of how it must be written


@dataclass(frozen=True)
class Mentions:
    """Mentions in order and without overlap. first, last: the words of each, of the whole batch; role: index in `targets.ROLES`."""

    first: Indices
    last: Indices
    role: Indices

    def kept(self, chosen: NDArray[np.bool_] | Indices) -> "Mentions":
        """Return some of the mentions."""
        return Mentions(self.first[chosen], self.last[chosen], self.role[chosen])


Known = dict[Matcher, "Aliases"]  # those of a lexicon


def mentions_of(seen: Passages, units: Sequence["Unit"], registry: Registry, known: Known, at_home: bool) -> Mentions:
    """Return who is named in some units, in roles as seen from each one's target, or from the default target."""
    asked = [registry.default] if at_home else [unit.target or registry.default for unit in units]
    parts = []
    for name in dict.fromkeys(asked):
        aliases = matcher(registry, name)
        if aliases not in known:
            if len(known) >= KEPT_MATCHERS:
                known.clear()
            known[aliases] = Aliases(aliases, seen.lexicon)
        wanted = None if len(asked) == asked.count(name) else np.array([other == name for other in asked])
        parts.append(known[aliases].find(seen, wanted))
    marked = [] if at_home else [at for at, unit in enumerate(units) if unit.mentions is not None]
    if marked:
        of_marked = np.zeros(len(seen), np.bool_)
        of_marked[marked] = True
        parts = [part.kept(~of_marked[seen.paragraph[part.first]]) for part in parts]
        parts += [_given(units[at], int(seen.word_starts[at]), registry) for at in marked]
    if len(parts) == 1:
        return parts[0]
    first, last, role = (np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "last", "role"))
    return Mentions(first, last, role).kept(np.argsort(first, kind="stable"))


def _given(unit: "Unit", start: int, registry: Registry) -> Mentions:
    """Return the mentions in a unit that has some given by hand; start: its first word."""
    found = find_mentions(unit.text, unit.target or registry.default, registry, unit.mentions)
    table = np.array([(m.first + start, m.last + start, ROLES.index(m.role)) for m in found], np.int64).reshape(-1, 3)
    return Mentions(*table.T)


class Aliases:
    """A matcher's trie as arrays, in the numbers of a lexicon.

    `_root`: the node that a form leads to, 0 for none; `_edges`: sorted, node << 32 | form, and the node it leads to; `_rules`: the
    aliases that end at a node, node after node, as the role and what is asked of each word.
    """

    def __init__(self, aliases: Matcher, lexicon: Lexicon) -> None:
        forms, nodes = lexicon.forms, [aliases.root]
        edges: dict[int, int] = {}
        roles, rules, self._first = [], [], [0]
        for at, node in enumerate(nodes):  # which grows
            for words, role in node.ends:
                roles.append(ROLES.index(role))
                rules.append([_asked(needs(word), forms) for word in words])
            self._first.append(len(rules))
            for word, child in node.next.items():
                edges[at << _SHIFT | forms.setdefault(word, len(forms))] = len(nodes)
                nodes.append(child)
        self._keys = np.array(sorted(edges), np.int64)
        self._nodes = np.array([edges[key] for key in self._keys.tolist()], np.int64)
        root = int(np.searchsorted(self._keys, 1 << _SHIFT))
        self._root = np.zeros(int(self._keys[root - 1]) + 2 if root else 1, np.int64)  # its last is for later forms, and for none
        self._root[self._keys[:root]] = self._nodes[:root]
        self._ends = np.array(self._first, np.int64)
        self._roles = np.array(roles, np.int64)
        self._rules = np.full((len(rules), max(map(len, rules), default=1)), ANYHOW, np.int64)
        for at, rule in enumerate(rules):
            self._rules[at, : len(rule)] = rule

    def find(self, seen: Passages, wanted: NDArray[np.bool_] | None) -> Mentions:
        """Return the mentions in the wanted paragraphs, or in all."""
        starts, last, role = self._longest(seen, wanted)
        found = np.flatnonzero(last)
        starts, last, role = starts[found], last[found], role[found]
        last = last + _possessive(seen, last)
        return Mentions(starts, last, role).kept(_apart(starts, last))

    def _longest(self, seen: Passages, wanted: NDArray[np.bool_] | None) -> tuple[Indices, Indices, Indices]:
        """Return (words at which an alias may start, where the longest that does ends or 0, its role)."""
        lexicon, outside = seen.lexicon, len(self._root) - 1
        among = seen.words if wanted is None else seen.words[(here := np.flatnonzero(wanted[seen.paragraph]))]
        cut = lexicon.of(CUT, among)
        leads = self._root.take(lexicon.of(FORM, among), mode="clip")
        leads |= self._root.take(np.where(cut < 0, outside, cut), mode="clip")
        starts = np.flatnonzero(leads) if wanted is None else here[np.flatnonzero(leads)]
        cased = seen.cased[seen.paragraph[starts]]
        limit = seen.sentence_ends[seen.sentence[starts]]
        last, role = np.zeros(len(starts), np.int64), np.zeros(len(starts), np.int64)
        walking, node = np.arange(len(starts)), np.zeros(len(starts), np.int64)
        for depth in range(self._rules.shape[1]):
            inside = starts[walking] + depth < limit[walking]
            walking, node = walking[inside], node[inside]
            if not len(walking):
                break
            word = starts[walking] + depth
            step, lost = self._step(node, lexicon.of(FORM, seen.words[word])), np.zeros(len(word), np.int64)
            cut = lexicon.of(CUT, seen.words[word])
            shorter = np.flatnonzero((step == 0) & (cut >= 0))
            lost[shorter] = self._step(node[shorter], cut[shorter])
            for at, shortened in ((step, False), (lost, True)):
                ended = np.flatnonzero((at > 0) & (self._ends[at] < self._ends[at + 1]))
                if len(ended):
                    fit = self._fitting(seen, at[ended], starts[walking[ended]], depth, cased[walking[ended]], shortened)
                    good = walking[ended[fit != NONE]]
                    last[good] = starts[good] + depth + 1
                    role[good] = fit[fit != NONE]
            walking, node = walking[step > 0], step[step > 0]
        return starts, last, role

    def _step(self, node: Indices, form: NDArray[np.int32]) -> Indices:
        """Return where forms lead to from nodes, 0 for nowhere."""
        key = node << _SHIFT | form
        at = np.searchsorted(self._keys, key)
        hit = (form >= 0) & (self._keys.take(at, mode="clip") == key) if len(self._keys) else np.zeros(len(key), np.bool_)
        return np.where(hit, self._nodes.take(at, mode="clip"), 0) if len(self._keys) else np.zeros(len(key), np.int64)

    def _fitting(
        self, seen: Passages, node: Indices, starts: Indices, depth: int, cased: NDArray[np.bool_], shortened: bool
    ) -> Indices:
        """Return the role of each node's first alias whose capitals the words have, -1 where none fits."""
        lexicon, found = seen.lexicon, np.full(len(node), NONE, np.int64)
        rule, end = self._ends[node], self._ends[node + 1]
        while (open_ := np.flatnonzero((found == NONE) & (rule < end))).size:
            good = np.ones(len(open_), np.bool_)
            for at in range(depth + 1):
                word, asked = seen.words[starts[open_] + at], self._rules[rule[open_], at]
                written = lexicon.of(CUT_WRITTEN if shortened and at == depth else WRITTEN, word)
                upper = ~cased[open_] | (lexicon.of(FLAGS, word) & UPPER != 0)
                good &= (asked == ANYHOW) | ((asked == CAPITAL) & upper) | (asked == written) & (asked >= 0)
            found[open_[good]] = self._roles[rule[open_[good]]]
            rule[open_] += 1
        return found


def _apart(starts: Indices, last: Indices) -> NDArray[np.bool_]:
    """Return which of some matches in order remain where each is taken that begins behind the one taken before."""
    kept = starts >= np.concatenate([np.zeros(min(1, len(starts)), np.int64), np.maximum.accumulate(last)[:-1]])
    end = 0
    for at in np.flatnonzero(~kept).tolist():  # the few that another one reaches over
        if kept[at - 1]:
            end = last[at - 1]
        kept[at] = starts[at] >= end
    return np.asarray(kept)


def _asked(need: bytes | bool | None, forms: dict[str, int]) -> int:
    if isinstance(need, bytes):
        return forms.setdefault(need.decode(), len(forms))
    return CAPITAL if need else ANYHOW


def _possessive(seen: Passages, last: Indices) -> NDArray[np.bool_]:
    """Return whether an apostrophe and an s stand behind the words that end at `last`."""
    next_ = np.minimum(last, max(0, len(seen.words) - 1))
    end = seen.ends[last - 1]
    apart = (last < len(seen.words)) & (seen.starts[next_] == end + 1)
    marked = seen.characters.classes[end] & unicode.APOSTROPHE != 0
    return np.asarray(apart & marked & (seen.lexicon.of(FLAGS, seen.words[next_]) & POSSESSIVE != 0))
